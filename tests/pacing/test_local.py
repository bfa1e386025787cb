"""What a limiter accepts, refuses and tells about itself."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.conftest import REAL
from trackingmore_async.errors import ClientStateError, ConfigurationError
from trackingmore_async.operations import OPERATIONS, Rate
from trackingmore_async.pacing import LocalLimiter, Permit, RateLimiter

pytestmark = pytest.mark.anyio


async def test_it_is_a_rate_limiter() -> None:
    """The local limiter keeps the protocol."""
    limiter: RateLimiter = LocalLimiter()
    permit = await limiter.acquire("get")
    assert isinstance(permit, Permit)
    assert (permit.bucket, permit.probe, permit.epoch) == ("get", False, 0)


async def test_every_operation_has_a_bucket() -> None:
    """The rates come from the table; what is named differs from it."""
    limiter = LocalLimiter({"list": Rate(2)})
    for row in OPERATIONS.values():
        expected = 0.5 if row.bucket == "list" else row.rate.interval
        assert limiter.expected_interval(row.bucket) == expected


def test_another_event_loop_is_refused_with_the_remedy() -> None:
    """A limiter belongs to the loop of its first use."""
    limiter = LocalLimiter()
    asyncio.run(_acquire(limiter))
    with pytest.raises(ClientStateError, match=r"another event loop.*LocalLimiter inside each asyncio\.run"):
        asyncio.run(_acquire(limiter))


async def _acquire(limiter: LocalLimiter) -> Permit:
    return await limiter.acquire("get")


def test_without_an_event_loop_it_says_so() -> None:
    """There is no clock outside of async code."""
    with pytest.raises(ClientStateError, match="No event loop runs"):
        LocalLimiter().projected_wait("get")


async def test_a_permit_of_somebody_else_is_refused() -> None:
    """Neither a foreign limiter's nor a home-made permit frees a slot here."""
    limiter, other = LocalLimiter(), LocalLimiter()
    await limiter.acquire("get")
    for permit in (await other.acquire("get"), Permit(bucket="get")):
        with pytest.raises(ClientStateError, match="Another limiter"):
            await limiter.release(permit, sent_at=None)
        with pytest.raises(ClientStateError, match="Another limiter"):
            await limiter.penalise(permit, 120.0)


@pytest.mark.parametrize(
    "settings",
    [
        {"rates": {"lists": Rate(1)}},
        {"rates": {"list": 3}},
        {"bulk_share": 0.0},
        {"bulk_share": 1.0},
        {"spread": -1.0},
        {"round_trip": -0.1},
        {"round_trip": float("nan")},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError):
        LocalLimiter(**settings)


async def test_an_unknown_bucket_is_refused() -> None:
    """Neither a name that there is not, nor the total, has requests of its own."""
    limiter = LocalLimiter({"total": Rate(5)})
    for name in ("lists", "total"):
        with pytest.raises(ConfigurationError, match=name):
            await limiter.acquire(name)


async def test_statistics_tell_who_waits_and_what_is_under_way() -> None:
    """Waiting, in flight, granted, and the state of the gate."""
    limiter = LocalLimiter({"get": Rate(2)})
    permits = [await limiter.acquire("get") for _ in range(2)]
    waiting = asyncio.ensure_future(limiter.acquire("get"))
    await anyio.lowlevel.checkpoint()
    bucket = limiter.statistics().buckets["get"]
    assert (bucket.waiting, bucket.in_flight, bucket.granted, bucket.rate) == (1, 2, 2, Rate(2))
    await limiter.release(permits[0], sent_at=0.5, answered_at=0.6)
    await limiter.release(permits[1], sent_at=0.5)
    assert limiter.statistics().buckets["get"].in_flight == 1
    await limiter.penalise(permits[1], 99.0)
    gate = limiter.statistics().gate
    assert (gate.state, gate.bans, gate.bans_in_a_row) == ("shut", 1, 1)
    assert gate.seconds_to_go == pytest.approx(100.0)
    waiting.cancel()


async def test_a_permit_shows_no_inner_life() -> None:
    """Its repr is that of the protocol's permit."""
    permit = await LocalLimiter().acquire("get", round_trip=0.1)
    assert "Slot" not in repr(permit)
    assert "bucket='get'" in repr(permit)


async def test_a_limiter_has_no_tasks_of_its_own() -> None:
    """When nobody waits, nothing runs."""
    limiter = LocalLimiter()
    before = asyncio.all_tasks()
    first = await limiter.acquire("get")
    waiting = asyncio.ensure_future(limiter.acquire("get"))
    await anyio.lowlevel.checkpoint()
    assert asyncio.all_tasks() - before == {waiting}
    await limiter.release(first, sent_at=0.0)
    await waiting
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("anyio_backend", [pytest.param(REAL, id="real-clock")], indirect=True)
async def test_it_works_on_the_real_clock() -> None:
    """Eleven requests at ten in half a second take half a second, not less."""
    limiter = LocalLimiter({"get": Rate(10, 0.5)})
    begin = anyio.current_time()
    for _ in range(11):
        permit = await limiter.acquire("get")
        await limiter.release(permit, sent_at=anyio.current_time(), answered_at=anyio.current_time())
    assert 0.5 <= anyio.current_time() - begin < 2.0
