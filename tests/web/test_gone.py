"""Visitors who leave before they are answered: nothing is lost by it, and nobody else is held up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware

from tests.web.servers import PATH, Site, at_rest, serve_aiohttp, serve_asgi
from tests.web.shop import Shop
from trackingmore_async.sandbox import Fault, Sandbox
from trackingmore_async.settings import Coalesce

pytestmark = pytest.mark.anyio

LOOK_UPS: tuple[str, ...] = ("get", "list")
NOTHING = {"waiting": 0, "in flight": 0, "connections": 0, "calls": 0}


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something is so, but no longer than this."""
    with anyio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await anyio.sleep(0.005)


class Pass(BaseHTTPMiddleware):
    """A middleware of the kind that everybody writes: it runs the rest of the application in a task of its own."""

    async def dispatch(self, request: Any, call_next: Any) -> Any:
        """Do nothing but pass the request on."""
        return await call_next(request)


@asynccontextmanager
async def serving(kind: str, shop: Shop) -> AsyncGenerator[Site]:
    """Serve a shop that notices when a visitor leaves."""
    match kind:
        case "aiohttp":
            context = serve_aiohttp(shop.aiohttp(), handler_cancellation=True)
        case "middleware":
            context = serve_asgi(shop.starlette(middleware=[Middleware(Pass)]))
        case _:
            context = serve_asgi(shop.starlette())
    async with context as site:
        yield site


KINDS = pytest.mark.parametrize("kind", ["starlette", "middleware", "aiohttp"])
SHARED = pytest.mark.parametrize("coalesce", ["reads", False])


@KINDS
@SHARED
async def test_who_leaves_while_waiting_leaves_the_queue(kind: str, coalesce: Coalesce, sandbox: Sandbox) -> None:
    """Five visitors wait for a slot and leave: nobody waits any more, and the slot goes to the one who comes next."""
    shop = Shop(coalesce=coalesce)
    async with serving(kind, shop) as site:
        assert (await site.get()).status_code == 200
        async with AsyncExitStack() as visitors:
            for _ in range(5):
                await visitors.enter_async_context(site.visit())
            await until(lambda: shop.asking == 5)
            assert at_rest(shop.tm)["waiting"] >= 5
        await until(lambda: at_rest(shop.tm) == NOTHING)
        assert (await site.get()).status_code == 200
    assert shop.endings == ["answered", *["CancelledError"] * 5, "answered"]
    assert sandbox.statistics().total_requests == 2
    assert sandbox.statistics().total_violations == 0


@KINDS
async def test_who_leaves_during_the_request_leaves_nothing_behind(kind: str, sandbox: Sandbox) -> None:
    """A visitor leaves while his request is at the service: connection and slot come back, and the next one goes."""
    sandbox.faults.add(held := Fault(LOOK_UPS, times=1, delay_work=60.0))
    shop = Shop(coalesce=False)
    async with serving(kind, shop) as site:
        async with site.visit():
            await until(lambda: sandbox.faults.met(held) == 1 and at_rest(shop.tm)["connections"] == 1)
        await until(lambda: at_rest(shop.tm) == NOTHING)
        assert (await site.get()).status_code == 200
    assert shop.endings == ["CancelledError", "answered"]
    assert sandbox.statistics().total_violations == 0


@KINDS
async def test_who_leaves_a_shared_request_leaves_it_to_the_others(kind: str, sandbox: Sandbox) -> None:
    """Of three visitors whose look-ups share a request two leave: the third is answered, and nothing is left."""
    sandbox.faults.add(held := Fault(LOOK_UPS, on={2}, delay_work=0.3))
    shop = Shop()
    async with serving(kind, shop) as site, anyio.create_task_group() as third:
        assert (await site.get()).status_code == 200
        async with site.visit(), site.visit():
            third.start_soon(site.get, PATH.replace("0CN", "1CN"))
            await until(lambda: sandbox.faults.met(held) == 1)
            assert shop.asking == 3
        await until(lambda: len(shop.endings) == 4 and at_rest(shop.tm) == NOTHING)
    assert shop.endings == ["answered", "CancelledError", "CancelledError", "answered"]
    assert sandbox.statistics().total_requests == 2
    assert sandbox.statistics().total_violations == 0


async def test_an_unwatched_look_up_goes_on_for_nobody(sandbox: Sandbox) -> None:
    """Starlette by itself does not notice: the look-up of a visitor who left is carried out, and harms nobody."""
    shop = Shop()
    async with serve_asgi(shop.starlette(watched=False)) as site:
        assert (await site.get()).status_code == 200
        async with site.visit():
            await until(lambda: shop.asking == 1)
        answer = await site.get(PATH.replace("0CN", "1CN"))
        assert answer.json()["number"] == "LX0000001CN"
        await until(lambda: at_rest(shop.tm) == NOTHING)
    assert shop.endings == ["answered"] * 3
