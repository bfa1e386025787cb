"""Turns come first come first served in each lane, interactive overtakes, bulk keeps its share, nobody is lost."""

from __future__ import annotations

import asyncio
import time
from random import Random

import anyio
import anyio.lowlevel
import pytest

from trackingmore_async.operations import Rate
from trackingmore_async.pacing import Lane, LocalLimiter, Permit

pytestmark = pytest.mark.anyio


async def finish(limiter: LocalLimiter, permit: Permit) -> None:
    """Report that the request was sent and answered at this moment."""
    now = anyio.current_time()
    await limiter.release(permit, sent_at=now, answered_at=now)


class Crowd:
    """Requests that wait at the same time, and the order in which they had their turns."""

    def __init__(self, limiter: LocalLimiter) -> None:
        self.limiter = limiter
        self.served: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def _one(self, name: str, lane: Lane, *, again: bool) -> None:
        permit = await self.limiter.acquire("get", lane=lane, again=again)
        self.served.append(name)
        await finish(self.limiter, permit)

    def add(self, name: str, lane: Lane = "interactive", *, again: bool = False) -> asyncio.Task[None]:
        """Queue up one request."""
        self.tasks.append(asyncio.ensure_future(self._one(name, lane, again=again)))
        return self.tasks[-1]

    async def gone(self) -> list[str]:
        """Wait until nobody waits any more, and return who was served in order."""
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return self.served


async def test_a_lane_is_first_come_first_served_whoever_leaves() -> None:
    """Cancellations at random moments change nothing about the order of the others."""
    random, limiter = Random(3), LocalLimiter({"get": Rate(10)})
    crowd = Crowd(limiter)
    for number in range(400):
        crowd.add(f"{number:03}")
    for task in random.sample(crowd.tasks, 150):
        asyncio.get_running_loop().call_later(random.uniform(0.0, 30.0), task.cancel)
    served = await crowd.gone()
    assert served == sorted(served)
    assert len(served) == 400 - sum(task.cancelled() for task in crowd.tasks)


async def test_ten_thousand_cancellations_lose_no_slot() -> None:
    """Whether cancelled while waiting, at the very moment of the grant, or after it: every slot comes back."""
    random, limiter, loop = Random(4), LocalLimiter({"get": Rate(5)}), asyncio.get_running_loop()
    cancelled = 0

    async def one(task_number: int) -> None:
        permit = await limiter.acquire("get", lane="bulk" if task_number % 2 else "interactive")
        try:
            await anyio.sleep(random.uniform(0.0, 0.3))
        except asyncio.CancelledError:
            await limiter.release(permit, sent_at=None)
            raise
        await limiter.release(permit, sent_at=None)

    for start in range(0, 24_000, 100):
        tasks = [asyncio.ensure_future(one(start + number)) for number in range(100)]
        for task in random.sample(tasks, 60):
            # Grants come each 100 ms, so many of these moments fall on one of them.
            loop.call_later(0.1 * random.randrange(40), task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        cancelled += sum(task.cancelled() for task in tasks)
    assert cancelled >= 10_000
    statistics = limiter.statistics().buckets["get"]
    assert (statistics.waiting, statistics.in_flight) == (0, 0)
    await anyio.sleep(10)
    begin = anyio.current_time()
    permits = [await limiter.acquire("get") for _ in range(5)]
    assert anyio.current_time() - begin == pytest.approx(4 * 0.1, abs=1e-4)
    assert len(permits) == 5


async def test_a_waiter_cancelled_at_the_moment_of_its_grant_hands_its_turn_on() -> None:
    """A grant that nobody took goes to the next one, without a new pass of the meter."""
    limiter = LocalLimiter({"get": Rate(1)})
    await finish(limiter, await limiter.acquire("get"))
    crowd = Crowd(limiter)
    first = crowd.add("first")
    crowd.add("second")
    await anyio.sleep(0.5)
    # Scheduled after the limiter's own timer for the same moment: it is granted, then cancelled, then wakes up.
    asyncio.get_running_loop().call_at(1.0, first.cancel)
    assert await crowd.gone() == ["second"]
    assert first.cancelled()
    assert anyio.current_time() == pytest.approx(1.0, abs=1e-4)


async def test_interactive_and_bulk_take_turns_while_both_wait() -> None:
    """By default bulk keeps one half; the turn that it had alone counts."""
    crowd = Crowd(LocalLimiter({"get": Rate(1)}))
    for number in range(4):
        crowd.add(f"b{number}", "bulk")
    await anyio.sleep(0.1)
    for number in range(4):
        crowd.add(f"i{number}")
    assert await crowd.gone() == ["b0", "i0", "i1", "b1", "i2", "b2", "i3", "b3"]


async def test_an_interactive_request_overtakes_all_bulk_requests() -> None:
    """However long the queue of a job is, a single call has the next turn."""
    crowd = Crowd(LocalLimiter({"get": Rate(1)}))
    for number in range(500):
        crowd.add(f"b{number}", "bulk")
    await anyio.sleep(10.5)
    crowd.add("now")
    await anyio.sleep(1)
    assert crowd.served[-1] == "now"
    for task in crowd.tasks:
        task.cancel()
    await crowd.gone()


async def test_what_nobody_was_kept_from_is_not_owed() -> None:
    """A contest of long ago does not give bulk the next turn: after a time to itself, interactive overtakes again."""
    crowd = Crowd(LocalLimiter({"get": Rate(1)}))
    for number in range(10):
        crowd.add(f"b{number}", "bulk")
    for begin, name in ((0.5, "first"), (5.5, "second")):
        await anyio.sleep(begin - anyio.current_time())
        crowd.add(name)
    served = await crowd.gone()
    assert served.index("first") == 1
    assert served.index("second") == 6


@pytest.mark.parametrize("share", [0.2, 0.25, 0.5, 0.8])
async def test_bulk_gets_the_share_that_was_set(share: float) -> None:
    """While both lanes wait, bulk gets its part of the turns, no more and no less."""
    crowd = Crowd(LocalLimiter({"get": Rate(1)}, bulk_share=share))
    for number in range(200):
        crowd.add(f"b{number}", "bulk")
        crowd.add(f"i{number}")
    await anyio.sleep(100)
    bulk = sum(name.startswith("b") for name in crowd.served)
    assert bulk == pytest.approx(share * len(crowd.served), abs=1)
    for task in crowd.tasks:
        task.cancel()
    await crowd.gone()


async def test_those_who_had_their_turn_before_keep_their_order() -> None:
    """Several who go to the head of the lane again do not overtake each other."""
    crowd = Crowd(LocalLimiter({"get": Rate(1)}))
    for name in ("first", "second", "third"):
        crowd.add(name)
    await anyio.sleep(0.1)
    for name in ("retry 1", "retry 2", "retry 3"):
        crowd.add(name, again=True)
    assert await crowd.gone() == ["first", "retry 1", "retry 2", "retry 3", "second", "third"]


async def test_a_retry_goes_to_the_head_of_its_lane() -> None:
    """A request that had its turn before is not sent to the end of the queue."""
    crowd = Crowd(LocalLimiter({"get": Rate(1)}))
    for name in ("a", "b", "c"):
        crowd.add(name)
    await anyio.sleep(0.1)
    crowd.add("retry", again=True)
    assert await crowd.gone() == ["a", "retry", "b", "c"]


async def test_a_hundred_thousand_waiters_are_no_burden() -> None:
    """With a hundred thousand others waiting, joining, leaving and granting cost what they cost with ten."""
    limiter = LocalLimiter({"get": Rate(100)})
    loop = asyncio.get_running_loop()
    tasks = [asyncio.ensure_future(limiter.acquire("get", lane="bulk")) for _ in range(100_000)]
    await anyio.lowlevel.checkpoint()
    assert limiter.statistics().buckets["get"].waiting > 99_000
    begin = time.perf_counter()
    for task in tasks[50_000:51_000]:
        task.cancel()
    await anyio.lowlevel.checkpoint()
    for task in tasks[:50]:
        await limiter.release(await task, sent_at=loop.time(), answered_at=loop.time())
    spent = time.perf_counter() - begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert spent < 2.0
    assert limiter.statistics().buckets["get"].waiting == 0
