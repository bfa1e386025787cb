"""A thousand visitors of a real uvicorn at once: all are answered, few connections are used, and nothing is left."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx
import pytest

from tests.web.crowd import SandboxConnections, many_files, visit
from tests.web.servers import at_rest, serve_asgi
from tests.web.shop import Shop
from tests.web.test_gone import NOTHING, until
from trackingmore_async import Rate, TrackingMore
from trackingmore_async.operations import MAX_NUMBERS
from trackingmore_async.sandbox import Path, Sandbox
from trackingmore_async.settings import Coalesce
from trackingmore_async.transport.http import POOL_SIZE

pytestmark = pytest.mark.anyio

VISITORS = 1000
RATES = {"get": 400, "list": 20}  # a second, on both sides
WORK = 0.1  # seconds for each answer: single requests want 40 connections
FULL = VISITORS // MAX_NUMBERS


def pooled(http: Any) -> int:
    """Return how many connections the pool of an HTTP client of httpx holds."""
    return len(http._transport._pool.connections)


@pytest.mark.parametrize(
    ("lend", "coalesce", "requests", "connections"),
    [
        pytest.param(False, "reads", range(FULL, FULL + 8), range(1, POOL_SIZE + 1), id="shared"),
        pytest.param(False, False, [VISITORS], [POOL_SIZE], id="single"),
        pytest.param(True, "reads", range(FULL, FULL + 8), range(1, POOL_SIZE + 1), id="shared, lent"),
    ],
)
async def test_a_thousand_visitors_at_once(
    lend: bool, coalesce: Coalesce, requests: Any, connections: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand handlers ask at once: each has its own parcel, over 20 connections at most, all of which are kept."""
    many_files(4096)
    counts = SandboxConnections()
    counts.watch(monkeypatch)
    limits = httpx.Limits(max_connections=POOL_SIZE, max_keepalive_connections=POOL_SIZE, keepalive_expiry=60.0)
    served = Sandbox(rates={name: (rate, 1.0) for name, rate in RATES.items()}, path=Path(work=WORK))
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(served)
        sandbox.seed_trackings(VISITORS)
        http = await stack.enter_async_context(httpx.AsyncClient(limits=limits)) if lend else None
        rates = {name: Rate(rate) for name, rate in RATES.items()}
        shop = Shop(
            lambda: TrackingMore(sandbox.key, base_url=sandbox.url, rates=rates, http_client=http), coalesce=coalesce
        )
        site = await stack.enter_async_context(serve_asgi(shop.starlette()))
        before = asyncio.all_tasks()

        numbers = [f"LX{index:07d}CN" for index in range(VISITORS)]
        visits = [visit(site.port, f"/parcels/china-ems/{number}") for number in numbers]
        with anyio.fail_after(40):
            answers = await asyncio.gather(*visits)

        assert [status for status, _ in answers] == [200] * VISITORS  # so there was no PoolTimeout
        assert [answer["number"] for _, answer in answers] == numbers
        assert shop.endings == ["answered"] * VISITORS
        await until(lambda: asyncio.all_tasks() - before == set())
        assert at_rest(shop.tm) == NOTHING
        pools = shop.tm._caller.transport._pools
        assert pools is not None
        assert pooled(pools.quick.client) == counts.now == counts.ever == counts.most
        assert counts.ever in connections
        assert sandbox.statistics().total_requests in requests
        assert sandbox.statistics().total_violations == 0
        await site.stop()
        if not lend:
            await until(lambda: counts.now == 0)
