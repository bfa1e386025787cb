"""How many look-ups are answered within a deadline, while nothing else uses the account and while a walk does.

A virtual clock and the sandbox at one request a second on the path of LIMITS.md (one way 90 ms + U(0, 50 ms), 1 % of
the packets 200 to 400 ms later, the server works U(20, 120 ms)); its answers take 200 to 400 ms. Visitors come at
random (Poisson), for any of 2,000 parcels. The walk reads page after page, for ever. *From memory*: they come for any
of 100 parcels, and an answer of the last minute will do. Nothing is bounded: this is what the rate allows.

Run: ``python -m benchmarks.patience [--visitors 200]``. Exits with 1 when the limit was passed.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import sys
from random import Random
from typing import Final

import attrs
import httpx

from benchmarks.pacing import VirtualLoop
from trackingmore_async import DeadlineExceededError, TrackingMore
from trackingmore_async.sandbox import Path, Sandbox

DEADLINES: Final = (0.8, 1.5, 3.0)
RATES: Final = (0.2, 10.0)  # visitors a second
PARCELS: Final = 2000


@attrs.frozen
class Scene:
    """What goes on beside the visitors.

    Args:
        name: Its name in the table.
        walk: Whether a walk uses the list all the time.
        parcels: How many parcels are asked for.
        max_age: Seconds: how old an answer may be; None: not at all.
    """

    name: str
    walk: bool = False
    parcels: int = PARCELS
    max_age: float | None = None


SCENES: Final = (
    Scene("nothing else"),
    Scene("a walk", walk=True),
    Scene("a walk, from memory", walk=True, parcels=100, max_age=60.0),
)


def way(random: Random) -> float:
    """Draw how long a packet is on its way, seconds."""
    return 0.09 + random.uniform(0.0, 0.05) + (random.uniform(0.2, 0.4) if random.random() < 0.01 else 0.0)


async def walk_for_ever(tm: TrackingMore) -> None:
    """Read page after page."""
    while True:
        async for _ in tm.trackings.list(page_size=100):
            pass


async def part_answered(scene: Scene, deadline: float, rate: float, visitors: int) -> float:
    """Return which part of the visitors is answered in time."""
    sandbox, chance, answered = Sandbox(path=Path(there=way, work=(0.02, 0.12), back=way)), Random(1), 0
    sandbox.seed_trackings(PARCELS)

    async def visit(tm: TrackingMore) -> None:
        nonlocal answered
        number = f"LX{chance.randrange(scene.parcels):07d}CN"
        try:
            await tm.with_options(deadline=deadline).trackings.get("china-ems", number, max_age=scene.max_age)
        except DeadlineExceededError:
            return
        answered += 1

    async with (
        httpx.AsyncClient(transport=sandbox.transport()) as http,
        TrackingMore(sandbox.key, base_url="http://sandbox/v2", http_client=http) as tm,
    ):
        walking = asyncio.create_task(walk_for_ever(tm) if scene.walk else asyncio.sleep(0.0))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(visitors):
                await asyncio.sleep(chance.expovariate(rate))
                tasks.create_task(visit(tm))
        walking.cancel()
        await asyncio.wait([walking])
    if sandbox.statistics().total_violations:
        raise SystemExit("the limit was passed")
    return answered / visitors


def measure(scene: Scene, deadline: float, rate: float, visitors: int) -> float:
    """Run one scene on virtual time."""
    with asyncio.Runner(loop_factory=functools.partial(VirtualLoop, noop_cycles=2)) as runner:
        return runner.run(part_answered(scene, deadline, rate, visitors))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patience")
    parser.add_argument("--visitors", type=int, default=200)
    options = parser.parse_args()
    print(f"{options.visitors} visitors; the part of them that is answered in time")
    print(f"{'beside them':22}{'visitors/s':>11}" + "".join(f"{deadline:>8} s" for deadline in DEADLINES))
    for scene in SCENES:
        for rate in RATES:
            parts = [measure(scene, deadline, rate, options.visitors) for deadline in DEADLINES]
            print(f"{scene.name:22}{rate:>11}" + "".join(f"{part:>10.2f}" for part in parts), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
