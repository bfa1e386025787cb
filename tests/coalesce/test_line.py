"""In which order those are served who wait to share a request."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

import asyncio

import pytest

from trackingmore_async import Tracking

from .scene import CARRIER, at_once, numbers, opened, stocked

pytestmark = pytest.mark.anyio


async def test_a_bulk_look_up_keeps_its_turn_when_interactive_ones_want_the_same() -> None:
    """It has every second slot at least, however many interactive look-ups stand before the one of its tracking."""
    sandbox = stocked(200)
    async with opened(sandbox) as tm:
        interactive, bulk = (tm.with_options(max_wait=None, priority=lane) for lane in ("interactive", "bulk"))
        await tm.trackings.get(CARRIER, "ZZ0000000")
        crowd = asyncio.ensure_future(at_once(interactive.trackings.get(CARRIER, one) for one in numbers(200)))
        await asyncio.sleep(0.0)
        found = await bulk.trackings.get(CARRIER, "ZZ0000199")
        served = await crowd
    assert found.timing is not None
    assert found.timing.waiting == pytest.approx(2.0, abs=0.01)
    assert [round(one.timing.waiting) for one in served[150:]] == [4] * 9 + [5] * 40 + [2]


async def test_who_leaves_takes_no_other_along() -> None:
    """When the interactive caller of a tracking has gone, the bulk one waits at its place among its own."""
    sandbox = stocked(60)
    async with opened(sandbox) as tm:
        bulk = tm.with_options(max_wait=None, priority="bulk")
        await tm.trackings.get(CARRIER, "ZZ0000000")
        calls = [asyncio.ensure_future(bulk.trackings.get(CARRIER, one)) for one in numbers(60)]
        gone = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000059"))
        await asyncio.sleep(0.5)
        gone.cancel()
        found: list[Tracking] = await asyncio.gather(*calls)
    assert [round(one.timing.waiting) for one in found if one.timing] == [1] * 40 + [2] * 20


async def test_who_joins_a_tracking_of_the_other_lane_may_count_on_its_place() -> None:
    """A bulk look-up has little time and many before it, and is served with the interactive one of its tracking."""
    sandbox = stocked(160)
    async with opened(sandbox) as tm:
        bulk = tm.with_options(max_wait=None, priority="bulk")
        await tm.trackings.get(CARRIER, "ZZ0000000")
        calls = [asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000159"))]
        calls += [asyncio.ensure_future(bulk.trackings.get(CARRIER, one)) for one in numbers(150)]
        await asyncio.sleep(0.1)
        hasty = await bulk.with_options(max_wait=1.5).trackings.get(CARRIER, "ZZ0000159")
        await asyncio.gather(*calls)
    assert hasty.timing is not None
    assert hasty.timing.waiting == pytest.approx(0.9, abs=0.01)
