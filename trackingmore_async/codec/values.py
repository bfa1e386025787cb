"""Single values of the wire, however they were sent (API.md 1.4).

Each function takes a value as JSON gave it and returns what the models hold. It raises `ValueError` or `TypeError`
for what it cannot read; the second pass then keeps the value in ``extra``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from trackingmore_async.models import Status

__all__ = [
    "EPOCH",
    "STATUS_NUMBERS",
    "aware_time",
    "flag",
    "fraction",
    "local_time",
    "number",
    "order_time",
    "required_number",
    "required_text",
    "status",
    "text",
    "texts",
]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The vendor's word for "never", rendered in any offset (API.md 1.4)."""

STATUS_NUMBERS: Final[Mapping[str, int]] = {Status.DELIVERED: 4, Status.EXCEPTION: 7, Status.AUTOMATIC: 8}
"""How an edit names a status (API.md section 5)."""

_NEVER: Final = ("0000-00-00", "1970-01-01")
_NUMBER: Final = re.compile(r"\s*([+-]?\d{1,30})(\.\d{1,30})?\s*", re.ASCII)
_SLASHED: Final = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2}) (\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)

_WORDS: Final[Mapping[Any, Status | None]] = {
    None: None,
    "": None,
    **{str(word): word for word in vars(Status).values() if isinstance(word, Status)},
    **{value: Status(word) for word, value in STATUS_NUMBERS.items()},
    **{str(value): Status(word) for word, value in STATUS_NUMBERS.items()},
}


def text(value: Any) -> str | None:
    """Read a text; a number becomes its digits."""
    if value.__class__ is str or value is None:
        return value
    if value.__class__ is int or value.__class__ is float:
        return str(value)
    raise TypeError("text")


def required_text(value: Any) -> str:
    """Read a text that must be there."""
    found = text(value)
    if found is None:
        raise ValueError("missing")
    return found


def fraction(value: Any) -> float | None:
    """Read a number; a whole one is an int."""
    if value is None or value.__class__ is int:
        return value
    if value == "":
        return None
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else value
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("number")
    return fraction(float(value)) if match[2] else int(value)


def number(value: Any) -> int | None:
    """Read a whole number: 56, 56.0, "56" and "56.0" are the same; None and "" are none."""
    if value is None or value.__class__ is int:
        return value
    if value.__class__ is str and value.isdecimal() and len(value) < 30:
        return int(value)
    found = fraction(value)
    if found is None or isinstance(found, int):
        return found
    raise ValueError("whole number")


def required_number(value: Any) -> int:
    """Read a whole number; none counts as 0."""
    return number(value) or 0


def flag(value: Any) -> bool | None:
    """Read true or false, also as text or as 1 and 0."""
    if value is None or value.__class__ is bool:
        return value
    return _FLAGS[value.lower() if isinstance(value, str) else value]


def required_flag(value: Any) -> bool:
    """Read true or false; none counts as false."""
    return flag(value) or False


_FLAGS: Final[Mapping[Any, bool | None]] = {
    "true": True,
    "false": False,
    "1": True,
    "0": False,
    1: True,
    0: False,
    "": None,
}


def status(value: Any) -> Status | None:
    """Read a status word, or the number that an edit echoes; an unknown word is kept."""
    try:
        return _WORDS[value]
    except KeyError:
        return Status(text(value))


def local_time(value: Any) -> datetime | None:
    """Read the local time of an event: to the minute or to the second, naive; an offset is left out."""
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        _check_never(value)
        return None
    if found.year < 1971 and value.startswith(_NEVER):
        return None
    return found if found.tzinfo is None else found.replace(tzinfo=None)


def aware_time(value: Any) -> datetime | None:
    """Read a moment: ISO 8601 with its offset, or unix seconds. The epoch means never."""
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return _unix_time(value)
    if found.tzinfo is None:
        return _unix_time(value)  # eight digits are a date to Python
    return None if found.year < 1971 and found == EPOCH else found


def order_time(value: Any) -> datetime | None:
    """Read the time of an order: a text is naive as sent, unix seconds are aware; the day of 0 is none (API.md 1.4)."""
    if not value:
        return None
    if value.__class__ is not str or value.isdecimal() or value.startswith(_NEVER):
        found = _unix_time(value)
        return None if found is not None and found.date() == EPOCH.date() else found
    match = _SLASHED.fullmatch(value) if value[4:5] == "/" else None
    if match is None:
        return datetime.fromisoformat(value)
    return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001


def _check_never(value: str) -> None:
    if not value.startswith(_NEVER):
        raise ValueError("time")


def _unix_time(value: Any) -> datetime | None:
    if isinstance(value, str) and not value.isdecimal():
        _check_never(value)
        return None
    seconds = number(value)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        raise ValueError("unix seconds") from None


def texts(value: Any) -> tuple[str, ...]:
    """Read one contact or several: text, list, or none. The word ``null`` is no address and no number (API.md 1.4)."""
    if value is None or value in ("", "null"):
        return ()
    if value.__class__ is list:
        return tuple(found for item in value if (found := text(item)) is not None)
    return (required_text(value),)


def items(value: Any) -> tuple[Any, ...]:
    """Read a list whose entries are kept as sent."""
    if not value:
        return ()
    if value.__class__ is list:
        return tuple(value)
    raise TypeError("list")


def anything(value: Any) -> Any:
    """Keep a value as sent."""
    return value
