"""A web shop around one client, on Starlette or aiohttp, which notes how each of its look-ups ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.web.servers import load_example
from trackingmore_async import ClientStateError, TrackingMore
from trackingmore_async.settings import Coalesce

__all__ = ["Shop"]

Handler = Callable[[Request], Awaitable[Response]]
ROUTE = "/parcels/{carrier}/{number}"


@attrs.define(eq=False)
class Shop:
    """An application whose look-ups wait as long as it takes.

    Args:
        make: Makes its client when it starts.
        job: What it does in the background, if anything.
        coalesce: Whether its look-ups share requests.
        asking: How many look-ups are under way, its job among them.
        endings: How look-ups and job ended: "answered", or the name of an exception.
        clients: The clients that it has had.
    """

    make: Callable[[], TrackingMore] = TrackingMore
    job: Callable[[TrackingMore], Awaitable[Any]] | None = None
    coalesce: Coalesce = "reads"
    asking: int = 0
    endings: list[str] = attrs.field(factory=list[str])
    clients: list[TrackingMore] = attrs.field(factory=list[TrackingMore])

    @property
    def tm(self) -> TrackingMore:
        """The client that it has now."""
        return self.clients[-1]

    @asynccontextmanager
    async def life(self) -> AsyncGenerator[None]:
        """Open the client, and close it at the end; leave it to that to end the job."""
        async with self.make() as tm:
            self.clients.append(tm)
            job = None if self.job is None else asyncio.ensure_future(self.note(self.job(tm)))
            yield
        if job is not None:
            await asyncio.gather(job, return_exceptions=True)

    async def look_up(self, carrier: str, number: str) -> dict[str, Any]:
        """Look one parcel up."""
        patient = self.tm.with_options(max_wait=None, coalesce=self.coalesce)
        tracking = await self.note(patient.trackings.get(carrier, number))
        return {"number": tracking.tracking_number, "status": tracking.status}

    async def note(self, call: Awaitable[Any]) -> Any:
        """Await something, and note how it ended."""
        self.asking += 1
        try:
            result = await call
        except BaseException as error:
            self.endings.append(type(error).__name__)
            raise
        finally:
            self.asking -= 1
        self.endings.append("answered")
        return result

    def starlette(self, *, watched: bool = True, middleware: Any = ()) -> Starlette:
        """Make an application of it, whose handlers give up when their visitor leaves, or do not."""

        async def handler(request: Request) -> Response:
            return JSONResponse(await self.look_up(**request.path_params))

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncGenerator[None]:
            async with self.life():
                yield

        unless_gone: Callable[[Handler], Handler] = load_example("web_starlette").unless_gone
        routes = [Route(ROUTE, unless_gone(handler) if watched else handler)]
        return Starlette(routes=routes, lifespan=lifespan, middleware=middleware)

    def aiohttp(self, *, close_early: bool = False) -> web.Application:
        """Make an application of it, which closes its client as soon as it is told to shut down, or after that."""

        async def handler(request: web.Request) -> web.Response:
            try:
                return web.json_response(await self.look_up(**request.match_info))
            except ClientStateError:
                raise web.HTTPServiceUnavailable from None

        async def life(_: web.Application) -> AsyncGenerator[None]:
            async with self.life():
                yield

        async def close(_: web.Application) -> None:
            await self.tm.aclose()

        app = web.Application()
        app.cleanup_ctx.append(life)
        app.router.add_get(ROUTE, handler)
        if close_early:
            app.on_shutdown.append(close)
        return app
