"""Where requests wait for their turn: two strict queues, of which one overtakes and the other keeps a share."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from .protocol import Lane

if TYPE_CHECKING:
    from .ticket import Ticket

__all__ = ["Lanes", "Waiter"]


@attrs.define(eq=False, kw_only=True)
class Waiter:
    """One request that waits for its turn.

    Args:
        lane: "interactive" or "bulk".
        since: When it came (seconds, loop clock).
        deadline: The latest time at which its turn is of use (seconds, loop clock); infinite: any time.
        round_trip: Seconds: the shortest round trip of its path that is known for certain; else 0.
        turn: Becomes the ticket when it is its turn.
    """

    lane: Lane
    since: float
    deadline: float
    round_trip: float
    turn: asyncio.Future[Ticket]


def _queue() -> OrderedDict[Waiter, None]:
    # A linked list with a directory: first, last, and any one in between leave at the same small price. A deque
    # would keep the dead or search for them, a plain dict would step over the holes that the first ones left.
    return OrderedDict()


@attrs.define(eq=False)
class Lanes:
    """Two queues: interactive overtakes bulk, and bulk gets its share of the turns while both wait.

    Args:
        bulk_share: The part of the turns that bulk gets while both lanes wait, between 0 and 1.
    """

    bulk_share: float = 0.5
    _interactive: OrderedDict[Waiter, None] = attrs.field(factory=_queue, init=False)
    _bulk: OrderedDict[Waiter, None] = attrs.field(factory=_queue, init=False)
    _owed: float = attrs.field(default=0.0, init=False)  # turns that bulk has earned and not had

    def __len__(self) -> int:
        return len(self._interactive) + len(self._bulk)

    def __iter__(self) -> Iterator[Waiter]:
        yield from self._interactive
        yield from self._bulk

    def join(self, waiter: Waiter, *, again: bool) -> None:
        """Queue up, at the end of the lane or, for one that had its turn before, at its head."""
        queue = self._queue(waiter.lane)
        queue[waiter] = None
        if again:
            queue.move_to_end(waiter, last=False)

    def leave(self, waiter: Waiter) -> None:
        """Leave the queue without having had a turn; nothing happens when it is not in it."""
        self._queue(waiter.lane).pop(waiter, None)

    def head(self) -> Waiter:
        """Whose turn is next."""
        return next(iter(self._queue(self._next_lane())))

    def pop(self) -> Waiter:
        """Take whose turn is next out of the queue."""
        both = bool(self._interactive and self._bulk)
        lane = self._next_lane()
        waiter, _ = self._queue(lane).popitem(last=False)
        if both:
            self._owed += self.bulk_share - (lane == "bulk")
        else:
            self._owed = 0.0  # what nobody was kept from is not owed
        return waiter

    def place(self, lane: Lane, *, again: bool = False) -> int:
        """How many turns will come before that of a request that queued up now."""
        mine, other = self._queue(lane), self._queue("interactive" if lane == "bulk" else "bulk")
        ahead = 0 if again else len(mine)
        return self.turns(lane, ahead, len(other))

    def turns(self, lane: Lane, ahead: int, others: int) -> int:
        """How many turns come before mine with `ahead` in my lane before me, and `others` in the other one."""
        share = self.bulk_share if lane == "bulk" else 1.0 - self.bulk_share
        overtaking = math.ceil((ahead + 1) / share) - (ahead + 1) if lane == "bulk" else int(ahead / share) - ahead
        return ahead + min(others, overtaking)

    def _queue(self, lane: Lane) -> OrderedDict[Waiter, None]:
        return self._bulk if lane == "bulk" else self._interactive

    def _next_lane(self) -> Lane:
        if not self._bulk:
            return "interactive"
        if not self._interactive:
            return "bulk"
        return "bulk" if self._owed + self.bulk_share >= 1.0 else "interactive"
