"""The slot rule: what makes a limit true in every sliding window, as the server sees it (LIMITS.md, first section).

A bucket of N requests per period P has N slots. When the requests of each slot reach the server at least P apart, no
window of P can hold more than N of them, whatever the network does.
"""

from __future__ import annotations

import math

import attrs

__all__ = ["CREDIT", "Slot", "Slots"]

CREDIT = 0.9
"""The part of the shortest round trip that is credited; the rest is for clocks and measuring (LIMITS.md, the table)."""


@attrs.define(eq=False)
class Slot:
    """What is known about one request that closes a slot. All times are seconds on the event loop's clock.

    Args:
        granted_at: When it was granted.
        round_trip: Seconds: the shortest network round trip of its path that is known for certain; else 0.
        sent_at: When its headers were written; None: not yet, as far as was told.
        answered_at: When the head of its answer arrived; None: not yet.
        settled: True when nothing more will be heard of it.
        inherited: True when an earlier limiter told of it, or it is only assumed.
    """

    granted_at: float
    round_trip: float = 0.0
    sent_at: float | None = None
    answered_at: float | None = None
    settled: bool = False
    inherited: bool = False

    def note(self, sent_at: float, answered_at: float | None) -> None:
        """Take note of what became of the request; what was known before stays."""
        if self.sent_at is None:
            self.sent_at = max(sent_at, self.granted_at)
        if self.answered_at is None and answered_at is not None:
            self.answered_at = max(answered_at, self.sent_at)


@attrs.define(eq=False)
class Slots:
    """The slots of one bucket. A slot is free unless a request of the recent past closes it.

    Args:
        number: N, how many requests a period may hold.
        period: P, seconds.
        spread: D, seconds: how much longer than the next request a request may take to the server.

    Example:
        >>> slots = Slots(number=1, period=1.0, spread=0.5)
        >>> slot = slots.take(0.0, round_trip=0.2)
        >>> slots.opening(round_trip=0.2)
        inf
        >>> slot.note(sent_at=0.0, answered_at=0.25)
        >>> round(slots.opening(round_trip=0.2), 6)
        1.07
    """

    number: int
    period: float
    spread: float
    _closed: list[Slot] = attrs.field(factory=list[Slot], init=False)  # in the order in which they were granted
    _filled_at: float = attrs.field(default=-math.inf, init=False)

    def opens_at(self, slot: Slot, round_trip: float) -> float:
        """Tell when the slot reopens for a request on a path with this round trip; infinite while that is unknown."""
        if slot.sent_at is None:
            return math.inf
        latest = slot.sent_at + self.period + self.spread
        if slot.answered_at is None:
            return latest
        # The request was on the server one shortest way back before its answer arrived, and the next one needs
        # one shortest way there. Requests over different paths may credit each other only the smaller sum.
        credit = CREDIT * min(slot.round_trip, round_trip)
        return min(slot.answered_at + self.period - credit, latest)

    def opening(self, round_trip: float) -> float:
        """Tell when the first slot opens for such a request: minus infinity when one is free, infinite when unknown."""
        if len(self._closed) < self.number:
            return -math.inf
        return self.opens_at(self.next(round_trip), round_trip)

    def take(self, now: float, round_trip: float) -> Slot:
        """Close a slot that is open for this request, and return the record of what closes it."""
        if len(self._closed) >= self.number:
            self._closed.remove(self.next(round_trip))
        slot = Slot(now, round_trip)
        self._closed.append(slot)
        return slot

    def next(self, round_trip: float) -> Slot:
        """Find the closed slot that reopens first for such a request.

        No answer comes before its request was granted. So none of the slots that were taken later can reopen earlier
        than the period after that, less the credit: of hundreds of slots just the oldest need be looked at.
        """
        found, opens_at = self._closed[0], math.inf
        for slot in self._closed:
            if slot.granted_at + self.period - CREDIT * round_trip >= opens_at:
                break
            this_opens_at = self.opens_at(slot, round_trip)
            if this_opens_at < opens_at:
                found, opens_at = slot, this_opens_at
        return found

    def free(self, slot: Slot) -> None:
        """Open a slot at once: its request was never sent. What was assumed of it meanwhile holds again."""
        if slot in self._closed:
            self._closed.remove(slot)
            if slot.granted_at <= self._filled_at:
                self._closed.append(_assumed(self._filled_at))
                self._closed.sort(key=_granted_at)

    def closed(self) -> tuple[Slot, ...]:
        """Return the requests that close slots, oldest first; some may have reopened already."""
        return tuple(self._closed)

    def all_open_from(self) -> float:
        """Tell when no request closes a slot any more; infinite when that hangs on a report still to come."""
        return max((self.opens_at(slot, 0.0) for slot in self._closed), default=-math.inf)

    def full(self) -> bool:
        """Tell whether the next request has to take over one of the slots that are `closed`."""
        return len(self._closed) >= self.number

    def restore(self, slots: list[Slot]) -> None:
        """Close slots for requests of an earlier limiter: as many as there are, the latest ones."""
        known = sorted([*self._closed, *slots], key=lambda slot: self.opens_at(slot, 0.0))
        self._closed = sorted(known[-self.number :], key=_granted_at)

    def fill(self, now: float) -> None:
        """Take all slots to have been used just now, but for those that requests of this limiter still close."""
        known = [slot for slot in self._closed if not slot.inherited and self.opens_at(slot, 0.0) > now]
        self._closed = known + [_assumed(now) for _ in range(self.number - len(known))]
        self._filled_at = now


def _granted_at(slot: Slot) -> float:
    return slot.granted_at


def _assumed(now: float) -> Slot:
    return Slot(now, sent_at=now, settled=True, inherited=True)
