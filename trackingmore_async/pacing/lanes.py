"""Where requests wait for their turn: two strict queues, of which one overtakes and the other keeps a share."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from itertools import takewhile

import attrs

from trackingmore_async.errors import DeadlineExceededError

from .protocol import Lane
from .share import Share
from .ticket import Ticket

__all__ = ["Lanes", "Waiter"]


@attrs.define(eq=False)
class Waiter:
    """One request that waits for its turn.

    Args:
        lane: "interactive" or "bulk".
        since: When it came (seconds, loop clock).
        deadline: The latest time at which its turn is of use (seconds, loop clock); infinite: any time.
        round_trip: Seconds: the shortest round trip of its path that is known for certain; else 0.
        turn: Becomes the ticket when it is its turn, or the error when it will not be in time.
        again: True when it had its turn before.
    """

    lane: Lane
    since: float
    deadline: float
    round_trip: float
    turn: asyncio.Future[Ticket | DeadlineExceededError]
    again: bool = False


def _queue() -> OrderedDict[Waiter, None]:
    # A linked list with a directory: first, last, and any one in between leave at the same small price. A deque
    # would keep the dead or search for them, a plain dict would step over the holes that the first ones left.
    return OrderedDict()


@attrs.define(eq=False)
class Lanes:
    """Two queues, first come first served, and the share of the second.

    Args:
        share: Whose turn it is while both wait.
    """

    share: Share
    _interactive: OrderedDict[Waiter, None] = attrs.field(factory=_queue, init=False)
    _bulk: OrderedDict[Waiter, None] = attrs.field(factory=_queue, init=False)

    def __len__(self) -> int:
        return len(self._interactive) + len(self._bulk)

    def __iter__(self) -> Iterator[Waiter]:
        yield from self._interactive
        yield from self._bulk

    def counts(self) -> dict[Lane, int]:
        """Count who waits in each lane."""
        return {"interactive": len(self._interactive), "bulk": len(self._bulk)}

    def join(self, waiter: Waiter, *, again: bool) -> None:
        """Queue up, at the end of the lane or, for one that had its turn before, at its head, after others of these."""
        queue, waiter.again = self._queue(waiter.lane), again
        before = self._had_turns(waiter.lane) if again else []
        queue[waiter] = None
        if again:
            for one in (waiter, *reversed(before)):
                queue.move_to_end(one, last=False)

    def leave(self, waiter: Waiter) -> None:
        """Leave the queue without having had a turn; nothing happens when it is not in it."""
        self._queue(waiter.lane).pop(waiter, None)

    def anybody(self) -> bool:
        """Tell whether anybody waits."""
        self._sweep()
        return bool(self._interactive or self._bulk)

    def next_lane(self) -> Lane:
        """Tell the lane whose turn is next, as its share has it; somebody has to wait."""
        return self.share.next(self.counts())

    def head(self, lane: Lane) -> Waiter:
        """Return who has waited longest in a lane that is not empty."""
        return next(iter(self._queue(lane)))

    def pop(self, lane: Lane, *, decided: bool = True) -> Waiter:
        """Take the head of a lane, whose turn it is, out of the queue.

        Args:
            lane: The lane.
            decided: Whether it was for the share of these lanes to say so.
        """
        waiting = self.counts()
        waiter, _ = self._queue(lane).popitem(last=False)
        self.share.note(lane, waiting, decided=decided)
        return waiter

    def place(self, lane: Lane, ahead: int) -> int:
        """Count the turns that will come before that of a request with so many ahead of it in its lane."""
        other = self._queue("interactive" if lane == "bulk" else "bulk")
        return self.share.before(lane, ahead, len(other))

    def ahead(self, lane: Lane, *, again: bool) -> int:
        """Count those in a lane who would be ahead of a request that queued up now."""
        self._sweep()
        return len(self._had_turns(lane)) if again else len(self._queue(lane))

    def _sweep(self) -> None:
        """Remove from the heads who was cancelled and has not woken up yet."""
        for queue in (self._interactive, self._bulk):
            while queue and next(iter(queue)).turn.done():
                queue.popitem(last=False)

    def _had_turns(self, lane: Lane) -> list[Waiter]:
        return list(takewhile(lambda waiter: waiter.again, self._queue(lane)))

    def _queue(self, lane: Lane) -> OrderedDict[Waiter, None]:
        return self._bulk if lane == "bulk" else self._interactive
