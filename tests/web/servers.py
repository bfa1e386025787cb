"""Applications on real sockets: uvicorn and aiohttp, in the event loop of the test."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import attrs
import httpx
import uvicorn
from aiohttp import web

from trackingmore_async import TrackingMore

__all__ = ["EXAMPLES", "NUMBER", "PATH", "Site", "at_rest", "load_example", "serve_aiohttp", "serve_asgi", "served"]

EXAMPLES = Path(__file__).parents[2] / "examples"
NUMBER = "LX0000000CN"
PATH = f"/parcels/china-ems/{NUMBER}"


@attrs.frozen
class Site:
    """An application that is served.

    Args:
        url: Its address, without a slash at its end.
        stop: Shuts the server down as a signal would; returns when all is over.
    """

    url: str
    stop: Callable[[], Awaitable[None]]

    async def get(self, path: str = PATH) -> httpx.Response:
        """Ask once, over a connection of its own."""
        async with httpx.AsyncClient(trust_env=False, timeout=20.0) as visitor:
            return await visitor.get(self.url + path)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.url.rpartition(":")[2])

    @asynccontextmanager
    async def visit(self, path: str = PATH) -> AsyncGenerator[None]:
        """Ask, and leave without waiting for the answer."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        await writer.drain()
        try:
            yield
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def serve_asgi(app: Any, **settings: Any) -> AsyncGenerator[Site]:
    """Serve an ASGI application with uvicorn on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="on", log_config=None, **settings))
    task = asyncio.create_task(server.serve())

    async def stop() -> None:
        server.should_exit = True
        await task

    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells nobody
        await anyio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Site(f"http://127.0.0.1:{port}", stop)
    finally:
        await stop()


@asynccontextmanager
async def serve_aiohttp(app: web.Application, **settings: Any) -> AsyncGenerator[Site]:
    """Serve an aiohttp application on a free port."""
    runner = web.AppRunner(app, **settings)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Site(f"http://127.0.0.1:{runner.addresses[0][1]}", runner.cleanup)
    finally:
        await runner.cleanup()


def load_example(name: str, patience: float = 20.0) -> ModuleType:
    """Import a file of examples/, which belongs to no package, anew.

    Its visitors have so many seconds for an answer: more than a busy machine may stand still.
    """
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"examples/{name}.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.PATIENCE = patience  # type: ignore[attr-defined]
    return module


def served(module: ModuleType, **settings: Any) -> AbstractAsyncContextManager[Site]:
    """Serve the application of an example as it serves itself."""
    if hasattr(module, "make_app"):
        return serve_aiohttp(module.make_app(), **{"handler_cancellation": True, **settings})
    return serve_asgi(module.app, **settings)


def at_rest(tm: TrackingMore) -> dict[str, int]:
    """Return what an open client holds at this moment; all of it has to be 0 once nobody asks any more."""
    transport, buckets = tm._caller.transport, tm.stats().buckets.values()
    pools = transport._pools
    assert pools is not None
    return {
        "waiting": sum(bucket.waiting + bucket.items_waiting for bucket in buckets),
        "in flight": sum(bucket.in_flight for bucket in buckets),
        "connections": pools.quick.connections.in_use + pools.slow.connections.in_use,
        "calls": len(transport._under_way),
    }
