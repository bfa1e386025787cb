"""What the headers of an answer say about time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["read_date", "read_retry_after"]


def read_date(text: str | None) -> datetime | None:
    """Return the aware datetime of a ``Date`` header, or None when there is none that can be read."""
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):  # headers are the server's to get wrong
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds of a ``Retry-After``, in either of its forms; 0 without one."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until, now = read_date(text), read_date(headers.get("date"))
    return max(0.0, (until - now).total_seconds()) if until and now else 0.0
