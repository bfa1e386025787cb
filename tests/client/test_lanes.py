"""Calls overtake jobs and walks that use the same rate, jobs keep their half; and without lanes calls would wait.

Real clients on the virtual clock, against a sandbox that answers in no time: what a call takes is its wait for a slot,
and a cycle is one second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import accumulate
from random import Random
from typing import Any

import anyio
import attrs
import pytest

from tests.client.helpers import in_process
from tests.conftest import VIRTUAL
from trackingmore_async import LocalLimiter, Permit, Rate, TrackingMore, TrackingRef, TrackingUpdate
from trackingmore_async.pacing import Lane
from trackingmore_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

CARRIER = "zto"
ALONE = 20.0  # seconds for which jobs are alone before the first call
PARCELS = 800


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock."""
    return request.param


def number(index: int) -> str:
    """Return the number of a parcel; jobs work on the even ones, calls on the odd ones."""
    return f"ZZ{index:07d}"


class Diary(LocalLimiter):
    """A limiter that writes down who had its slots, and who waited for them."""

    def __init__(self, rates: dict[str, Rate]) -> None:
        super().__init__(rates)
        self.slots: list[tuple[float, str, Lane]] = []

    async def acquire(self, bucket: str, *, lane: Lane = "interactive", **details: Any) -> Permit:
        """Wait for a turn, and write it down."""
        permit = await super().acquire(bucket, lane=lane, **details)
        self.slots.append((permit.granted_at, bucket, lane))
        return permit


Work = Callable[[TrackingMore], Awaitable[object]]


async def walk(tm: TrackingMore) -> None:
    """Go through all parcels, page by page."""
    async for _ in tm.trackings.list(page_size=100):
        pass


async def edit_many(tm: TrackingMore) -> None:
    """Edit half of the parcels, in ten requests."""
    await tm.trackings.update_many([TrackingUpdate(CARRIER, number(2 * index), title="mug") for index in range(400)])


async def stop_many(tm: TrackingMore) -> None:
    """Stop the updates of half of the parcels, in ten requests."""
    await tm.trackings.stop_updating_many([TrackingRef(CARRIER, number(2 * index)) for index in range(400)])


async def edit_one(tm: TrackingMore) -> None:
    """Edit one parcel, as a script does that goes through its own list."""
    await tm.with_options(priority="bulk").trackings.update(CARRIER, number(0), title="mug")


async def read_one(tm: TrackingMore) -> None:
    """Read one parcel in the same way."""
    await tm.with_options(priority="bulk", coalesce=False).trackings.get(CARRIER, number(0))


@attrs.frozen
class Case:
    """Calls and jobs that use the same rate.

    Args:
        rates: The rates that are not the usual ones.
        jobs: What goes on all the time, each thing again as soon as it is done.
        calls: What calls do; each does one of these.
        frequency: How many calls come in a second.
        buckets: The buckets for whose slots they wait.
    """

    rates: dict[str, Rate]
    jobs: tuple[Work, ...]
    calls: tuple[Callable[[TrackingMore, Random], Awaitable[object]], ...]
    frequency: float
    buckets: frozenset[str] | None = None


def anything(random: Random) -> int:
    """Choose a parcel that no job works on."""
    return 2 * random.randrange(PARCELS // 2) + 1


TOTAL_RATE = Case(
    rates={"total": Rate(1)},
    jobs=(
        walk,
        walk,
        walk,
        edit_many,
        edit_many,
        stop_many,
        stop_many,
        edit_one,
        edit_one,
        read_one,
        read_one,
        read_one,
    ),
    calls=(
        lambda tm, _: tm.account.info(),
        lambda tm, _: tm.account.status_counts(),
        lambda tm, _: tm.carriers.list(),
        lambda tm, random: tm.trackings.update(CARRIER, number(anything(random)), title="mug"),
        lambda tm, random: tm.trackings.get(CARRIER, number(anything(random))),
        lambda tm, _: tm.trackings.list(page_size=5),
    ),
    frequency=0.3,
)


SHARED_EDITS = Case(
    rates={},
    jobs=(edit_many,) * 10,
    calls=(lambda tm, random: tm.trackings.update(CARRIER, number(anything(random)), title="mug"),),
    frequency=10.0,
    buckets=frozenset({"update_many"}),
)
"""Edits that travel forty at a time in the requests of `update_many`."""

SHARED_LOOKUPS = Case(
    rates={},
    jobs=(walk,) * 10,
    calls=(lambda tm, random: tm.trackings.get(CARRIER, number(anything(random))),),
    frequency=15.0,
    buckets=frozenset({"list"}),
)
"""Look-ups that travel forty at a time in the requests of `list`."""


each_case = pytest.mark.parametrize(
    "case",
    [TOTAL_RATE, SHARED_EDITS, SHARED_LOOKUPS],
    ids=["a rate for all", "edits that share", "look-ups that share"],
)


@attrs.define
class Measured:
    """What came of it.

    Args:
        waits: How long each call waited for its slot, in cycles.
        slots: Who had the slots, from the first one of a job on.
        violations: How many requests broke the limit.
    """

    waits: list[float] = attrs.field(factory=list[float])
    slots: list[Lane] = attrs.field(factory=list[Lane])
    violations: int = 0

    def least_share(self) -> float:
        """The smallest share of the slots that bulk had at any moment, counted from its first one on."""
        had = accumulate(lane == "bulk" for lane in self.slots)
        return min(bulk / count for count, bulk in enumerate(had, 1))


def p95(waits: Iterable[float]) -> float:
    """Return the wait that 95 in 100 calls do not exceed."""
    ordered = sorted(waits)
    return ordered[int(0.95 * (len(ordered) - 1))]


async def measure(case: Case, seed: int, *, lanes: bool, lasting: float) -> Measured:
    """Let jobs go on, and calls come at random after a while.

    Args:
        case: What they do.
        seed: Of all chance.
        lanes: Whether calls wait in a lane of their own; else they wait where jobs do.
        lasting: Seconds for which calls come.
    """
    sandbox = Sandbox(rates={name: (rate.requests, rate.seconds) for name, rate in case.rates.items()})
    for index in range(PARCELS):
        sandbox.create(CARRIER, number(index))
    random, limiter, measured = Random(seed), Diary(case.rates), Measured()

    async def repeat(job: Work, tm: TrackingMore) -> None:
        while True:
            await job(tm)

    async def call(tm: TrackingMore) -> None:
        begin = anyio.current_time()
        await random.choice(case.calls)(tm, random)
        measured.waits.append(anyio.current_time() - begin)

    async with in_process(sandbox, limiter=limiter) as tm, anyio.create_task_group() as jobs:
        caller = tm.with_options(max_wait=None, coalesce="all", priority=None if lanes else "bulk")
        for job in case.jobs:
            jobs.start_soon(repeat, job, tm.with_options(max_wait=None))
        await anyio.sleep(ALONE)
        end = anyio.current_time() + lasting
        async with anyio.create_task_group() as calls:
            while anyio.current_time() < end:
                await anyio.sleep(random.expovariate(case.frequency))
                calls.start_soon(call, caller)
        jobs.cancel_scope.cancel()
    measured.slots = [lane for _, bucket, lane in limiter.slots if case.buckets is None or bucket in case.buckets]
    measured.violations = sandbox.statistics().total_violations
    return measured


@pytest.mark.parametrize(
    ("case", "seeds", "lasting"),
    [(TOTAL_RATE, 10, 300.0), (SHARED_EDITS, 2, 200.0), (SHARED_LOOKUPS, 2, 200.0)],
    ids=["a rate for all", "edits that share", "look-ups that share"],
)
async def test_calls_overtake_and_jobs_keep_their_half(case: Case, seeds: int, lasting: float) -> None:
    """95 in 100 calls wait two cycles at most; at any moment jobs have had half of the slots; no limit is broken."""
    runs = [await measure(case, seed, lanes=True, lasting=lasting) for seed in range(seeds)]
    assert p95(wait for run in runs for wait in run.waits) <= 2.0
    assert sum(len(run.waits) for run in runs) > 0.8 * case.frequency * lasting * seeds
    for run in runs:
        assert run.least_share() >= 0.5
        assert run.violations == 0


@each_case
async def test_without_lanes_calls_wait_behind_all_jobs(case: Case) -> None:
    """The same calls among the same jobs, all in one lane: they wait ten cycles and more."""
    run = await measure(case, 0, lanes=False, lasting=100.0)
    assert p95(run.waits) > 10.0
    assert run.violations == 0


@each_case
async def test_a_flood_of_calls_leaves_jobs_their_half(case: Case) -> None:
    """Twice as many calls as can be served: jobs have half of the slots all the same, from the first one on."""
    flood = attrs.evolve(case, frequency=2.0 if case is TOTAL_RATE else 80.0)
    run = await measure(flood, 0, lanes=True, lasting=100.0)
    assert run.least_share() >= 0.5
    assert run.slots.count("interactive") >= 50
