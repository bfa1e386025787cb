"""When a job stops: an error that every further batch would meet as well."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from trackingmore_async.answers import Verdict
from trackingmore_async.errors import (
    AuthenticationError,
    ClientStateError,
    DeadlineExceededError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitedError,
    TrackingMoreError,
    TransportError,
)

__all__ = ["Hopeless"]

FOR_ALL = (
    AuthenticationError,
    ClientStateError,
    DeadlineExceededError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitedError,
)
UNREACHABLE_BATCHES = 3  # in a row, each with all its retries, before the server counts as out of reach


@attrs.define
class Hopeless:
    """Watches the errors of whole batches.

    Args:
        reason: Why the job stops; None: it goes on.
    """

    reason: TrackingMoreError | None = None
    _unreachable: int = 0

    def observe(self, error: TrackingMoreError | None) -> None:
        """Take note of how a batch ended: None, or the error that concerned all of it."""
        unsent = isinstance(error, TransportError) and error.sent is False
        self._unreachable = self._unreachable + 1 if unsent else 0
        if isinstance(error, FOR_ALL) or self._unreachable >= UNREACHABLE_BATCHES:
            self.reason = self.reason or error

    def observe_items(self, verdicts: Iterable[Verdict | None]) -> None:
        """Take note of items that were refused for a reason that holds for all, such as a quota that ran out."""
        errors = (verdict.error for verdict in verdicts if verdict is not None)
        self.reason = self.reason or next((error for error in errors if isinstance(error, FOR_ALL)), None)
