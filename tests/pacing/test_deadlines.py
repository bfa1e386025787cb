"""A hopeless wait fails at once and takes nothing; one that turns out too long fails when its deadline passes."""

from __future__ import annotations

import asyncio

import anyio
import anyio.lowlevel
import pytest

from trackingmore_async.errors import DeadlineExceededError
from trackingmore_async.operations import Rate
from trackingmore_async.pacing import LocalLimiter, Permit

pytestmark = pytest.mark.anyio


async def sent(limiter: LocalLimiter, permit: Permit) -> Permit:
    """Report that the request left at this moment."""
    await limiter.release(permit, sent_at=anyio.current_time())
    return permit


async def test_a_hopeless_wait_fails_at_once_and_takes_nothing() -> None:
    """No time passes, nobody queues up, and the next one gets the slot at its time."""
    limiter = LocalLimiter({"get": Rate(1)})
    await sent(limiter, await limiter.acquire("get"))
    for _ in range(100):
        with pytest.raises(DeadlineExceededError) as caught:
            await limiter.acquire("get", deadline=0.9)
        assert caught.value.projected_wait == pytest.approx(1.0, abs=0.01)
    assert anyio.current_time() == pytest.approx(0.0, abs=1e-5)
    statistics = limiter.statistics().buckets["get"]
    assert (statistics.waiting, statistics.granted) == (0, 1)
    await limiter.acquire("get", deadline=1.6)
    assert anyio.current_time() == pytest.approx(1.5, abs=1e-4)


async def test_the_error_says_how_long_and_what_to_do() -> None:
    """It names the bucket, the seconds, and the two ways out; it is not sent."""
    limiter = LocalLimiter({"get": Rate(1)})
    await sent(limiter, await limiter.acquire("get"))
    with pytest.raises(DeadlineExceededError, match=r"'get'.*1\.0 s.*max_wait.*send less") as caught:
        await limiter.acquire("get", deadline=0.5)
    assert caught.value.operation == "get"
    assert caught.value.sent is False
    assert "429" not in str(caught.value)


async def test_a_deadline_that_is_met_is_no_hindrance() -> None:
    """A deadline in the future, and an open slot: no error, no wait, no timer left behind."""
    limiter = LocalLimiter({"get": Rate(1)})
    permit = await limiter.acquire("get", deadline=anyio.current_time())
    assert permit.granted_at == anyio.current_time()
    await anyio.sleep(100)


async def test_a_turn_at_the_very_deadline_is_in_time() -> None:
    """Who was let in because his turn comes at his deadline gets it then, and is not refused after the whole wait."""
    limiter = LocalLimiter({"get": Rate(1)})
    await limiter.release(await limiter.acquire("get"), sent_at=0.0, answered_at=0.0)
    pressed = asyncio.ensure_future(limiter.acquire("get", deadline=limiter.projected_wait("get")))
    await anyio.sleep(0.5)
    patient = asyncio.ensure_future(limiter.acquire("get"))
    assert (await pressed).granted_at == pytest.approx(1.0, abs=1e-4)
    await limiter.release(await pressed, sent_at=1.0, answered_at=1.0)
    await patient


async def test_a_wait_that_turns_out_too_long_fails_at_its_deadline() -> None:
    """The slot seemed to open in time, but its request was never reported as sent."""
    limiter = LocalLimiter({"get": Rate(1)})
    await limiter.acquire("get")
    with pytest.raises(DeadlineExceededError, match=r"after 5\.0 s of waiting"):
        await limiter.acquire("get", deadline=5.0)
    assert anyio.current_time() == pytest.approx(5.0, abs=1e-4)
    assert limiter.statistics().buckets["get"].waiting == 0


async def test_who_fails_at_his_deadline_does_not_hold_up_the_others() -> None:
    """The turns of those behind come earlier by one."""
    limiter = LocalLimiter({"get": Rate(1)})
    first = await limiter.acquire("get")
    late = asyncio.ensure_future(limiter.acquire("get", deadline=3.0))
    patient = asyncio.ensure_future(limiter.acquire("get"))
    await anyio.sleep(4.0)
    assert isinstance(late.exception(), DeadlineExceededError)
    await limiter.release(first, sent_at=None)
    await patient
    assert anyio.current_time() == pytest.approx(4.0, abs=1e-4)


async def test_the_place_in_the_lane_counts() -> None:
    """With ten others in front, a deadline in five seconds is hopeless; a retry is in front of them."""
    limiter = LocalLimiter({"get": Rate(1)})
    await sent(limiter, await limiter.acquire("get"))
    crowd = [asyncio.ensure_future(limiter.acquire("get")) for _ in range(10)]
    await anyio.lowlevel.checkpoint()
    with pytest.raises(DeadlineExceededError):
        await limiter.acquire("get", deadline=5.0)
    await limiter.acquire("get", deadline=5.0, again=True)
    assert anyio.current_time() < 2.0
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
