"""How long look-ups wait until their request leaves, beside two usual ways to send them.

A virtual clock; look-ups come for ten minutes, each of another tracking, at random (Poisson); the API may be asked once
a second. The whole client runs, down to the HTTP client: that is a stand-in, which knows every tracking and answers at
once, or on the path of LIMITS.md (one way 90 ms + U(0, 50 ms), 1 % of the packets 200 to 400 ms later, the server works
U(20, 120 ms)). *Waiting* lasts from the call until its request is handed to the network.

* ``shared``: `trackings.get` as it is. All look-ups that wait when a slot is granted share one request.
* ``alone``: the same with ``coalesce=False``: a request each.
* ``loader``: a data loader, as GraphQL servers use them: what is asked for in one turn of the event loop shares a
  request, which then waits for its slot.

*Growth* compares the look-ups that came in the last two minutes with those of the first two. It is how much longer they
waited on average, in standard errors of that difference over the seeds. *Load* is what `TrackingMore.stats` says when
the last one has come: look-ups a cycle, of as many as fit in one. Exit code 1 when ``shared`` waits longer than
promised, grows by more than three standard errors, or passes the limit of the API once.

Run: ``python -m benchmarks.lookups [--seeds 6] [--processes 2]``
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import itertools
import math
import multiprocessing
import statistics
import sys
from array import array
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Final

import attrs

from benchmarks.network import Network, Record
from benchmarks.pacing import Server, VirtualLoop
from trackingmore_async import BucketStats, LocalLimiter, Tracking, TrackingMore

SECONDS: Final = 600.0
PART: Final = 120.0  # the first and the last seconds, which are compared
CARRIER: Final = "china-ems"
LookUp = Callable[[str], Awaitable[Tracking]]
Way = Callable[[TrackingMore], LookUp]


@attrs.frozen
class Scene:
    """A path, and how many look-ups come.

    Args:
        name: Its name in the table.
        rate: Look-ups a second.
        p50: The longest wait that is promised to half of them, seconds.
        p95: The same for 95 of a hundred.
        round_trip: The shortest round trip that is known for certain (m of LIMITS.md), seconds.
        instant: Whether answers come at once; else on the path of LIMITS.md.
    """

    name: str
    rate: float
    p50: float
    p95: float
    round_trip: float = 0.0
    instant: bool = False


SCENES: Final = (
    Scene("answers at once", rate=35, p50=0.60, p95=1.1, instant=True),
    Scene("m = 180 ms", rate=30, p50=0.65, p95=1.2, round_trip=0.18),
    Scene("m = 0", rate=25, p50=0.70, p95=1.3),
)


@attrs.define(eq=False)
class Loader:
    """A data loader: what is asked for in one turn of the event loop goes together.

    Args:
        tm: The client.
    """

    tm: TrackingMore
    _batch: dict[str, asyncio.Future[Tracking]] = attrs.field(factory=dict[str, asyncio.Future[Tracking]], init=False)
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]], init=False)

    async def load(self, number: str) -> Tracking:
        """Read one tracking."""
        loop = asyncio.get_running_loop()
        if not self._batch:
            loop.call_soon(self._dispatch)
        if number not in self._batch:
            self._batch[number] = loop.create_future()
        return await self._batch[number]

    def _dispatch(self) -> None:
        batch, self._batch = self._batch, {}
        task = asyncio.get_running_loop().create_task(self._fetch(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, batch: dict[str, asyncio.Future[Tracking]]) -> None:
        for tracking in await self.tm.trackings.list(numbers=list(batch), page_size=2000):
            batch[tracking.tracking_number].set_result(tracking)


def shared(tm: TrackingMore) -> LookUp:
    """Look up as everybody does."""
    return functools.partial(tm.trackings.get, CARRIER)


def alone(tm: TrackingMore) -> LookUp:
    """Look up with a request each, and with any patience."""
    return functools.partial(tm.with_options(coalesce=False, max_wait=None).trackings.get, CARRIER)


def loader(tm: TrackingMore) -> LookUp:
    """Look up with a data loader, and with any patience."""
    return Loader(tm.with_options(max_wait=None)).load


WAYS: Final[tuple[Way, ...]] = (shared, alone, loader)


@attrs.frozen
class Run:
    """What came of one run.

    Args:
        came: When the look-ups came, seconds since the beginning.
        waited: How long each waited, seconds.
        longest: The most that waited at one time.
        violations: Requests that passed the limit.
        seconds: For how long look-ups came.
        stats: What the client said of its bucket when the last one had come.
    """

    came: array[float]
    waited: array[float]
    longest: int
    violations: int
    seconds: float
    stats: BucketStats

    @classmethod
    def of(cls, record: Record, begun: float, seconds: float, violations: int, stats: BucketStats) -> Run:
        """Make it from what was noted."""
        came = array("d", (moment - begun for moment in record.came.values()))
        waited = array("d", (record.left[number] - moment for number, moment in record.came.items()))
        return cls(came, waited, record.longest, violations, seconds, stats)

    @property
    def first(self) -> list[float]:
        """The waits of those who came in the first two minutes."""
        return [wait for came, wait in zip(self.came, self.waited, strict=True) if came < PART]

    @property
    def last(self) -> list[float]:
        """The waits of those who came in the last two minutes."""
        begin = self.seconds - PART
        return [wait for came, wait in zip(self.came, self.waited, strict=True) if came >= begin]

    @property
    def growth(self) -> float:
        """How much longer the last ones waited on average than the first ones, seconds."""
        return statistics.fmean(self.last) - statistics.fmean(self.first)


async def look_up_all(tm: TrackingMore, way: Way, record: Record, times: Iterable[float]) -> BucketStats:
    """Look up a tracking at each of these moments, and wait until all are answered.

    Args:
        tm: The client.
        way: How they are looked up.
        record: Where it is noted when they came.
        times: Seconds from now, in order.

    Returns:
        What the client said when the last one had just come.
    """
    look_up = way(tm)
    loop = asyncio.get_running_loop()
    begun = when = loop.time()

    async def ask(number: str) -> None:
        record.came[number] = loop.time()
        tracking = await look_up(number)
        assert tracking.tracking_number == number

    async with asyncio.TaskGroup() as tasks:
        for index, seconds in enumerate(times):
            when = begun + seconds
            loop.call_at(when, lambda number: tasks.create_task(ask(number)), f"LX{index:09d}CN")
        await asyncio.sleep(when - loop.time())
        await asyncio.sleep(0)  # by now the last one has come
        (stats,) = tm.stats().buckets.values()
    return stats


def arrivals(rate: float, seconds: float, seed: int) -> Iterator[float]:
    """Yield when look-ups come: at random, so many a second on average, for so many seconds."""
    random, when = Random(f"arrivals {seed}"), 0.0
    while (when := when + random.expovariate(rate)) < seconds:
        yield when


async def run(scene: Scene, way: Way, seed: int, seconds: float) -> Run:
    """Run one scene."""
    network = Network(Server((0.02, 0.12), Random(seed)), scene.instant)
    limiter = LocalLimiter(round_trip=scene.round_trip)
    async with TrackingMore("key", base_url="http://network/v2", http_client=network, limiter=limiter) as tm:
        begun = asyncio.get_running_loop().time()
        stats = await look_up_all(tm, way, network.record, arrivals(scene.rate, seconds, seed))
    return Run.of(network.record, begun, seconds, network.server.violations(1), stats)


def simulate(scene: int, way: int, seed: int, seconds: float = SECONDS) -> Run:
    """Run one scene on virtual time.

    Args:
        scene: Its place in `SCENES`.
        way: How it is looked up: the place in `WAYS`.
        seed: Of all chance.
        seconds: For how long look-ups come.
    """
    with asyncio.Runner(loop_factory=functools.partial(VirtualLoop, noop_cycles=0)) as runner:
        return runner.run(run(SCENES[scene], WAYS[way], seed, seconds))


@attrs.frozen
class Row:
    """What came of one way in one scene, over all seeds.

    Args:
        scene: The scene.
        way: The way.
        runs: One for each seed.
    """

    scene: Scene
    way: Way
    runs: Sequence[Run]

    def percentile(self, percent: int) -> float:
        """Return the wait that so many percent of all look-ups do not exceed, seconds."""
        return percentile([run.waited for run in self.runs], percent)

    def worst(self, percent: int) -> float:
        """Return the same of the seed in which it is the longest."""
        return max(percentile([run.waited], percent) for run in self.runs)

    @property
    def growth(self) -> float:
        """How much longer the last ones waited than the first ones, in standard errors over the seeds."""
        differences = [run.growth for run in self.runs]
        if len(differences) == 1:
            return math.nan
        error = statistics.stdev(differences) / math.sqrt(len(differences))
        return statistics.fmean(differences) / error

    @property
    def verdict(self) -> str:
        """What is wrong, or "ok"; nothing when nothing is promised."""
        if self.way is not shared:
            return ""
        if any(run.violations for run in self.runs):
            return "PASSED THE LIMIT"
        if self.growth > 3.0:
            return "GROWS"
        in_time = self.percentile(50) <= self.scene.p50 and self.percentile(95) <= self.scene.p95
        return "ok" if in_time else "TOO LONG"


def percentile(waits: Iterable[Iterable[float]], percent: int) -> float:
    """Return the value that so many percent of all do not exceed."""
    ordered = sorted(itertools.chain.from_iterable(waits))
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


def measure(seeds: int, processes: int) -> Iterator[Row]:
    """Run all scenes with all seeds, and the peers with one; yield the rows of the table."""
    cases = list(itertools.product(range(len(SCENES)), range(len(WAYS))))
    runs = [(*case, seed) for case in cases for seed in range(1, 1 + (1 if case[1] else seeds))]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        results = dict(zip(runs, pool.starmap(simulate, runs, chunksize=1), strict=True))
    for scene, way in cases:
        done = [run for (of_scene, of_way, _), run in results.items() if (of_scene, of_way) == (scene, way)]
        yield Row(SCENES[scene], WAYS[way], done)


def _name(way: Way) -> str:
    return str(getattr(way, "__name__", way))


def main() -> int:
    """Print the table; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description="How long look-ups wait until their request leaves.")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print(f"{SECONDS:.0f} s of look-ups, {options.seeds} seeds (peers 1); seconds of waiting")
    print(f"{'':34}{'all look-ups':>17}{'worst seed':>18}{'p50 of 2 minutes':>18}")
    print(f"{'scene':17}{'a second':>9} {'way':8}{2 * 'p50      p95      '}first     last   growth     line     load")
    broken = False
    for row in measure(options.seeds, options.processes):
        figures = [row.percentile(50), row.percentile(95), row.worst(50), row.worst(95)]
        figures += [percentile([run.first for run in row.runs], 50), percentile([run.last for run in row.runs], 50)]
        shown = "".join(f"{figure:>9.{0 if figure > 100 else 3}f}" for figure in figures)
        print(f"{row.scene.name:17}{row.scene.rate:>9g} {_name(row.way):6}{shown}{row.growth:>9.1f}", end="")
        load = f"{statistics.fmean(run.stats.load for run in row.runs):.1f}/{row.runs[0].stats.capacity}"
        print(f"{max(run.longest for run in row.runs):>9}{load:>9}  {row.verdict}", flush=True)
        broken |= row.verdict not in {"", "ok"}
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
