"""The turns to come, played through without giving any: whose they are and when, if nobody comes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

import attrs

from .contest import Decider, choose, in_all
from .course import Course
from .lanes import Waiter
from .meter import TICK
from .protocol import Lane
from .share import Share
from .stage import Stage

__all__ = ["Part", "Rehearsal"]

FORESEEN = 1_000
"""So many turns are played through to find one; what lies behind them is estimated by their pace."""

JUDGED = 10_000
"""So many turns are played through to find who is hopeless; who comes later is refused when his deadline passes."""


@attrs.define(eq=False)
class Part:
    """One bucket, as the rehearsal has it.

    Args:
        stage: The bucket, which stays as it is.
        course: Its openings to come.
        share: Whose turn it is in its lanes.
        waiting: How many wait in each lane.
        last: When the last one of each lane had its turn.
    """

    stage: Stage
    course: Course
    share: Share
    waiting: dict[Lane, int]
    last: dict[Lane, float]

    @classmethod
    def of(cls, stage: Stage, start: float) -> Part:
        """Take over how a bucket stands, if nothing passes before `start`."""
        return cls(stage, stage.pace.course(start), stage.lanes.share.twin(), stage.counts(), dict(stage.last))

    def counts(self) -> dict[Lane, int]:
        """Count who waits in each lane."""
        return self.waiting

    def next_lane(self) -> Lane:
        """Tell the lane whose turn is next."""
        return self.share.next(self.waiting)


@attrs.define(eq=False)
class Rehearsal:
    """Plays what `Dispatcher` would do, on the assumption that every request takes as long as usual.

    Args:
        parts: The buckets; without a total rate no bucket waits for another, so it is only one.
        start: When the first turn may be given (seconds, loop clock).
        total: The openings of the rate over all buckets, if there is one.
        share: The share of that rate.
        probe: Seconds for which the best bucket is waited for, where the first turn is a probe; None: it is not.
    """

    parts: list[Part]
    start: float
    total: Course | None
    share: Share
    probe: float | None

    def turn_of(self, stage: Stage, lane: Lane, ahead: int) -> float:
        """Tell when a request with so many ahead of it in its lane would have its turn."""
        mine = next(part for part in self.parts if part.stage is stage)
        mine.waiting[lane] += 1
        passed, when = 0, self.start
        for _ in range(FORESEEN):
            when, part, which, decider = self.next()
            if part is mine and which == lane:
                if passed == ahead:
                    return when
                passed += 1
            self.take(when, part, which, decider)
        return when + (ahead + 1 - passed) * (when - self.start) / max(1, passed)

    def hopeless(self) -> Iterator[tuple[Stage, Waiter, float]]:
        """Find those whose turn comes after their deadline although nobody hopeless is before them, and their turn."""
        queues = {part: _queues(part) for part in self.parts}
        heads: list[tuple[Part, Lane, deque[Waiter]]] = [
            (part, lane, queue) for part, both in queues.items() for lane, queue in both.items()
        ]
        pressed = sum(waiter.deadline < math.inf for _, _, queue in heads for waiter in queue)
        played = 0
        while pressed and played < JUDGED:
            when, part, lane, decider = self.next()
            late = [one for one in heads if one[2] and one[2][0].deadline + TICK < when]
            for late_part, late_lane, queue in late:  # out of the way before anybody's turn is decided
                late_part.waiting[late_lane] -= 1
                pressed -= 1
                yield late_part.stage, queue.popleft(), when
            if not late:
                pressed -= queues[part][lane].popleft().deadline < math.inf
                played += 1
                self.take(when, part, lane, decider)

    def next(self) -> tuple[float, Part, Lane, Decider]:
        """Tell when the next turn comes, whose it is, and who says so; somebody has to wait."""
        openings = [(self._opening(part), part) for part in self.parts if any(part.waiting.values())]
        if self.probe is not None:
            patience = self.start + self.probe
            when, part = min(openings, key=lambda one: (max(one[0], patience), one[1].stage.rank, one[0]))
            return when, part, part.next_lane(), "bucket"
        moment = min(openings, key=lambda one: one[0])[0]
        due = [part for when, part in openings if when <= moment + TICK]
        return moment, *choose(due, self.share)

    def take(self, when: float, part: Part, lane: Lane, decider: Decider) -> None:
        """Give this turn."""
        if self.total is not None:
            self.total.take(when)
            self.share.note(lane, in_all(one.waiting for one in self.parts), decided=decider == "total")
        part.course.take(when)
        part.share.note(lane, part.waiting, decided=decider == "bucket")
        part.waiting[lane] -= 1
        part.last[lane] = when
        self.probe = None

    def _opening(self, part: Part) -> float:
        return max(part.course.opening(), -math.inf if self.total is None else self.total.opening())


def _queues(part: Part) -> dict[Lane, deque[Waiter]]:
    """Return who waits in a bucket, and have the rehearsal count them: none who was cancelled meanwhile."""
    queues: dict[Lane, deque[Waiter]] = {"interactive": deque(), "bulk": deque()}
    for waiter in part.stage.lanes:
        if not waiter.turn.done():
            queues[waiter.lane].append(waiter)
    part.waiting = {lane: len(queue) for lane, queue in queues.items()}
    return queues
