"""What became of the items of a bulk job."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from attrs import field, frozen

from trackingmore_async.errors import TrackingMoreError
from trackingmore_async.timing import Timing

from .base import Model
from .echo import TrackingEcho

__all__ = ["BulkReport", "Outcome", "OutcomeState"]

ItemT = TypeVar("ItemT")

OutcomeState = Literal["succeeded", "failed", "superseded", "unknown", "not_attempted"]
"""What became of one item; every item gets exactly one.

``succeeded``: done. ``failed``: the server said no, or could not be reached; nothing was changed. ``superseded``:
another input of the same tracking stands for it: of edits a later one, of creates the first. ``unknown``: it may or may
not have happened. ``not_attempted``: the job stopped before it; nothing was changed.
"""


def _likeness(error: TrackingMoreError | None) -> tuple[type, str] | None:
    """Exceptions compare by identity; what they say is what counts here, also after pickling."""
    return None if error is None else (type(error), str(error))


@frozen(repr=False)
class Outcome(Generic[ItemT]):
    """What became of one item.

    Args:
        index: Its place in the input, from 0.
        item: The item, as given.
        state: What became of it.
        tracking: The server's echo; None where nothing is echoed.
        error: Why it failed, or why it is unknown; None otherwise.
        attempts: In how many requests it took part.
        timing: Where the time of these went, and of reading back what became of it; None: nothing was sent. It is no
            part of the value.

    Example:
        >>> from trackingmore_async.models import TrackingRef
        >>> Outcome(0, TrackingRef("zto", "500600700800"), "succeeded", attempts=1)
        Outcome(index=0, item=TrackingRef(carrier_code='zto', tracking_number='500600700800'), state='succeeded')
    """

    index: int
    item: ItemT
    state: OutcomeState
    tracking: TrackingEcho | None = None
    error: TrackingMoreError | None = field(default=None, eq=_likeness, hash=False)
    attempts: int = 0
    timing: Timing | None = field(default=None, eq=False)

    def __repr__(self) -> str:
        shown = repr(self.item) if isinstance(self.item, Model) else f"<{type(self.item).__name__}>"
        reason = "" if self.error is None else f", error={type(self.error).__name__}"
        return f"Outcome(index={self.index}, item={shown}, state={self.state!r}{reason})"


@frozen(kw_only=True)
class BulkReport:
    """The sum of a bulk job. The five counts add up to the number of items.

    Args:
        succeeded: How many were done.
        failed: How many were refused.
        superseded: How many were replaced by another input of the same tracking.
        unknown: How many may or may not have happened.
        not_attempted: How many were left when the job stopped.
        recalled: How many of them all were known from the journal, and not sent again.
        failures: The first 1,000 outcomes that are failed or unknown.
        duration: Seconds from the first item to the last outcome.
        requests: How many requests were sent.
        pauses: How often the account had to fall silent after a 429.

    Example:
        >>> report = BulkReport(succeeded=39, failed=1, duration=2.5, requests=1)
        >>> report.total, report.ok
        (40, False)
    """

    succeeded: int = 0
    failed: int = 0
    superseded: int = 0
    unknown: int = 0
    not_attempted: int = 0
    recalled: int = 0
    failures: tuple[Outcome[Any], ...] = ()
    duration: float = 0.0
    requests: int = 0
    pauses: int = 0

    @property
    def total(self) -> int:
        """How many items there were."""
        return self.succeeded + self.failed + self.superseded + self.unknown + self.not_attempted

    @property
    def ok(self) -> bool:
        """Whether every item was done, or replaced by a later one."""
        return self.failed == self.unknown == self.not_attempted == 0
