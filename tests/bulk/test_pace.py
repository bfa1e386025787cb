"""What bulk jobs reach, counted by the sandbox: hours of virtual time in seconds."""

from __future__ import annotations

from random import Random
from typing import Any

import anyio
import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.conftest import VIRTUAL
from trackingmore_async import BulkReport, LocalLimiter, Plan, Rate, TrackingMore, TrackingUpdate
from trackingmore_async.pacing import Lane, Permit
from trackingmore_async.sandbox import Path, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


def one_way(random: Random) -> float:
    """Draw the way of one packet, as LIMITS.md models it: 90 ms, jitter, and a tail of 1 %."""
    late = random.uniform(0.2, 0.4) if random.random() < 0.01 else 0.0
    return 0.09 + random.uniform(0.0, 0.05) + late


def edits(count: int) -> list[TrackingUpdate]:
    """Return that many edits, each of another parcel."""
    return [TrackingUpdate("zto", number(index), title="mug") for index in range(count)]


async def timed(tm: TrackingMore, count: int) -> tuple[Plan, BulkReport, float]:
    """Edit that many parcels; return the plan, the report and the seconds it took."""
    run = tm.trackings.update_many(edits(count))
    plan, begun = run.plan(), anyio.current_time()
    report = await run
    return plan, report, anyio.current_time() - begun


async def test_a_thousand_batches_keep_the_limit_and_lose_little_of_it() -> None:
    """1,000 batches at 20 requests/s, way there U(0, 50 ms): 40,000 outcomes, no violation, ratio 0.95 to 1.0."""
    sandbox = Sandbox(rates={"update_many": (20, 1.0)}, path=Path(there=(0.0, 0.05)))
    fill(sandbox, 40_000)
    async with in_process(sandbox, rates={"update_many": Rate(20)}) as tm:
        _, report, seconds = await timed(tm, 40_000)
    assert (report.succeeded, report.total, report.requests) == (40_000, 40_000, 1_000)
    assert sandbox.statistics().total_violations == 0
    assert 0.95 <= (999 / 20 + 0.025) / seconds <= 1.0


async def test_a_hundred_thousand_edits_take_the_time_that_the_rate_dictates() -> None:
    """At the default rates and answers in 0 ms, 100,000 edits take 2,500 requests and 41 min 40 s, as estimated."""
    sandbox = Sandbox()
    fill(sandbox, 100_000)
    async with in_process(sandbox) as tm:
        plan, report, seconds = await timed(tm, 100_000)
    assert (report.succeeded, report.requests) == (100_000, 2_500)
    assert 2_499 <= seconds <= 2_500 * 1.02
    assert plan.requests == 2_500
    assert plan.duration == pytest.approx(seconds, rel=0.05)
    assert sandbox.statistics().total_violations == 0


async def test_a_real_path_costs_the_path_and_no_ban() -> None:
    """On the path of LIMITS.md with a true round trip they take at most 2,500 s / 0.86, as estimated, unbanned."""
    sandbox = Sandbox(path=Path(there=one_way, work=(0.02, 0.12), back=one_way))
    fill(sandbox, 100_000)
    async with in_process(sandbox, limiter=LocalLimiter(round_trip=0.18)) as tm:
        for _ in range(40):  # the estimate stands on what was observed of the path, in whatever bucket
            await tm.with_options(max_wait=None).account.info()
        plan, report, seconds = await timed(tm, 100_000)
    assert (report.succeeded, report.requests, report.pauses) == (100_000, 2_500, 0)
    assert seconds <= 2_500 / 0.86
    assert plan.duration == pytest.approx(seconds, rel=0.05)
    assert sandbox.statistics().total_violations == 0


class Unpaced:
    """A limiter that grants everything at once."""

    async def acquire(
        self,
        bucket: str,
        *,
        lane: Lane = "interactive",
        deadline: float | None = None,
        round_trip: float = 0.0,
        again: bool = False,
    ) -> Permit:
        """Grant."""
        return Permit(bucket=bucket)

    async def release(
        self, permit: Permit, *, sent_at: float | None, answered_at: float | None = None, refused: bool = False
    ) -> None:
        """Forget."""

    async def penalise(self, permit: Permit, seconds: float) -> int:
        """Give up at once."""
        return 3

    def projected_wait(self, bucket: str, *, lane: Lane = "interactive", again: bool = False) -> float:
        """Promise no wait."""
        return 0.0


async def test_without_pacing_the_same_job_is_banned() -> None:
    """The referee is awake: without pacing the job violates the limit and is banned."""
    sandbox = Sandbox(rates={"update_many": (20, 1.0)}, path=Path(there=(0.0, 0.05)))
    fill(sandbox, 4_000)
    async with in_process(sandbox, limiter=Unpaced()) as tm:
        report = await tm.trackings.update_many(edits(4_000))
    seen = sandbox.statistics()
    assert seen.total_violations > 0
    assert seen.bans > 0
    assert report.pauses > 0


async def test_as_many_requests_are_under_way_as_latency_calls_for() -> None:
    """Answers that take 2 s do not slow down a job at 5 requests/s."""
    sandbox = Sandbox(rates={"update_many": (5, 1.0)}, path=Path(work=2.0))
    fill(sandbox, 4_000)
    async with in_process(sandbox, rates={"update_many": Rate(5)}) as tm:
        _, report, seconds = await timed(tm, 4_000)
    # A slot reopens 1.5 s after its request left, whether or not it was answered (LIMITS.md, the slot rule).
    assert report.succeeded == 4_000
    assert seconds <= 100 / 5 * 1.5 + 2.5


async def test_two_clients_of_one_key_share_the_limit() -> None:
    """Two clients of one key that work at once violate nothing."""
    sandbox = Sandbox(rates={"update_many": (5, 1.0)}, path=Path(there=(0.0, 0.05)))
    fill(sandbox, 4_000)
    rates = {"update_many": Rate(5)}
    async with (
        in_process(sandbox, rates=rates) as one,
        in_process(sandbox, rates=rates) as two,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(timed, one, 2_000)
        tasks.start_soon(timed, two, 2_000)
    assert sandbox.statistics().requests["update_many"] == 100
    assert sandbox.statistics().total_violations == 0
