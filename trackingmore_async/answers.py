"""What a batch's answer says about each of its items (DESIGN.md rule 6). Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from trackingmore_async.errors import ApiError, NotFoundError, TrackingMoreError, error_class
from trackingmore_async.models import (
    BatchAnswer,
    BatchEntry,
    NewTracking,
    OutcomeState,
    Tracking,
    TrackingEcho,
    TrackingRef,
    TrackingUpdate,
)
from trackingmore_async.operations import CREATE_MANY, DELETE_MANY, STOP_UPDATING_MANY, Operation

__all__ = ["TOLERANCE", "Item", "Verdict", "echo_of", "number_key", "read_answer", "read_back", "read_refusal"]

DONE = frozenset({200, 201, 202})  # API.md 3.1, 6
TOLERANCE = timedelta(seconds=2)  # Date headers and created_at are known to the second


Item = NewTracking | TrackingUpdate | TrackingRef
"""What a batch is made of: each names its tracking."""


@attrs.frozen
class Verdict:
    """What is known of one item.

    Args:
        state: One of the states of an outcome.
        tracking: The server's echo, if any.
        error: Why it is not "succeeded".
    """

    state: OutcomeState
    tracking: TrackingEcho | None = None
    error: TrackingMoreError | None = None


def number_key(number: str) -> str:
    """Return what tells numbers apart: answers may differ in case and blanks (API.md 12, item 18)."""
    return number.strip().casefold()


def read_answer(
    operation: Operation, items: Sequence[Item], answer: BatchAnswer, *, in_doubt: Sequence[bool]
) -> list[Verdict | None]:
    """Return a verdict for each item, None where the answer leaves it open and it has to be read back.

    "unknown" has to be read back as well: it was refused, but an earlier sending may have been carried out.

    Args:
        operation: The row of the table.
        items: What was sent, no number twice.
        answer: What came back.
        in_doubt: For each item, whether an earlier sending of it may have been carried out.
    """
    about = _by_number(answer.entries)
    found = [_entry_of(item, about.get(number_key(item.tracking_number), ())) for item in items]
    refused = sum(entry is not None and _is_refusal(entry) for entry in found)
    adds_up = answer.changed == len(items) - refused
    return [
        _verdict(operation, entry, adds_up=adds_up, in_doubt=doubt)
        for entry, doubt in zip(found, in_doubt, strict=True)
    ]


def read_refusal(operation: Operation, code: int, *, in_doubt: bool) -> Verdict:
    """Return the verdict for an item that was alone in a request that was refused; "unknown": it has to be read back.

    Args:
        operation: The row of the table.
        code: The ``meta.code`` of the refusal.
        in_doubt: Whether an earlier sending of it may have been carried out.
    """
    return _refusal(operation, _error(operation, code), in_doubt=in_doubt)


def _by_number(entries: Sequence[BatchEntry]) -> dict[str, list[BatchEntry]]:
    found: dict[str, list[BatchEntry]] = {}
    for entry in entries:
        if entry.tracking_number is not None:
            found.setdefault(number_key(entry.tracking_number), []).append(entry)
    return found


def _entry_of(item: Item, entries: Sequence[BatchEntry]) -> BatchEntry | None:
    """Return the entry about this item, of those with its number; one with an error counts before one without."""
    about = [entry for entry in entries if _has_carrier_of(item, entry)]
    return next(filter(_is_refusal, about), about[0] if about else None)


def _is_refusal(entry: BatchEntry) -> bool:
    return entry.refused or (entry.code is not None and entry.code not in DONE)


def _has_carrier_of(item: Item, entry: BatchEntry) -> bool:
    return entry.carrier_code is None or number_key(entry.carrier_code) == number_key(item.carrier_code)


def _verdict(operation: Operation, entry: BatchEntry | None, *, adds_up: bool, in_doubt: bool) -> Verdict | None:
    if entry is None:
        return None
    if _is_refusal(entry):
        return _refusal(operation, _error(operation, entry.code), in_doubt=in_doubt)
    if entry.code is None and not adds_up:
        return None
    return Verdict("succeeded", entry.tracking)


def _refusal(operation: Operation, error: ApiError, *, in_doubt: bool) -> Verdict:
    if not in_doubt:
        return Verdict("failed", error=error)
    if isinstance(error, NotFoundError) and operation is not CREATE_MANY:
        return Verdict("succeeded") if operation is DELETE_MANY else Verdict("failed", error=error)
    # "Exists" may stem from our own earlier sending, whose answer was lost; and whatever is refused now, that may
    # have been accepted.
    return Verdict("unknown", error=error)


def _error(operation: Operation, code: int | None) -> ApiError:
    if code is None:
        return ApiError("The server refused this item without saying why. Read it back.", operation=operation.name)
    kind, text = error_class(code)
    return kind(text, operation=operation.name, code=code, attempts=1)


def read_back(
    operation: Operation,
    found: Tracking | None,
    *,
    sent_at: datetime | None,
    may_still_run: bool = False,
    error: TrackingMoreError,
) -> Verdict | None:
    """Return what the state of a tracking on the server says about an item in doubt; None: send it once more.

    Args:
        operation: The row of the table.
        found: The tracking as it stands on the server; None: it does not exist.
        sent_at: When the first request left, on the server's clock; None: unknown.
        may_still_run: True when the server may carry out a request later: then what is not done yet is unknown.
        error: Why the item is in doubt.
    """
    undone = Verdict("unknown" if may_still_run else "failed", error=error)
    if operation is CREATE_MANY:
        return undone if found is None else _read_back_create(found, sent_at, error)
    if operation is DELETE_MANY:
        return Verdict("succeeded") if found is None else undone
    if found is None:
        return Verdict("failed", error=_error(operation, 4017))
    if operation is STOP_UPDATING_MANY and found.track_update is False:
        return Verdict("succeeded", echo_of(found))
    return None  # an edit: not all of its fields can be read


def _read_back_create(found: Tracking, sent_at: datetime | None, error: TrackingMoreError) -> Verdict:
    if sent_at is None or found.created_at is None:
        return Verdict("unknown", error=error)
    if found.created_at >= sent_at - TOLERANCE:
        return Verdict("succeeded", echo_of(found))
    return Verdict("failed", error=_error(CREATE_MANY, 4016))


def echo_of(found: Tracking) -> TrackingEcho:
    """Return what was read back in the form in which the write would have echoed it."""
    known = {field.name for field in attrs.fields(TrackingEcho)}
    values = {field.name: getattr(found, field.name) for field in attrs.fields(Tracking) if field.name in known}
    return TrackingEcho(**values)
