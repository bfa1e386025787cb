"""Walks from the newest tracking on."""

from __future__ import annotations

import pytest

from tests.pages.scene import QUICK, Crowd, assert_exactly_once, count, pair, quick_sandbox, scene
from trackingmore_async.sandbox import Sandbox, Switches

pytestmark = pytest.mark.anyio


async def test_the_newest_come_first_and_the_walk_stops_early() -> None:
    """A walk that wants the 25 newest reads three pages of 10."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100)
    async with scene(sandbox) as here:
        found = [pair(one) async for one in here.tm.trackings.list(page_size=10, order="newest", max_items=25)]
    assert found == list(sandbox.trackings)[:25]
    assert here.pages == [1, 2, 3]


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("date_header", [True, False])
async def test_what_is_created_meanwhile_does_no_harm(quick: bool, date_header: bool) -> None:
    """Insertions cause neither duplicates nor losses, also in the walk's own second."""
    for seed in range(5):
        sandbox = quick_sandbox(seed, switches=Switches(date_header=date_header))
        sandbox.seed_trackings(100)
        crowd = Crowd(sandbox, seed, creates=4 if quick else 25)
        async with scene(sandbox, crowd.act, **({"rates": QUICK} if quick else {})) as here:
            pages = here.tm.trackings.list(page_size=10, order="newest")
            found = await count(pages.__aiter__())
        assert_exactly_once(found, crowd.throughout())
        assert pages.gaps == ()


async def test_deletions_leave_a_gap_that_is_noted() -> None:
    """When trackings were deleted between two pages, the walk says how many may have been passed over."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100)
    crowd = Crowd(sandbox, 3, deletes=3)
    async with scene(sandbox, crowd.act) as here:
        pages = here.tm.trackings.list(page_size=10, order="newest")
        found = await count(pages.__aiter__())
    missing = crowd.throughout() - found.keys()
    assert max(found.values()) == 1
    assert missing
    assert pages.gaps
    assert "left the list" in pages.gaps[0].reason


async def test_the_last_page_ends_the_walk() -> None:
    """No page is asked for behind the last one, whether it is full or not."""
    sandbox = Sandbox()
    sandbox.seed_trackings(30)
    async with scene(sandbox) as here:
        assert len(await count(here.tm.trackings.list(page_size=10, order="newest").__aiter__())) == 30
        assert len(await count(here.tm.trackings.list(page_size=20, order="newest").__aiter__())) == 30
    assert here.pages == [1, 2, 3, 1, 2]


async def test_another_order_is_noted() -> None:
    """A server that lists the oldest first is found out, also when one page is all there is."""
    sandbox = Sandbox(switches=Switches(list_order="oldest"))
    sandbox.seed_trackings(30)
    async with scene(sandbox) as here:
        for size in (10, 100):
            pages = here.tm.trackings.list(page_size=size, order="newest")
            assert_exactly_once(await count(pages.__aiter__()), set(sandbox.trackings))
            assert "does not list the newest" in pages.gaps[0].reason
