"""Sources that are asynchronous: they pause, fail, end late, and hold up nothing."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.bulk.test_outcomes import edits, news, outcomes_of, states
from tests.conftest import VIRTUAL
from trackingmore_async import NewTracking, Outcome, Rate, TrackingUpdate
from trackingmore_async.bulk.stream import READ_AHEAD
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


async def test_a_batch_does_not_wait_for_a_source_that_pauses() -> None:
    """Five items and then an hour of nothing: the five are sent within two seconds."""

    async def source() -> AsyncIterator[NewTracking]:
        for item in news(*range(5)):
            yield item
        await anyio.sleep(3600)
        for item in news(*range(5, 10)):
            yield item

    sandbox = Sandbox()
    times: list[float] = []
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        async with tm.trackings.create_many(source()) as run:
            async for outcome in run:
                assert outcome.state == "succeeded"
                times.append(anyio.current_time() - begun)
    assert times[4] <= 2
    assert 3600 <= times[5] <= 3602
    assert sandbox.statistics().requests == {"create_many": 2}


@pytest.mark.parametrize(("gap", "requests"), [(0.01, 10), (0.1, 40), (0.5, 180)])
async def test_a_source_that_trickles_fills_batches_as_the_rate_allows(gap: float, requests: int) -> None:
    """A batch takes what comes until the next slot, so few items a second take few requests, and no more than that."""

    async def source() -> AsyncIterator[NewTracking]:
        for item in news(*range(400)):
            await anyio.sleep(gap)
            yield item

    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        report = await tm.trackings.create_many(source())
        assert anyio.current_time() - begun <= max(400 * gap + 3, 13)
    assert report.succeeded == 400
    assert report.requests <= requests * 1.1 + 2
    assert sandbox.statistics().total_violations == 0


async def test_what_is_in_doubt_is_settled_while_the_source_pauses() -> None:
    """A live source has no end: its doubts do not wait for one."""

    async def source() -> AsyncIterator[TrackingUpdate]:
        for item in edits(*range(40)):
            yield item
        await anyio.sleep_forever()

    sandbox = Sandbox()
    fill(sandbox, 40)
    sandbox.faults.add(Fault("update_many", on={1}, omit={number(3)}))
    seen: list[Outcome[TrackingUpdate]] = []
    async with in_process(sandbox) as tm, tm.trackings.update_many(source()) as run:
        with anyio.fail_after(10):
            async for outcome in run:
                seen.append(outcome)
                if len(seen) == 40:
                    break
    assert {outcome.state for outcome in seen} == {"succeeded"}


async def test_a_source_is_read_a_little_ahead_and_no_more() -> None:
    """At one request a second, ten seconds read eleven batches and what is ready for the next two."""
    read = 0

    async def source() -> AsyncIterator[NewTracking]:
        nonlocal read
        while True:
            read += 1
            yield news(read)[0]

    async with in_process(Sandbox()) as tm:
        with anyio.move_on_after(10):
            await tm.trackings.create_many(source())
    assert 10 * 40 <= read <= 12 * 40 + READ_AHEAD + 1


async def test_a_source_that_fails_with_a_timeout_of_its_own_is_told_from_one_that_is_late() -> None:
    """An error of the source comes out as it is, behind the outcomes of what it gave."""

    async def source() -> AsyncIterator[NewTracking]:
        for item in news(*range(45)):
            yield item
        raise TimeoutError("the database")

    sandbox = Sandbox()
    seen: list[int] = []
    async with in_process(sandbox) as tm:
        with pytest.raises(TimeoutError, match="the database"):
            async with tm.trackings.create_many(source()) as run:
                async for outcome in run:
                    assert outcome.state == "succeeded"
                    seen.append(outcome.index)
    assert sorted(seen) == list(range(45))


async def test_a_source_that_waits_is_left_when_the_job_ends() -> None:
    """Leaving the job cancels a source that waits; it hears of it."""
    heard: list[float] = []

    async def source() -> AsyncIterator[NewTracking]:
        yield news(1)[0]
        try:
            await anyio.sleep(math.inf)
        finally:
            heard.append(anyio.current_time())

    async with in_process(Sandbox()) as tm, tm.trackings.create_many(source()) as run:
        async for _ in run:
            break
    assert len(heard) == 1


async def test_later_items_of_a_tracking_are_folded_across_a_pause() -> None:
    """What waits behind an edit under way goes on when that has ended, though the source says nothing."""

    async def source() -> AsyncIterator[TrackingUpdate]:
        for title in "abc":
            yield edits(1, title=title)[0]
            await anyio.sleep(0.3)
        await anyio.sleep(50)

    sandbox = Sandbox(rates={"update_many": (10, 1.0)})
    fill(sandbox, 2)
    async with in_process(sandbox, rates={"update_many": Rate(10)}) as tm:
        outcomes = await outcomes_of(tm.trackings.update_many(source()))
    assert states(outcomes)[-1] == "succeeded"
    assert (sandbox.find("zto", number(1)) or {})["title"] == "c"


async def test_a_source_of_nothing_but_invalid_items_is_read_no_further_than_they_are_taken() -> None:
    """Items that fail at once are outcomes as well: they do not pile up, and reading them blocks nobody."""
    read = 0

    def source() -> Iterator[NewTracking]:
        nonlocal read
        while read < 5000:
            read += 1
            yield NewTracking("zto", "")

    taken = 0
    async with in_process(Sandbox()) as tm, tm.trackings.create_many(source()) as run:
        async for _ in run:
            taken += 1
            assert read - taken <= 800
    assert taken == 5000
