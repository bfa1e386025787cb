"""What type checkers see of the public surface. This file is never executed: mypy and pyright check it, strictly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

import httpx
import httpx2

import trackingmore_async as tma
from trackingmore_async import (
    Account,
    AirWaybill,
    BucketStats,
    BulkError,
    BulkReport,
    BulkRun,
    Carrier,
    CarrierGuess,
    Checkpoint,
    Gap,
    HookDetails,
    HttpClient,
    Leg,
    LocalLimiter,
    NewTracking,
    Operation,
    Outcome,
    Permit,
    Plan,
    Progress,
    Rate,
    RateLimiter,
    RemoteAreaQuery,
    RemoteAreas,
    RetryPolicy,
    SqliteStore,
    Statistics,
    Status,
    StatusCounts,
    Store,
    Timing,
    Tracking,
    TrackingChanges,
    TrackingEcho,
    TrackingMore,
    TrackingMoreError,
    TrackingPages,
    TrackingRef,
    TrackingUpdate,
    TransitTime,
    TransitTimeQuery,
    TransportError,
    UnsetType,
)
from trackingmore_async.pacing import Lane


async def opening() -> None:
    """Clients are made in many ways, and opened in two."""
    async with TrackingMore() as tm:
        assert_type(tm, TrackingMore)
        assert_type(tm.with_options(timeout=5, deadline=0.8, max_wait=None, priority="bulk"), TrackingMore)
    assert_type(await TrackingMore("key", base_url="https://host/v2").open(), TrackingMore)
    TrackingMore("key", rates={"list": Rate(2), "total": Rate(10, 1.5)}, pause_after_429=130, timeout=10)
    TrackingMore("key", limiter=LocalLimiter({"get": Rate(3)}), retry=RetryPolicy(attempts=2))
    async with httpx.AsyncClient() as http, httpx2.AsyncClient() as other:
        TrackingMore(http_client=http)
        TrackingMore(http_client=other)
        borrowed: HttpClient = http
        TrackingMore(http_client=borrowed)
    TrackingMore(http_client=httpx.Client())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    TrackingMore(hooks=[print, watch])
    TrackingMore(hooks=[watch_nothing])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    TrackingMore(key="misspelt")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    TrackingMore().with_options(priority="urgent")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def watch(details: HookDetails) -> None:
    """Hooks take one argument."""
    assert_type(details.timing, Timing | None)


def watch_nothing() -> None:
    """Be no hook: it takes nothing."""


async def observing(tm: TrackingMore, error: TrackingMoreError) -> None:
    """Results, errors and the client tell of themselves."""
    assert_type((await tm.account.info()).timing, Timing | None)
    assert_type((await tm.trackings.list()).timing, Timing | None)
    assert_type(error.timing, Timing | None)
    assert_type(tm.stats(), Statistics)
    assert_type(tm.stats().buckets["get"], BucketStats)


async def single_calls(tm: TrackingMore) -> None:
    """Each method returns its model, and takes only the fields of its request."""
    assert_type(await tm.trackings.create("c", "n", order_id="A-77", title=None), TrackingEcho)
    assert_type(await tm.trackings.get("c", "n", lang="en"), Tracking)
    assert_type(await tm.trackings.update("c", "n", archived=True), TrackingEcho)
    assert_type(await tm.trackings.realtime("c", "n"), Tracking)
    assert_type(await tm.account.info(), Account)
    assert_type(await tm.account.status_counts(created_at_min=datetime.now().astimezone()), StatusCounts)
    assert_type(await tm.carriers.list(lang="en"), list[Carrier])
    assert_type(await tm.carriers.detect("n"), list[CarrierGuess])
    assert_type(await tm.carriers.remote_areas([RemoteAreaQuery("JP", "9990001")]), RemoteAreas)
    assert_type(await tm.carriers.transit_times([TransitTimeQuery("dhl", "CN", "US")]), list[TransitTime])
    assert_type(await tm.air.track("172-00000000"), dict[str, AirWaybill])
    assert_type(await tm.air.track(["172-00000000"], lang="en"), dict[str, AirWaybill])
    await tm.trackings.delete("c", "n")
    await tm.trackings.change_carrier("c", "n", "other")
    await tm.trackings.create("c")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    await tm.trackings.create("c", "n", colour="red")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    await tm.trackings.update("c", "n", comment="")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    await tm.trackings.get("c", 7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def jobs(tm: TrackingMore, source: AsyncIterator[TrackingUpdate]) -> None:
    """Jobs take any iterable of their own items, and hand those items back."""
    assert_type(tm.trackings.update_many(source), BulkRun[TrackingUpdate])
    assert_type(tm.trackings.create_many(NewTracking("c", str(n)) for n in range(9)), BulkRun[NewTracking])
    assert_type(tm.trackings.delete_many([TrackingRef("c", "n")]), BulkRun[TrackingRef])
    assert_type(tm.trackings.stop_updating_many([TrackingRef("c", "n")]), BulkRun[TrackingRef])
    assert_type(tm.trackings.update_many([TrackingUpdate("c", "n")]).plan(), Plan)
    report = await tm.trackings.update_many(source)
    assert_type(report, BulkReport)
    assert_type((report.succeeded, report.duration), tuple[int, float])
    assert_type(report.failures, tuple[Outcome[Any], ...])
    async with tm.trackings.update_many(source) as run:
        async for outcome in run:
            assert_type(outcome, Outcome[TrackingUpdate])
            assert_type(outcome.item, TrackingUpdate)
            assert_type(outcome.error, TrackingMoreError | None)
            assert_type(outcome.tracking, TrackingEcho | None)
    journaled = tm.trackings.create_many([], journal=Path("job.sqlite3"), job_id="nightly", failed_only=True)
    assert_type(journaled.progress, Progress)
    assert_type((await journaled).recalled, int)
    async with SqliteStore("job.sqlite3") as store:
        lent: Store = store
        stopped = tm.trackings.delete_many([], journal=lent, on_error="stop", progress=print)
        assert_type(stopped, BulkRun[TrackingRef])
    plan = stopped.plan()
    assert_type((plan.shortest, plan.duration, plan.longest, plan.duplicates), tuple[float, float, float, int])
    try:
        await tm.trackings.update_many(source, on_error="raise")
    except BulkError as error:
        report = error.report
    tm.trackings.delete_many([], on_error="ignore")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    tm.trackings.delete_many([TrackingUpdate("c", "n")])  # type: ignore[list-item] # pyright: ignore[reportArgumentType]


async def lists(tm: TrackingMore) -> None:
    """A list is awaited, walked, or walked ahead."""
    pages = tm.trackings.list(status="transit", page_size=2000, max_items=None, order="newest", archived=False)
    assert_type(pages, TrackingPages)
    page: Sequence[Tracking] = await pages
    assert_type(page[0], Tracking)
    async for tracking in pages:
        assert_type(tracking, Tracking)
    async with pages as walk:
        async for tracking in walk:
            assert_type(tracking, Tracking)
    assert_type(pages.token, str | None)
    async with tm.trackings.list(resume=pages.token, max_items=10) as walk:
        assert_type(walk.token, str)
    tm.trackings.list(resume=7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    tm.trackings.list(order="random")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    tm.trackings.list(colour="red")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


async def feeds(tm: TrackingMore, store: Store) -> None:
    """A feed is iterated, or entered first; its store is a path or a store of one's own."""
    feed = tm.trackings.changes(since=datetime.now().astimezone(), store=store, follow=True, interval=30, overlap=60.5)
    assert_type(feed, TrackingChanges)
    async for tracking in tm.trackings.changes(since=1_700_000_000.5, store="feed.sqlite3"):
        assert_type(tracking, Tracking)
    async with tm.trackings.changes(store=Path("feed.sqlite3")) as feed:
        assert_type(await anext(feed), Tracking)
        assert_type(feed.gaps, tuple[Gap, ...])
    tm.trackings.changes(since="yesterday")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    tm.trackings.changes(store=7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def models(tracking: Tracking, echo: TrackingEcho, counts: StatusCounts) -> None:
    """Fields have the types that the documentation promises, and models are frozen."""
    assert_type(tracking.carrier_code, str)
    assert_type(tracking.status, Status | None)
    assert_type(tracking.created_at, datetime | None)
    assert_type(tracking.origin, Leg | None)
    if tracking.origin:
        assert_type(tracking.origin.checkpoints, tuple[Checkpoint, ...])
    assert_type(echo.title, str | UnsetType | None)
    assert_type(counts.notfound, int)
    tracking.status = None  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


def errors(error: TrackingMoreError, lost: TransportError) -> None:
    """Errors carry what happened, typed."""
    assert_type(error.operation, str | None)
    assert_type(error.code, int | None)
    assert_type(error.http_status, int | None)
    assert_type((error.attempts, error.message), tuple[int, str])
    assert_type(lost.sent, bool | None)


class MyLimiter:
    """A limiter of one's own needs no base class."""

    async def acquire(
        self,
        bucket: str,
        *,
        lane: Lane = "interactive",
        deadline: float | None = None,
        round_trip: float = 0.0,
        again: bool = False,
    ) -> Permit:
        """Grant."""
        return Permit(bucket=bucket)

    async def release(
        self, permit: Permit, *, sent_at: float | None, answered_at: float | None = None, refused: bool = False
    ) -> None:
        """Take back."""

    async def penalise(self, permit: Permit, seconds: float) -> int:
        """Fall silent."""
        return 1

    def projected_wait(self, bucket: str, *, lane: Lane = "interactive", again: bool = False) -> float:
        """Guess."""
        return 0.0


def extending(local: LocalLimiter) -> None:
    """Limiters are interchangeable, and the table is typed."""
    limiters: list[RateLimiter] = [MyLimiter(), local]
    TrackingMore(limiter=limiters[0])
    assert_type(tma.OPERATIONS["get"], Operation)
    assert_type(tma.__version__, str)
