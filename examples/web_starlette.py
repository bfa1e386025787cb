"""Inside a Starlette application: a question that may wait for its turn, and is given up when its visitor leaves.

    python examples/web_starlette.py [PORT]     then open http://127.0.0.1:8000/parcels/china-ems/LX0000000CN

Without TRACKINGMORE_API_KEY it runs against the built-in sandbox. It only reads, and costs no quota.
It needs: pip install "trackingmore_async[sandbox]" starlette
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trackingmore_async import (
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    TrackingMore,
    TrackingMoreError,
)
from trackingmore_async.sandbox import Sandbox

PATIENCE = 10.0  # seconds that a visitor has for an answer
log = logging.getLogger("uvicorn.error")  # which uvicorn shows on the terminal
Handler = Callable[[Request], Awaitable[Response]]


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncGenerator[dict[str, Any]]:
    """Open the one client when the application starts, and close it when it ends."""
    async with TrackingMore() as tm:
        yield {"tm": tm}


def unless_gone(handler: Handler) -> Handler:
    """Cancel a handler once its visitor has gone; Starlette by itself lets it go on. For requests without a body."""

    @functools.wraps(handler)
    async def watched(request: Request) -> Response:
        with anyio.CancelScope() as scope:
            listener = asyncio.create_task(cancel_when_gone(request, scope))
            try:
                return await handler(request)
            finally:
                listener.cancel()
        return Response(status_code=499)  # which nobody reads any more

    return watched


async def cancel_when_gone(request: Request, scope: anyio.CancelScope) -> None:
    """Listen until the visitor has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


@unless_gone
async def where_is_my_parcel(request: Request) -> Response:
    """Look one parcel up, as soon as it is its turn."""
    tm: TrackingMore = request.state.tm.with_options(deadline=PATIENCE)
    tracking = await tm.trackings.get(request.path_params["carrier"], request.path_params["number"])
    return JSONResponse({"number": tracking.tracking_number, "status": tracking.status})


async def explain(_: Request, error: Exception) -> Response:
    """Tell the visitor what is of use to him, and the log the rest; examples/web_fastapi.py distinguishes more."""
    match error:
        case NotFoundError() | InvalidRequestError():
            if error.code in {404, None} and error.attempts:  # it may be base_url that leads nowhere
                log.warning("Not found: %s", error)
            return JSONResponse({"detail": "There is no such parcel."}, 404)
        case DeadlineExceededError(retry_after=seconds) | RateLimitedError(retry_after=seconds):
            return JSONResponse({"detail": "Too busy."}, 503, {"Retry-After": str(seconds or 1)})
        case _:
            log.error("No answer: %s", error)
            return JSONResponse({"detail": "The tracking service does not answer."}, 502)


app = Starlette(
    routes=[Route("/parcels/{carrier}/{number}", where_is_my_parcel)],
    exception_handlers={TrackingMoreError: explain},
    lifespan=lifespan,
)


async def main(port: int) -> None:
    """Serve, against the sandbox unless there is a key."""
    async with AsyncExitStack() as stack:
        if "TRACKINGMORE_API_KEY" not in os.environ:
            sandbox = await stack.enter_async_context(Sandbox())
            sandbox.seed_trackings(1000)
            os.environ |= {"TRACKINGMORE_API_KEY": sandbox.key, "TRACKINGMORE_BASE_URL": sandbox.url}
        await uvicorn.Server(uvicorn.Config(app, port=port)).serve()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 8000))
