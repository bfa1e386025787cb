"""What a batch answers, item by item: the entries come in three shapes (API.md 3.5, 3.7, 3.8, 3.13)."""

from __future__ import annotations

from typing import Any, Final

from trackingmore_async.errors import DecodeError
from trackingmore_async.models import BatchAnswer, BatchEntry, NewTracking, TrackingEcho, TrackingUpdate
from trackingmore_async.operations import Operation

from . import values
from .explain import refuse
from .shapes import is_list, is_object
from .structure import structure

__all__ = ["batch_answer"]

_SUCCESS: Final = (None, 200, 201, 202)
_ECHOED: Final = (NewTracking, TrackingUpdate)
_WORDS: Final = ("type", "message")
"""What an entry says about its outcome, and not about its tracking."""


def batch_answer(value: Any, operation: Operation) -> BatchAnswer:
    """Read the answer to a batch.

    Args:
        value: The ``data``, decoded.
        operation: The row of the table; its ``counter`` says what the number of changed items is called.

    Raises:
        DecodeError: It is neither an object nor a list nor nothing.
    """
    if is_list(value):
        value = {"trackings": value}
    if value and not is_object(value):
        raise refuse("no answer to a batch", "$.data")
    rest = dict(value or {})
    submitted, changed = _count(rest, "submitted"), _count(rest, operation.counter or "")
    told = [_entry(item, operation) for item in _rows(rest, "trackings")]
    refused = [_entry(item, operation, refused=True) for item in _rows(rest, "errors")]
    return BatchAnswer(submitted=submitted, changed=changed, entries=(*told, *refused), extra=rest)


def _count(rest: dict[str, Any], name: str) -> int | None:
    """Take a counter out of the answer; an odd one stays there, and so in ``extra``."""
    try:
        count = values.number(rest.get(name))
    except (ValueError, TypeError):
        return None
    rest.pop(name, None)
    return count


def _rows(rest: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Take the entries out of the answer; if one is no object, the list stays there too, and so in ``extra``."""
    rows = rest.pop(name, None)
    if is_object(rows):
        rows = list(rows.values())
    if not rows:
        return []
    good = [row for row in rows if is_object(row)] if is_list(rows) else []
    if not is_list(rows) or len(good) < len(rows):
        rest[name] = rows
    return good


def _entry(row: dict[str, Any], operation: Operation, *, refused: bool = False) -> BatchEntry:
    rest = _unwrapped(row)
    code = _code(rest)
    echo = _echo(rest) if not refused and code in _SUCCESS and operation.request in _ECHOED else None
    number, carrier = _text(rest, "tracking_number"), _text(rest, "carrier_code")
    return BatchEntry(
        tracking_number=number,
        carrier_code=carrier,
        code=code,
        refused=refused,
        tracking=echo,
        extra={} if echo else rest,
    )


def _unwrapped(row: dict[str, Any]) -> dict[str, Any]:
    """Unwrap the outcome of an item, which some answers put into ``meta`` (API.md 3.8)."""
    inner = row.get("meta")
    if not is_object(inner):
        return dict(row)
    return {**{key: value for key, value in row.items() if key != "meta"}, **inner}


def _code(rest: dict[str, Any]) -> int | None:
    """Take the item's own code out of its entry; one that is no number stays there, and so in ``extra``."""
    return _count(rest, "code")


def _echo(rest: dict[str, Any]) -> TrackingEcho | None:
    """Read what is echoed of a create or an edit; None when the entry does not name its tracking."""
    try:
        return structure(TrackingEcho, {key: value for key, value in rest.items() if key not in _WORDS})
    except DecodeError:
        return None


def _text(rest: dict[str, Any], name: str) -> str | None:
    try:
        text = values.text(rest.get(name))
    except TypeError:
        return None
    rest.pop(name, None)
    return text
