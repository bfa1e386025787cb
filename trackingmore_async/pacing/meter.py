"""The meter: spaces the requests of one bucket evenly, with aiolimiter."""

from __future__ import annotations

import math

import anyio
import attrs
from aiolimiter import AsyncLimiter

__all__ = ["SPACING", "TICK", "Meter"]

SPACING = 0.5
"""The interval as a part of period / requests. At 1 a turn that came late would be lost for good, for a meter of
capacity 1 catches nothing up: 0.85 of the limit at 10 requests a second instead of 0.87 (benchmarks/pacing.py). The
slot rule alone keeps the limit; the meter keeps requests from leaving in a bunch."""

TICK = 2e-9
"""Seconds: event loops may call a timer one nanosecond early. Times as near as this are taken for equal."""

# A hair less than the whole capacity: where the clock stands still between turns of the loop, aiolimiter would spin
# for ever on a residue of one unit in the last place (LIMITS.md 1.4). The interval itself is kept below.
_ONE = 0.999


@attrs.define(eq=False)
class Meter:
    """One request each `interval` seconds, and no burst: capacity 1, for aiolimiter admits 2N - 1 of N (LIMITS.md 1.1).

    Whose turn it is, is decided before he passes the meter, in `reserve`; until he has passed it or stepped back
    nobody else gets a turn. So nobody queues up inside aiolimiter, which keeps neither order nor the living apart.

    Args:
        interval: Seconds between two requests.
    """

    interval: float
    _limiter: AsyncLimiter = attrs.field(init=False)
    _opening: float = attrs.field(default=-math.inf, init=False)
    _holder: object = attrs.field(default=None, init=False)
    _reserved_at: float = attrs.field(default=-math.inf, init=False)

    def __attrs_post_init__(self) -> None:
        self._limiter = AsyncLimiter(1, self.interval)

    def opening(self) -> float:
        """Tell when the next one may pass (seconds, loop clock); infinite while somebody is about to."""
        return math.inf if self._holder is not None else self._opening

    def forecast(self, start: float) -> float:
        """Tell when the next one will probably pass, from `start` on; who is about to, does so before."""
        opening = self._opening if self._holder is None else self._reserved_at + self.interval
        return max(start, opening)

    def reserve(self, holder: object, now: float) -> None:
        """Give the next pass to one request, which has to call `take` or `step_back`."""
        self._holder, self._reserved_at = holder, now

    async def take(self) -> None:
        """Pass the meter."""
        await self._limiter.acquire(_ONE)
        self._holder = None
        self._opening = anyio.current_time() + self.interval

    def step_back(self, holder: object) -> None:
        """Leave the pass to the next one, if this one has not used it."""
        if self._holder is holder:
            self._holder = None
