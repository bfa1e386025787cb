"""Errors: which to expect, and what to do about each.

    TRACKINGMORE_API_KEY=... python examples/handle_errors.py china-ems LX900000017CN

Against the sandbox also set TRACKINGMORE_BASE_URL. Against the real service a create costs 1 unit of quota.
"""

from __future__ import annotations

import asyncio
import sys

from trackingmore_async import (
    AlreadyExistsError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    TrackingMore,
    TrackingMoreError,
    TransportError,
)


async def save(tm: TrackingMore, carrier_code: str, tracking_number: str, title: str) -> str:
    """Create a tracking, or edit it where it exists; return what happened, in one line."""
    try:
        await tm.trackings.create(carrier_code, tracking_number, title=title)
    except AlreadyExistsError:
        await tm.trackings.update(carrier_code, tracking_number, title=title)
        return "existed, edited"
    except InvalidRequestError as error:
        return f"refused, correct the input: {error}"
    except QuotaExceededError as error:
        return f"not paid for: {error}"
    except DeadlineExceededError as error:
        return f"too busy, not now: {error}"
    except TransportError as error:
        done = "not done" if error.sent is False else "may have been done, read it before sending it again"
        return f"no answer, {done}: {error}"
    return "created"


async def main(carrier_code: str, tracking_number: str) -> None:
    """Show the errors that a program meets every day."""
    async with TrackingMore() as tm:
        print(await save(tm, carrier_code, tracking_number, "mug"))
        print(await save(tm, carrier_code, tracking_number, "blue mug"))
        print(await save(tm, carrier_code, "", "nothing"))
        try:
            await tm.trackings.get(carrier_code, f"{tracking_number}0")
        except NotFoundError as error:
            print("not there:", error)
        try:
            await tm.trackings.delete(carrier_code, tracking_number)
        except TrackingMoreError as error:  # the root of them all
            print(type(error).__name__, error)


if __name__ == "__main__":
    asyncio.run(main(*(sys.argv[1:] or ["china-ems", "LX900000017CN"])))
