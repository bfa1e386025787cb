"""Decides whose turn it is, and when the next turn comes: over all buckets, without waiting for anything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import attrs

from trackingmore_async.errors import DeadlineExceededError
from trackingmore_async.operations import Rate

from .cycle import Excess
from .gate import PROBE_SECONDS, Gate
from .lanes import Lanes, Share, Waiter
from .memory import Record, Snapshot
from .meter import TICK
from .protocol import Lane
from .rates import TOTAL
from .refusal import hopeless
from .stage import Pace, Stage
from .ticket import Ticket

__all__ = ["Dispatcher"]


@attrs.define(eq=False)
class Dispatcher:
    """All buckets of one account under one gate. All times are seconds on the event loop's clock.

    A turn needs an open slot and the meter of its bucket, the same of the total rate if there is one, and the gate:
    all are taken in one step, or none. So nobody holds one thing while waiting for another, and nothing can lock up.

    Args:
        rates: The rate of each bucket; "total" is the one that bounds all together, if there is one.
        probes: The buckets whose heads are the best probes after a ban, best first.
        spread: Seconds: how much longer than another a request may take to the server.
        bulk_share: The part of the turns that the bulk lane gets while both wait.
    """

    rates: Mapping[str, Rate]
    probes: tuple[str, ...]
    spread: float
    bulk_share: float
    gate: Gate = attrs.field(factory=Gate, init=False)
    stages: dict[str, Stage] = attrs.field(factory=dict[str, Stage], init=False)
    path: Excess = attrs.field(factory=Excess, init=False)
    total: Pace | None = attrs.field(init=False)
    _share: Share = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # The total rate keeps slots closed for the same reasons as the buckets do, but must not count them twice.
        self.total = Pace.of(self.rates[TOTAL], self.spread, Excess()) if TOTAL in self.rates else None
        self._share = Share(self.bulk_share)

    def stage(self, bucket: str) -> Stage:
        """Return the bucket of this name, made at its first use; KeyError for a name without a rate."""
        if bucket not in self.stages and bucket != TOTAL:
            rank = self.probes.index(bucket) if bucket in self.probes else len(self.probes)
            pace = Pace.of(self.rates[bucket], self.spread, self.path)
            self.stages[bucket] = Stage(bucket, rank, pace, Lanes(Share(self.bulk_share)))
        return self.stages[bucket]

    # Whose turn it is

    def next_turn(self, now: float) -> tuple[float, Stage | None]:
        """Tell when the next turn comes, and whose it is.

        Infinite when nobody waits, or all hangs on a report still to come. Between turns nothing changes this but
        a newcomer, a cancellation, a report, or a ban.
        """
        openings = [(self._opening(stage), stage) for stage in self.stages.values() if stage.lanes.anybody()]
        if not openings:
            return math.inf, None
        if self.gate.is_open:
            when, stage = self._first(openings, now)
        else:
            # The best probe is waited for, but not longer than any other probe may take.
            patience = max(now, self.gate.opening()) + PROBE_SECONDS
            when, stage = min(openings, key=lambda one: (max(one[0], patience), one[1].rank, one[0]))
        return max(when, self.gate.opening()), stage

    def grant(self, stage: Stage, now: float) -> Ticket:
        """Give the next turn of a bucket, which must be due, to the head of its lanes."""
        waiter = stage.lanes.pop()
        trip = waiter.round_trip
        slot = stage.pace.take(now, trip)
        ticket = Ticket(bucket=stage.name, round_trip=trip, granted_at=now, slot=slot, owner=self)
        if self.total is not None:
            ticket.total_slot = self.total.take(now, trip)
            self._count(waiter.lane)
        self.gate.stamp(ticket, now)
        stage.grant(waiter, ticket, now)
        return ticket

    def hand_back(self, ticket: Ticket) -> None:
        """Take back a turn that was not used: everything it closed is open again."""
        stage = self.stage(ticket.bucket)
        stage.tickets.discard(ticket)
        stage.pace.hand_back(ticket.slot)
        if self.total is not None and ticket.total_slot is not None:
            self.total.hand_back(ticket.total_slot)
        self.gate.dropped(ticket)

    def settle(
        self, ticket: Ticket, now: float, sent_at: float | None, answered_at: float | None, *, refused: bool
    ) -> None:
        """Take note of a request that left: when, and when its answer came, if it did."""
        ticket.note(now if sent_at is None else sent_at, answered_at)
        if answered_at is None and ticket.reports < 2:
            return
        stage = self.stage(ticket.bucket)
        stage.tickets.discard(ticket)
        stage.pace.settle(ticket.slot)
        if self.total is not None and ticket.total_slot is not None:
            self.total.settle(ticket.total_slot)
        if answered_at is None:
            self.gate.dropped(ticket)
        elif not refused:  # else `penalise` speaks
            self.gate.answered(ticket, now)

    def snapshot(self, now: float) -> Snapshot:
        """Describe what a later limiter for the same account must know."""
        total = () if self.total is None else self.total.slots.closed()
        paces = {name: stage.pace for name, stage in self.stages.items()}
        return Snapshot(
            taken_at=now,
            buckets={name: [Record.of(slot) for slot in pace.slots.closed()] for name, pace in paces.items()},
            total=[Record.of(slot) for slot in total],
            ban_until=None if self.gate.is_open else self.gate.shut_until,
            row=self.gate.row,
        )

    def restore(self, snapshot: Snapshot, now: float) -> None:
        """Continue where another limiter for the same account ended."""
        for name, records in snapshot.buckets.items():
            if name in self.rates and name != TOTAL:
                self.stage(name).pace.slots.restore([record.slot(now) for record in records])
        if self.total is not None:
            self.total.slots.restore([record.slot(now) for record in snapshot.total])
        ban_end = snapshot.ban_end(now)
        if ban_end is not None:
            self.gate.restore(ban_end, snapshot.row, now)

    def distrust(self, now: float) -> None:
        """Assume that a limiter for the same account used every slot just now, and may have met a ban."""
        for name in self.rates:
            if name != TOTAL:
                self.stage(name).pace.slots.fill(now)
        if self.total is not None:
            self.total.slots.fill(now)
        self.gate.doubt(now)

    def _opening(self, stage: Stage) -> float:
        if self.total is None:
            return stage.opening()
        return max(stage.opening(), self.total.opening(stage.lanes.head().round_trip))

    def _first(self, openings: list[tuple[float, Stage]], now: float) -> tuple[float, Stage]:
        """Find the bucket that comes first; of those that are due, by lane, then the one served least recently."""
        due = [one for one in openings if one[0] <= now + TICK]
        if self.total is None or not due:
            return min(openings, key=lambda one: one[0])
        lanes = {one[1].lanes.head().lane for one in due}
        lane = self._share.next() if len(lanes) > 1 else lanes.pop()
        return min((one for one in due if one[1].lanes.head().lane == lane), key=lambda one: one[1].last)

    def _count(self, lane: Lane) -> None:
        other: Lane = "bulk" if lane == "interactive" else "interactive"
        if any(stage.lanes.counts()[other] for stage in self.stages.values()):
            self._share.count(lane)
        else:
            self._share.settle()

    # What can be said about turns to come

    def projected(self, stage: Stage, lane: Lane, now: float, *, again: bool = False) -> float:
        """Tell when a request that came now would probably have its turn."""
        return self._forecast(stage, stage.lanes.place(lane, again=again), now)

    def refusal(self, stage: Stage, turn: float, now: float, waited: float = 0.0) -> DeadlineExceededError:
        """Return the error for one whose turn would come too late."""
        ban = self.gate.shut_until - now
        return hopeless(stage.name, wait=max(0.0, turn - now), ban=max(0.0, ban), waited=waited)

    def dismiss(self, now: float) -> None:
        """Refuse those who wait and whose turn will come too late by now."""
        for stage, waiter, turn in self._hopeless(now):
            stage.lanes.leave(waiter)
            if not waiter.turn.done():
                waiter.turn.set_result(self.refusal(stage, turn, now))

    def _hopeless(self, now: float) -> Iterator[tuple[Stage, Waiter, float]]:
        """Find those whose turn will probably come after their deadline, and when it would come."""
        for stage in self.stages.values():
            first = self._forecast(stage, 0, now) if stage.lanes else now
            ahead: dict[Lane, int] = {"interactive": 0, "bulk": 0}
            waiting = stage.lanes.counts()
            for waiter in list(stage.lanes):
                others = waiting["bulk" if waiter.lane == "interactive" else "interactive"]
                place = stage.lanes.share.before(waiter.lane, ahead[waiter.lane], others)
                turn = first + place * stage.pace.interval
                if turn > waiter.deadline + TICK:
                    yield stage, waiter, turn
                else:
                    ahead[waiter.lane] += 1

    def _forecast(self, stage: Stage, place: int, now: float) -> float:
        start = max(now, self.gate.opening())
        turn = stage.pace.forecast(place, start)
        if self.total is None:
            return turn
        others = sum(min(len(other.lanes), place + 1) for other in self.stages.values() if other is not stage)
        return max(turn, self.total.forecast(place + others, start))
