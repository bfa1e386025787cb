"""Projections and estimates come true: on the path of LIMITS.md, and on slow ones."""

from __future__ import annotations

import asyncio
from random import Random

import anyio
import anyio.lowlevel
import pytest

from tests.client.helpers import GrantAll
from tests.pacing.network import MICROSECONDS, QUIET, SLOW, USUAL, Path, drive, exchange
from trackingmore_async.errors import ConfigurationError
from trackingmore_async.operations import OPERATIONS, Rate
from trackingmore_async.pacing import Lane, LocalLimiter
from trackingmore_async.pacing.cycle import Excess
from trackingmore_async.pacing.projecting import expected_interval

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("number", [1, 3, 20])
@pytest.mark.parametrize(
    ("path", "round_trip"),
    [(USUAL, 0.18), (USUAL, 0.0), (QUIET, 0.18), (SLOW, 0.18)],
    ids=["usual", "usual, nothing vouched for", "quiet", "slow answers"],
)
async def test_the_expected_interval_is_what_a_long_run_takes(number: int, path: Path, round_trip: float) -> None:
    """Within 5 % after sixty requests, and never below the limit."""
    limiter = LocalLimiter({"get": Rate(number)})
    assert limiter.expected_interval("get") == 1 / number
    await drive(limiter, 60, path=lambda _: (path, round_trip))
    expected = limiter.expected_interval("get")
    arrivals = await drive(limiter, 600, seed=1, path=lambda _: (path, round_trip))
    assert expected == pytest.approx((max(arrivals) - min(arrivals)) / 600 / MICROSECONDS, rel=0.05)
    assert expected >= 1 / number


async def test_slow_answers_are_projected_by_the_second_bound() -> None:
    """Where answers come after the slot reopened, a slot is closed for a period and the spread."""
    limiter = LocalLimiter({"realtime": Rate(3)})
    await drive(limiter, 60, bucket="realtime", path=lambda _: (SLOW, 0.18))
    assert limiter.expected_interval("realtime") == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("number", [1, 20])
async def test_a_bucket_never_used_borrows_the_average_of_the_path(number: int) -> None:
    """What was seen of the network in one bucket is good for another."""
    limiter = LocalLimiter({"create_many": Rate(number)})
    await drive(limiter, 60, path=lambda _: (USUAL, 0.18))
    expected = limiter.expected_interval("create_many")
    arrivals = await drive(limiter, 500, bucket="create_many", seed=2, path=lambda _: (USUAL, 0.18))
    assert expected == pytest.approx((max(arrivals) - min(arrivals)) / 500 / MICROSECONDS, rel=0.05)


async def test_a_slow_bucket_goes_by_its_own_average() -> None:
    """Realtime's minutes do not make the other buckets' estimates worse than a shared start."""
    limiter = LocalLimiter({"realtime": Rate(3)})
    await drive(limiter, 60, path=lambda _: (USUAL, 0.18))
    before = limiter.expected_interval("get")
    await drive(limiter, 60, bucket="realtime", path=lambda _: (SLOW, 0.18))
    assert limiter.expected_interval("get") == before


def test_an_average_is_never_negative() -> None:
    """Times that look shorter than the period do not promise more than the limit."""
    excess = Excess()
    excess.observe(-0.3)
    assert excess.seconds == 0.0


@pytest.mark.parametrize("lane", ["interactive", "bulk"])
@pytest.mark.parametrize(("mine", "others"), [(0, 0), (1, 0), (50, 0), (30, 10), (10, 60)])
async def test_the_projected_wait_comes_true(lane: Lane, mine: int, others: int) -> None:
    """Place in the lane, share of the lanes, next opening and observed cycle make up the wait, within 6 % or 0.2 s."""
    limiter, random = LocalLimiter({"get": Rate(3)}), Random(8)
    await drive(limiter, 60, path=lambda _: (USUAL, 0.18))

    async def one(lane: Lane) -> float:
        permit = await limiter.acquire("get", lane=lane, round_trip=0.18)
        when = anyio.current_time()
        await exchange(limiter, permit, USUAL, random)
        return when

    other: Lane = "bulk" if lane == "interactive" else "interactive"
    lanes: list[Lane] = [*(lane for _ in range(mine)), *(other for _ in range(others))]
    crowd = [asyncio.ensure_future(one(which)) for which in lanes]
    await anyio.lowlevel.checkpoint()
    now, projected = anyio.current_time(), limiter.projected_wait("get", lane=lane)
    assert await one(lane) - now == pytest.approx(projected, rel=0.06, abs=0.2)
    await asyncio.gather(*crowd)


async def test_an_idle_bucket_has_no_wait() -> None:
    """Nobody there, nothing closed: now."""
    limiter = LocalLimiter()
    assert limiter.projected_wait("get") == 0.0


async def test_a_bucket_just_used_is_projected_at_its_next_opening() -> None:
    """A period and what is usual on this path, until the answer tells more."""
    limiter = LocalLimiter()
    permit = await limiter.acquire("get")
    assert limiter.projected_wait("get") == pytest.approx(1.0)
    await limiter.release(permit, sent_at=0.0, answered_at=0.0)
    await anyio.sleep(0.4)
    assert limiter.projected_wait("get") == pytest.approx(0.6, abs=1e-4)


async def test_a_running_ban_is_part_of_the_projection() -> None:
    """The rest of the ban comes before everything else."""
    limiter = LocalLimiter()
    permit = await limiter.acquire("get")
    await limiter.penalise(permit, 120.0)
    await anyio.sleep(20)
    assert limiter.projected_wait("list") == pytest.approx(101.0, abs=1e-3)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("lane", ["interactive", "bulk"])
async def test_who_stands_at_the_head_of_its_lane_is_projected_there(lane: Lane, again: bool) -> None:
    """With `again`, those who wait in the lane do not count, be it the asker itself; those who overtake it do."""
    limiter = LocalLimiter({"get": Rate(1)})
    await limiter.release(await limiter.acquire("get"), sent_at=0.0, answered_at=0.0)
    crowd = [asyncio.ensure_future(limiter.acquire("get", lane=lane, again=again and one == 0)) for one in range(9)]
    await anyio.lowlevel.checkpoint()
    assert limiter.projected_wait("get", lane=lane) == pytest.approx(10.0, abs=1e-3)
    assert limiter.projected_wait("get", lane=lane, again=True) == pytest.approx(1.0, abs=1e-3)
    crowd.append(asyncio.ensure_future(limiter.acquire("get")))
    await anyio.lowlevel.checkpoint()
    overtaken = 1.0 if lane == "bulk" else 0.0
    assert limiter.projected_wait("get", lane=lane, again=True) == pytest.approx(1.0 + overtaken, abs=1e-3)
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)


@pytest.mark.parametrize("rates", [None, {"total": Rate(1)}])
async def test_who_gave_up_in_this_very_turn_is_in_nobodys_way(rates: dict[str, Rate] | None) -> None:
    """Whoever asks before the task of a cancelled request has woken up is not put behind it."""
    limiter = LocalLimiter(rates)
    permit = await limiter.acquire("get")
    await limiter.release(permit, sent_at=permit.granted_at, answered_at=permit.granted_at)
    tasks = [asyncio.ensure_future(limiter.acquire("get")) for _ in range(3)]
    await anyio.lowlevel.checkpoint()
    for task in tasks:
        task.cancel()
    assert limiter.projected_wait("get") == pytest.approx(1.0)
    await limiter.acquire("get", deadline=permit.granted_at + 1.0)
    assert all(task.cancelled() for task in tasks)


async def test_an_interval_is_expected_of_any_limiter() -> None:
    """The observed one where the limiter tells of it, else the rate of the table."""
    limiter = LocalLimiter({"realtime": Rate(5)})
    assert expected_interval(limiter, OPERATIONS["realtime"]) == 0.2
    await drive(limiter, 30, bucket="realtime", path=lambda _: (SLOW, 0.18))
    assert expected_interval(limiter, OPERATIONS["realtime"]) == pytest.approx(0.3, rel=0.01)
    assert expected_interval(GrantAll(), OPERATIONS["realtime"]) == pytest.approx(1 / 3)


async def test_an_unknown_bucket_is_named() -> None:
    """A bucket without a rate is a mistake, and the known ones are listed."""
    limiter = LocalLimiter()
    for call in (limiter.projected_wait, limiter.expected_interval):
        with pytest.raises(ConfigurationError, match=r"'lists'.*list"):
            call("lists")
