"""A total rate bounds all buckets together, fairly, and locks up with nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import anyio
import anyio.lowlevel
import pytest

from tests.pacing.network import USUAL, drive, exchange, violations
from trackingmore_async.operations import Rate
from trackingmore_async.pacing import Lane, LocalLimiter

pytestmark = pytest.mark.anyio

BUCKETS = ("get", "list", "update", "create", "realtime")


async def test_all_buckets_together_keep_the_total_rate() -> None:
    """In every window, the requests of all buckets together and those of each one stay within their limits."""
    limiter = LocalLimiter({"total": Rate(4), "realtime": Rate(3)})
    runs = [drive(limiter, 200, bucket=name, seed=len(name), path=lambda _: (USUAL, 0.18)) for name in BUCKETS]
    arrivals = await asyncio.gather(*runs)
    assert violations([time for run in arrivals for time in run], 4, 1.0) == 0
    for name, run in zip(BUCKETS, arrivals, strict=True):
        assert violations(run, 3 if name == "realtime" else 1, 1.0) == 0


async def test_buckets_share_the_total_evenly() -> None:
    """The bucket that was served least recently is next, however many wait in the others."""
    limiter, served = LocalLimiter({"total": Rate(1)}), Counter[str]()

    async def one(bucket: str) -> None:
        permit = await limiter.acquire(bucket)
        served[bucket] += 1
        await limiter.release(permit, sent_at=anyio.current_time(), answered_at=anyio.current_time())

    crowd = [("get", 1000), ("list", 100), ("update", 60)]
    tasks = [asyncio.ensure_future(one(name)) for name, number in crowd for _ in range(number)]
    await anyio.sleep(150)
    assert max(served.values()) - min(served.values()) <= 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_interactive_requests_overtake_bulk_across_buckets() -> None:
    """Five jobs leave one half of the total to a person who waits in another bucket."""
    limiter, served = LocalLimiter({"total": Rate(1)}), Counter[Lane]()

    async def one(bucket: str, lane: Lane) -> None:
        permit = await limiter.acquire(bucket, lane=lane)
        served[lane] += 1
        await limiter.release(permit, sent_at=anyio.current_time(), answered_at=anyio.current_time())

    tasks = [asyncio.ensure_future(one(name, "bulk")) for name in BUCKETS[1:] for _ in range(50)]
    tasks += [asyncio.ensure_future(one("get", "interactive")) for _ in range(50)]
    await anyio.sleep(80)
    assert served["interactive"] == pytest.approx(served["bulk"], abs=2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_waits_for_the_total_holds_no_slot_of_its_bucket() -> None:
    """A bucket whose waiter was cancelled in front of the total has all its slots."""
    limiter = LocalLimiter({"total": Rate(1)})
    first = await limiter.acquire("get")
    with anyio.move_on_after(10):
        await limiter.acquire("list")
    assert limiter.statistics().buckets["list"].granted == 0
    await limiter.release(first, sent_at=None)
    await limiter.acquire("list")
    assert anyio.current_time() == pytest.approx(10, abs=1e-4)


async def test_total_and_ban_do_not_lock_up() -> None:
    """Bans, hanging probes and cancellations at random, under a total rate: all who were not cancelled get through."""
    random, limiter = Random(5), LocalLimiter({"total": Rate(2)})
    done = 0

    async def one(bucket: str) -> None:
        nonlocal done
        permit = await limiter.acquire(bucket)
        try:
            fate = random.random()
            if fate < 0.05:
                await limiter.release(permit, sent_at=anyio.current_time())
                await anyio.sleep(40)  # no answer in time
                await limiter.release(permit, sent_at=permit.granted_at)
            elif fate < 0.1:
                now = anyio.current_time()
                await limiter.release(permit, sent_at=now, answered_at=now, refused=True)
                await limiter.penalise(permit, 120.0)
            elif fate < 0.15:
                await limiter.release(permit, sent_at=None)
            else:
                await exchange(limiter, permit, USUAL, random)
        except asyncio.CancelledError:
            await limiter.release(permit, sent_at=permit.granted_at)
            await limiter.release(permit, sent_at=permit.granted_at)
            raise
        done += 1

    tasks = [asyncio.ensure_future(one(random.choice(BUCKETS))) for _ in range(400)]
    for task in random.sample(tasks, 100):
        asyncio.get_running_loop().call_later(random.uniform(0.0, 2000.0), task.cancel)
    with anyio.fail_after(50_000):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert done == 400 - sum(task.cancelled() for task in tasks)
    assert limiter.statistics().gate.bans > 3


async def test_the_projection_knows_the_total() -> None:
    """With other buckets waiting, the wait is longer than the bucket alone would say."""
    limiter = LocalLimiter({"total": Rate(1)})
    await drive(limiter, 20, path=lambda _: (USUAL, 0.18))
    tasks = [asyncio.ensure_future(limiter.acquire(name)) for name in BUCKETS for _ in range(4)]
    await anyio.lowlevel.checkpoint()
    assert limiter.projected_wait("get") == pytest.approx(20 * limiter.expected_interval("get"), rel=0.15)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
