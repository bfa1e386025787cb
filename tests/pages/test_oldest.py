"""Walks from the oldest tracking to the newest, while others delete and create."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import anyio
import pytest

from tests.pages.scene import QUICK, Crowd, Pair, assert_exactly_once, count, pair, quick_sandbox, scene
from trackingmore_async.errors import ClientStateError, DeadlineExceededError
from trackingmore_async.pages.reasons import CLOCKLESS
from trackingmore_async.sandbox import Path, Sandbox, Switches

pytestmark = pytest.mark.anyio

SEEDS = range(6)


def now(sandbox: Sandbox) -> int:
    """Return the sandbox's time in unix seconds."""
    return sandbox.clock.seconds()


async def test_a_hundred_thousand_trackings_come_exactly_once_while_others_delete_and_create() -> None:
    """Of 100,000 trackings, each that existed throughout comes exactly once, at 1 request a second."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100_000)
    crowd = Crowd(sandbox, seed=1, deletes=400, creates=400)
    async with scene(sandbox, crowd.act) as here:
        pages = here.tm.trackings.list()
        found = await count(pages.__aiter__())
    assert_exactly_once(found, crowd.throughout())
    assert (pages.page_size, pages.gaps) == (2000, ())
    assert abs((pages.total or 0) - 100_000) <= 400
    assert len(here.asked) in {51, 52}
    assert sandbox.statistics().total_violations == 0


async def test_the_order_is_from_the_oldest_to_the_newest() -> None:
    """A walk hands out the oldest tracking first."""
    sandbox = Sandbox()
    sandbox.seed_trackings(250)
    async with scene(sandbox) as here:
        found = [tracking async for tracking in here.tm.trackings.list(page_size=100)]
    moments = [tracking.created_at for tracking in found if tracking.created_at is not None]
    assert moments == sorted(moments)
    assert len(moments) == 250
    assert here.pages == [1, 3, 2, 1]


async def test_the_bound_is_a_second_that_is_over() -> None:
    """All pages but the first have the second before page 1's Date as created_at_max; what is newer is not lost."""
    sandbox = Sandbox()
    sandbox.seed_trackings(30, created_between=(now(sandbox) - 100, now(sandbox) - 50))
    sandbox.create("zto", "BRANDNEW1")
    async with scene(sandbox) as here:
        date = now(sandbox)
        found = await count(here.tm.trackings.list(page_size=20).__aiter__())
    assert [query.get("created_at_max") for query in here.asked] == [None, str(date - 1), str(date - 1)]
    assert_exactly_once(found, set(sandbox.trackings))


async def test_an_own_bound_in_the_past_stays() -> None:
    """A created_at_max of the caller's that lies in the past is kept on all pages."""
    sandbox = Sandbox()
    sandbox.seed_trackings(50, created_between=(1_700_000_000, 1_700_000_490))
    async with scene(sandbox) as here:
        found = await count(here.tm.trackings.list(page_size=10, created_at_max=1_700_000_245).__aiter__())
    assert {query["created_at_max"] for query in here.asked} == {"1700000245"}
    assert len(found) == 25


@pytest.mark.parametrize("size", [1, 3, 20])
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("age", [(-1, 0), (0, 0), (-500, -500), (-90, -1)])
@pytest.mark.parametrize("date_header", [True, False])
async def test_small_pages_and_heavy_traffic_lose_nothing(
    size: int, quick: bool, age: tuple[int, int], date_header: bool
) -> None:
    """Whatever the page size and the pace, and with thousands created in the walk's own second, nothing is lost.

    Where the server shows no clock, and too few seconds of creation to tell its order, the gaps say so.
    """
    for seed in SEEDS:
        sandbox = quick_sandbox(seed, switches=Switches(date_header=date_header))
        sandbox.seed_trackings(12 * size, created_between=(now(sandbox) + age[0], now(sandbox) + age[1]))
        crowd = Crowd(sandbox, seed, deletes=size, creates=size + 2)
        async with scene(sandbox, crowd.act, **({"rates": QUICK} if quick else {})) as here:
            pages = here.tm.trackings.list(page_size=size)
            found = await count(pages.__aiter__())
        assert_exactly_once(found, crowd.throughout())
        assert {gap.reason for gap in pages.gaps} <= (set[str]() if date_header else {CLOCKLESS})


@pytest.mark.parametrize("empty_list", [4031, 4017, 200])
@pytest.mark.parametrize("age", [(-9000, -1), (-500, -500), (-505, -500)])
async def test_more_deletions_than_a_page_between_two_requests_do_no_harm(
    empty_list: Any, age: tuple[int, int]
) -> None:
    """Pages that deletions have emptied are no gaps, and rows that jump over pages come once, many in one second."""
    for seed in SEEDS:
        sandbox = Sandbox(switches=Switches(empty_list=empty_list))
        sandbox.seed_trackings(400, created_between=(now(sandbox) + age[0], now(sandbox) + age[1]))
        crowd = Crowd(sandbox, seed, deletes=50, creates=3)
        async with scene(sandbox, crowd.act) as here:
            pages = here.tm.trackings.list(page_size=10)
            found = await count(pages.__aiter__())
        assert_exactly_once(found, crowd.throughout())
        assert pages.gaps == ()


async def test_a_list_that_fits_one_page_takes_one_request() -> None:
    """When page 1 holds everything nothing else is asked for."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100)
    async with scene(sandbox) as here:
        assert_exactly_once(await count(here.tm.trackings.list(page_size=100).__aiter__()), set(sandbox.trackings))
    assert here.pages == [1]


async def test_traffic_while_answers_are_slow_loses_nothing() -> None:
    """Changes at any moment of a request, and answers that overtake each other, lose nothing when reading ahead."""
    for seed in range(24):
        sandbox = quick_sandbox(seed, path=Path(there=(0.0, 2.0), work=(0.0, 0.3), back=(0.0, 2.0)))
        sandbox.seed_trackings(500)
        crowd = Crowd(sandbox, seed, deletes=2, creates=2)
        crowd.act()
        found: Counter[Pair] = Counter()
        async with scene(sandbox, rates=QUICK) as here, anyio.create_task_group() as group:
            group.start_soon(_keep_acting, crowd)
            async with here.tm.trackings.list(page_size=20) as walk:
                found = await count(walk)
            group.cancel_scope.cancel()
        assert_exactly_once(found, crowd.throughout())


async def _keep_acting(crowd: Crowd) -> None:
    while True:
        await anyio.sleep(0.1)
        crowd.act()


@pytest.mark.parametrize("ahead", [True, False])
async def test_what_enters_and_leaves_a_filtered_list_pushes_nothing_out(ahead: bool) -> None:
    """Trackings that match throughout come exactly once, however many others enter and leave the filter meanwhile."""
    for seed in SEEDS:
        sandbox = Sandbox()
        sandbox.seed_trackings(900)
        crowd = Crowd(sandbox, seed, deletes=2, creates=2, moves=12)
        for one in list(sandbox.trackings)[::3]:
            sandbox.trackings.set_archived(sandbox.trackings.find(*one) or 0, True)
        matching = {one for one in sandbox.trackings if sandbox.trackings.find(*one) not in sandbox.trackings.archived}
        async with scene(sandbox, crowd.act) as here:
            pages = here.tm.trackings.list(page_size=60, archived=False)
            if ahead:
                async with pages as walk:
                    found = await count(walk)
            else:
                found = await count(pages.__aiter__())
        assert_exactly_once(found, crowd.throughout() & matching)
        assert pages.gaps == ()


async def test_pages_too_small_to_overlap_are_noted() -> None:
    """With pages of a few rows a filtered walk cannot vouch for everything, and says so."""
    sandbox = Sandbox()
    sandbox.seed_trackings(120)
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(page_size=2, archived=False)
        found = await count(pages.__aiter__())
    assert len(found) == 120
    assert any("too small" in gap.reason for gap in pages.gaps)


async def test_max_items_ends_the_walk() -> None:
    """A walk hands out max_items trackings, the oldest ones, and reads no more pages than that takes."""
    sandbox = Sandbox()
    sandbox.seed_trackings(500)
    oldest = list(sandbox.trackings)[::-1]
    async with scene(sandbox) as here:
        found = [pair(tracking) async for tracking in here.tm.trackings.list(page_size=100, max_items=150)]
    assert found == oldest[:150]
    assert here.pages == [1, 5, 4]


async def test_a_list_can_be_walked_again() -> None:
    """Each use of a list begins anew."""
    sandbox = Sandbox()
    sandbox.seed_trackings(30)
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(page_size=20)
        first = await count(pages.__aiter__())
        sandbox.create("zto", "ANOTHER1")
        assert len(await count(pages.__aiter__())) == len(first) + 1
        assert pages.total == 31


async def test_a_walk_is_for_one_task() -> None:
    """A second task that asks meanwhile is refused, and takes nothing away from the first."""
    sandbox = Sandbox()
    sandbox.seed_trackings(400)
    async with scene(sandbox) as here:
        walk = aiter(here.tm.trackings.list(page_size=50))
        counting = asyncio.create_task(count(walk))
        for _ in range(5):
            await anyio.sleep(0.7)
            with pytest.raises(ClientStateError, match="queue"):
                await anext(walk)
        assert_exactly_once(await counting, set(sandbox.trackings))


async def test_a_walk_has_one_deadline_as_a_whole() -> None:
    """A deadline counts from the first page to the last, and ends the walk where it stands."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100)
    async with scene(sandbox) as here:
        walk = aiter(here.tm.with_options(deadline=4.5).trackings.list(page_size=10))
        found = 0
        with pytest.raises(DeadlineExceededError):
            while True:
                await anext(walk)
                found += 1
    assert (found, len(here.asked)) == (40, 5)
