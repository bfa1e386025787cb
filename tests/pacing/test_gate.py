"""After a 429 the whole account is silent, then one probe goes, then the rest."""

from __future__ import annotations

import asyncio

import anyio
import anyio.lowlevel
import pytest

from trackingmore_async.errors import DeadlineExceededError
from trackingmore_async.operations import OPERATIONS, Rate
from trackingmore_async.pacing import LocalLimiter, Permit
from trackingmore_async.pacing.rates import PROBES

pytestmark = pytest.mark.anyio

BAN = 120.0
OVER = 121.0


async def leave(limiter: LocalLimiter, permit: Permit) -> None:
    """Report that the request left at this moment."""
    await limiter.release(permit, sent_at=anyio.current_time())


async def answer(limiter: LocalLimiter, permit: Permit, *, refused: bool = False) -> None:
    """Report that the request was answered at this moment."""
    now = anyio.current_time()
    await limiter.release(permit, sent_at=now, answered_at=now, refused=refused)


async def refuse(limiter: LocalLimiter, permit: Permit, seconds: float = BAN) -> int:
    """Report a 429, as the transport does."""
    await answer(limiter, permit, refused=True)
    return await limiter.penalise(permit, seconds)


class Log:
    """Requests that wait, and when they were granted."""

    def __init__(self, limiter: LocalLimiter) -> None:
        self.limiter = limiter
        self.granted: list[tuple[float, str]] = []
        self.permits: dict[str, Permit] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def _one(self, bucket: str) -> None:
        self.permits[bucket] = await self.limiter.acquire(bucket)
        self.granted.append((round(anyio.current_time(), 3), bucket))

    def wait(self, *buckets: str) -> None:
        """Queue up one request of each bucket."""
        for bucket in buckets:
            self.tasks[bucket] = asyncio.ensure_future(self._one(bucket))

    async def cancel(self) -> None:
        """Cancel all that still wait."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def banned(limiter: LocalLimiter) -> Log:
    """Have the limiter banned at time zero."""
    assert await refuse(limiter, await limiter.acquire("realtime")) == 1
    return Log(limiter)


async def test_silence_then_one_probe_then_all() -> None:
    """Nothing goes for 121 s, then the cheapest read alone, and after its answer the others."""
    limiter = LocalLimiter()
    log = await banned(limiter)
    log.wait("air", "create_many", "list", "get")
    await anyio.sleep(OVER + 5)
    assert log.granted == [(OVER, "get")]
    assert log.permits["get"].probe
    await answer(limiter, log.permits["get"])
    await anyio.sleep(1)
    assert log.granted[1:] == [(OVER + 5, "air"), (OVER + 5, "create_many"), (OVER + 5, "list")]
    assert not log.permits["list"].probe


async def test_the_ban_holds_for_buckets_never_used_before() -> None:
    """The gate is the account's, not the bucket's."""
    limiter = LocalLimiter()
    await banned(limiter)
    with anyio.move_on_after(OVER - 1) as scope:
        await limiter.acquire("carriers")
    assert scope.cancelled_caught


async def test_cheap_reads_probe_first_and_dear_calls_last() -> None:
    """The order of the probes comes from the table of operations."""
    assert PROBES[0] == "get"
    assert PROBES[-1] == "air"
    assert set(PROBES) == set(OPERATIONS)
    assert PROBES.index("transit_times") < PROBES.index("update") < PROBES.index("detect") < PROBES.index("realtime")


async def test_when_only_writes_wait_a_write_is_the_probe() -> None:
    """The gate opens even for who never reads."""
    limiter = LocalLimiter()
    log = await banned(limiter)
    log.wait("realtime", "update_many")
    await anyio.sleep(OVER + 1)
    assert log.granted == [(OVER, "update_many")]
    await log.cancel()


async def test_a_longer_pause_is_never_shortened() -> None:
    """The ban ends at the latest of all the ends that were asked for."""
    limiter = LocalLimiter({"get": Rate(10)})
    permits = [await limiter.acquire("get") for _ in range(3)]
    begin = anyio.current_time()
    for permit, seconds in zip(permits, (100.0, 300.0, 50.0), strict=True):
        await refuse(limiter, permit, seconds)
    await limiter.acquire("list")
    assert anyio.current_time() - begin == pytest.approx(301.0, abs=1e-4)


async def test_refusals_of_one_incident_are_one_ban() -> None:
    """Requests granted before the ban that are refused during it extend it, and count once."""
    limiter = LocalLimiter({"get": Rate(10)})
    permits = [await limiter.acquire("get") for _ in range(5)]
    assert [await refuse(limiter, permit) for permit in permits[:4]] == [1, 1, 1, 1]
    await anyio.sleep(60)
    assert await refuse(limiter, permits[4]) == 1
    assert limiter.statistics().gate.bans == 1
    begin = anyio.current_time()
    await limiter.acquire("get")
    assert anyio.current_time() - begin == pytest.approx(OVER, abs=1e-4)


async def test_requests_in_flight_that_succeed_do_not_end_the_ban() -> None:
    """Only a probe proves that the ban is over."""
    limiter = LocalLimiter({"get": Rate(10)})
    refused, fine = await limiter.acquire("get"), await limiter.acquire("get")
    await leave(limiter, fine)
    await refuse(limiter, refused)
    await answer(limiter, fine)
    log = Log(limiter)
    log.wait("get", "list")
    await anyio.sleep(OVER - 1)
    assert log.granted == []
    assert limiter.statistics().gate.state == "shut"
    await anyio.sleep(2)
    assert len(log.granted) == 1
    assert limiter.statistics().gate.state == "ajar"
    await log.cancel()


async def test_the_third_ban_in_a_row_is_counted_as_such() -> None:
    """Each refused probe begins a new ban; a good one ends the row."""
    limiter = LocalLimiter()
    await banned(limiter)
    for row in (2, 3):
        probe = await limiter.acquire("get")
        assert probe.probe
        assert probe.epoch == row - 1
        assert await refuse(limiter, probe) == row
    probe = await limiter.acquire("get")
    await answer(limiter, probe)
    assert limiter.statistics().gate.state == "open"
    assert await refuse(limiter, await limiter.acquire("list")) == 1
    assert limiter.statistics().gate.bans == 4


async def test_a_cancelled_probe_is_passed_on_at_once() -> None:
    """Whether it was cancelled or not used: the next in line probes."""
    limiter = LocalLimiter()
    log = await banned(limiter)
    log.wait("get", "list", "update")
    await anyio.sleep(OVER + 3)
    await limiter.release(log.permits["get"], sent_at=None)
    await anyio.sleep(1)
    assert log.granted == [(OVER, "get"), (OVER + 3, "list")]
    await log.cancel()


async def test_a_probe_cancelled_at_the_moment_of_its_grant_is_passed_on() -> None:
    """The probe is granted and cancelled in the same turn of the loop."""
    limiter = LocalLimiter()
    log = await banned(limiter)
    log.wait("get", "list")
    await anyio.sleep(60)
    asyncio.get_running_loop().call_at(OVER, log.tasks["get"].cancel)
    await anyio.sleep(62)
    assert log.granted == [(OVER, "list")]


async def test_a_probe_without_an_answer_is_passed_on() -> None:
    """A second report without an answer says that none will come."""
    limiter = LocalLimiter()
    log = await banned(limiter)
    log.wait("get", "list", "update")
    await anyio.sleep(OVER + 1)
    await leave(limiter, log.permits["get"])
    await anyio.sleep(2)
    assert log.granted == [(OVER, "get")]
    await leave(limiter, log.permits["get"])
    await anyio.sleep(1)
    assert log.granted == [(OVER, "get"), (OVER + 3, "list")]
    await log.cancel()


async def test_a_probe_that_hangs_is_followed_by_the_next_after_fifteen_seconds() -> None:
    """A slow probe does not hold up the account, and its late answer is as good as any."""
    limiter = LocalLimiter()
    log = await banned(limiter)
    log.wait("get", "list", "update", "create")
    await anyio.sleep(OVER + 1)
    await leave(limiter, log.permits["get"])
    await anyio.sleep(20)
    assert log.granted == [(OVER, "get"), (OVER + 15, "list")]
    await answer(limiter, log.permits["get"])
    await anyio.sleep(0.1)
    assert sorted(log.granted[2:]) == [(OVER + 21, "create"), (OVER + 21, "update")]


async def test_the_best_probe_is_waited_for_when_its_slot_opens_soon() -> None:
    """A read whose slot opens in a moment is a better probe than a write that could go now."""
    limiter = LocalLimiter()
    log = await banned(limiter)
    log.wait("get")
    await anyio.sleep(OVER + 1)
    await leave(limiter, log.permits["get"])
    await leave(limiter, log.permits["get"])
    log.wait("get", "create")
    await anyio.sleep(5)
    assert log.granted == [(OVER, "get"), (OVER + 2.5, "get")]
    await log.cancel()


async def test_a_bucket_that_is_stuck_is_no_reason_not_to_probe() -> None:
    """When the slot of the best bucket is closed for an unknown time, another one probes."""
    limiter = LocalLimiter()
    held = await limiter.acquire("get")
    log = await banned(limiter)
    log.wait("get", "update")
    await anyio.sleep(OVER + 1)
    assert log.granted == [(OVER, "update")]
    await limiter.release(held, sent_at=None)
    await log.cancel()


async def test_a_refusal_of_old_during_the_probe_takes_the_probe_back() -> None:
    """A straggler's 429 extends the ban; the answer of a probe sent before does not open the gate."""
    limiter = LocalLimiter({"list": Rate(10)})
    straggler = await limiter.acquire("list")
    await banned(limiter)
    probe = await limiter.acquire("get")
    assert await refuse(limiter, straggler) == 1
    await answer(limiter, probe)
    assert limiter.statistics().gate.state == "shut"
    assert limiter.projected_wait("list") == pytest.approx(OVER, abs=0.1)


async def test_a_refusal_of_old_after_the_ban_is_a_new_ban() -> None:
    """A 429 always means silence, however old the request is."""
    limiter = LocalLimiter({"list": Rate(10)})
    straggler = await limiter.acquire("list")
    await banned(limiter)
    await answer(limiter, await limiter.acquire("get"))
    assert await refuse(limiter, straggler) == 1
    assert limiter.statistics().gate.state == "shut"


async def test_a_grant_that_met_the_beginning_of_a_ban_is_not_used() -> None:
    """Between its grant and its waking up a waiter may be overtaken by a 429: it goes back to the head of its lane."""
    limiter = LocalLimiter()
    other, held = await limiter.acquire("list"), await limiter.acquire("get")
    log = Log(limiter)
    log.wait("get")
    await anyio.sleep(2)
    await limiter.release(held, sent_at=None)  # grants, and does not give the waiter time to wake up
    await refuse(limiter, other)
    await anyio.sleep(1)
    assert log.granted == []
    await anyio.sleep(OVER)
    assert log.granted == [(OVER + 2, "get")]


async def test_the_beginning_of_a_ban_fails_those_whose_deadline_is_before_its_end() -> None:
    """They learn it at once, with the projected wait; those with time keep their place."""
    limiter = LocalLimiter({"get": Rate(1)})
    permit = await limiter.acquire("get")
    hasty = asyncio.ensure_future(limiter.acquire("get", deadline=30.0))
    patient = asyncio.ensure_future(limiter.acquire("get", deadline=200.0))
    await anyio.sleep(0.5)
    await refuse(limiter, permit)
    await anyio.lowlevel.checkpoint()
    error = hasty.exception()
    assert isinstance(error, DeadlineExceededError)
    assert error.projected_wait == pytest.approx(OVER, abs=0.1)
    assert "429" in str(error)
    await patient
    assert anyio.current_time() == pytest.approx(OVER + 0.5, abs=0.01)


async def test_during_a_ban_a_hopeless_wait_fails_at_once() -> None:
    """Nobody has to sit out a ban to learn that it was in vain."""
    limiter = LocalLimiter()
    await banned(limiter)
    with pytest.raises(DeadlineExceededError, match=r"silent after a 429 for another 121\.0 s"):
        await limiter.acquire("get", deadline=anyio.current_time() + 30)
    assert anyio.current_time() < 1


async def test_while_a_probe_is_under_way_a_call_in_a_hurry_waits_for_it() -> None:
    """A probe may take 15 s, but usually does not: nobody is refused because it might."""
    limiter = LocalLimiter()
    await banned(limiter)
    probe = await limiter.acquire("get")
    hasty = asyncio.ensure_future(limiter.acquire("list", deadline=OVER + 0.8))
    hung = asyncio.ensure_future(limiter.acquire("update", deadline=OVER + 0.2))
    await anyio.sleep(0.3)
    await answer(limiter, probe)
    assert (await hasty).granted_at == pytest.approx(OVER + 0.3, abs=0.01)
    assert isinstance(hung.exception(), DeadlineExceededError)


async def test_after_the_ban_the_pace_is_the_usual_one() -> None:
    """A queue that grew during the ban is not let loose: windows are kept on resuming too."""
    limiter = LocalLimiter({"get": Rate(2)})
    await banned(limiter)
    granted: list[float] = []

    async def one() -> None:
        permit = await limiter.acquire("get")
        granted.append(anyio.current_time())
        await answer(limiter, permit)

    await asyncio.gather(*(one() for _ in range(20)))
    assert granted[0] == pytest.approx(OVER, abs=1e-4)
    assert all(later - earlier >= 1.0 - 1e-6 for earlier, later in zip(granted, granted[2:], strict=False))
