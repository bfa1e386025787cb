"""Walks over a real socket, on the real clock."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from typing import Any

import pytest

from tests.conftest import REAL
from tests.pages.scene import QUICK, Crowd, assert_exactly_once, count, pair
from trackingmore_async import TrackingMore
from trackingmore_async.models import Tracking
from trackingmore_async.pages.sheet import Sheet
from trackingmore_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """Run on the real clock."""
    return REAL


def open_sandbox() -> Sandbox:
    """Return a sandbox that lets pages pass quickly."""
    return Sandbox(rates={"list": (1000, 1.0)})


@pytest.mark.parametrize("ahead", [True, False])
async def test_everything_comes_exactly_once_while_others_delete_and_create(ahead: bool) -> None:
    """Over a socket too, each tracking that existed throughout comes exactly once."""
    async with open_sandbox() as sandbox, TrackingMore(sandbox.key, base_url=sandbox.url, rates=QUICK) as tm:
        sandbox.seed_trackings(3000)
        crowd = Crowd(sandbox, seed=5, deletes=5, creates=5)
        crowd.act()
        busy = asyncio.create_task(keep_acting(crowd))
        pages = tm.trackings.list(page_size=100)
        if ahead:
            async with pages as walk:
                found = await count(walk)
        else:
            found = await count(pages.__aiter__())
        busy.cancel()
        assert_exactly_once(found, crowd.throughout())
        assert pages.gaps == ()


async def keep_acting(crowd: Crowd) -> None:
    """Disturb the account about a hundred times a second."""
    while True:
        await asyncio.sleep(0.01)
        crowd.act()


async def test_the_first_page_and_an_early_end() -> None:
    """The first page is the server's; leaving a walk in the middle leaves nothing behind."""
    async with open_sandbox() as sandbox, TrackingMore(sandbox.key, base_url=sandbox.url, rates=QUICK) as tm:
        sandbox.seed_trackings(500)
        page = await tm.trackings.list(page_size=50)
        assert [pair(tracking) for tracking in page] == list(sandbox.trackings)[:50]
        before = asyncio.all_tasks()
        async for _ in tm.trackings.list(page_size=50):
            break
        async with tm.trackings.list(page_size=50) as walk:
            async for _ in walk:
                break
        assert asyncio.all_tasks() == before


async def test_no_more_than_the_pages_in_hand_is_held() -> None:
    """However long the walk: one decoded tracking at a time, and the page in hand beside those read ahead."""
    async with open_sandbox() as sandbox, TrackingMore(sandbox.key, base_url=sandbox.url, rates=QUICK) as tm:
        sandbox.seed_trackings(3000)
        before, most, number = alive(), (0, 0), 0
        async with tm.trackings.list(page_size=100) as walk:
            async for _ in walk:
                number += 1
                if number % 250 == 0:
                    most = max(most, alive())
            depth = walk_depth(walk)
    assert number == 3000
    assert most[0] - before[0] <= 2
    assert most[1] - before[1] <= depth + 1


def alive() -> tuple[int, int]:
    """Count the decoded trackings and the raw pages in memory."""
    gc.collect()
    kinds = Counter[object](map(type, gc.get_objects()))
    return kinds[Tracking], kinds[Sheet]


def walk_depth(walk: Any) -> int:
    """Return how many pages a walk reads ahead."""
    depth: int = walk._reader.depth
    return depth
