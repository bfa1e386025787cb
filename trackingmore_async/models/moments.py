"""How request models take moments of time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .unset import UnsetType

__all__ = ["Moment", "as_moment"]

Moment = datetime | str | int | None | UnsetType
"""A datetime, unix seconds, or the vendor's own text (``2017/8/27 16:51``); ``UNSET`` is not sent."""


def as_moment(value: Any) -> Any:
    """Turn an ISO 8601 text of a date and a time into a datetime; leave all else alone, and never raise.

    Example:
        >>> as_moment("2024-03-03 11:20"), as_moment("2017/8/27 16:51")
        (datetime.datetime(2024, 3, 3, 11, 20), '2017/8/27 16:51')
    """
    if not isinstance(value, str) or len(value) < 16 or value[4:5] != "-":
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value
