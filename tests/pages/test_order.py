"""Servers that list in another order than the newest first (API.md 12, item 15)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pages.scene import QUICK, Crowd, assert_exactly_once, count, quick_sandbox, scene
from trackingmore_async.sandbox import Sandbox, Switches

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("list_order", ["oldest", "id"])
@pytest.mark.parametrize("quick", [True, False])
async def test_all_pages_are_read_twice_and_nothing_comes_twice(list_order: Any, quick: bool) -> None:
    """In another order each tracking still comes exactly once, and the walk says what it cannot vouch for."""
    for seed in range(5):
        sandbox = quick_sandbox(seed, switches=Switches(list_order=list_order))
        sandbox.seed_trackings(300)
        crowd = Crowd(sandbox, seed, deletes=8, creates=8)
        async with scene(sandbox, crowd.act, **({"rates": QUICK} if quick else {})) as here:
            pages = here.tm.trackings.list(page_size=20)
            found = await count(pages.__aiter__())
        assert_exactly_once(found, crowd.throughout())
        assert [gap.page for gap in pages.gaps] == [1]
        assert "read twice" in pages.gaps[0].reason
        assert here.pages.count(3) == 2


@pytest.mark.parametrize("list_order", ["oldest", "id"])
async def test_an_order_that_shows_late_is_noted(list_order: Any) -> None:
    """Where the first pages do not betray the order, a later one does."""
    sandbox = Sandbox(switches=Switches(list_order=list_order))
    moment = sandbox.clock.seconds() - 1000
    sandbox.seed_trackings(100, created_between=(moment, moment))
    sandbox.seed_trackings(100, created_between=(moment + 50, moment + 50), prefix="RR")
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(page_size=20)
        found = await count(pages.__aiter__())
    assert_exactly_once(found, set(sandbox.trackings))
    assert "read twice" in pages.gaps[0].reason


async def test_one_page_in_another_order_is_noted() -> None:
    """Also a walk of a single page says that its order is not the promised one."""
    sandbox = Sandbox(switches=Switches(list_order="oldest"))
    sandbox.seed_trackings(30)
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list()
        assert_exactly_once(await count(pages.__aiter__()), set(sandbox.trackings))
    assert pages.gaps
    assert here.pages == [1]
