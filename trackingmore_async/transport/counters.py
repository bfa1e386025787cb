"""What is counted for each bucket, whatever the limiter is; and how that is told."""

from __future__ import annotations

import math
from typing import Final

import attrs

from trackingmore_async.operations import OPERATIONS
from trackingmore_async.pacing.local import LocalLimiter
from trackingmore_async.pacing.protocol import RateLimiter
from trackingmore_async.pacing.silence import Silence
from trackingmore_async.stats import BucketStats, GateState, Statistics
from trackingmore_async.transport.budget import clock

__all__ = ["Counter", "Counters"]

MEMORY: Final = 60.0
"""Seconds after which an arrival weighs a third of a new one."""

SHORTEST: Final = 1.0
"""Seconds over which arrivals are averaged at least, however new the client is."""


@attrs.define(eq=False)
class Counter:
    """One bucket.

    Args:
        capacity: How many items one request can carry.
        waiting: Requests that wait for a slot or a connection.
        in_flight: Requests that were granted and are not over.
        granted: Requests that got their slot.
        retries: Requests that were sent again.
        replays: Those that were sent again while an earlier sending may have been carried out.
        bans: Requests that were answered by a 429.
        items_waiting: Items that wait to share a request.
        items: Items in all batches.
        room: Items for which there was room in them.
    """

    capacity: int
    waiting: int = 0
    in_flight: int = 0
    granted: int = 0
    retries: int = 0
    replays: int = 0
    bans: int = 0
    items_waiting: int = 0
    items: int = 0
    room: int = 0
    _level: float = attrs.field(default=0.0, init=False)
    _at: float = attrs.field(default=0.0, init=False)

    def came(self, requests: float, now: float) -> None:
        """Count what will take so many requests, or such a part of one."""
        self._level = self._level * math.exp((self._at - now) / MEMORY) + requests
        self._at = now

    def arrivals(self, now: float, since: float) -> float:
        """Return how many requests came in a second lately, the client being open since then."""
        seconds = MEMORY * -math.expm1(-max(SHORTEST, now - since) / MEMORY)
        return self._level * math.exp((self._at - now) / MEMORY) / seconds

    @property
    def fill(self) -> float | None:
        """How full batches were; None: there was none."""
        return self.items / self.room if self.room else None


@attrs.define(eq=False)
class Counters:
    """All buckets of one client, those that were used.

    Args:
        since: When the client was opened (seconds, loop clock).
        requests: Requests that left, or may have left.
        pauses: How often a 429 silenced the account.
    """

    since: float = 0.0
    requests: int = 0
    pauses: int = 0
    _buckets: dict[str, Counter] = attrs.field(factory=dict[str, Counter], init=False)

    def of(self, bucket: str) -> Counter:
        """Return the counter of a bucket, made at its first use."""
        counter = self._buckets.get(bucket)
        if counter is None:
            counter = self._buckets[bucket] = Counter(OPERATIONS[bucket].batch_size)
        return counter

    def came(self, bucket: str, items: int = 1, capacity: int = 1) -> None:
        """Count items that came, of which one request can carry so many.

        Args:
            bucket: The bucket through which they will be sent.
            items: How many.
            capacity: How many a request can carry; 1: they share none.
        """
        counter = self.of(bucket)
        counter.capacity = max(counter.capacity, capacity)
        counter.came(items / capacity, clock())

    def began_waiting(self, bucket: str, items: int = 1) -> None:
        """Count items that wait from now on until a shared request takes them along."""
        self.of(bucket).items_waiting += items

    def stopped_waiting(self, bucket: str, items: int = 1) -> None:
        """Count items that wait no more: they were taken along, or given up."""
        self.of(bucket).items_waiting -= items

    def took(self, bucket: str, items: int, capacity: int) -> None:
        """Count a shared request or a batch, and how many items it carries."""
        counter = self.of(bucket)
        counter.capacity = max(counter.capacity, capacity)
        counter.items += items
        counter.room += capacity

    def replayed(self, bucket: str) -> None:
        """Count a request that brings again what an earlier one may have done."""
        counter = self.of(bucket)
        counter.retries += 1
        counter.replays += 1

    def statistics(self, limiter: RateLimiter, silence: Silence) -> Statistics:
        """Describe all buckets at this moment; pace and gate as the limiter tells them, if it does."""
        gate, to_go = _gate(limiter, silence)
        buckets = {name: self._describe(name, counter, limiter, gate, to_go) for name, counter in self._buckets.items()}
        return Statistics(
            buckets=buckets,
            gate=gate,
            seconds_to_go=to_go,
            requests=self.requests,
            pauses=self.pauses,
        )

    def _describe(
        self, name: str, counter: Counter, limiter: RateLimiter, gate: GateState, to_go: float
    ) -> BucketStats:
        rate = limiter.rates[name] if isinstance(limiter, LocalLimiter) else OPERATIONS[name].rate
        interval = limiter.expected_interval(name) if isinstance(limiter, LocalLimiter) else rate.interval
        return BucketStats(
            waiting=counter.waiting,
            in_flight=counter.in_flight,
            granted=counter.granted,
            rate=rate,
            interval=interval,
            gate=gate,
            seconds_to_go=to_go,
            capacity=counter.capacity,
            load=counter.arrivals(clock(), self.since) * interval * counter.capacity,
            items_waiting=counter.items_waiting,
            fill=counter.fill,
            retries=counter.retries,
            replays=counter.replays,
            bans=counter.bans,
        )


def _gate(limiter: RateLimiter, silence: Silence) -> tuple[GateState, float]:
    """Return the state of the gate, and the seconds until a ban is over."""
    if isinstance(limiter, LocalLimiter):
        gate = limiter.statistics().gate
        return gate.state, gate.seconds_to_go
    to_go = max(0.0, silence.until - clock())
    return ("shut" if to_go else "open"), to_go
