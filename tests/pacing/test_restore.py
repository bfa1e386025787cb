"""A limiter continues where that of an earlier process ended, and is careful when that one died without a word."""

from __future__ import annotations

import asyncio
import time
from random import Random

import anyio
import attrs
import pytest

from tests.pacing.network import USUAL, violations
from trackingmore_async.errors import DeadlineExceededError, JournalError
from trackingmore_async.operations import OPERATIONS, Rate
from trackingmore_async.pacing import LocalLimiter, Permit, Snapshot
from trackingmore_async.pacing.memory import Record

pytestmark = pytest.mark.anyio

OVER = 121.0
FULL = 1.5  # one period and the spread


@attrs.define(eq=False)
class Memory:
    """Keeps what it is told, as a journal does."""

    limiter: LocalLimiter
    kept: list[Snapshot] = attrs.field(factory=list[Snapshot])
    trouble: Exception | None = None
    seconds: float = 0.0

    async def keep(self, snapshot: Snapshot) -> None:
        """Take some time, and keep it as bytes."""
        assert self.limiter.statistics().gate.state == "shut"
        await anyio.sleep(self.seconds)
        if self.trouble:
            raise self.trouble
        self.kept.append(Snapshot.decode(snapshot.encode()))


def past(limiter: LocalLimiter, seconds: float = 0.0) -> Snapshot:
    """Return the state of a limiter in wall-clock time, as if it had been taken some time ago."""
    now = anyio.current_time()
    return Snapshot.decode(limiter.snapshot(now).shifted(time.time() - now - seconds).encode())


async def granted(limiter: LocalLimiter, bucket: str = "get") -> tuple[float, Permit]:
    """Wait for a turn; return how long that took, in virtual seconds, and the permit."""
    begin = anyio.current_time()
    permit = await limiter.acquire(bucket)
    return anyio.current_time() - begin, permit


async def answer(limiter: LocalLimiter, permit: Permit) -> None:
    """Report that the request was answered at this moment."""
    now = anyio.current_time()
    await limiter.release(permit, sent_at=now, answered_at=now)


async def refuse(limiter: LocalLimiter, permit: Permit) -> int:
    """Report a 429, as the transport does."""
    now = anyio.current_time()
    await limiter.release(permit, sent_at=now, answered_at=now, refused=True)
    return await limiter.penalise(permit, 120.0)


async def banned(*, ago: float = 0.0) -> Snapshot:
    """Return what is left of a limiter that met a ban some time ago."""
    limiter = LocalLimiter()
    memory = Memory(limiter)
    limiter.watch(memory)
    await refuse(limiter, await limiter.acquire("get"))
    return memory.kept[0].shifted(-ago)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("ago", [0.0, 40.0, 119.5])
async def test_a_restored_ban_is_kept_to_the_second(ago: float, clean: bool) -> None:
    """Silence for what is left of it, then one probe, whose refusal is the second ban in a row."""
    limiter = LocalLimiter()
    limiter.restore(await banned(ago=ago), clean=clean)
    assert limiter.statistics().gate.state == "shut"
    wait, permit = await granted(limiter, "list")
    assert wait == pytest.approx(max(OVER - ago, 0.0 if clean else FULL), abs=0.05)
    assert permit.probe
    assert await refuse(limiter, permit) == 2


async def test_a_ban_that_is_over_since_long_wants_a_probe_still() -> None:
    """Only a good answer proves that it is over; it costs no time."""
    limiter = LocalLimiter()
    limiter.restore(await banned(ago=86_400.0), clean=True)
    wait, permit = await granted(limiter)
    assert wait == 0.0
    assert permit.probe


async def test_after_a_clean_end_the_rest_of_the_period_is_waited() -> None:
    """What was used is closed, what was not is open, and nobody has to probe."""
    earlier, limiter = LocalLimiter(), LocalLimiter()
    await answer(earlier, await earlier.acquire("get"))
    limiter.restore(past(earlier, seconds=0.4), clean=True)
    assert (await granted(limiter, "list"))[0] == 0.0
    wait, permit = await granted(limiter)
    assert wait == pytest.approx(0.6, abs=0.05)
    assert not permit.probe


async def test_after_a_clean_end_without_a_word_nothing_is_waited_for() -> None:
    """Nothing was ever sent."""
    limiter = LocalLimiter()
    limiter.restore(None, clean=True)
    wait, permit = await granted(limiter)
    assert (wait, permit.probe) == (0.0, False)


@pytest.mark.parametrize("bucket", OPERATIONS)
async def test_an_unclean_restart_costs_each_bucket_a_period_and_the_spread(bucket: str) -> None:
    """No more, whatever was recorded and when."""
    rates = {"realtime": Rate(3, 5.0)}
    earlier, limiter = LocalLimiter(rates), LocalLimiter(rates)
    await answer(earlier, await earlier.acquire("get"))
    limiter.restore(past(earlier, seconds=0.2), clean=False)
    assert (await granted(limiter, bucket))[0] == pytest.approx(5.5 if bucket == "realtime" else FULL, abs=0.001)


async def test_an_unclean_restart_closes_the_total_too() -> None:
    """The rate over all buckets is taken to be used up as well."""
    limiter = LocalLimiter({"total": Rate(1, 7.0)})
    limiter.restore(None, clean=False)
    assert (await granted(limiter))[0] == pytest.approx(7.5, abs=0.001)


async def test_after_an_unclean_end_the_records_are_not_the_last_word() -> None:
    """The slot of a request that was recorded may have been used again since, by each process that ended so."""
    earlier, limiter = LocalLimiter(), LocalLimiter()
    await earlier.release(await earlier.acquire("get"), sent_at=anyio.current_time())
    limiter.restore(past(earlier, seconds=1.2), clean=False)
    await anyio.sleep(0.7)
    limiter.restore(None, clean=False)
    assert (await granted(limiter))[0] == pytest.approx(FULL, abs=0.001)


async def test_after_an_unclean_end_one_request_goes_alone() -> None:
    """The others wait for its answer; there was no ban, so none is counted."""
    limiter = LocalLimiter()
    limiter.restore(None, clean=False)
    waiting = {bucket: asyncio.ensure_future(limiter.acquire(bucket)) for bucket in ("update", "get", "list")}
    await anyio.sleep(10)
    assert [bucket for bucket, task in waiting.items() if task.done()] == ["get"]
    assert (limiter.statistics().gate.bans, limiter.statistics().gate.bans_in_a_row) == (0, 0)
    probe = await waiting["get"]
    assert probe.probe
    await answer(limiter, probe)
    assert [permit.probe for permit in await asyncio.gather(waiting["update"], waiting["list"])] == [False, False]


async def test_a_ban_that_the_probe_meets_is_the_first_in_a_row() -> None:
    """The account is silent at once, for the whole pause."""
    limiter = LocalLimiter()
    limiter.restore(None, clean=False)
    assert await refuse(limiter, (await granted(limiter))[1]) == 1
    wait, permit = await granted(limiter)
    assert wait == pytest.approx(OVER, abs=0.001)
    assert permit.probe


async def test_a_doubt_is_handed_on_until_a_probe_has_settled_it() -> None:
    """A process that ends cleanly without having sent anything knows no more than it was told."""
    middle, limiter = LocalLimiter(), LocalLimiter()
    middle.restore(None, clean=False)
    limiter.restore(past(middle, seconds=0.5), clean=True)
    wait, permit = await granted(limiter)
    assert wait == pytest.approx(1.0, abs=0.05)
    assert permit.probe
    assert limiter.statistics().gate.bans_in_a_row == 0


async def test_a_limiter_in_use_keeps_the_slots_that_it_knows() -> None:
    """Its own request closes its slot as long as before; what others may have used is closed."""
    limiter = LocalLimiter({"get": Rate(1, 10.0), "list": Rate(2, 10.0)})
    await answer(limiter, await limiter.acquire("get"))
    await answer(limiter, await limiter.acquire("list"))
    await anyio.sleep(4)
    limiter.restore(None, clean=False)
    wait, permit = await granted(limiter)
    assert wait == pytest.approx(6.0, abs=0.001)
    await answer(limiter, permit)
    assert (await granted(limiter, "list"))[0] == pytest.approx(0.0, abs=0.001)
    assert (await granted(limiter, "list"))[0] == pytest.approx(4.5, abs=0.001)


async def test_a_request_on_its_way_is_not_disturbed() -> None:
    """It is reported as usual; one that was granted and not yet woken up takes its turn again."""
    limiter = LocalLimiter()
    under_way = await limiter.acquire("get")
    waiting = asyncio.ensure_future(limiter.acquire("get"))
    await anyio.sleep(2)
    await limiter.release(under_way, sent_at=None)
    limiter.restore(None, clean=False)
    assert not waiting.done()
    assert (await waiting).probe
    assert anyio.current_time() == pytest.approx(2 + FULL, abs=0.001)


@pytest.mark.parametrize("left", [121.0, 5.0])
@pytest.mark.parametrize("is_answered", [True, False])
async def test_a_restored_ban_takes_back_a_probe_that_is_under_way(left: float, is_answered: bool) -> None:
    """Its answer proves nothing, and neither that nor its patience opens the gate before the ban is over."""
    limiter = LocalLimiter()
    limiter.restore(None, clean=False)
    _, probe = await granted(limiter)
    limiter.restore(await banned(ago=OVER - left), clean=True)
    if is_answered:
        await answer(limiter, probe)
    wait, permit = await granted(limiter, "list")
    assert wait == pytest.approx(left if is_answered else max(left, 15.0), abs=0.05)
    assert permit.probe


async def test_a_ban_of_old_does_not_void_a_probe_that_is_under_way() -> None:
    """One probe is enough for all that was over when it left."""
    limiter = LocalLimiter()
    limiter.restore(await banned(ago=1000.0), clean=True)
    probe = await limiter.acquire("get")
    limiter.restore(await banned(ago=500.0), clean=True)
    await answer(limiter, probe)
    assert limiter.statistics().gate.state == "open"


async def test_a_restored_ban_refuses_those_who_have_no_time() -> None:
    """They learn it at once, and those with time stay."""
    limiter = LocalLimiter()
    await limiter.acquire("get")
    hasty = asyncio.ensure_future(limiter.acquire("get", deadline=30.0))
    await anyio.sleep(1)
    limiter.restore(await banned(), clean=True)
    with pytest.raises(DeadlineExceededError, match="silent after a 429"):
        await hasty
    assert anyio.current_time() == pytest.approx(1.0, abs=0.001)


def snapshot(random: Random) -> Snapshot:
    """Invent what some process may have left."""
    now = time.time()

    def records() -> list[Record]:
        times = [now - random.choice([0.1, 1.0, 3.0, 600.0]) for _ in range(random.randrange(4))]
        return [Record(one, random.choice([None, one]), random.choice([None, one + 0.05])) for one in times]

    ban = random.choice([None, None, now - 5, now + 50])
    return Snapshot(now, {bucket: records() for bucket in ("get", "list", "odd")}, records(), ban, random.randrange(3))


@pytest.mark.parametrize("seed", range(40))
async def test_what_is_learned_opens_nothing_earlier(seed: int) -> None:
    """However often and in which order it is learned, and whatever is under way."""
    random = Random(seed)
    limiter = LocalLimiter({"get": Rate(2, 3.0), "total": Rate(4, 2.0)} if seed % 2 else {"get": Rate(2, 3.0)})
    for _ in range(6):
        with anyio.move_on_after(random.choice([0.0, 2.0, 20.0])):
            permit = await limiter.acquire(random.choice(["get", "list"]))
            match random.randrange(3):
                case 0:
                    await limiter.release(permit, sent_at=anyio.current_time())
                case 1:
                    await answer(limiter, permit)
                case _:
                    pass
        before = {bucket: limiter.projected_wait(bucket) for bucket in ("get", "list", "update")}
        limiter.restore(random.choice([None, snapshot(random)]), clean=random.random() < 0.5)
        for bucket, wait in before.items():
            assert limiter.projected_wait(bucket) >= wait - 1e-6


async def live(limiter: LocalLimiter, random: Random, arrivals: list[int]) -> None:
    """Send as fast as the limiter allows, until cancelled; note when each request arrives at the server."""

    async def answered(permit: Permit, sent_at: float, seconds: float) -> None:
        await anyio.sleep(seconds)
        await limiter.release(permit, sent_at=sent_at, answered_at=anyio.current_time())

    while True:
        permit = await limiter.acquire("get")
        sent_at, way = anyio.current_time(), USUAL.way(random)
        arrivals.append(round((sent_at + way) * 1e6))
        await limiter.release(permit, sent_at=sent_at)
        asyncio.get_running_loop().create_task(answered(permit, sent_at, way + 0.05 + USUAL.way(random)))


async def deaths(*, clean: bool, seed: int, rate: Rate) -> int:
    """Let process after process die at a random moment, without a last word; count the windows that overflow."""
    random, arrivals, limiter = Random(seed), list[int](), LocalLimiter({"get": rate})
    last_word = past(limiter)
    for _ in range(8):
        life = asyncio.ensure_future(live(limiter, random, arrivals))
        await anyio.sleep(random.uniform(0.0, 6.0))
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        limiter = LocalLimiter({"get": rate})
        limiter.restore(last_word, clean=clean)
    await anyio.sleep(1)  # the last answers
    return violations(arrivals, rate.requests, rate.seconds)


@pytest.mark.parametrize("rate", [Rate(1), Rate(3), Rate(2, 5.0)])
async def test_processes_that_die_one_after_another_keep_the_limit(rate: Rate) -> None:
    """No window overflows with care, and some do without it: the referee has eyes."""
    assert [await deaths(clean=False, seed=seed, rate=rate) for seed in range(12)] == [0] * 12
    assert sum([await deaths(clean=True, seed=seed, rate=rate) for seed in range(12)]) > 0


async def test_a_ban_is_kept_before_anything_else_happens() -> None:
    """By every keeper that watches, once each, in wall-clock time; not by one that watches no more."""
    limiter = LocalLimiter()
    memories = [Memory(limiter, seconds=3.0), Memory(limiter), Memory(limiter)]
    for memory in (*memories, memories[0]):
        limiter.watch(memory)
    limiter.unwatch(memories[2])
    limiter.unwatch(memories[2])
    await refuse(limiter, await limiter.acquire("get"))
    assert [len(memory.kept) for memory in memories] == [1, 1, 0]
    kept = memories[0].kept[0]
    assert kept.ban_until == pytest.approx(time.time() + OVER, abs=5)
    assert (kept.row, [*kept.buckets]) == (1, ["get"])


async def test_a_keeper_that_fails_keeps_the_ban_from_nobody() -> None:
    """The others keep it, the gate is shut, and the call that met the ban hears of the failure."""
    limiter = LocalLimiter()
    memories = [Memory(limiter, trouble=JournalError("The disk is full.")), Memory(limiter)]
    for memory in memories:
        limiter.watch(memory)
    with pytest.raises(JournalError, match="disk is full"):
        await refuse(limiter, await limiter.acquire("get"))
    assert len(memories[1].kept) == 1
    assert limiter.statistics().gate.state == "shut"


async def test_a_cancellation_does_not_keep_a_ban_from_being_kept() -> None:
    """The keepers finish first."""
    limiter = LocalLimiter()
    memories = [Memory(limiter, seconds=2.0), Memory(limiter, seconds=2.0)]
    for memory in memories:
        limiter.watch(memory)
    with anyio.move_on_after(1) as scope:
        await refuse(limiter, await limiter.acquire("get"))
        await anyio.sleep(10)
    assert scope.cancelled_caught
    assert [len(memory.kept) for memory in memories] == [1, 1]


async def test_a_snapshot_travels_as_bytes() -> None:
    """What comes back is the same, and holds times and names of buckets only."""
    snapshot = await banned()
    assert Snapshot.decode(snapshot.encode()) == snapshot


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b'{"taken_at":"now"}',
    b'{"taken_at":1,"buckets":{},"total":[],"version":9}',
    b'{"taken_at":1,"buckets":{"get":[{}]},"total":[]}',
    b'{"taken_at":1e999,"buckets":{},"total":[]}',
]


@pytest.mark.parametrize("data", DAMAGED)
async def test_damaged_bytes_are_an_error_of_the_journal(data: bytes) -> None:
    """It says what is lost and what to do."""
    with pytest.raises(JournalError, match=r"last requests and of a running ban is damaged \(.+\)\. Restore a copy"):
        Snapshot.decode(data)
