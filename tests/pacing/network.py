"""A network path and a server that only counts: the independent referee of the limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import anyio
import attrs

from trackingmore_async.pacing import LocalLimiter, Permit

MICROSECONDS = 1_000_000


@attrs.frozen
class Path:
    """How long requests and answers are under way, in seconds.

    Args:
        least: The shortest way in one direction.
        jitter: What is added, evenly spread from 0 to this.
        late: The part of the packets that come later still.
        delay: By how much, at least and at most.
        work: How long the server works, at least and at most.
    """

    least: float = 0.09
    jitter: float = 0.05
    late: float = 0.01
    delay: tuple[float, float] = (0.2, 0.4)
    work: tuple[float, float] = (0.02, 0.12)

    def way(self, random: Random) -> float:
        """How long one way takes, there or back."""
        late = random.uniform(*self.delay) if random.random() < self.late else 0.0
        return self.least + random.uniform(0.0, self.jitter) + late

    def working(self, random: Random) -> float:
        """How long the server works on one request."""
        return random.uniform(*self.work)


USUAL = Path()
QUIET = Path(jitter=0.005, late=0.0, work=(0.002, 0.006))
HEAVY = Path(late=0.2, delay=(0.0, 0.4))
SLOW = Path(work=(5.0, 60.0))


def violations(arrivals: list[int], requests: int, period: float) -> int:
    """Count the arrivals whose window of one period, from the arrival on and half open, holds too many."""
    times, window, end, count = sorted(arrivals), round(period * MICROSECONDS), 0, 0
    for first, start in enumerate(times):
        while end < len(times) and times[end] < start + window:
            end += 1
        count += end - first > requests
    return count


async def exchange(limiter: LocalLimiter, permit: Permit, path: Path, random: Random) -> int:
    """Send one request, await its answer, report both; return its arrival at the server in microseconds."""
    loop = asyncio.get_running_loop()
    sent_at, there = loop.time(), path.way(random)
    await limiter.release(permit, sent_at=sent_at)
    await anyio.sleep(there + path.working(random) + path.way(random))
    await limiter.release(permit, sent_at=sent_at, answered_at=loop.time())
    return round((sent_at + there) * MICROSECONDS)


async def drive(
    limiter: LocalLimiter,
    number: int,
    *,
    bucket: str = "get",
    seed: int = 0,
    path: Callable[[Random], tuple[Path, float]] = lambda _: (USUAL, 0.0),
    pause: Callable[[Random], float] = lambda _: 0.0,
) -> list[int]:
    """Send so many requests as fast as the limiter allows; return when they arrived, in microseconds.

    Args:
        limiter: The limiter.
        number: How many.
        bucket: Of which bucket.
        seed: Of all chance.
        path: Chooses the path of a request, and what its sender vouches for as the shortest round trip.
        pause: Chooses how long the sender rests before a request.
    """
    random = Random(seed)
    tasks: list[asyncio.Task[int]] = []
    for _ in range(number):
        if rest := pause(random):
            await anyio.sleep(rest)
        chosen, round_trip = path(random)
        permit = await limiter.acquire(bucket, round_trip=round_trip)
        tasks.append(asyncio.ensure_future(exchange(limiter, permit, chosen, random)))
    return list(await asyncio.gather(*tasks))
