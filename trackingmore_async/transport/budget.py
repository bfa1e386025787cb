"""How much time one call has, and what it went through."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

import attrs

from trackingmore_async.pacing.silence import Silence
from trackingmore_async.settings import Lane
from trackingmore_async.timing import Timing

__all__ = ["Budget", "Trail", "clock", "clock_at_least"]


AT_ONCE = 0.01  # seconds that pass for none: so long may it take until a call reaches a slot that is free

COARSE: Final = frozenset({"uvloop", "winloop"})
"""Packages with event loops whose clock shows whole milliseconds, rounded down."""

MILLISECOND: Final = 0.001


def clock() -> float:
    """Return the time of the running event loop in seconds, at a quarter of the price of `anyio.current_time`."""
    return asyncio.get_running_loop().time()


def clock_at_least() -> float:
    """Return the same, and certainly no moment before now."""
    loop = asyncio.get_running_loop()
    package, _, _ = type(loop).__module__.partition(".")
    return loop.time() + (MILLISECOND if package in COARSE else 0.0)


NO_SILENCE: Final = Silence()
"""Of a call that has not begun."""


@attrs.define
class Trail:
    """What one call went through, over all its attempts.

    A call either waits or has a request on its way: it begins with waiting, `hand_over` and `take_back` change from one
    to the other, and `end` ends the last wait.

    Args:
        call: The number of the call; 0 before it began.
        is_counted: Whether it carries what was counted already (`Counters.came`), instead of being one by itself.
        lane: Where it waits.
        attempts: Requests sent.
        before: Those among them that were over when the latest one began: other pages of the same list.
        bans: Requests that were answered by a 429.
        asked_at: When the latest request was about to leave (seconds, loop clock).
        first_sent_at: When the first request may have left (seconds, loop clock); None: none did.
        in_doubt: True when a request may have been carried out although no answer said so.
        may_still_run: True when that is because we gave up waiting: the server may carry it out even later.
        waiting: Seconds that it waited for its turns and between them, without bans.
        pause: Seconds that it waited in bans.
        network: Seconds that its requests were on their way.
        decode: Seconds from the bytes of its answers to models.
        code: ``meta.code`` of its latest answer; None: there was none, or it had no envelope.
    """

    call: int = 0
    is_counted: bool = attrs.field(default=False, kw_only=True)
    lane: Lane = "interactive"
    attempts: int = 0
    before: int = attrs.field(default=0, kw_only=True)
    bans: int = 0
    asked_at: float = 0.0
    first_sent_at: float | None = None
    in_doubt: bool = False
    may_still_run: bool = False
    waiting: float = 0.0
    pause: float = 0.0
    network: float = 0.0
    decode: float = 0.0
    code: int | None = None
    _silence: Silence = attrs.field(default=NO_SILENCE, repr=False)
    _since: float = 0.0
    _silent: float = 0.0
    _on_its_way: bool = False

    def begin(self, silence: Silence) -> None:
        """Begin to wait; `silence` knows the bans of the account."""
        self._silence = silence
        self._wait()

    def hand_over(self) -> None:
        """Count what was waited: the request is handed to the HTTP client now."""
        self._on_its_way = True
        self.end()

    def take_back(self) -> float:
        """Return and count the time on the network: the answer is complete, or given up. Now the call waits again."""
        if not self._on_its_way:
            return 0.0
        self._on_its_way, before = False, self._since
        self._wait()
        self.network += self._since - before
        return self._since - before

    @property
    def attempt(self) -> int:
        """Which attempt of its latest request it is, from 1: each page of a list is a request."""
        return self.attempts - self.before

    @property
    def is_on_its_way(self) -> bool:
        """Whether a request is on the network now."""
        return self._on_its_way

    def so_far(self) -> Timing:
        """Return what a call has spent until now, which may be under way; the rest was waiting."""
        now = clock()
        if self._on_its_way:
            return self._spent(pause=self.pause, network=self.network + now - self._since)
        return self._spent(pause=self.pause + self._silence.seconds(now) - self._silent, network=self.network)

    def end(self) -> None:
        """Count what was waited, in a ban and else."""
        since, silent = self._since, self._silent
        self._wait()
        pause = self._silent - silent
        self.pause += pause
        self.waiting += self._since - since - pause

    @contextmanager
    def decoding(self) -> Generator[None]:
        """Count what happens in this context as decoding, and not as waiting."""
        self.end()
        begun = perf_counter()
        try:
            yield
        finally:
            self.decode += perf_counter() - begun
            self._wait()

    def include(self, other: Timing | None) -> None:
        """Count what another call, which this one made and waited for, took of its time."""
        other = other or Timing()
        self.waiting, self.pause = self.waiting + other.waiting, self.pause + other.pause
        self.network, self.decode = self.network + other.network, self.decode + other.decode
        self.attempts += other.attempts
        self._wait()

    def _wait(self) -> None:
        self._since = clock()
        self._silent = self._silence.seconds(self._since)

    def timing(self) -> Timing:
        """Return where the time went."""
        return self._spent(waiting=self.waiting, pause=self.pause, network=self.network)

    def _spent(self, *, pause: float, network: float, waiting: float = 0.0) -> Timing:
        return Timing(waiting=waiting, pause=pause, network=network, decode=self.decode, attempts=self.attempts)


@attrs.frozen
class Budget:
    """The time that one call has, in seconds of the loop's clock.

    Args:
        ends_at: When everything has to be over; None: never.
        max_wait: Seconds until a slot; None: any.
        timeout: Seconds for one attempt.
        lane: Where it waits.
    """

    ends_at: float | None
    max_wait: float | None
    timeout: float
    lane: Lane

    @property
    def peers(self) -> str:
        """Whose answers take about as long: those of its lane, as walks and jobs ask for more at a time."""
        return self.lane

    def latest_slot(self, network: float = 0.0) -> float | None:
        """Return the latest time at which a slot is of use.

        Args:
            network: Seconds that the answer will take, which have to be over by the deadline, too.
        """
        latest = None if self.max_wait is None else clock() + max(self.max_wait, AT_ONCE)
        in_time = None if self.ends_at is None else self.ends_at - network
        return min((moment for moment in (latest, in_time) if moment is not None), default=None)

    def time_for_attempt(self) -> float:
        """Return the seconds that the next attempt may take."""
        if self.ends_at is None:
            return self.timeout
        return max(0.0, min(self.timeout, self.ends_at - clock()))

    def allows(self, delay: float) -> bool:
        """Tell whether a pause of `delay` seconds leaves any time."""
        return self.ends_at is None or clock() + delay < self.ends_at
