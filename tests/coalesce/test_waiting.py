"""How long look-ups wait for their slot, with the scenes of the benchmark: fewer seeds, shorter runs."""

from __future__ import annotations

import asyncio
from typing import Final

import httpx
import pytest

from benchmarks.lookups import SCENES, WAYS, Run, arrivals, look_up_all, percentile, shared, simulate
from benchmarks.network import Record, asked
from tests.client.helpers import ADDRESS
from tests.conftest import virtual_loop
from tests.pacing.network import USUAL
from trackingmore_async import LocalLimiter, TrackingMore
from trackingmore_async.operations import MAX_NUMBERS
from trackingmore_async.sandbox import Path, Sandbox

SHARED: Final = WAYS.index(shared)
ON_A_PATH: Final = 1  # the scene with a true m

each_scene = pytest.mark.parametrize("scene", range(len(SCENES)), ids=[scene.name for scene in SCENES])
each_peer = pytest.mark.parametrize("way", [way for way in range(len(WAYS)) if way != SHARED])


@each_scene
def test_look_ups_wait_no_longer_than_promised(scene: int) -> None:
    """Those of ten minutes wait as long as promised, the last ones no longer than the first, and no limit is passed."""
    run = simulate(scene, SHARED, seed=1)
    assert percentile([run.waited], 50) <= SCENES[scene].p50
    assert percentile([run.waited], 95) <= SCENES[scene].p95
    assert percentile([run.last], 50) <= 1.1 * percentile([run.first], 50)
    assert run.longest <= 2 * MAX_NUMBERS
    assert run.violations == 0


@each_scene
def test_statistics_tell_load_and_capacity(scene: int) -> None:
    """The load is what came in a cycle, the capacity what fits in one."""
    run = simulate(scene, SHARED, seed=1, seconds=240.0)
    requests = len(run.came) / (run.stats.fill or 1.0) / MAX_NUMBERS
    cycle = run.seconds / requests
    assert run.stats.capacity == MAX_NUMBERS
    assert run.stats.interval == pytest.approx(cycle, rel=0.05)
    assert run.stats.load == pytest.approx(SCENES[scene].rate * cycle, rel=0.15)
    assert run.stats.granted == pytest.approx(requests, abs=1.5)


@each_peer
def test_the_benchmark_tells_waits_that_grow(way: int) -> None:
    """Without shared requests, and with a data loader, those who come later wait longer and longer."""
    run = simulate(len(SCENES) - 1, way, seed=1, seconds=240.0)
    assert percentile([run.last], 50) > 2 * percentile([run.first], 50)
    assert run.growth > 1000.0
    assert run.stats.load > 20 * run.stats.capacity
    assert run.violations == 0


def test_the_stand_in_of_the_benchmark_is_true() -> None:
    """Through httpx to the sandbox, on the same path, look-ups wait as long as in the benchmark."""
    scene, seconds = SCENES[ON_A_PATH], 240.0
    stand_in = simulate(ON_A_PATH, SHARED, seed=3, seconds=seconds)
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        through = runner.run(_through_the_sandbox(scene.rate, scene.round_trip, seconds))
    for percent in (5, 50, 95):
        assert percentile([through.waited], percent) == pytest.approx(percentile([stand_in.waited], percent), rel=0.1)
    assert len(through.waited) == len(stand_in.waited)
    assert through.violations == 0


async def _through_the_sandbox(rate: float, round_trip: float, seconds: float) -> Run:
    path = Path(there=USUAL.way, work=USUAL.work, back=USUAL.way)
    sandbox, record = Sandbox(path=path, seed=3), Record()
    begun = asyncio.get_running_loop().time()
    for index in range(round(2 * rate * seconds)):
        sandbox.create("china-ems", f"LX{index:09d}CN")
    async with (
        httpx.AsyncClient(transport=_Recorder(sandbox.transport(), record)) as http,
        TrackingMore(
            sandbox.key, base_url=ADDRESS, http_client=http, limiter=LocalLimiter(round_trip=round_trip)
        ) as tm,
    ):
        stats = await look_up_all(tm, shared, record, arrivals(rate, seconds, seed=3))
    return Run.of(record, begun, seconds, sandbox.statistics().total_violations, stats)


class _Recorder(httpx.AsyncBaseTransport):
    """Notes which numbers each request asks for."""

    def __init__(self, inner: httpx.AsyncBaseTransport, record: Record) -> None:
        self._inner, self._record = inner, record

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        self._record.note(asked(str(request.url)))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the transport behind it."""
        await self._inner.aclose()
