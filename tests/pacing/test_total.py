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


class Turns:
    """Requests that are answered at once, and whose turns were given when."""

    def __init__(self, limiter: LocalLimiter) -> None:
        self.limiter = limiter
        self.given: list[tuple[str, Lane]] = []
        self.tasks: list[asyncio.Task[float]] = []

    async def _one(self, bucket: str, lane: Lane) -> float:
        begin = anyio.current_time()
        permit = await self.limiter.acquire(bucket, lane=lane)
        self.given.append((bucket, lane))
        now = anyio.current_time()
        await self.limiter.release(permit, sent_at=now, answered_at=now)
        return now - begin

    def add(self, bucket: str, lane: Lane, number: int = 1) -> list[asyncio.Task[float]]:
        """Queue up some requests."""
        tasks = [asyncio.ensure_future(self._one(bucket, lane)) for _ in range(number)]
        self.tasks += tasks
        return tasks

    async def end(self) -> None:
        """Give up those who wait."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_bucket_that_owes_bulk_a_turn_keeps_no_call_waiting() -> None:
    """Two calls in the bucket of a job, with nine other jobs going on: each has the next turn but one at the latest."""
    turns = Turns(LocalLimiter({"total": Rate(1)}))
    jobs = ("get", "list", "update", "create", "delete", "air", "detect", "carriers", "update_many", "create_many")
    for bucket in jobs:
        turns.add(bucket, "bulk", 30)
    for _ in range(10):
        await anyio.sleep(10)
        first, second = turns.add("get", "interactive", 2)
        assert await first <= 2.0
        assert await second <= 3.0
    bulk = Counter(bucket for bucket, lane in turns.given if lane == "bulk")
    assert max(bulk.values()) - min(bulk[name] for name in jobs) <= 1
    await turns.end()


@pytest.mark.parametrize(("first", "second"), [("interactive", "bulk"), ("bulk", "interactive")])
async def test_turns_that_a_lane_could_not_take_are_not_charged_to_it(first: Lane, second: Lane) -> None:
    """A minute in which one lane was held up by the rate of its bucket gives it no claim on a later minute."""
    turns = Turns(LocalLimiter({"total": Rate(5)}))
    turns.add("get", first, 200)  # 1 a second of 5, whatever its share
    for bucket in ("list", "update", "create", "delete"):
        turns.add(bucket, second, 200)
    await anyio.sleep(60)
    for bucket in ("air", "detect", "carriers", "account_info"):
        turns.add(bucket, first, 200)
    begin = len(turns.given)
    await anyio.sleep(8)
    lanes = Counter(lane for _, lane in turns.given[begin:])
    assert lanes[second] == pytest.approx(sum(lanes.values()) / 2, abs=6)
    await turns.end()


@pytest.mark.parametrize("bucket", ["get", "list"])
async def test_a_path_without_credit_is_not_overtaken_for_ever(bucket: str) -> None:
    """Slots always open a little later for a client that vouches for no round trip; it has its half all the same."""
    limiter, served = LocalLimiter({"total": Rate(1)}), Counter[Lane]()

    async def client(bucket: str, lane: Lane, round_trip: float) -> None:
        random = Random(3)
        while True:
            permit = await limiter.acquire(bucket, lane=lane, round_trip=round_trip)
            served[lane] += 1
            await exchange(limiter, permit, USUAL, random)

    clients = [asyncio.ensure_future(client(bucket, "interactive", 0.0)) for _ in range(3)]
    clients += [asyncio.ensure_future(client("get", "bulk", 0.18)) for _ in range(3)]
    await anyio.sleep(100)
    assert served["interactive"] == pytest.approx(served["bulk"], abs=2)
    for task in clients:
        task.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
