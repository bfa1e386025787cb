"""What the tests of the client share: clients on a sandbox in the same event loop, and a limiter that never waits."""

from __future__ import annotations

import traceback
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest

from trackingmore_async import OPERATIONS, Permit, Rate, Timing, TrackingMore, TrackingMoreError
from trackingmore_async.sandbox import Sandbox

__all__ = [
    "ADDRESS",
    "CARRIER",
    "FAST",
    "KEY",
    "NUMBER",
    "UNLIMITED",
    "GrantAll",
    "close",
    "failure",
    "figures",
    "in_process",
    "told",
]

ADDRESS = "http://sandbox/v2"
KEY = "5ec4e7ed-0000-4000-8000-00000000beef"
CARRIER, NUMBER = "china-ems", "LX900000017CN"
FAST = dict.fromkeys(OPERATIONS, Rate(1000))
"""Rates for clients of a sandbox without limits, where a test is not about the pace."""
UNLIMITED = dict.fromkeys(OPERATIONS)
"""Rates for such a sandbox."""


@asynccontextmanager
async def in_process(sandbox: Sandbox, **settings: Any) -> AsyncGenerator[TrackingMore]:
    """Open a client whose requests go to the sandbox in the same event loop; each call is a request of its own."""
    async with (
        httpx.AsyncClient(transport=sandbox.transport()) as http,
        TrackingMore(settings.pop("api_key", sandbox.key), base_url=ADDRESS, http_client=http, **settings) as tm,
    ):
        yield tm.with_options(coalesce=False)


async def failure(call: Awaitable[Any]) -> TrackingMoreError:
    """Return the error that a call ends with."""
    try:
        result = await call
    except TrackingMoreError as error:
        return error
    raise AssertionError(f"nothing was raised; the answer was {result!r}")


def told(error: BaseException) -> str:
    """Return everything that an error shows anywhere: itself, what it hangs on, and the locals of our frames."""
    rendered = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts = ["".join(rendered.format()), repr(error), str(error), repr(error.args), repr(vars(error))]
    linked = {error.__cause__, error.__context__} - {None}
    return "\n".join([*parts, *(told(link) for link in linked if link is not None)])


class GrantAll:
    """A limiter that grants everything at once: pacing switched off."""

    async def acquire(self, bucket: str, **_: Any) -> Permit:
        """Grant."""
        return Permit(bucket=bucket, granted_at=anyio.current_time())

    async def release(self, permit: Permit, **_: Any) -> None:
        """Take no note."""

    async def penalise(self, permit: Permit, seconds: float) -> int:
        """Go on as if nothing had happened."""
        return 1

    def projected_wait(self, bucket: str, **_: Any) -> float:
        """Promise the slot at once."""
        return 0.0


def close(seconds: float) -> Any:
    """Equal what is rounded to the millisecond on either side of it."""
    return pytest.approx(seconds, abs=0.001)


def figures(timing: Timing | None) -> tuple[float, float, float, int]:
    """Return what the virtual clock counts: waiting, pause, network, and the attempts."""
    assert timing is not None
    assert timing.decode < 1.0
    return round(timing.waiting, 3), round(timing.pause, 3), round(timing.network, 3), timing.attempts
