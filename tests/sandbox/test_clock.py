"""The sandbox's time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.conftest import VIRTUAL
from tests.sandbox.helpers import FREE, in_process
from trackingmore_async.sandbox import Clock, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """Run on the virtual clock."""
    return VIRTUAL


async def test_follows_the_virtual_loop() -> None:
    """An hour of virtual time is an hour of the sandbox, exactly, and no time at all."""
    clock = Clock(1_700_000_000)
    before, started = clock.microseconds(), time.monotonic()
    await asyncio.sleep(3600)
    assert clock.microseconds() - before == 3_600_000_000
    assert before == 1_700_000_000_000_000
    assert time.monotonic() - started < 5


async def test_can_be_pushed_forward_only() -> None:
    """`advance` moves the time at once; it does not go back."""
    clock = Clock(0)
    clock.advance(2.5)
    assert clock.now() == 2.5
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)


async def test_wall_clock_by_default() -> None:
    """Without an epoch the sandbox begins at the computer's date."""
    assert abs(Clock().now() - time.time()) < 5


async def test_keeps_its_time_between_loops() -> None:
    """Read from outside the loop, or from another loop, the time goes on where it was."""
    clock = Clock(1000)
    await asyncio.sleep(50)
    assert clock.now() >= 1000
    seen = clock.now()
    assert await asyncio.to_thread(clock.now) - seen < 1


async def test_date_header_tells_the_sandbox_time() -> None:
    """The ``Date`` header is the sandbox's own time."""
    sandbox = Sandbox(rates=FREE, epoch=1_710_468_478)
    async with in_process(sandbox) as client:
        assert (await client.get("/carriers")).headers["date"] == "Fri, 15 Mar 2024 02:07:58 GMT"
        sandbox.clock.advance(60)
        assert (await client.get("/carriers")).headers["date"] == "Fri, 15 Mar 2024 02:08:58 GMT"
