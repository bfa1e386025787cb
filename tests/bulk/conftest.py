"""A client on the in-process sandbox, for jobs on the virtual clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from trackingmore_async import TrackingMore
from trackingmore_async.sandbox import Sandbox


@asynccontextmanager
async def in_process(sandbox: Sandbox, **settings: Any) -> AsyncGenerator[TrackingMore]:
    """Open a client whose requests go to the sandbox in the same event loop."""
    async with (
        httpx.AsyncClient(transport=sandbox.transport()) as http,
        TrackingMore(settings.pop("api_key", sandbox.key), base_url=sandbox.url, http_client=http, **settings) as tm,
    ):
        yield tm


def number(index: int) -> str:
    """Return the tracking number of the index-th parcel."""
    return f"ZZ{index:09d}"


def fill(sandbox: Sandbox, count: int) -> None:
    """Put that many parcels into the sandbox, without HTTP."""
    for index in range(count):
        sandbox.create("zto", number(index))
