"""Bytes and times as the vendor writes them."""

from __future__ import annotations

import json

import msgspec
import pytest

from trackingmore_async.sandbox.wire import decode, encode, escaped, naive_time, parse_time, utc_time, zone_time


@pytest.mark.parametrize("text", ["a/b", "é", "中国/EMS", "😀", '"\\\n\t', "\u2028", "\x0b", "plain"])
def test_json_is_ascii_with_php_escapes(text: str) -> None:
    """Any text arrives as it was, in ASCII, with escaped slashes, whichever way it took."""
    for value in (text, escaped(text)):
        body = encode({"text": value})
        assert body.isascii()
        assert b"/" not in body.replace(b"\\/", b"")
        assert json.loads(body) == {"text": text}


def test_escapes_look_like_those_of_php() -> None:
    r"""A letter outside ASCII is ``\uXXXX``, one outside the first plane a pair of them."""
    assert encode("é/😀") == b'"\\u00e9\\/\\ud83d\\ude00"'
    assert encode([msgspec.Raw(b'"\\u4e2d"')]) == b'["\\u4e2d"]'


@pytest.mark.parametrize("body", [b"", b"tracking_number=1&carrier_code=x", b"{", b"\xff"])
def test_what_is_not_json_reads_as_nothing(body: bytes) -> None:
    """A form, a broken body and an empty body hold nothing."""
    assert decode(body) is None


def test_times() -> None:
    """Checkpoints are naive in two precisions; records have an offset, +08:00 or +00:00."""
    assert naive_time(1709546531) == "2024-03-04 18:02:11"
    assert naive_time(1709546531, with_seconds=False) == "2024-03-04 18:02"
    assert zone_time(1709546531) == "2024-03-04T18:02:11+08:00"
    assert utc_time(1709546531) == "2024-03-04T10:02:11+00:00"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2017/8/27 16:51", 1503823860),
        ("2018-05-11 12:00", 1526011200),
        ("1526011200", 1526011200),
        (1526011200, 1526011200),
        ("2018-13-11 12:00", None),
        ("soon", None),
        (None, None),
        (True, None),
    ],
)
def test_times_that_clients_send(text: object, seconds: int | None) -> None:
    """The documented format, the one that clients send, and unix seconds are read; anything else is no time."""
    assert parse_time(text) == seconds
