"""Decides whose turn it is, and when the next turn comes: over all buckets, without waiting for anything."""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs

from trackingmore_async.errors import DeadlineExceededError
from trackingmore_async.operations import Rate

from .contest import Decider, choose, in_all
from .cycle import Excess
from .gate import PROBE_SECONDS, Gate
from .lanes import Lanes
from .memory import Record, Snapshot
from .meter import TICK
from .protocol import Lane
from .rates import TOTAL
from .refusal import hopeless
from .rehearsal import Part, Rehearsal
from .share import Share
from .stage import Pace, Stage
from .ticket import Ticket

__all__ = ["Dispatcher", "Turn"]


@attrs.frozen
class Turn:
    """A turn to come.

    Args:
        when: When (seconds, loop clock); infinite when that hangs on a report still to come.
        stage: Whose turn it is.
        lane: In which lane.
        decider: Who said so.
    """

    when: float
    stage: Stage
    lane: Lane
    decider: Decider


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

    def next_turn(self, now: float) -> Turn | None:
        """Tell when the next turn comes, and whose it is; None when nobody waits.

        The time is infinite when all hangs on a report still to come. Between turns nothing changes this but a
        newcomer, a cancellation, a report, or a ban.
        """
        stages = [stage for stage in self.stages.values() if stage.lanes.anybody()]
        if not stages:
            return None
        if not self.gate.is_open:
            return self._probe(stages, now)
        if self.total is not None:
            return self._contest(stages, now, self.total)
        return min((self._turn(stage, stage.next_lane(), "bucket") for stage in stages), key=lambda turn: turn.when)

    def grant(self, turn: Turn, now: float) -> Ticket:
        """Give a turn, which must be due, to the head of its lane."""
        stage = turn.stage
        if self.total is not None:
            everybody = in_all(one.counts() for one in self.stages.values())
            self._share.note(turn.lane, everybody, decided=turn.decider == "total")
        waiter = stage.lanes.pop(turn.lane, decided=turn.decider == "bucket")
        trip = waiter.round_trip
        slot = stage.pace.take(now, trip)
        ticket = Ticket(bucket=stage.name, round_trip=trip, granted_at=now, slot=slot, owner=self)
        if self.total is not None:
            ticket.total_slot = self.total.take(now, trip)
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

    def blank_from(self) -> float:
        """Tell when nothing of the past holds up a request any more; infinite while a report or a probe is awaited."""
        if not self.gate.is_open:
            return math.inf
        paces = [stage.pace for stage in self.stages.values()] + ([] if self.total is None else [self.total])
        return max((pace.slots.all_open_from() for pace in paces), default=-math.inf)

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

    def _turn(self, stage: Stage, lane: Lane, decider: Decider) -> Turn:
        """Return the turn of a lane of a bucket, at the time that the path of its head allows."""
        when = stage.opening(lane)
        if self.total is not None:
            when = max(when, self.total.opening(stage.lanes.head(lane).round_trip))
        return Turn(max(when, self.gate.opening()), stage, lane, decider)

    def _probe(self, stages: list[Stage], now: float) -> Turn:
        """Find the first request after a ban: the best one is waited for, no longer than any other may take."""
        patience = max(now, self.gate.opening()) + PROBE_SECONDS
        turns = [self._turn(stage, stage.next_lane(), "bucket") for stage in stages]
        return min(turns, key=lambda turn: (max(turn.when, patience), turn.stage.rank, turn.when))

    def _contest(self, stages: list[Stage], now: float, total: Pace) -> Turn:
        """Find whose turn it is under the total rate.

        Who could be first over the best path decides who is due: else those over a path that earns less credit would
        be overtaken for ever, for their slots always open a little later.
        """
        ready = [(max(stage.pace.opening(math.inf), total.opening(math.inf)), stage) for stage in stages]
        moment = max(now, min(when for when, _ in ready))
        return self._turn(*choose([stage for when, stage in ready if when <= moment + TICK], self._share))

    # What can be said about turns to come

    def projected(self, stage: Stage, lane: Lane, now: float, ahead: int) -> float:
        """Tell when a request with so many ahead of it in its lane would probably have its turn."""
        if self.total is None:
            return stage.pace.forecast(stage.lanes.place(lane, ahead), self._start(now))
        waiting = [one for one in self.stages.values() if one.lanes.anybody() or one is stage]
        return self._rehearsal(waiting, now).turn_of(stage, lane, ahead)

    def refusal(self, stage: Stage, turn: float, now: float, waited: float = 0.0) -> DeadlineExceededError:
        """Return the error for one whose turn would come too late."""
        ban = self.gate.shut_until - now
        return hopeless(stage.name, wait=max(0.0, turn - now), ban=max(0.0, ban), waited=waited)

    def dismiss(self, now: float) -> None:
        """Refuse those who wait and whose turn will come too late by now, and nobody else."""
        waiting = [stage for stage in self.stages.values() if stage.lanes.anybody()]
        for stages in [[stage] for stage in waiting] if self.total is None else [waiting]:
            for stage, waiter, turn in self._rehearsal(stages, now).hopeless():
                stage.lanes.leave(waiter)
                waiter.turn.set_result(self.refusal(stage, turn, now))

    def _rehearsal(self, stages: list[Stage], now: float) -> Rehearsal:
        start = self._start(now)
        parts = [Part.of(stage, start) for stage in stages]
        probe = PROBE_SECONDS if self.gate.wants_probe else None
        total = None if self.total is None else self.total.course(start)
        return Rehearsal(parts, start, total, self._share.twin(), probe)

    def _start(self, now: float) -> float:
        """Tell when the next request may pass, if a probe that is under way is answered in no time."""
        return now if self.gate.is_open else max(now, self.gate.shut_until)
