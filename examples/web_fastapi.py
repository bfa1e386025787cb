"""Inside a FastAPI application: one client for its whole life, and 800 ms for "where is my parcel?".

    python examples/web_fastapi.py [PORT]       then open http://127.0.0.1:8000/parcels/china-ems/LX0000000CN

Without TRACKINGMORE_API_KEY it runs against the built-in sandbox. It only reads, and costs no quota.
It needs: pip install "trackingmore_async[sandbox]" fastapi
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Annotated, Any

import attrs
import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from trackingmore_async import (
    DeadlineExceededError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TrackingMore,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.sandbox import Sandbox

PATIENCE = 0.8  # seconds that a visitor has for an answer
DAY = 24 * 3600.0
log = logging.getLogger("uvicorn.error")  # which uvicorn shows on the terminal


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    """Open the one client when the application starts, and close it when it ends."""
    async with TrackingMore() as tm:
        sync = asyncio.create_task(sync_every_night(tm))
        yield {"tm": tm}
        sync.cancel()


app = FastAPI(lifespan=lifespan)


async def quick_client(request: Request) -> TrackingMore:
    """Hand the client to a handler whose visitor is not going to wait."""
    tm: TrackingMore = request.state.tm
    return tm.with_options(deadline=PATIENCE)


@app.get("/parcels/{carrier}/{number}")
async def where_is_my_parcel(
    carrier: str, number: str, tm: Annotated[TrackingMore, Depends(quick_client)], response: Response
) -> dict[str, str | None]:
    """Look one parcel up, together with all who ask at this moment; what was heard in the last minute will do."""
    tracking = await tm.trackings.get(carrier, number, max_age=60.0)
    if tracking.timing is not None and tracking.timing.from_memory:
        response.headers["Age"] = f"{tracking.timing.age:.0f}"
    return {"number": tracking.tracking_number, "status": tracking.status, "last_event": tracking.last_event}


@app.exception_handler(TrackingMoreError)
async def explain(_: Request, error: TrackingMoreError) -> JSONResponse:
    """Tell the visitor what is of use to him, and the log the rest."""
    match error:
        case NotFoundError(code=code):
            if code in {404, None}:  # it may be base_url that leads nowhere
                log.warning("Not found: %s", error)
            return JSONResponse({"detail": "There is no such parcel."}, 404)
        case InvalidRequestError():
            return JSONResponse({"detail": "This cannot be a parcel. Check the carrier and the number."}, 422)
        case DeadlineExceededError(retry_after=seconds) | RateLimitedError(retry_after=seconds):
            return JSONResponse({"detail": "Too busy."}, 503, {"Retry-After": str(seconds or 1)})
        case TransportError() | ServerError() | DecodeError():
            log.warning("No answer: %s", error)
            return JSONResponse({"detail": "The tracking service does not answer."}, 502)
        case _:  # the key, a permission, the quota: the owner's trouble and nobody else's
            log.error("Nobody is served: %s", error)
            return JSONResponse({"detail": "Out of order."}, 500)


@app.get("/stats")
async def stats(request: Request) -> dict[str, Any]:
    """Show the pace: who waits, what is under way, whether there is a ban, and whether the load can be carried."""
    return attrs.asdict(request.state.tm.stats())


async def sync_every_night(tm: TrackingMore) -> None:
    """Read all parcels, behind every visitor: bulk work is overtaken, and keeps half of the turns."""
    behind = tm.with_options(priority="bulk")  # walks and jobs are bulk by themselves, single calls have to be told
    while True:
        await asyncio.sleep(DAY)
        try:
            statuses = Counter([str(tracking.status) async for tracking in behind.trackings.list(archived=False)])
            log.info("Parcels tonight: %s", dict(statuses))
        except TrackingMoreError as error:
            log.error("No sync tonight: %s", error)


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
