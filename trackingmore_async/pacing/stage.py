"""One bucket: the lanes in front, the meter, and the slots behind."""

from __future__ import annotations

import math
from weakref import WeakSet

import attrs

from trackingmore_async.operations import Rate

from .course import Course
from .cycle import Excess
from .lanes import Lanes, Waiter
from .meter import SPACING, Meter
from .protocol import Lane
from .slots import Slot, Slots
from .statistics import BucketStatistics
from .ticket import Ticket

__all__ = ["Pace", "Stage"]


@attrs.define(eq=False)
class Pace:
    """What bounds the requests of one bucket, or of all: the meter, and the slots that make the limit exact.

    Args:
        rate: How many requests each window of how many seconds may hold.
        slots: Its slots.
        meter: Its meter.
        excess: How much longer than the period its slots stayed closed.
    """

    rate: Rate
    slots: Slots
    meter: Meter
    excess: Excess

    @classmethod
    def of(cls, rate: Rate, spread: float, path: Excess) -> Pace:
        """Make the pace of a rate, on a path with this spread of delays (seconds) and this average excess."""
        return cls(rate, Slots(rate.requests, rate.seconds, spread), Meter(rate.interval * SPACING), Excess(path))

    @property
    def interval(self) -> float:
        """Seconds a request in the long run: (period + observed excess) / requests."""
        return (self.rate.seconds + self.excess.seconds) / self.rate.requests

    def opening(self, round_trip: float) -> float:
        """Tell when a request over such a path may pass; infinite when that hangs on a report still to come."""
        return max(self.slots.opening(round_trip), self.meter.opening())

    def take(self, now: float, round_trip: float) -> Slot:
        """Close a slot for one request, and reserve its pass of the meter."""
        if self.slots.full():
            self._observe(self.slots.next(round_trip), round_trip)
        slot = self.slots.take(now, round_trip)
        self.meter.reserve(slot, now)
        return slot

    def hand_back(self, slot: Slot) -> None:
        """Open the slot of a request that was never sent, and leave its pass of the meter to the next one."""
        self.meter.step_back(slot)
        self.slots.free(slot)

    def settle(self, slot: Slot) -> None:
        """Learn how long a slot stays closed, now that its request was answered or never will be."""
        self._observe(slot, slot.round_trip)

    def _observe(self, slot: Slot, round_trip: float) -> None:
        if not slot.settled:
            slot.settled = True
            self.excess.observe(self.slots.opens_at(slot, round_trip) - slot.granted_at - self.rate.seconds)

    def course(self, start: float) -> Course:
        """Return the openings to come, if nothing passes before `start`."""
        closed = [self._expected(slot, start) for slot in self.slots.closed()]
        cycle = self.rate.seconds + self.excess.seconds
        vacant = self.rate.requests - len(closed)
        return Course(closed, vacant, self.meter.forecast(start), self.meter.interval, cycle)

    def forecast(self, place: int, start: float) -> float:
        """Tell when the request with `place` others before it will probably pass, if none passes before `start`."""
        return self.course(start).turn(place)

    def _expected(self, slot: Slot, start: float) -> float:
        """Tell when a slot will probably reopen: what is certain, else what is usual."""
        certain = self.slots.opens_at(slot, slot.round_trip)
        if slot.settled:
            return max(start, certain)
        return max(start, min(certain, slot.granted_at + self.rate.seconds + self.excess.seconds))


def _never() -> dict[Lane, float]:
    return {"interactive": -math.inf, "bulk": -math.inf}


@attrs.define(eq=False)
class Stage:
    """One bucket.

    Args:
        name: Its name.
        rank: Its place in the order of buckets for the probe after a ban: the smallest goes first.
        pace: Its meter and its slots.
        lanes: Who waits.
        tickets: Those that were granted and are not settled.
        granted: How many requests were granted in all.
        last: When the last one of each lane was granted (seconds, loop clock).
    """

    name: str
    rank: int
    pace: Pace
    lanes: Lanes
    tickets: WeakSet[Ticket] = attrs.field(factory=WeakSet[Ticket], init=False)
    granted: int = attrs.field(default=0, init=False)
    last: dict[Lane, float] = attrs.field(factory=_never, init=False)

    def counts(self) -> dict[Lane, int]:
        """Count who waits in each lane."""
        return self.lanes.counts()

    def next_lane(self) -> Lane:
        """Tell the lane whose turn is next when the bucket may say so; somebody has to wait."""
        return self.lanes.next_lane()

    def opening(self, lane: Lane) -> float:
        """Tell when the head of a lane may pass."""
        return self.pace.opening(self.lanes.head(lane).round_trip)

    def grant(self, waiter: Waiter, ticket: Ticket, now: float) -> None:
        """Hand the ticket to the waiter."""
        self.tickets.add(ticket)
        self.granted += 1
        self.last[waiter.lane] = now
        waiter.turn.set_result(ticket)

    def statistics(self) -> BucketStatistics:
        """Describe the bucket."""
        return BucketStatistics(
            waiting=len(self.lanes),
            in_flight=len(self.tickets),
            granted=self.granted,
            rate=self.pace.rate,
            interval=self.pace.interval,
        )
