"""One request that several callers share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from trackingmore_async.settings import Lane
from trackingmore_async.timing import Timing
from trackingmore_async.transport import Budget, Trail

from .line import Group
from .waiter import Waiter

__all__ = ["SHARED", "Patience", "SharedRequest"]

SHARED: Final = "shared"
"""What the answers to shared requests are known as (`Budget.peers`): in either lane, they are about as long."""


@attrs.define(eq=False)
class SharedRequest:
    """One request that several callers share; who they are is decided when its slot is granted, and not before.

    Args:
        lane: Where it waits.
        expected_at: When it will probably be granted.
        groups: Whom it serves, once it is formed.
        numbers: The tracking numbers in it, as its operation tells them apart.
        timeout: Seconds for one attempt, the same for all whom it serves; None: it serves nobody yet.
        trail: What it went through, since it was sent last.
        earlier: What it had spent before, if it was sent in pieces.
        formed_at: When its slot was granted first (seconds, loop clock); None: not yet.
        asked_at: When the bytes of its latest attempt were made.
        task: What carries it out.
        is_open: Whether it may take along whoever waits.
    """

    lane: Lane
    expected_at: float
    groups: list[Group] = attrs.field(factory=list[Group])
    numbers: set[str] = attrs.field(factory=set[str])
    timeout: float | None = None
    trail: Trail = attrs.field(factory=lambda: Trail(is_counted=True))
    earlier: Timing = attrs.field(factory=Timing)
    formed_at: float | None = None
    asked_at: float = 0.0
    task: asyncio.Task[None] | None = None
    is_open: bool = True

    def waiters(self) -> Iterator[Waiter]:
        """Go through all whom it serves and who still wait."""
        return (waiter for group in self.groups for waiter in group if waiter.is_waiting)

    def calls(self) -> list[int]:
        """Return the numbers of the logical calls that it serves, as hooks know them."""
        return [waiter.call for waiter in self.waiters() if waiter.call]

    def part(self, groups: Sequence[Group]) -> SharedRequest:
        """Return a request for some of those whom this one served, and nobody else; it went through the same so far."""
        part = attrs.evolve(self, groups=list(groups), numbers=set(), is_open=False)
        for waiter in part.waiters():
            waiter.request = part
        return part

    def add(self, group: Group) -> None:
        """Serve these, too."""
        self.groups.append(group)
        self.timeout = group[0].budget.timeout
        spent = self.spent()
        before = attrs.evolve(spent, attempts=spent.attempts - 1)  # without the attempt that begins now
        for waiter in group:
            waiter.join(self, before)

    def next_trail(self, *, is_counted: bool = True) -> Trail:
        """Return the trail of a further sending of all that it holds, or of a piece of that."""
        self.earlier = self.spent()
        self.trail = Trail(is_counted=is_counted)
        return self.trail

    def spent(self) -> Timing:
        """Return what it has spent until now; the rest was waiting."""
        return self.earlier + self.trail.so_far()

    def latest_slot(self, network: float) -> float | None:
        """Return when a further slot is of use for the most patient it serves; the first is while anybody waits.

        Args:
            network: Seconds that the answer will take.
        """
        if self.formed_at is None:
            return None
        latest = max((waiter.patience(network) for waiter in self.waiters()), default=0.0)
        return None if latest == math.inf else latest


@attrs.frozen
class Patience(Budget):
    """The time that a shared request has: what those allow who share it."""

    request: SharedRequest = attrs.field(kw_only=True)

    @property
    def peers(self) -> str:
        """Whose answers take about as long."""
        return SHARED

    def latest_slot(self, network: float = 0.0) -> float | None:
        """Return the latest time at which a slot is of use."""
        return self.request.latest_slot(network)

    def time_for_attempt(self) -> float:
        """Return the seconds that the next attempt may take."""
        return self.timeout if self.request.timeout is None else self.request.timeout
