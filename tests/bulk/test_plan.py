"""What a plan says beforehand, and that a job keeps to it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.bulk.test_outcomes import edits, news, refs
from tests.conftest import VIRTUAL
from trackingmore_async import ConfigurationError, InvalidRequestError, LocalLimiter, NewTracking, Rate, TrackingUpdate
from trackingmore_async.bulk.duplicates import LOOKED_AT
from trackingmore_async.sandbox import Path, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


async def test_a_plan_names_duplicates_and_invalid_items() -> None:
    """Neither costs a request or quota; each invalid item is named with its reason."""
    items: list[Any] = [*news(*range(100)), *news(*range(50)), NewTracking("zto", ""), "odd", *news(100)]
    async with in_process(Sandbox()) as tm:
        plan = tm.trackings.create_many(items).plan()
    assert (plan.items, plan.duplicates, plan.invalid, plan.looked_at) == (153, 50, 2, 153)
    assert (plan.requests, plan.quota) == (3, 101.0)
    assert [outcome.index for outcome in plan.reasons] == [150, 151]
    assert all(isinstance(outcome.error, InvalidRequestError) for outcome in plan.reasons)


async def test_a_plan_looks_at_a_bounded_number_of_items() -> None:
    """What lies behind the first 200,000 items is taken to be valid, and each of another tracking."""
    async with in_process(Sandbox()) as tm:
        plan = tm.trackings.delete_many(refs(7) * (LOOKED_AT + 80)).plan()
    assert (plan.looked_at, plan.duplicates, plan.requests) == (LOOKED_AT, LOOKED_AT - 1, 3)


async def test_a_plan_wants_a_source_that_can_be_read_twice() -> None:
    """A generator is refused, and not touched."""
    source = iter(edits(1, 2))
    async with in_process(Sandbox()) as tm:
        with pytest.raises(ConfigurationError, match=r"pass a list.*journal"):
            tm.trackings.update_many(source).plan()
    assert len(list(source)) == 2


async def test_during_a_ban_a_plan_counts_the_wait() -> None:
    """The pause after a 429 is part of the duration."""
    sandbox = Sandbox()
    limiter = LocalLimiter()
    async with in_process(sandbox, limiter=limiter) as tm:
        before = tm.trackings.update_many(edits(*range(400))).plan()
        await limiter.penalise(await limiter.acquire("get"), 120.0)
        after = tm.trackings.update_many(edits(*range(400))).plan()
    assert after.duration - before.duration == pytest.approx(121, abs=1)
    assert after.shortest == before.shortest


@pytest.mark.parametrize("work", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("rate", [1, 5])
async def test_a_run_without_faults_keeps_to_its_plan(rate: int, work: float) -> None:
    """Requests as planned, the time within 5 % once the path is known, and within the range from the beginning."""
    sandbox = Sandbox(rates={"update_many": (rate, 1.0)}, path=Path(work=work))
    fill(sandbox, 6_000)
    items = [*edits(*range(6_000)), *edits(*range(2_000), title="cup"), TrackingUpdate("zto", "")]
    async with in_process(sandbox, rates={"update_many": Rate(rate)}) as tm:
        first = tm.trackings.update_many(items).plan()
        await tm.trackings.update_many(edits(*range(400)))  # so that the path is known
        run = tm.trackings.update_many(items)
        plan, begun = run.plan(), anyio.current_time()
        report = await run
        seconds = anyio.current_time() - begun
    assert (report.requests, report.superseded, report.failed) == (plan.requests, plan.duplicates, plan.invalid)
    assert plan.duration == pytest.approx(seconds, rel=0.05)
    assert first.shortest * 0.95 <= seconds <= first.longest * 1.05
    assert sandbox.statistics().total_violations == 0
    assert (sandbox.find("zto", number(1)) or {})["title"] == "cup"
