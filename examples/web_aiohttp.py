"""Inside an aiohttp application: one client for its whole life, and 800 ms for "where is my parcel?".

    python examples/web_aiohttp.py [PORT]       then open http://127.0.0.1:8000/parcels/china-ems/LX0000000CN

Without TRACKINGMORE_API_KEY it runs against the built-in sandbox. It only reads, and costs no quota.
It needs: pip install "trackingmore_async[sandbox]" aiohttp
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncGenerator

from aiohttp import web
from aiohttp.typedefs import Handler

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
TM = web.AppKey("TM", TrackingMore)
log = logging.getLogger("parcels")


async def client(app: web.Application) -> AsyncGenerator[None]:
    """Open the one client when the application starts, and close it when it ends."""
    async with TrackingMore() as tm:
        app[TM] = tm
        yield


async def where_is_my_parcel(request: web.Request) -> web.Response:
    """Look one parcel up for a visitor who is not going to wait."""
    tm = request.app[TM].with_options(deadline=PATIENCE)
    tracking = await tm.trackings.get(request.match_info["carrier"], request.match_info["number"])
    return web.json_response({"number": tracking.tracking_number, "status": tracking.status})


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the visitor what is of use to him, and the log the rest."""
    try:
        return await handler(request)
    except NotFoundError as error:
        if error.code in {404, None}:  # it may be base_url that leads nowhere
            log.warning("Not found: %s", error)
        return web.json_response({"detail": "There is no such parcel."}, status=404)
    except InvalidRequestError:
        return web.json_response({"detail": "This cannot be a parcel. Check the carrier and the number."}, status=422)
    except (DeadlineExceededError, RateLimitedError) as error:
        return web.json_response(
            {"detail": "Too busy."}, status=503, headers={"Retry-After": str(error.retry_after or 1)}
        )
    except (TransportError, ServerError, DecodeError) as error:
        log.warning("No answer: %s", error)
        return web.json_response({"detail": "The tracking service does not answer."}, status=502)
    except TrackingMoreError as error:  # the key, a permission, the quota: the owner's trouble and nobody else's
        log.error("Nobody is served: %s", error)
        return web.json_response({"detail": "Out of order."}, status=500)


def make_app() -> web.Application:
    """Put the application together."""
    app = web.Application(middlewares=[explain])
    app.cleanup_ctx.append(client)
    app.router.add_get("/parcels/{carrier}/{number}", where_is_my_parcel)
    return app


async def sandbox(_: web.Application) -> AsyncGenerator[None]:
    """Stand in for the service while the application runs."""
    async with Sandbox() as stand_in:
        stand_in.seed_trackings(1000)
        os.environ |= {"TRACKINGMORE_API_KEY": stand_in.key, "TRACKINGMORE_BASE_URL": stand_in.url}
        yield


if __name__ == "__main__":
    shop = make_app()
    if "TRACKINGMORE_API_KEY" not in os.environ:
        shop.cleanup_ctx.insert(0, sandbox)
    # A request whose visitor leaves is given up: handler_cancellation.
    port = int(sys.argv[1]) if sys.argv[1:] else 8000
    web.run_app(shop, host="127.0.0.1", port=port, handler_cancellation=True)
