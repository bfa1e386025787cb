"""Opening the envelope of an answer."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackingmore_async.codec import Envelope, open_envelope

from .samples import TRACKING, envelope


@pytest.mark.parametrize("code", [200, "200", 200.0, "200.0", " 200 "])
def test_a_code_is_a_number_however_it_was_sent(code: object) -> None:
    """An int, a numeric text and a whole float are the same code."""
    opened = open_envelope(envelope([], code))
    assert opened is not None
    assert (opened.code, opened.type) == (200, "Success")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"<html>Bad gateway</html>",
        b"{}",
        b'{"meta": null}',
        b'{"meta": []}',
        b'{"meta": {}}',
        b'{"meta": {"code": null}}',
        b'{"meta": {"code": ""}}',
        b'{"meta": {"code": true}}',
        b'{"meta": {"code": 200.5}}',
        b'{"meta": {"code": "OK"}}',
        b'{"meta": {"code": [200]}}',
        b'{"meta": {"code": 200}',
        b"[" * 100_000,
        b'{"meta": {"code": 200}, "data": ' + b"[" * 100_000,
    ],
)
def test_what_has_no_code_is_no_envelope(body: bytes) -> None:
    """Anything but an object with a numeric ``meta.code`` gives None."""
    assert open_envelope(body) is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b', "data": null', None),
        (b', "data": []', b"[]"),
        (b', "data": {}', b"{}"),
        (b', "data": 0', b"0"),
        (b', "data": {"a": 1}, "verifyInfo": {}', b'{"a": 1}'),
    ],
)
def test_data_is_handed_on_undecoded(data: bytes, expected: bytes | None) -> None:
    """Missing and null data are None; all else is a slice of the body."""
    opened = open_envelope(b'{"meta": {"code": 200}' + data + b"}")
    assert opened is not None
    assert (opened.data if opened.data is None else bytes(opened.data)) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + envelope([1]),
        b' \r\n{"meta": {"code": 200}, "data": ["a\tb"]}',
        b'{"meta": {"code": 200}, "data": ["\\ud83d"]}',
        b'{"meta": {"code": 200, "message": "\xff\xfe"}, "data": [1]}',
        b'{"meta": {"code": 200, "x": NaN}, "data": [1]}',
        b'{"meta": {"code": 200, "x": 1e999}, "data": [1]}',
        b'{"meta": {"code": 200, "x": ' + b"9" * 5000 + b'}, "data": [1]}',
    ],
)
def test_what_is_not_quite_json_is_mended(body: bytes) -> None:
    """A byte order mark, raw control characters, broken Unicode and monstrous numbers do not hide the code."""
    opened = open_envelope(body)
    assert opened is not None
    assert opened.code == 200
    assert opened.data is not None


@given(st.binary())
def test_no_bytes_raise(body: bytes) -> None:
    """Whatever comes, there is an envelope or None."""
    open_envelope(body)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_no_broken_envelope_raises(head: bytes, tail: bytes) -> None:
    """Bytes thrown into an envelope give an envelope or None."""
    open_envelope(b'{"meta": {"code": 200, "type": ' + head + b'}, "data": ' + tail + b"}")


def test_an_envelope_shows_no_content() -> None:
    """The repr tells code and size, never data."""
    opened = open_envelope(envelope(TRACKING))
    assert "Kim" not in repr(opened)
    assert repr(Envelope(200)) == "Envelope(code=200, type='', data=None)"


def test_an_envelope_pickles() -> None:
    """An envelope survives a pickle."""
    opened = open_envelope(envelope(TRACKING))
    assert pickle.loads(pickle.dumps(opened)) == opened  # noqa: S301
