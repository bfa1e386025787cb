"""Opening, closing, lending: when a client may be used, and what it leaves behind."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from tests.client.helpers import CARRIER, FAST, KEY, NUMBER, UNLIMITED, failure, told
from trackingmore_async import (
    ClientStateError,
    ConfigurationError,
    DeadlineExceededError,
    LocalLimiter,
    Rate,
    RetryPolicy,
    TrackingMore,
    TrackingMoreError,
    TrackingRef,
)
from trackingmore_async.pacing.registry import REGISTRY
from trackingmore_async.sandbox import Fault, Path, Sandbox

pytestmark = pytest.mark.anyio


def own(sandbox: Sandbox, **settings: Any) -> TrackingMore:
    """Make a client with HTTP clients of its own."""
    return TrackingMore(KEY, base_url=sandbox.url, **settings)


async def test_an_own_http_client_is_closed(sandbox: Sandbox) -> None:
    """After closing, both HTTP clients are closed, and so are their connections."""
    tm = own(sandbox)
    async with tm:
        await tm.account.info()
        pools = tm._caller.transport._pools
        assert pools is not None
        clients: list[Any] = [pools.quick.client, pools.slow.client]
    assert [client.is_closed for client in clients] == [True, True]


async def test_a_borrowed_http_client_stays_open(sandbox: Sandbox) -> None:
    """What was lent is used and given back, open."""
    async with httpx.AsyncClient() as http:
        async with own(sandbox, http_client=http) as tm:
            await tm.account.info()
        assert not http.is_closed
        async with own(sandbox, http_client=http) as tm:
            await tm.account.info()
    assert sandbox.statistics().total_requests == 2


async def test_a_borrowed_http_client_that_was_closed_is_named(sandbox: Sandbox) -> None:
    """When the lender closes too early, the error says which client it was."""
    http = httpx.AsyncClient()
    async with own(sandbox, http_client=http) as tm:
        await http.aclose()
        error = await failure(tm.account.info())
    assert isinstance(error, ClientStateError)
    assert "HTTP client was closed" in str(error)


async def _report(tm: TrackingMore) -> Any:
    return await tm.trackings.delete_many([TrackingRef(CARRIER, NUMBER)])


async def _page(tm: TrackingMore) -> Any:
    return await tm.trackings.list()


CALLS: dict[str, Callable[[TrackingMore], Any]] = {
    "get": lambda tm: tm.trackings.get(CARRIER, NUMBER),
    "view": lambda tm: tm.with_options(deadline=5).trackings.get(CARRIER, NUMBER),
    "create": lambda tm: tm.trackings.create(CARRIER, NUMBER),
    "bad": lambda tm: tm.trackings.get(CARRIER, ""),
    "many": _report,
    "page": _page,
}


@pytest.mark.parametrize("call", CALLS)
async def test_a_client_is_used_while_it_is_open(sandbox: Sandbox, call: str) -> None:
    """Before opening and after closing each call is a `ClientStateError` that says what to do; nothing is sent."""
    tm = own(sandbox)
    before = await failure(CALLS[call](tm))
    await tm.open()
    await tm.aclose()
    after = await failure(CALLS[call](tm))
    assert isinstance(before, ClientStateError)
    assert "async with" in str(before)
    assert isinstance(after, ClientStateError)
    assert "make a new TrackingMore" in str(after)
    assert sandbox.statistics().total_requests == 0


async def test_a_client_is_opened_once(sandbox: Sandbox) -> None:
    """Opening an open client, or one that was closed, is an error; closing twice, or before opening, does nothing."""
    tm = own(sandbox)
    async with tm:
        for second in (tm, tm.with_options(deadline=1)):
            assert "open already" in str(await failure(second.open()))
        await tm.account.info()
    await tm.aclose()
    assert "was closed" in str(await failure(tm.open()))
    unopened = own(sandbox)
    await unopened.aclose()
    assert "closed" in repr(unopened)


async def test_a_client_belongs_to_one_loop(sandbox: Sandbox) -> None:
    """On another event loop calls and closing are refused, and on the right one all goes on."""
    async with own(sandbox) as tm:
        other = await asyncio.to_thread(_on_another_loop, CALLS["get"](tm), tm.aclose())
        await tm.account.info()
    assert [type(error) for error in other] == [ClientStateError, ClientStateError]
    assert "another event loop" in str(other[0])


def test_a_client_needs_a_loop_of_asyncio() -> None:
    """Opened under another library, such as trio, it says what it needs."""
    with pytest.raises(ClientStateError, match="under asyncio and not trio"):
        TrackingMore(KEY).open().send(None)


def _on_another_loop(*calls: Any) -> list[TrackingMoreError]:
    async def main() -> list[TrackingMoreError]:
        return [await failure(call) for call in calls]

    return asyncio.run(main())


async def test_a_new_client_on_each_loop(sandbox: Sandbox) -> None:
    """Programs may call `asyncio.run` again and again, with a client for each."""

    async def main() -> None:
        async with own(sandbox) as tm:
            await tm.account.info()

    for _ in range(2):
        await asyncio.to_thread(asyncio.run, main())
    statistics = sandbox.statistics()
    assert (statistics.total_requests, statistics.total_violations) == (2, 0)


@pytest.mark.parametrize("lend", [False, True])
async def test_closing_ends_what_waits_and_what_is_under_way(lend: bool) -> None:
    """Closing ends each call at once with an error that says what is known of it; no slot is lost to others."""
    async with Sandbox(keys=[KEY], path=Path(work=0.3)) as sandbox, httpx.AsyncClient() as http:
        tm = own(sandbox, http_client=http if lend else None)
        errors: list[TrackingMoreError] = []

        async def call() -> None:
            errors.append(await failure(tm.trackings.create(CARRIER, NUMBER)))

        async with own(sandbox) as another, anyio.create_task_group() as group:
            await tm.open()
            for _ in range(5):
                group.start_soon(call)
            await anyio.sleep(0.1)
            with anyio.fail_after(0.2):
                await tm.aclose()
            assert len(errors) == 5
            with anyio.fail_after(3):
                await another.trackings.create(CARRIER, "LX900000999CN")
    assert {type(error) for error in errors} == {ClientStateError}
    assert all("closed while this call was under way" in str(error) for error in errors)
    assert sorted("may have been carried out" in str(error) for error in errors) == [False] * 4 + [True]
    assert sorted(error.attempts for error in errors) == [0, 0, 0, 0, 1]
    assert sandbox.statistics().total_violations == 0


async def test_closing_ends_a_job_in_truth() -> None:
    """A job that is closed under way says of each item whether it was sent, and none hangs."""
    async with Sandbox(keys=[KEY], path=Path(work=0.5)) as sandbox:
        tm = own(sandbox)
        await tm.open()
        states: list[str] = []

        async def job() -> None:
            async with tm.trackings.delete_many(TrackingRef(CARRIER, f"ZZ{n:09d}") for n in range(100)) as run:
                states.extend([outcome.state async for outcome in run])

        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(job)
                await anyio.sleep(0.25)
                await tm.aclose()
    assert len(states) == 100
    assert states.count("unknown") == 40
    assert states.count("not_attempted") == 60


async def test_a_failed_opening_leaves_nothing(sandbox: Sandbox) -> None:
    """When the rates contradict an open client of the key, opening fails, and succeeds after that one is closed."""
    tm = own(sandbox, rates={"get": Rate(7)})
    async with own(sandbox, rates={"get": Rate(3)}) as first:
        for _ in range(3):
            error = await failure(tm.open())
            assert isinstance(error, ConfigurationError)
            assert "other rates" in str(error)
        assert isinstance(await failure(tm.account.info()), ClientStateError)
        assert "new" in repr(tm)
        await first.account.info()
    async with tm:
        await tm.account.info()
    async with own(sandbox, rates={"get": Rate(9)}):
        pass  # nobody uses the limiter any more


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.01])
async def test_a_cancelled_opening_leaves_nothing(sandbox: Sandbox, delay: float) -> None:
    """Whenever opening is cancelled, the client is new or open, and the limiter has no forgotten user."""
    for _ in range(5):
        tm = own(sandbox, rates={"get": Rate(7)})
        with anyio.move_on_after(delay):
            await tm.open()
        await tm.aclose()
    async with own(sandbox, rates={"get": Rate(9)}) as tm:
        await tm.account.info()


async def test_closing_during_opening(sandbox: Sandbox) -> None:
    """A client that is closed while it opens ends closed, and its opener is told."""
    tm = own(sandbox, rates={"get": Rate(7)})
    task = asyncio.ensure_future(failure(tm.open()))
    await asyncio.sleep(0)
    await tm.aclose()
    assert isinstance(await task, ClientStateError)
    assert "closed" in repr(tm)
    async with own(sandbox, rates={"get": Rate(9)}):
        pass


async def test_closing_survives_cancellation(sandbox: Sandbox) -> None:
    """A cancelled task still closes its client on the way out."""
    tm = own(sandbox)
    with anyio.CancelScope() as scope:
        async with tm:
            await tm.account.info()
            scope.cancel()
            await anyio.sleep(1)
    assert "closed" in repr(tm)
    assert REGISTRY._entries  # the limiter stays known, without users
    assert all(entry.users == 0 for entries in REGISTRY._entries.values() for entry in entries)


async def test_closing_survives_cancellation_with_a_shared_request_under_way() -> None:
    """What is cancelled while its look-up is on the network closes its client too, and frees the limiter for others."""
    async with Sandbox(keys=[KEY], path=Path(work=1.0)) as sandbox:
        with anyio.CancelScope() as scope:
            async with own(sandbox, rates={"list": Rate(7)}) as tm, anyio.create_task_group() as group:
                group.start_soon(tm.trackings.get, CARRIER, NUMBER)
                await anyio.sleep(0.2)
                scope.cancel()
        async with own(sandbox, rates={"list": Rate(9)}):
            pass  # nobody uses the limiter any more


async def test_closing_that_is_cancelled_frees_the_limiter() -> None:
    """Even if somebody ends the closing itself, another client of the key may have other rates."""
    async with Sandbox(keys=[KEY], path=Path(work=1.0)) as sandbox:
        tm = own(sandbox, rates={"list": Rate(7)})
        await tm.open()
        call = asyncio.ensure_future(failure(tm.trackings.get(CARRIER, NUMBER)))
        await asyncio.sleep(0.2)
        closing = asyncio.ensure_future(tm.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        assert isinstance(await call, ClientStateError)
        async with own(sandbox, rates={"list": Rate(9)}):
            pass


async def test_a_limiter_of_ones_own_is_not_shared(sandbox: Sandbox) -> None:
    """A limiter that was passed in is used, and stays usable after closing."""
    limiter = LocalLimiter({"get": Rate(2)})
    sandbox.create(CARRIER, NUMBER)
    for _ in range(2):
        async with own(sandbox, limiter=limiter) as tm:
            await tm.account.info()
    assert limiter.statistics().buckets["account_info"].granted == 2


async def test_views_share_everything_but_their_options(sandbox: Sandbox) -> None:
    """A view has its own options, inherits the others, and shares transport and state."""
    tm = own(sandbox)
    view = tm.with_options(deadline=5).with_options(max_wait=None, priority="bulk")
    options = view._caller.options
    assert (options.deadline, options.max_wait, options.priority) == (5, None, "bulk")
    assert tm._caller.options.deadline is None
    async with view:
        await tm.account.info()
    assert "closed" in repr(tm)


async def test_an_error_inside_leaves_as_it_is(sandbox: Sandbox) -> None:
    """What is raised inside ``async with`` comes out unwrapped."""
    with pytest.raises(ZeroDivisionError):
        async with own(sandbox):
            raise ZeroDivisionError


async def test_forgetting_to_close_warns_of_no_more_than_the_sockets(sandbox: Sandbox) -> None:
    """A client that was never used holds no sockets, so that forgetting it is harmless."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        own(sandbox)
        gc.collect()
    assert caught == []


async def test_each_sandbox_is_an_account_of_its_own() -> None:
    """The ban that was met at one sandbox does not hold up the clients of the next one at the same address."""

    async def ask(sandbox: Sandbox) -> None:
        async with (
            httpx.AsyncClient(transport=sandbox.transport()) as http,
            TrackingMore(sandbox.key, base_url=sandbox.url, http_client=http) as tm,
        ):
            await tm.with_options(max_wait=1.0).account.info()

    banned = Sandbox()
    banned.faults.add(Fault(code=429))
    with pytest.raises(DeadlineExceededError):
        await ask(banned)
    await ask(Sandbox())


async def test_many_clients_come_and_go() -> None:
    """Opening and closing fifty times leaves no limiter behind."""
    async with Sandbox(keys=[KEY], rates=UNLIMITED) as sandbox:
        for _ in range(50):
            async with own(sandbox, rates=FAST) as tm:
                await tm.account.info()
        users = [e.users for entries in REGISTRY._entries.values() for e in entries if e.loop() is not None]
    assert set(users) <= {0}


async def test_a_request_in_doubt_is_told_when_closing(sandbox: Sandbox) -> None:
    """Closing during the pause before a retry does not forget the first request."""
    sandbox.faults.add(Fault("create", reset="after"))
    tm = await own(sandbox, retry=RetryPolicy(base=1000.0, cap=1000.0)).open()
    task = asyncio.ensure_future(failure(tm.trackings.create(CARRIER, NUMBER)))
    await asyncio.sleep(0.2)
    await tm.aclose()
    error = await task
    assert isinstance(error, ClientStateError)
    assert "may have been carried out" in str(error)
    assert KEY not in told(error)
