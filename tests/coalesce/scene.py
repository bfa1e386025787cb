"""What the tests of shared requests have in common: a sandbox with parcels, a client on it, and many calls at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from trackingmore_async import Tracking, TrackingMore
from trackingmore_async.sandbox import Sandbox

__all__ = ["CARRIER", "at_once", "numbers", "opened", "requests", "stocked"]

CARRIER = "zto"


def numbers(count: int) -> list[str]:
    """Return so many tracking numbers."""
    return [f"ZZ{index:07d}" for index in range(count)]


def stocked(count: int = 0, **settings: Any) -> Sandbox:
    """Return a sandbox with so many parcels that keeps the default limits and logs what arrives."""
    sandbox = Sandbox(log_arrivals=True, **settings)
    for number in numbers(count):
        sandbox.create(CARRIER, number)
    return sandbox


@asynccontextmanager
async def opened(sandbox: Sandbox, **settings: Any) -> AsyncGenerator[TrackingMore]:
    """Open a client whose requests go to the sandbox in the same event loop."""
    async with (
        httpx.AsyncClient(transport=sandbox.transport()) as http,
        TrackingMore(sandbox.key, base_url=sandbox.url, http_client=http, **settings) as tm,
    ):
        yield tm


async def at_once(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Make all calls at the same moment; return their results, and their errors."""
    return await asyncio.gather(*calls, return_exceptions=True)


def requests(sandbox: Sandbox) -> dict[str, int]:
    """Count the requests that arrived, by bucket."""
    return dict(sandbox.statistics().requests)


def names(found: Iterable[Tracking]) -> list[str]:
    """Return the numbers of trackings."""
    return [tracking.tracking_number for tracking in found]
