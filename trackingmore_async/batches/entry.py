"""One item on its way: what is sent, for which inputs, and what is known of it by now."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import attrs

from trackingmore_async.answers import Item, Verdict
from trackingmore_async.creations import Creation
from trackingmore_async.errors import TrackingMoreError
from trackingmore_async.models import timed
from trackingmore_async.timing import Timing
from trackingmore_async.transport import Trail

__all__ = ["Entry", "Part", "give_up", "halves"]

ItemT = TypeVar("ItemT")

NOTHING: Final = Timing()


@attrs.frozen
class Part:
    """One input.

    Args:
        index: Its place in the source, from 0.
        item: The item, as given.
    """

    index: int
    item: Item


@attrs.define(eq=False)
class Entry:
    """One item on its way, for one input or for several of the same tracking.

    Args:
        item: What is sent.
        parts: The inputs that it stands for, in their order.
        attempts: In how many requests it took part.
        timing: Where the time of these went, and of those that read back what became of it.
        verdict: What is known of it; None: nothing yet.
        doubt: Why nobody knows what became of it, once it was sent; None: there is a verdict, or it was not sent.
        answered: With a doubt: whether an answer came, one that left this item open.
        in_doubt: Whether an earlier sending of it may have been carried out.
        changed: Whether that sending held other values than this one.
        may_still_run: Whether the server may carry out such a sending even later, for we gave up waiting.
        first_sent_at: When it left first, of those times that may have changed something (seconds, loop clock).
        sent_by_their_clock: The same on the server's clock, as an earlier process knew it.
        is_open: Whether a later input of the same tracking may still be folded into it.
        alone: Whether it stays for itself: what it was folded with was refused.
        payload: Its bytes, once encoded.
        digest: The salted hash of these, once a journal has made it.
        intent: The number under which a journal knows that it is about to be sent.
        calls: The numbers of the single calls that wait for it; none when it belongs to a job.
        creation: What it may create, once it was sent.
    """

    item: Item
    parts: list[Part]
    attempts: int = 0
    timing: Timing = NOTHING
    verdict: Verdict | None = None
    doubt: TrackingMoreError | None = None
    answered: bool = False
    in_doubt: bool = False
    changed: bool = False
    may_still_run: bool = False
    first_sent_at: float | None = None
    sent_by_their_clock: datetime | None = None
    is_open: bool = True
    alone: bool = False
    payload: bytes | None = attrs.field(default=None, repr=False)
    digest: bytes | None = None
    intent: int | None = None
    calls: Sequence[int] = ()
    creation: Creation | None = None

    @classmethod
    def of(cls, index: int, item: Item) -> Entry:
        """Make the entry of one input."""
        return cls(item, [Part(index, item)])

    @property
    def index(self) -> int:
        """The place of its first input."""
        return self.parts[0].index

    def note(self, trail: Trail, timing: Timing) -> None:
        """Take note of the requests that it took part in, and of where their time went."""
        self.attempts += trail.attempts
        self.timing = timing if self.timing is NOTHING else self.timing + timing
        if not self.in_doubt:
            self.first_sent_at = trail.first_sent_at
        self.in_doubt = self.in_doubt or trail.in_doubt
        self.may_still_run = self.may_still_run or trail.may_still_run

    def leave_open(self, doubt: TrackingMoreError, *, answered: bool) -> None:
        """Leave it to be settled."""
        self.doubt, self.answered, self.in_doubt = doubt, answered, True

    def close(self, verdict: Verdict) -> None:
        """Say what became of it, and where its time went.

        An error of its whole batch knows that of itself, and one for which nothing is sent any more is that of a job.
        """
        self.verdict, self.doubt = verdict, None
        if verdict.tracking is not None and self.timing.attempts:
            timed(verdict.tracking, self.timing)
        error = verdict.error if verdict.state != "not_attempted" else None
        if error is not None and error.timing is None and self.timing.attempts:
            error.timing, error.attempts = self.timing, self.timing.attempts
        if self.creation is None:
            return
        if verdict.tracking is not None:
            self.creation.end(verdict.tracking.created_at)
        self.creation.is_possible = verdict.state == "succeeded" or self.in_doubt


def halves(items: Sequence[ItemT]) -> list[Sequence[ItemT]]:
    """Divide items in two, as evenly as can be."""
    middle = len(items) // 2
    return [items[:middle], items[middle:]]


def give_up(entries: Iterable[Entry], reason: TrackingMoreError) -> None:
    """Send these no more: what was not sent is not attempted, what may have been carried out stays in doubt."""
    unsent = copy.copy(reason)
    unsent.timing, unsent.attempts = None, 0
    for entry in entries:
        if entry.in_doubt:
            entry.leave_open(reason, answered=False)
        else:
            entry.close(Verdict("not_attempted", error=unsent))
