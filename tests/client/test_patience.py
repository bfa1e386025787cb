"""How long calls wait for their slot on a clock that does not stand still."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

import pytest

from tests.client.helpers import CARRIER, NUMBER, failure
from trackingmore_async import DeadlineExceededError, TrackingMore
from trackingmore_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_no_patience_is_enough_for_a_slot_that_is_free(sandbox: Sandbox, tm: TrackingMore) -> None:
    """With ``max_wait=0`` a call is made if its slot is free now, which takes a moment; else it fails."""
    sandbox.create(CARRIER, NUMBER)
    now = tm.with_options(max_wait=0)
    for view in (now, now.with_options(coalesce="reads")):
        assert (await view.trackings.get(CARRIER, NUMBER)).tracking_number == NUMBER
        assert isinstance(await failure(view.trackings.get(CARRIER, NUMBER)), DeadlineExceededError)
