"""Look-ups inside of what web frameworks and their users wrap around them: each way to cancel is a clean one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.client.helpers import CARRIER, NUMBER, in_process
from tests.conftest import VIRTUAL
from tests.web.servers import at_rest
from tests.web.test_gone import LOOK_UPS, NOTHING
from trackingmore_async import ClientStateError, Tracking, TrackingMore
from trackingmore_async.sandbox import Fault, Path, Sandbox

pytestmark = pytest.mark.anyio

PATIENCE = 0.45  # seconds, on the virtual clock


@pytest.fixture
def anyio_backend() -> Any:
    """Run on the virtual clock."""
    return VIRTUAL


@asynccontextmanager
async def shop(**settings: Any) -> AsyncGenerator[tuple[Sandbox, TrackingMore]]:
    """Open a client that waits as long as it takes, in process."""
    sandbox = Sandbox(path=Path(work=0.2), **settings)
    sandbox.create(CARRIER, NUMBER)
    async with in_process(sandbox) as tm:
        yield sandbox, tm.with_options(max_wait=None)


Call = Callable[[], Coroutine[Any, Any, Any]]


async def by_timeout(call: Call) -> None:
    """``asyncio.timeout``."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await call()


async def by_wait_for(call: Call) -> None:
    """``asyncio.wait_for``."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call(), PATIENCE)


async def by_move_on_after(call: Call) -> None:
    """``anyio.move_on_after``."""
    with anyio.move_on_after(PATIENCE) as scope:
        await call()
    assert scope.cancelled_caught


async def by_fail_after(call: Call) -> None:
    """``anyio.fail_after``."""
    with pytest.raises(TimeoutError):
        with anyio.fail_after(PATIENCE):
            await call()


async def by_cancel(call: Call) -> None:
    """``Task.cancel``."""
    task = asyncio.ensure_future(call())
    await asyncio.sleep(PATIENCE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_sibling(call: Call) -> None:
    """A sibling in a ``TaskGroup`` that fails."""

    async def fail() -> None:
        await asyncio.sleep(PATIENCE)
        raise ZeroDivisionError

    async def run(coroutine: Awaitable[Any]) -> None:
        await coroutine

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run(call()))
            tasks.create_task(fail())

    with pytest.raises(ExceptionGroup) as caught:  # in a task of its own: CPython 3.11 forgets to take its mark back
        await asyncio.create_task(group())
    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]


async def by_group(call: Call) -> None:
    """An anyio task group that is cancelled."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await anyio.sleep(PATIENCE)
        tasks.cancel_scope.cancel()


WAYS = [by_timeout, by_wait_for, by_move_on_after, by_fail_after, by_cancel, by_sibling, by_group]
Way = Callable[[Call], Awaitable[None]]


def not_cancelled() -> bool:
    """Tell whether nothing of a cancellation hangs on this task any more."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() == 0


@pytest.mark.parametrize("way", WAYS)
async def test_a_look_up_that_waits_gives_its_turn_to_the_next(way: Way) -> None:
    """A look-up that is cancelled while it waits costs no turn: the next one has the slot that it would have had."""
    async with shop() as (sandbox, tm):
        begun = anyio.current_time()
        await tm.trackings.get(CARRIER, NUMBER)
        await way(lambda: tm.trackings.get(CARRIER, NUMBER))
        assert not_cancelled()
        assert anyio.current_time() - begun == pytest.approx(0.2 + PATIENCE, abs=0.01)
        assert at_rest(tm) == NOTHING
        await tm.trackings.get(CARRIER, NUMBER)
        assert anyio.current_time() - begun == pytest.approx(0.2 + 1.0 + 0.2, abs=0.02)
        assert sandbox.statistics().total_violations == 0


@pytest.mark.parametrize("way", WAYS)
async def test_a_look_up_under_way_gives_its_connection_back(way: Way) -> None:
    """A look-up that is cancelled while its request is at the server leaves nothing, and keeps the pace."""
    async with shop() as (sandbox, tm):
        sandbox.faults.add(Fault(LOOK_UPS, times=1, delay_work=60.0))
        await way(lambda: tm.trackings.get(CARRIER, NUMBER))
        assert not_cancelled()
        assert at_rest(tm) == NOTHING
        assert (await tm.trackings.get(CARRIER, NUMBER)).tracking_number == NUMBER
        assert sandbox.statistics().total_violations == 0


@pytest.mark.parametrize("way", WAYS)
async def test_a_look_up_that_sits_out_a_ban_is_forgotten(way: Way) -> None:
    """A look-up that is cancelled during a ban leaves the ban as it is: the next one goes when that is over."""
    async with shop() as (sandbox, tm):
        sandbox.faults.add(Fault(LOOK_UPS, times=1, code=429, ban=True))
        await way(lambda: tm.trackings.get(CARRIER, NUMBER))
        assert not_cancelled()
        assert at_rest(tm) == NOTHING
        await tm.trackings.get(CARRIER, NUMBER)
        assert 121 <= anyio.current_time() < 123
        assert sandbox.statistics().requests_during_bans == 0


@pytest.mark.parametrize("way", WAYS)
async def test_a_look_up_between_two_attempts_ends(way: Way) -> None:
    """A look-up that is cancelled after a failure, before it is tried again, is not tried again."""
    async with shop() as (sandbox, tm):
        sandbox.faults.add(Fault(LOOK_UPS, times=1, reset="before"))
        await way(lambda: tm.trackings.get(CARRIER, NUMBER))
        assert not_cancelled()
        assert at_rest(tm) == NOTHING
        assert sandbox.statistics().total_requests == 1


class Limit:
    """A middleware in plain ASGI that gives each request 450 ms."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, and cut it off."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.app(scope, receive, send)
        except TimeoutError:
            await Response(status_code=504)(scope, receive, send)


class FashionableLimit(BaseHTTPMiddleware):
    """The same in the form that most people write."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Run the application, and answer without it."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer: Response = await call_next(request)
                return answer
        except TimeoutError:
            return Response(status_code=504)


async def four_visits(tm: TrackingMore, middleware: Any) -> list[int]:
    """Ask four times, one after the other, of an application with this middleware."""

    async def handler(_: Request) -> Response:
        return JSONResponse({"status": (await tm.trackings.get(CARRIER, NUMBER)).status})

    app = Starlette(routes=[Route("/", handler)], middleware=[Middleware(middleware)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as visitor:
        return [(await visitor.get("/")).status_code for _ in range(4)]


async def test_a_middleware_with_a_time_limit_cuts_off_cleanly() -> None:
    """A middleware in plain ASGI cancels the look-ups that wait too long, which take nothing from those that do not."""
    async with shop() as (sandbox, tm):
        assert await four_visits(tm, Limit) == [200, 504, 504, 200]
        assert at_rest(tm) == NOTHING
        assert sandbox.statistics().total_requests == 2


async def test_a_fashionable_middleware_cuts_nothing_off() -> None:
    """A ``BaseHTTPMiddleware`` does not cancel what it answers for: the look-ups go on, in order, and harm nobody."""
    async with shop() as (sandbox, tm):
        assert await four_visits(tm, FashionableLimit) == [200, 504, 504, 504]
        assert at_rest(tm) == NOTHING
        assert sandbox.statistics().total_requests == 4
        assert sandbox.statistics().total_violations == 0


@pytest.mark.parametrize("seed", range(20))
async def test_closing_and_cancelling_at_once(seed: int) -> None:
    """Whoever is cancelled while the client closes ends as cancelled or as closed, whichever came first; none hangs."""
    chance = Random(seed)
    async with shop(seed=seed) as (_, tm):
        tasks = [asyncio.ensure_future(tm.trackings.get(CARRIER, NUMBER)) for _ in range(20)]
        loop, moment = asyncio.get_running_loop(), chance.uniform(0.0, 4.0)
        for task in tasks[::2]:
            loop.call_later(moment + chance.choice([-0.1, 0.0, 0.0, 0.1]), task.cancel)
        await asyncio.sleep(moment)
        await tm.aclose()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 1.0)
    assert {type(result) for result in results} <= {Tracking, ClientStateError, asyncio.CancelledError}
    assert not any(isinstance(result, asyncio.CancelledError) for result in results[1::2])
    assert all(isinstance(result, Tracking) for result in results[: int(moment / 1.3)][1::2])
