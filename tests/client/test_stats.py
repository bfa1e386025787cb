"""What ``tm.stats()`` tells, against what really happens."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import attrs
import pytest

from tests.client.helpers import CARRIER, KEY, NUMBER, UNLIMITED, GrantAll, failure, in_process
from tests.conftest import VIRTUAL
from trackingmore_async import (
    BucketStats,
    ClientStateError,
    LocalLimiter,
    Rate,
    RetryPolicy,
    Statistics,
    TrackingMore,
    TrackingRef,
    TrackingUpdate,
)
from trackingmore_async.operations import LIST, UPDATE_MANY
from trackingmore_async.sandbox import Fault, Path, Sandbox
from trackingmore_async.transport import Trail, Transport
from trackingmore_async.transport.counters import Counter

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock."""
    return request.param


@pytest.fixture
def sandbox() -> Sandbox:
    """Make a sandbox with one parcel and no limits, whose answers take an eighth of a second."""
    made = Sandbox(keys=[KEY], path=Path(there=0.0625, back=0.0625), rates=UNLIMITED)
    made.create(CARRIER, NUMBER)
    return made


@pytest.fixture
async def tm(sandbox: Sandbox) -> AsyncIterator[TrackingMore]:
    """Open a client for it."""
    async with in_process(sandbox) as client:
        yield client


def transport_of(tm: TrackingMore) -> Transport:
    """Return the transport of a client."""
    transport: Transport = vars(tm)["_caller"].transport
    return transport


async def test_a_new_client_has_nothing_to_tell(tm: TrackingMore) -> None:
    """No bucket was used, and the gate is open."""
    assert tm.stats() == Statistics(buckets={})


async def test_waiting_in_flight_and_granted_are_counted(tm: TrackingMore) -> None:
    """Of five calls at once one is on its way and four wait; in the end all were granted, and nothing is left."""
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(tm.account.info)
        await anyio.sleep(0.05)
        during = tm.stats().buckets["account_info"]
    after = tm.stats()
    assert (during.waiting, during.in_flight, during.granted) == (4, 1, 1)
    assert set(after.buckets) == {"account_info"}
    bucket = after.buckets["account_info"]
    assert (bucket.waiting, bucket.in_flight, bucket.granted, after.requests) == (0, 0, 5, 5)


@pytest.mark.parametrize("when", [0.05, 0.5])
async def test_cancelled_calls_leave_no_count_behind(tm: TrackingMore, when: float) -> None:
    """Whoever gives up waits no more, and is not in flight."""
    with anyio.move_on_after(when):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(tm.account.info)
    bucket = tm.stats().buckets["account_info"]
    assert (bucket.waiting, bucket.in_flight) == (0, 0)


async def test_waiting_for_a_connection_counts(sandbox: Sandbox) -> None:
    """Those for which no connection is left wait, too."""
    async with in_process(sandbox, limiter=GrantAll()) as tm, anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(tm.account.info)
        await anyio.sleep(0.05)
        bucket = tm.stats().buckets["account_info"]
        assert (bucket.waiting, bucket.in_flight) == (4, 16)


async def test_rate_and_interval_are_the_limiters(sandbox: Sandbox) -> None:
    """They are those that were given; the interval is the observed one, and longer than the rate says."""
    async with in_process(sandbox, rates={"get": Rate(4, 2.0)}) as tm:
        for _ in range(9):
            await tm.trackings.get(CARRIER, NUMBER)
        bucket = tm.stats().buckets["get"]
        limiter = transport_of(tm).limiter
        assert isinstance(limiter, LocalLimiter)
        assert bucket.rate == Rate(4, 2.0)
        assert bucket.interval == limiter.expected_interval("get")
        assert 0.5 < bucket.interval < 0.6


async def test_a_limiter_that_tells_nothing_has_the_rates_of_the_table(sandbox: Sandbox) -> None:
    """Counts are kept whatever the limiter is; pace and gate are what the client knows itself."""
    sandbox.faults.add(Fault("get", on={1}, code=429))
    async with in_process(sandbox, limiter=GrantAll()) as tm:
        await tm.trackings.get(CARRIER, NUMBER)
        stats = tm.stats()
        await anyio.sleep(200)
        assert tm.stats().gate == "open"
    bucket = stats.buckets["get"]
    assert (bucket.rate, bucket.interval) == (Rate(1), 1.0)
    assert (stats.gate, round(stats.seconds_to_go, 3)) == ("shut", 119.875)
    assert (bucket.granted, bucket.bans) == (2, 1)


async def test_a_ban_shows_in_the_gate(sandbox: Sandbox) -> None:
    """During a ban the gate is shut, for all buckets and for other clients of the key; afterwards it is ajar."""
    sandbox.faults.add(Fault("account_info", on={1}, code=429))
    async with in_process(sandbox) as tm, in_process(sandbox) as other:
        await tm.trackings.get(CARRIER, NUMBER)
        await failure(tm.account.info())
        await anyio.sleep(21)
        stats = tm.stats()
        assert (stats.gate, round(stats.seconds_to_go), stats.pauses) == ("shut", 100, 1)
        told = {name: (bucket.gate, round(bucket.seconds_to_go)) for name, bucket in stats.buckets.items()}
        assert told == dict.fromkeys(("get", "account_info"), ("shut", 100))
        assert stats.buckets["account_info"].bans == 1
        assert (other.stats().gate, other.stats().pauses) == ("shut", 0)
        await anyio.sleep(101)
        assert (tm.stats().gate, tm.stats().seconds_to_go) == ("ajar", 0)
        await tm.trackings.get(CARRIER, NUMBER)
        assert tm.stats().gate == "open"


async def test_what_is_sent_again_is_a_retry_and_perhaps_a_replay(sandbox: Sandbox) -> None:
    """After a 503 or a lost answer the first sending may have been carried out; after a 429, or unsent, it was not."""
    sandbox.faults.add(
        Fault("update", on={1}, body="truncated", performed=True),
        Fault("get", on={1}, code=429),
        Fault("account_info", on={1}, refuse_connection=True),
    )
    async with in_process(sandbox, limiter=GrantAll(), retry=RetryPolicy(base=0.0)) as tm:
        await tm.trackings.update(CARRIER, NUMBER, title="mug")
        await tm.trackings.get(CARRIER, NUMBER)
        await tm.account.info()
        buckets = tm.stats().buckets
    told = {name: (bucket.granted, bucket.retries, bucket.replays, bucket.bans) for name, bucket in buckets.items()}
    assert told == {"update": (2, 1, 1, 0), "get": (2, 1, 0, 1), "account_info": (2, 1, 0, 0)}


async def test_batches_say_how_full_they_are(sandbox: Sandbox) -> None:
    """100 items in three batches fill 100 of 120 places; a batch that is sent again counts once."""
    sandbox.faults.add(Fault("delete_many", on={2}, status=503, body="html"))
    async with in_process(sandbox) as tm:
        await tm.trackings.delete_many(TrackingRef(CARRIER, f"ZZ{n:09d}") for n in range(100))
        await tm.account.info()
        bucket, single = (tm.stats().buckets[name] for name in ("delete_many", "account_info"))
    assert bucket.capacity == 40
    assert bucket.fill == pytest.approx(100 / 120)
    assert (bucket.granted, bucket.retries, bucket.replays) == (4, 1, 1)
    assert (single.capacity, single.fill) == (1, None)


async def test_batches_are_told_to_hooks(sandbox: Sandbox) -> None:
    """Between a request and its reply comes what the batch holds, for its first sending only."""
    heard: list[Any] = []
    sandbox.faults.add(Fault("delete_many", on={1}, status=503, body="html"))
    async with in_process(sandbox, hooks=[heard.append]) as tm:
        await tm.trackings.delete_many(TrackingRef(CARRIER, f"ZZ{n:09d}") for n in range(50))
    calls = {details.call for details in heard}
    batches = [details for details in heard if details.event == "batch"]
    assert [(one.items, one.capacity) for one in batches] == [(40, 40), (10, 40)]
    assert {(one.lane, one.shares) for one in batches} == {("bulk", ())}
    assert [one.operation for one in batches] == ["delete_many"] * 2
    for call, tries in zip(sorted(calls), (2, 1), strict=True):
        events = [details.event for details in heard if details.call == call]
        sending = ["retry", "request", "reply"] * (tries - 1)
        assert events == ["call", "request", "batch", "reply", *sending, "end"]


async def test_an_edit_that_is_sent_once_more_is_a_replay(sandbox: Sandbox) -> None:
    """What a job sends again to settle a doubt may have been done before."""
    sandbox.faults.add(Fault("update_many", on={1}, body="truncated", performed=True))
    async with in_process(sandbox, retry=RetryPolicy(attempts=1)) as tm:
        report = await tm.trackings.update_many([TrackingUpdate(CARRIER, NUMBER, title="mug")])
        bucket = tm.stats().buckets["update_many"]
    assert report.ok
    assert (bucket.granted, bucket.retries, bucket.replays) == (2, 1, 1)


async def test_the_load_is_what_comes_in_a_cycle(sandbox: Sandbox) -> None:
    """One call every two seconds is half of what a cycle of one second carries; a minute later a third is left."""
    async with in_process(sandbox, limiter=GrantAll()) as tm:
        for _ in range(300):
            await tm.account.info()
            await anyio.sleep(1.875)
        steady = tm.stats().buckets["account_info"]
        await anyio.sleep(60)
        later = tm.stats().buckets["account_info"]
    assert steady.load == pytest.approx(0.5, rel=0.03)
    assert later.load == pytest.approx(steady.load / 2.718, rel=0.01)


@pytest.mark.parametrize("seconds", [1, 5, 30])
async def test_the_load_of_a_new_client_is_an_average_over_its_life(sandbox: Sandbox, seconds: int) -> None:
    """A client need not be a minute old to tell what comes: 20 items a second are 20 a cycle from the first second."""
    async with in_process(sandbox, limiter=GrantAll()) as tm:
        counters = transport_of(tm).counters
        for _ in range(seconds * 20):
            await anyio.sleep(0.05)
            counters.came("list", 1, 40)
        bucket = tm.stats().buckets["list"]
    assert bucket.capacity == 40
    assert bucket.load == pytest.approx(20, rel=0.05)


async def test_a_client_is_as_old_as_it_is_open(sandbox: Sandbox) -> None:
    """The load of one that was opened when its program had run for an hour is no other than that of the first one."""
    await anyio.sleep(3600)
    async with in_process(sandbox, limiter=GrantAll()) as tm:
        for _ in range(20):
            await anyio.sleep(0.05)
            transport_of(tm).counters.came("list", 1, 40)
        assert tm.stats().buckets["list"].load == pytest.approx(20, rel=0.05)


async def test_what_is_not_shared_counts_as_a_full_request(sandbox: Sandbox) -> None:
    """A page of a walk takes the place of 40 look-ups; what was counted when it came does not count again."""
    async with in_process(sandbox, limiter=GrantAll()) as tm:
        caller = vars(tm)["_caller"]
        transport_of(tm).counters.came("list", 20, 40)
        half = tm.stats().buckets["list"].load
        await tm.trackings.list()
        with_page = tm.stats().buckets["list"].load
        await caller.call(LIST, LIST.request(), Trail(is_counted=True))
        assert tm.stats().buckets["list"].load == pytest.approx(with_page, rel=0.01)
    assert half == pytest.approx(20, rel=0.01)
    assert with_page == pytest.approx(60, rel=0.01)


async def test_sharing_layers_feed_the_same_counters(tm: TrackingMore) -> None:
    """Items that wait to share a request are counted until they do, and shared requests with the calls they carry."""
    transport, trail = transport_of(tm), Trail(call=7)
    transport.counters.began_waiting("update_many", 3)
    transport.counters.stopped_waiting("update_many")
    assert tm.stats().buckets["update_many"].items_waiting == 2
    transport.tell_batch(UPDATE_MANY, trail, 2, 40, shares=[8, 9])
    transport.tell_batch(UPDATE_MANY, trail, 40, 40)
    assert tm.stats().buckets["update_many"].fill == pytest.approx(42 / 80)


async def test_views_share_statistics(tm: TrackingMore) -> None:
    """What is called through a view is told by the client, and the other way round."""
    view = tm.with_options(priority="bulk")
    await view.account.info()
    assert view.stats() == tm.stats()
    assert tm.stats().buckets["account_info"].granted == 1


async def test_only_an_open_client_tells(sandbox: Sandbox) -> None:
    """Before opening and after closing there is an error, as for any call."""
    async with in_process(sandbox) as tm:
        pass
    for client in (tm, TrackingMore(KEY)):
        with pytest.raises(ClientStateError):
            client.stats()


async def test_statistics_are_frozen(tm: TrackingMore) -> None:
    """What was told at one moment stays as it was."""
    await tm.account.info()
    before = tm.stats()
    await tm.account.info()
    bucket = before.buckets["account_info"]
    assert bucket.granted == 1
    for value, name in ((before, "gate"), (bucket, "granted")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, 7)


def test_arrivals_fade() -> None:
    """A burst counts in full at first, and after two minutes hardly any more."""
    counter = Counter(capacity=1)
    for _ in range(60):
        counter.came(1.0, 1000.0)
    assert counter.arrivals(1000.0, since=0.0) == pytest.approx(1.0)
    assert counter.arrivals(1060.0, since=0.0) == pytest.approx(0.368, abs=0.001)
    assert counter.arrivals(1120.0, since=0.0) == pytest.approx(0.135, abs=0.001)
    assert BucketStats(rate=Rate(1), interval=1.0).load == 0
