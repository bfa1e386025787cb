"""Bulk jobs over a real socket."""

from __future__ import annotations

import pytest

from tests.bulk.conftest import fill, number
from trackingmore_async import NewTracking, Rate, TrackingMore, TrackingRef, TrackingUpdate
from trackingmore_async.sandbox import Path, Sandbox

pytestmark = pytest.mark.anyio


async def test_a_hundred_batches_over_a_socket_violate_nothing() -> None:
    """100 batches of edits at 40 requests/s, way there U(0, 50 ms): every edit succeeds, no violation."""
    async with (
        Sandbox(rates={"update_many": (40, 1.0)}, path=Path(there=(0.0, 0.05))) as sandbox,
        TrackingMore(sandbox.key, base_url=sandbox.url, rates={"update_many": Rate(40)}) as tm,
    ):
        fill(sandbox, 4_000)
        report = await tm.trackings.update_many(TrackingUpdate("zto", number(i), title="mug") for i in range(4_000))
        seen = sandbox.statistics()
    assert (report.succeeded, report.requests) == (4_000, 100)
    assert seen.total_violations == 0


async def test_each_kind_of_job_round_trips() -> None:
    """Create, edit, stop and delete many: each batch endpoint does its work over HTTP."""
    async with Sandbox() as sandbox, TrackingMore(sandbox.key, base_url=sandbox.url) as tm:
        created = await tm.trackings.create_many([NewTracking("zto", number(i)) for i in range(40)])
        edited = await tm.trackings.update_many([TrackingUpdate("zto", number(i), title="mug") for i in range(40)])
        refs = [TrackingRef("zto", number(i)) for i in range(40)]
        stopped = await tm.trackings.stop_updating_many(refs)
        left = sandbox.find("zto", number(39))
        deleted = await tm.trackings.delete_many(refs)
    assert [report.succeeded for report in (created, edited, stopped, deleted)] == [40, 40, 40, 40]
    assert left is not None
    assert (left["title"], left["track_update"]) == ("mug", False)
    assert len(sandbox.trackings) == 0
