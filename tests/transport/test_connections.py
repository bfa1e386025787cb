"""Connections and permits: none waits for the other, and nothing is lost, whatever is cancelled whenever."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from anyio.lowlevel import checkpoint

from tests.client.helpers import CARRIER, FAST, KEY, NUMBER, UNLIMITED, close, failure, in_process
from tests.conftest import VIRTUAL
from trackingmore_async import DeadlineExceededError, LocalLimiter, Permit, RetryPolicy, TrackingMore
from trackingmore_async.sandbox import Fault, Path, Sandbox
from trackingmore_async.transport.connections import Connections
from trackingmore_async.transport.http import POOL_SIZE

pytestmark = pytest.mark.anyio


class Watching(LocalLimiter):
    """The limiter of this library, which also notes how long permits take to be used, and how many are out."""

    def __init__(self) -> None:
        super().__init__(FAST)
        self.out = set[Permit]()
        self.most = 0
        self.waits = list[float]()

    async def acquire(self, bucket: str, **settings: Any) -> Permit:
        """Grant, and count."""
        permit = await super().acquire(bucket, **settings)
        self.out.add(permit)
        self.most = max(self.most, len(self.out))
        return permit

    async def release(self, permit: Permit, *, sent_at: float | None, **settings: Any) -> None:
        """Take back, and note how long it took to send."""
        if sent_at is not None and permit in self.out:
            self.waits.append(sent_at - permit.granted_at)
        self.out.discard(permit)
        await super().release(permit, sent_at=sent_at, **settings)


@asynccontextmanager
async def busy(**path: float) -> AsyncGenerator[Sandbox]:
    """Serve a sandbox without limits that takes its time."""
    async with Sandbox(keys=[KEY], rates=UNLIMITED, path=Path(**path)) as sandbox:
        sandbox.create(CARRIER, NUMBER)
        yield sandbox


@pytest.mark.parametrize("lend", [False, True])
async def test_more_calls_than_connections(lend: bool) -> None:
    """A hundred calls at once share the connections; no permit waits for one, and none times out."""
    limiter, limits = Watching(), httpx.Limits(max_connections=POOL_SIZE, max_keepalive_connections=POOL_SIZE)
    async with (
        busy(work=0.1) as sandbox,
        httpx.AsyncClient(limits=limits) as http,
        TrackingMore(KEY, base_url=sandbox.url, limiter=limiter, http_client=http if lend else None) as tm,
    ):
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(tm.with_options(coalesce=False).trackings.get, CARRIER, NUMBER)
        assert sandbox.statistics().total_requests == 100
        pools = tm._caller.transport._pools
        assert pools is not None
        assert pools.quick.connections.in_use == 0
    assert len(limiter.waits) == 100
    assert max(limiter.waits) < 0.09  # less than any answer took, so nobody waited for another's connection
    assert limiter.out == set()


async def test_slow_questions_hold_up_nobody() -> None:
    """Operations that take minutes have connections of their own."""
    async with (
        busy(work=0.3) as sandbox,
        TrackingMore(KEY, base_url=sandbox.url, rates=FAST) as tm,
        anyio.create_task_group() as group,
    ):
        for _ in range(POOL_SIZE * 4):
            group.start_soon(tm.trackings.realtime, CARRIER, NUMBER)
        await anyio.sleep(0.1)
        with anyio.fail_after(0.5):
            await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)


async def test_no_connection_in_time_is_an_error_of_time() -> None:
    """When all connections stay busy for longer than a call may wait, it says so; nothing was sent."""
    async with (
        busy(work=0.5) as sandbox,
        TrackingMore(KEY, base_url=sandbox.url, rates=FAST) as tm,
        anyio.create_task_group() as group,
    ):
        for _ in range(POOL_SIZE):
            group.start_soon(tm.with_options(coalesce=False).trackings.get, CARRIER, NUMBER)
        await anyio.sleep(0.1)
        error = await failure(tm.with_options(max_wait=0.1, coalesce=False).trackings.get(CARRIER, NUMBER))
    assert isinstance(error, DeadlineExceededError)
    assert error.sent is False
    assert "connections were busy" in str(error)
    assert sandbox.statistics().total_requests == POOL_SIZE


@pytest.mark.parametrize("seed", range(4))
async def test_cancellation_leaks_nothing(seed: int) -> None:
    """Of three hundred calls most are cancelled at random moments: nothing is lost, and all others complete."""
    rng, limiter = random.Random(seed), Watching()
    async with (
        busy(there=0.002, work=0.004, back=0.002) as sandbox,
        TrackingMore(KEY, base_url=sandbox.url, limiter=limiter, retry=RetryPolicy(attempts=1)) as tm,
    ):
        view = tm.with_options(max_wait=None, coalesce=False)

        async def call() -> None:
            await anyio.sleep(rng.uniform(0, 0.2))
            assert (await view.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)).tracking_number == NUMBER

        tasks = [asyncio.ensure_future(call()) for _ in range(300)]
        for task in rng.sample(tasks, 220):
            asyncio.get_running_loop().call_later(rng.uniform(0, 0.3), task.cancel)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [result for result in results if result and not isinstance(result, asyncio.CancelledError)] == []
        assert sum(result is None for result in results) >= 80
        await anyio.sleep(0.05)
        pools = tm._caller.transport._pools
        assert pools is not None
        assert (pools.quick.connections.in_use, limiter.out, tm._caller.transport._under_way) == (0, set(), set())
        statistics = limiter.statistics().buckets["get"]
        assert (statistics.waiting, statistics.in_flight) == (0, 0)
        with anyio.fail_after(2):  # as many as there are connections: httpx has lost none of its own
            async with anyio.create_task_group() as group:
                for _ in range(POOL_SIZE):
                    group.start_soon(tm.with_options(timeout=1.0).trackings.get, CARRIER, NUMBER)


@pytest.mark.parametrize("anyio_backend", [pytest.param(VIRTUAL, id="virtual")])
@pytest.mark.parametrize("impatience", [{"deadline": 60.0}, {"max_wait": 60.0}, {}])
async def test_who_waits_for_a_connection_hears_of_a_ban(impatience: dict[str, Any]) -> None:
    """A ban that begins while all connections are busy refuses at once whom it makes hopeless, and nobody else.

    Who comes only then is refused at once, too.
    """
    sandbox, told = Sandbox(rates=UNLIMITED), list[float]()
    sandbox.create(CARRIER, NUMBER)
    sandbox.faults.add(Fault("get", on=range(1, 17), delay_work=5.0), Fault("realtime", on={1}, code=429))
    async with in_process(sandbox, rates=FAST) as tm:
        pools = tm._caller.transport._pools
        assert pools is not None

        async def hasty() -> None:
            error = await failure(tm.with_options(**impatience).trackings.get(CARRIER, NUMBER))
            assert isinstance(error, DeadlineExceededError)
            assert (error.sent, error.retry_after) == (False, 121)
            told.append(anyio.current_time() - begun)

        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(tm.trackings.get, CARRIER, NUMBER)
            await anyio.sleep(1.0)
            assert pools.quick.connections.all_taken
            begun = anyio.current_time()
            group.start_soon(hasty)
            group.start_soon(tm.with_options(max_wait=None).trackings.get, CARRIER, NUMBER)
            await anyio.sleep(0.5)
            assert told == []
            group.start_soon(failure, tm.trackings.realtime(CARRIER, NUMBER))
            await anyio.sleep(0.01)
            await hasty()
        assert told == [close(0.5), close(0.51)]
        assert anyio.current_time() - begun > 120
        assert pools.quick.connections.in_use == 0
    assert sandbox.statistics().requests["get"] == 17


@pytest.mark.parametrize("anyio_backend", [pytest.param(VIRTUAL, id="virtual")])
async def test_who_waits_for_his_turn_holds_no_connection() -> None:
    """What came while all connections were busy, and waits for its turn now, holds up no other bucket."""
    sandbox = Sandbox()
    sandbox.create(CARRIER, NUMBER)
    sandbox.faults.add(Fault("get", times=16, delay_back=25.0))
    async with in_process(sandbox) as tm, anyio.create_task_group() as group:
        job = tm.with_options(priority="bulk", max_wait=None)
        for _ in range(60):
            group.start_soon(job.trackings.get, CARRIER, NUMBER)
            await anyio.sleep(0.5)
        begun = anyio.current_time()
        await tm.account.info()
        assert anyio.current_time() - begun < 5.0
    assert sandbox.statistics().requests == {"get": 60, "account_info": 1}


@pytest.mark.parametrize("anyio_backend", [pytest.param(VIRTUAL, id="virtual")])
async def test_who_comes_back_at_once_does_not_take_the_connection_of_one_who_waits() -> None:
    """Sixteen that ask again as soon as they are answered leave the next connection to a seventeenth."""
    sandbox = Sandbox(rates=UNLIMITED, path=Path(work=1.0))
    sandbox.create(CARRIER, NUMBER)
    async with in_process(sandbox, rates=FAST) as tm, anyio.create_task_group() as group:

        async def again_and_again() -> None:
            for _ in range(10):
                await tm.trackings.get(CARRIER, NUMBER)

        for _ in range(16):
            group.start_soon(again_and_again)
        await anyio.sleep(0.5)
        begun = anyio.current_time()
        await tm.account.info()
        assert anyio.current_time() - begun < 2.0


async def test_own_clients_keep_all_of_their_twenty_connections() -> None:
    """The pool of each holds as many as may be used at once, keeps them all, and for a minute."""
    async with TrackingMore(KEY) as tm:
        pools = tm._caller.transport._pools
        assert pools is not None
        for pool in (pools.quick, pools.slow):
            client: Any = pool.client
            http = client._transport._pool
            assert (http._max_connections, http._max_keepalive_connections) == (20, 20)
            assert (http._keepalive_expiry, pool.connections.size) == (60.0, 20)


async def test_connections_are_kept() -> None:
    """Requests one after another go over few connections, not a new one each."""
    seen = set[Any]()

    async def note(response: httpx.Response) -> None:
        seen.add(response.extensions["network_stream"].get_extra_info("client_addr"))

    async with (
        busy() as sandbox,
        httpx.AsyncClient(event_hooks={"response": [note]}) as http,
        TrackingMore(KEY, base_url=sandbox.url, rates=FAST, http_client=http) as tm,
    ):
        for _ in range(20):
            await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)
    assert len(seen) == 1


def patient() -> None:
    """Find no reason not to wait."""


async def test_connections_are_handed_out_in_order() -> None:
    """First come, first served; who gives up leaves nothing behind, and time runs out with an error."""
    connections, served = Connections(1), list[int]()
    assert connections.take()
    assert not connections.take()

    async def take(number: int) -> None:
        await connections.wait(None, patient)
        assert connections.take()
        served.append(number)
        await checkpoint()
        connections.give_back()

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(take, number)
            await checkpoint()
        with anyio.move_on_after(0.01):
            await connections.wait(None, patient)
        assert isinstance(await failure(connections.wait(anyio.current_time() + 0.01, patient)), DeadlineExceededError)
        connections.give_back()
    assert served == list(range(5))
    assert (connections.in_use, connections.all_taken) == (0, False)
