"""How long calls wait for their slot on a clock that does not stand still."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.client.helpers import CARRIER, KEY, NUMBER, failure
from trackingmore_async import DeadlineExceededError, Rate, TrackingMore
from trackingmore_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def looked_up(tm: TrackingMore) -> str:
    """Look a parcel up; again if a machine that stood still came too late for a free slot: nothing was sent then."""
    for _ in range(20):
        with suppress(DeadlineExceededError):
            return (await tm.trackings.get(CARRIER, NUMBER)).tracking_number
    return "never"


async def test_no_patience_is_enough_for_a_slot_that_is_free(sandbox: Sandbox) -> None:
    """With ``max_wait=0`` a call is made if its slot is free now, which takes a moment; else it fails."""
    sandbox.create(CARRIER, NUMBER)
    rates = {"get": Rate(1, 60.0), "list": Rate(1, 60.0)}
    async with TrackingMore(KEY, base_url=sandbox.url, rates=rates) as tm:
        for view in (tm.with_options(max_wait=0, coalesce=False), tm.with_options(max_wait=0)):
            assert await looked_up(view) == NUMBER
            assert isinstance(await failure(view.trackings.get(CARRIER, NUMBER)), DeadlineExceededError)
    assert sandbox.statistics().total_requests == 2
