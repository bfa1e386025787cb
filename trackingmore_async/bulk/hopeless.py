"""When a job stops: at an error that every further batch would meet as well, or at a failure if the caller says so."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trackingmore_async.batches import Entry
from trackingmore_async.batches.batch import HALVED
from trackingmore_async.errors import (
    ApiError,
    AuthenticationError,
    ClientStateError,
    DeadlineExceededError,
    JournalError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitedError,
    TrackingMoreError,
    TransportError,
    error_class,
)

__all__ = ["FOR_ALL", "Hopeless"]

FOR_ALL = (
    AuthenticationError,
    ClientStateError,
    DeadlineExceededError,
    JournalError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitedError,
)
"""Errors that are about the account, the client or the journal, and not about an item."""

UNREACHABLE_BATCHES = 3  # in a row, each with all its retries, before the server counts as out of reach
REFUSED_SINGLES = 40  # in a row, for one reason, before nothing else is expected (DESIGN.md rule 8)


@attrs.define
class Hopeless:
    """Hears how requests end, and says when the job stops.

    Args:
        reason: Why the job stops; None: it goes on.
    """

    reason: TrackingMoreError | None = None
    _unreachable: int = 0
    _code: int | None = None
    _singles: int = 0

    def stop(self, reason: TrackingMoreError) -> None:
        """Stop the job, for this reason unless there is an earlier one."""
        self.reason = self.reason or reason

    def observe(self, entries: Sequence[Entry], error: TrackingMoreError | None) -> None:
        """Hear how one batch ended: with the error that concerned all of it, or item by item."""
        unsent = isinstance(error, TransportError) and error.sent is False
        self._unreachable = self._unreachable + 1 if unsent else 0
        if error is not None and (isinstance(error, FOR_ALL) or self._unreachable >= UNREACHABLE_BATCHES):
            self.stop(error)
        self._observe_items(entries)
        self._count_singles(entries, error)

    def _observe_items(self, entries: Sequence[Entry]) -> None:
        """Stop where items were refused for a reason that holds for all, such as a quota that ran out."""
        errors = (entry.verdict.error for entry in entries if entry.verdict is not None)
        for error in errors:
            if isinstance(error, FOR_ALL):
                self.stop(error)

    def _count_singles(self, entries: Sequence[Entry], error: TrackingMoreError | None) -> None:
        if any(entry.verdict is not None and entry.verdict.state == "succeeded" for entry in entries):
            self._singles = 0
        if len(entries) != 1 or entries[0].verdict is None:  # a doubt says nothing yet
            return
        if not isinstance(error, ApiError) or error.code not in HALVED:
            return
        self._singles = self._singles + 1 if error.code == self._code else 1
        self._code = error.code
        if self._singles >= REFUSED_SINGLES:
            self.stop(_refused_all(error))


def _refused_all(error: ApiError) -> ApiError:
    kind, advice = error_class(error.code or 0)
    text = f"The server refused {REFUSED_SINGLES} single items in a row for one reason, so the job stopped. {advice}"
    return kind(text, operation=error.operation, code=error.code, http_status=error.http_status)
