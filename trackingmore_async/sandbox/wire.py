"""Bytes and times as the vendor's PHP back end writes them (API.md 1.2, 1.4)."""

from __future__ import annotations

import json
import re
import time
from functools import lru_cache
from typing import cast

import msgspec

__all__ = ["EPOCH_TIME", "decode", "encode", "escaped", "naive_time", "parse_time", "utc_time", "zone_time"]

ZONE = 8 * 3600
"""The vendor's servers live in UTC+8."""

EPOCH_TIME = "1970-01-01T08:00:00+08:00"
"""What updatemore says for "never updated" (API.md 1.4)."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_DIGITS = re.compile(r"\d{1,11}")
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?)?")


def encode(value: object) -> bytes:
    r"""Return JSON as PHP prints it: ASCII only, ``\uXXXX`` escapes, ``\/`` for a slash.

    Args:
        value: Anything JSON can hold; `msgspec.Raw` is copied as it is, but for its slashes.

    Example:
        >>> encode({"url": "a/é"})
        b'{"url":"a\\/\\u00e9"}'
    """
    body = msgspec.json.encode(value).replace(b"/", b"\\/")
    if body.isascii():
        return body
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], body.decode()).encode("ascii")


def escaped(text: str) -> str | msgspec.Raw:
    """Return a string ready for `encode`: one with non-ASCII letters is escaped here, so that a page need not be.

    Args:
        text: The string to be sent.

    Example:
        >>> escaped("plain")
        'plain'
    """
    return text if text.isascii() else msgspec.Raw(json.dumps(text).encode("ascii"))


def decode(body: bytes) -> object:
    """Return what a JSON body holds, or None where it is not JSON (a form, an empty body).

    Args:
        body: The bytes of a request.

    Example:
        >>> decode(b"tracking_number=1")
    """
    try:
        return cast("object", msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(number * 86400))


@lru_cache(maxsize=1440)
def _minute(number: int) -> str:
    return f"{number // 60:02}:{number % 60:02}"


def _date_and_clock(seconds: int) -> tuple[str, str, int]:
    day, rest = divmod(seconds, 86400)
    minute, second = divmod(rest, 60)
    return _day(day), _minute(minute), second


def naive_time(seconds: int, *, with_seconds: bool = True) -> str:
    """Return a checkpoint's time: local and without offset, in either of the vendor's two precisions.

    Args:
        seconds: Unix seconds.
        with_seconds: False prints ``YYYY-MM-DD HH:MM``.

    Example:
        >>> naive_time(1709546531)
        '2024-03-04 18:02:11'
    """
    day, minute, second = _date_and_clock(seconds + ZONE)
    return f"{day} {minute}:{second:02}" if with_seconds else f"{day} {minute}"


def zone_time(seconds: int) -> str:
    """Return a record's time stamp, in UTC+8 with its offset.

    Args:
        seconds: Unix seconds.

    Example:
        >>> zone_time(0)
        '1970-01-01T08:00:00+08:00'
    """
    day, minute, second = _date_and_clock(seconds + ZONE)
    return f"{day}T{minute}:{second:02}+08:00"


def utc_time(seconds: int) -> str:
    """Return a record's time stamp with the ``+00:00`` offset of one documented sample (API.md 3.2).

    Args:
        seconds: Unix seconds.

    Example:
        >>> utc_time(0)
        '1970-01-01T00:00:00+00:00'
    """
    day, minute, second = _date_and_clock(seconds)
    return f"{day}T{minute}:{second:02}+00:00"


def parse_time(value: object) -> int | None:
    """Read a time that a client sent: unix seconds, ``2017/8/27 16:51`` or ``2018-05-11 12:00`` (API.md 1.4).

    Args:
        value: A number or text.

    Returns:
        Unix seconds, or None where it is no time.

    Example:
        >>> parse_time("1970/1/1 08:00")
        0
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if _DIGITS.fullmatch(str(value)):
        return int(value)
    found = _DATE.fullmatch(str(value))
    return None if found is None else _to_seconds([int(part or 0) for part in found.groups()])


def _to_seconds(parts: list[int]) -> int | None:
    import calendar

    year, month, day, hour, minute, second = parts
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return None
    return calendar.timegm((year, month, day, hour, minute, second)) - ZONE
