"""Servers that are shut down while look-ups wait, are under way, or sit a ban out: all of it ends, and soon."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from tests.web.servers import Site, at_rest, serve_aiohttp, serve_asgi
from tests.web.shop import Shop
from tests.web.test_gone import LOOK_UPS, NOTHING, until
from trackingmore_async import Rate, TrackingMore
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

VISITORS = 5
PROMPTLY = 4.0  # seconds: less than a client waits for calls that do not let go, more than a machine stands still
SLOW: dict[str, Rate] = dict.fromkeys(LOOK_UPS, Rate(1, 3600.0))
"""One look-up an hour: who comes second waits for ever."""


def busy_shop(why: str, sandbox: Sandbox, **settings: Any) -> Shop:
    """Make a shop whose visitors are not answered: they wait, their requests hang, or there is a ban."""
    match why:
        case "waiting":
            return Shop(lambda: TrackingMore(rates=SLOW), **settings)
        case "under way":
            sandbox.faults.add(Fault(LOOK_UPS, delay_work=60.0))
        case _:
            sandbox.faults.add(Fault(LOOK_UPS, times=1, code=429))
    return Shop(**settings)


async def fill(shop: Shop, site: Site, why: str, visitors: AsyncExitStack) -> None:
    """Let visitors come until all of them are stuck."""
    if why == "waiting":
        assert (await site.get()).status_code == 200
        shop.endings.clear()
    for _ in range(VISITORS):
        await visitors.enter_async_context(site.visit())
    await until(lambda: shop.asking == VISITORS)
    await anyio.sleep(0.05)
    assert shop.endings == []


def noise(log: pytest.LogCaptureFixture) -> list[str]:
    """Return what asyncio complained about: a task destroyed, an exception never retrieved."""
    return [record.getMessage() for record in log.records if record.name == "asyncio" and record.levelno > logging.INFO]


@pytest.mark.parametrize("why", ["waiting", "under way", "banned"])
async def test_uvicorn_cancels_what_is_left_and_the_client_closes(
    why: str, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """With a second of grace uvicorn ends within little more: look-ups are cancelled, then the client is closed."""
    shop = busy_shop(why, sandbox)
    async with (
        AsyncExitStack() as visitors,
        serve_asgi(shop.starlette(watched=False), timeout_graceful_shutdown=1) as site,
    ):
        await fill(shop, site, why, visitors)
        with anyio.fail_after(1.0 + PROMPTLY):
            await site.stop()
        await until(lambda: len(shop.endings) == VISITORS)
    assert shop.endings == ["CancelledError"] * VISITORS
    assert "closed" in repr(shop.tm)
    assert noise(caplog) == []


@pytest.mark.parametrize("why", ["waiting", "under way", "banned"])
async def test_aiohttp_closes_the_client_first_and_everything_ends(
    why: str, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that is closed in ``on_shutdown`` ends all look-ups at once, with an error that says so."""
    shop = busy_shop(why, sandbox)
    async with AsyncExitStack() as visitors, serve_aiohttp(shop.aiohttp(close_early=True)) as site:
        await fill(shop, site, why, visitors)
        with anyio.fail_after(PROMPTLY):
            await site.stop()
    assert shop.endings == ["ClientStateError"] * VISITORS
    assert noise(caplog) == []


@pytest.mark.parametrize("why", ["waiting", "under way", "banned"])
async def test_aiohttp_cancels_what_is_left_and_the_client_closes(
    why: str, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Without that, aiohttp cancels them after its own time to shut down."""
    shop = busy_shop(why, sandbox)
    async with AsyncExitStack() as visitors, serve_aiohttp(shop.aiohttp(), shutdown_timeout=0.2) as site:
        await fill(shop, site, why, visitors)
        with anyio.fail_after(0.2 + PROMPTLY):
            await site.stop()
        await until(lambda: len(shop.endings) == VISITORS)
    assert shop.endings == ["CancelledError"] * VISITORS
    assert "closed" in repr(shop.tm)
    assert noise(caplog) == []


async def _one_look_up(tm: TrackingMore) -> None:
    while True:
        await tm.with_options(max_wait=None).trackings.get("china-ems", "LX0000001CN")


async def _walk(tm: TrackingMore) -> None:
    while True:
        async for _ in tm.trackings.list(page_size=1):
            pass


SERVERS: dict[str, Callable[[Shop], Any]] = {
    "uvicorn": lambda shop: serve_asgi(shop.starlette()),
    "aiohttp": lambda shop: serve_aiohttp(shop.aiohttp()),
}


@pytest.mark.parametrize("why", ["waiting", "under way", "banned"])
@pytest.mark.parametrize("job", [_one_look_up, _walk])
@pytest.mark.parametrize("server", SERVERS)
async def test_closing_the_client_ends_the_work_in_the_background(
    server: str, job: Any, why: str, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A job of the application that nobody cancels ends with the client, with an error that says so."""
    shop = busy_shop(why, sandbox, job=job)
    async with SERVERS[server](shop) as site:
        await until(lambda: shop.asking == 1 and at_rest(shop.tm) != NOTHING)
        await anyio.sleep(0.1)
        assert shop.endings == []
        with anyio.fail_after(PROMPTLY):
            await site.stop()
    assert shop.endings == ["ClientStateError"]
    assert noise(caplog) == []


async def test_short_deadlines_end_a_shutdown_by_themselves(sandbox: Sandbox) -> None:
    """Where each look-up has 800 ms, uvicorn needs no grace: who is under way ends, then the client closes."""
    sandbox.faults.add(held := Fault(LOOK_UPS, delay_work=60.0))
    shop = Shop(lambda: TrackingMore().with_options(deadline=0.8))
    async with serve_asgi(shop.starlette(watched=False)) as site, site.visit():
        await until(lambda: sandbox.faults.met(held) == 1)
        with anyio.fail_after(0.8 + PROMPTLY):
            await site.stop()
    assert shop.endings == ["DeadlineExceededError"]
