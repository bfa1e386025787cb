"""Turns that are foretold come true under a total rate, too, and a ban refuses those it makes hopeless, no others."""

from __future__ import annotations

import asyncio
import time
from random import Random

import anyio
import anyio.lowlevel
import attrs
import pytest

from trackingmore_async.errors import DeadlineExceededError
from trackingmore_async.operations import Rate
from trackingmore_async.pacing import Lane, LocalLimiter, Permit
from trackingmore_async.pacing.course import Course

pytestmark = pytest.mark.anyio

BUCKETS = ("get", "list", "update", "create", "realtime")
LANES: tuple[Lane, Lane] = ("interactive", "bulk")
TOTALS = (None, Rate(1), Rate(2), Rate(4), Rate(8, 4.0))
"""With times that are sums of powers of two, which no rounding of any clock brings into another order."""


def limiter_of(total: Rate | None, random: Random) -> LocalLimiter:
    """Make a limiter with a total rate, or without."""
    rates = {"realtime": Rate(4), "update": Rate(1, 2.0)}
    return LocalLimiter(rates | ({"total": total} if total else {}), bulk_share=random.choice((0.2, 0.5, 0.7)))


@attrs.define
class Crowd:
    """Requests whose answers take no time."""

    limiter: LocalLimiter
    tasks: list[asyncio.Task[float | None]] = attrs.field(factory=list[asyncio.Task[float | None]])

    async def _one(self, bucket: str, lane: Lane, deadline: float | None, again: bool) -> float | None:
        try:
            permit = await self.limiter.acquire(bucket, lane=lane, deadline=deadline, again=again)
        except DeadlineExceededError:
            return None
        now = anyio.current_time()
        await self.limiter.release(permit, sent_at=now, answered_at=now)
        return now

    def add(self, bucket: str, lane: Lane, *, deadline: float | None = None, again: bool = False) -> None:
        """Queue up one more."""
        self.tasks.append(asyncio.ensure_future(self._one(bucket, lane, deadline, again)))

    def waiting(self) -> set[int]:
        """Number those who wait."""
        return {number for number, task in enumerate(self.tasks) if not task.done()}

    async def granted(self) -> list[float | None]:
        """Wait for all, and tell when each had its turn; None: it was refused."""
        return [await task for task in self.tasks]


@attrs.frozen
class Fates:
    """What became of those who waited at the beginning of a ban.

    Args:
        deadlines: Of each.
        waiting: Who waited then.
        refused: Who was refused at once.
        turns: When each had its turn; None: it had none.
    """

    deadlines: list[float | None]
    waiting: set[int]
    refused: set[int]
    turns: list[float | None]


async def old_permit(limiter: LocalLimiter) -> Permit:
    """Send a request, and keep its permit for the beginning of a ban."""
    permit = await limiter.acquire("carriers")
    await limiter.release(permit, sent_at=anyio.current_time(), answered_at=anyio.current_time())
    return permit


async def wake_up() -> None:
    """Let all tasks go on that can: at the beginning of a ban, who had just been granted goes back to its lane."""
    for _ in range(10):
        await anyio.lowlevel.checkpoint()


async def some_history(random: Random, limiter: LocalLimiter) -> Crowd:
    """Have requests of all kinds come for some seconds, so that some of them wait at the end."""
    crowd = Crowd(limiter)
    for _ in range(random.randrange(25)):
        for _ in range(random.randrange(4)):
            crowd.add(random.choice(BUCKETS), random.choice(LANES))
        await anyio.sleep(random.choice((0.0, 0.25, 0.5, 1.0)))
    for _ in range(random.randrange(20)):
        crowd.add(random.choice(BUCKETS), random.choice(LANES))
    await anyio.lowlevel.checkpoint()
    return crowd


@pytest.mark.parametrize("total", TOTALS, ids=str)
@pytest.mark.parametrize("seed", range(40))
async def test_a_turn_comes_when_it_was_foretold(total: Rate | None, seed: int) -> None:
    """Whoever waits in whatever bucket and lane, and whatever was before, if nobody else comes."""
    random = Random(seed)
    limiter = limiter_of(total, random)
    old = await old_permit(limiter)
    crowd = await some_history(random, limiter)
    if random.random() < 0.3:
        await limiter.penalise(old, 120.0)
        await wake_up()
    bucket, lane, again = random.choice(BUCKETS), random.choice(LANES), random.random() < 0.3
    foretold = anyio.current_time() + limiter.projected_wait(bucket, lane=lane, again=again)
    crowd.add(bucket, lane, again=again)
    assert (await crowd.granted())[-1] == pytest.approx(foretold, abs=1e-3)


def draw_deadline(random: Random) -> float | None:
    """Return a deadline around the end of the ban, or none."""
    return None if random.random() < 0.3 else random.choice((20.0, 125.0, 140.0, 160.0, 200.0)) + random.random()


async def a_ban_while_calls_wait(seed: int, total: Rate | None, spared: int | None = None) -> Fates:
    """Have some wait, then a ban begin; the deadline of one of them may be lifted, to see what would have been."""
    random = Random(seed)
    limiter = limiter_of(total, random)
    permit = await old_permit(limiter)
    crowd = Crowd(limiter)
    deadlines = list[float | None]()
    begin = anyio.current_time()
    for number in range(60):
        draw = draw_deadline(random)
        deadlines.append(None if draw is None else begin + draw)
        lifted = None if number == spared else deadlines[-1]
        crowd.add(random.choice(BUCKETS), random.choice(LANES), deadline=lifted)
        await anyio.sleep(random.choice((0.0, 0.0, 0.125)))
    before = crowd.waiting()
    now = anyio.current_time()
    await limiter.penalise(permit, 120.0)
    await wake_up()
    assert anyio.current_time() == pytest.approx(now, abs=1e-4)
    refused = before - crowd.waiting()
    turns = await crowd.granted()
    return Fates(deadlines, before, refused, turns)


@pytest.mark.parametrize("total", TOTALS, ids=str)
@pytest.mark.parametrize("seed", range(15))
async def test_a_ban_refuses_at_once_those_it_makes_hopeless_and_no_others(total: Rate | None, seed: int) -> None:
    """All others have their turns in time; and none of the refused would have had his, if only he had stayed."""
    fates = await a_ban_while_calls_wait(seed, total)
    assert fates.refused
    for number in fates.waiting - fates.refused:
        turn, deadline = fates.turns[number], fates.deadlines[number]
        assert turn is not None
        assert deadline is None or turn <= deadline + 1e-3
    for number in Random(seed).sample(sorted(fates.refused), min(3, len(fates.refused))):
        other = await a_ban_while_calls_wait(seed, total, spared=number)
        turn, deadline = other.turns[number], other.deadlines[number]
        assert turn is not None
        assert deadline is not None
        assert turn > deadline


@pytest.mark.parametrize("seed", range(60))
def test_a_turn_far_ahead_is_reckoned_as_it_is_played(seed: int) -> None:
    """Whatever slots are closed until when: the short way to a turn comes out where the long one does."""
    random = Random(seed)
    latest, metered = random.choice((0.5, 3.0)), random.choice((0.0, 0.7))
    closed = [random.uniform(0.0, latest) for _ in range(random.randrange(1, 6))]

    def course() -> Course:
        return Course(list(closed), seed % 3, metered, spacing=0.1, cycle=1.2)

    played = course()
    for place in range(60):
        assert course().turn(place) == pytest.approx(played.opening())
        played.take(played.opening())


async def test_a_ban_refuses_nobody_for_the_sake_of_those_it_refuses() -> None:
    """Who stood behind callers without hope moves up at once, and is not judged by his place of before."""
    limiter = LocalLimiter({"get": Rate(1)})
    permit = await limiter.acquire("get")
    crowd = Crowd(limiter)
    for _ in range(50):
        crowd.add("get", "interactive", deadline=100.0)
    crowd.add("get", "bulk", deadline=122.5)
    crowd.add("get", "interactive", deadline=121.5)
    await anyio.lowlevel.checkpoint()
    await limiter.release(permit, sent_at=0.0, answered_at=0.0, refused=True)
    await limiter.penalise(permit, 120.0)
    turns = await crowd.granted()
    assert turns[:50] == [None] * 50
    assert turns[50:] == [pytest.approx(122.0, abs=1e-3), pytest.approx(121.0, abs=1e-3)]


async def test_fifty_thousand_are_judged_quickly() -> None:
    """However many wait at the beginning of a ban, the loop is free again in a moment."""
    limiter = LocalLimiter({"get": Rate(100)})
    permit = await limiter.acquire("get")
    tasks = [asyncio.ensure_future(limiter.acquire("get", lane="bulk", deadline=1e5)) for _ in range(50_000)]
    await anyio.lowlevel.checkpoint()
    begin = time.perf_counter()
    await limiter.penalise(permit, 120.0)
    spent = time.perf_counter() - begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert spent < 0.5


@pytest.mark.parametrize("lane", LANES)
async def test_what_lies_far_ahead_is_estimated(lane: Lane) -> None:
    """Behind thousands of others under a total rate, the wait is told to within 1 %, and at no great price."""
    limiter = LocalLimiter({"total": Rate(10), "list": Rate(10)})
    tasks = [asyncio.ensure_future(limiter.acquire("list", lane=one)) for one in LANES for _ in range(5_000)]
    await anyio.lowlevel.checkpoint()
    begin = time.perf_counter()
    projected = limiter.projected_wait("list", lane=lane)
    spent = time.perf_counter() - begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert projected == pytest.approx(1_000.0, rel=0.01)
    assert spent < 0.1
