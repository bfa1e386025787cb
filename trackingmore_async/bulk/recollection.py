"""What a row of the journal means to an item that comes, and what is said where it means no. Pure: no I/O, no clock."""

from __future__ import annotations

from typing import Any

from trackingmore_async.answers import Verdict
from trackingmore_async.batches import Entry
from trackingmore_async.errors import (
    AlreadyExistsError,
    ApiError,
    JournalError,
    ServerError,
    TrackingMoreError,
    error_class,
)
from trackingmore_async.models import NewTracking, TrackingUpdate
from trackingmore_async.operations import Operation

from .hopeless import FOR_ALL
from .records import JobName, Record

__all__ = ["another_job", "earlier_in_this_run", "is_about_the_item", "not_asked_for", "recalled_verdict"]


def is_about_the_item(error: TrackingMoreError | None) -> bool:
    """Tell whether an error is the server's word on one item, and not trouble that may be over next time."""
    return isinstance(error, ApiError) and not isinstance(error, (ServerError, *FOR_ALL))


def recalled_verdict(operation: Operation, record: Record) -> Verdict:
    """Return the verdict that a record holds: succeeded, or failed by the server's word."""
    if record.state == "succeeded":
        return Verdict("succeeded")
    kind, text = error_class(record.code or 0)
    return Verdict("failed", error=kind(text, operation=operation.name, code=record.code))


def earlier_in_this_run(operation: Operation, entry: Entry, record: Record) -> Verdict | None:
    """Judge an input whose tracking this run has dealt with already; None: it is sent as well."""
    if isinstance(entry.item, TrackingUpdate) or record.state == "trouble":
        return None
    if not isinstance(entry.item, NewTracking):
        return None if record.state == "unknown" else recalled_verdict(operation, record)
    stands = record.state != "failed" or error_class(record.code or 0)[0] is AlreadyExistsError
    return Verdict("superseded") if stands else None


def not_asked_for() -> JournalError:
    """Return the error of an item that ``failed_only=True`` leaves out."""
    return JournalError("It did not fail before, and failed_only=True sends only what did. Run the job without it.")


def another_job(found: JobName, mine: JobName) -> JournalError:
    """Return the error for a journal of another job: it says in what that differs."""
    names: dict[str, tuple[Any, Any]] = {
        "operation": (found.operation, mine.operation),
        "address": (found.base_url, mine.base_url),
        "job_id": (found.job_id, mine.job_id),
    }
    differences = [f"its {name} is {one!r}, not {other!r}" for name, (one, other) in names.items() if one != other]
    if found.account != mine.account and found.base_url == mine.base_url:
        differences.append("it was run with another API key")
    return JournalError(
        f"The journal belongs to another job: {'; '.join(differences) or 'it was written by another version'}. "
        "Pass another file for this job, or run that one."
    )
