"""A deadline has to cover the answer as well: what comes too late by the usual time of answers is not sent.

Real clients on the virtual clock; an answer takes 0.3 s. The three ways of a call, plain, shared look-ups and shared
writes, keep the same promise.
"""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
import httpx
import pytest

from tests.client.helpers import ADDRESS, CARRIER, UNLIMITED, GrantAll, close, failure, in_process
from tests.conftest import VIRTUAL
from trackingmore_async import (
    DeadlineExceededError,
    LocalLimiter,
    Rate,
    RetryPolicy,
    ServerError,
    TrackingMore,
)
from trackingmore_async.sandbox import Fault, Path, Sandbox
from trackingmore_async.transport.latency import RECENT

pytestmark = pytest.mark.anyio

ANSWER = 0.3
HOURS = 10_000.0
MOMENT = 0.001  # seconds that decide
NUMBERS = [f"ZZ{index:07d}" for index in range(40)]


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock."""
    return request.param


@attrs.frozen
class Way:
    """One way of a call.

    Args:
        bucket: The operation of its requests.
        coalesce: The option that makes it go this way.
    """

    bucket: str
    coalesce: Any

    async def call(self, tm: TrackingMore, number: str = NUMBERS[0], **options: Any) -> Any:
        """Make one call."""
        trackings = tm.with_options(coalesce=self.coalesce, **options).trackings
        if self.bucket == "update_many":
            return await trackings.update(CARRIER, number, title="mug")
        return await trackings.get(CARRIER, number)


PLAIN, READS, WRITES = Way("get", False), Way("list", "reads"), Way("update_many", "all")
each_way = pytest.mark.parametrize("way", [PLAIN, READS, WRITES], ids=["plain", "shared-read", "shared-write"])


@attrs.frozen
class Scene:
    """A client of a sandbox, and the limiter that it uses."""

    sandbox: Sandbox
    limiter: LocalLimiter
    tm: TrackingMore

    def wait(self, way: Way) -> float:
        """Return the seconds until the next slot."""
        return self.limiter.projected_wait(way.bucket)

    def requests(self) -> int:
        """Count what arrived."""
        return self.sandbox.statistics().total_requests


@asynccontextmanager
async def opened(way: Way, *faults: Fault) -> AsyncGenerator[Scene]:
    """Open a client of a sandbox that answers after 0.3 s, at one request a second.

    Where look-ups share the list, no look-up by itself has a slot: it would be asked instead.
    """
    sandbox = Sandbox(path=Path(there=ANSWER / 2, back=ANSWER / 2))
    limiter = LocalLimiter({"get": Rate(1, HOURS)} if way is READS else None)
    sandbox.faults.add(*faults)
    for number in NUMBERS:
        sandbox.create(CARRIER, number)
    async with (
        httpx.AsyncClient(transport=sandbox.transport()) as http,
        TrackingMore(sandbox.key, base_url=ADDRESS, http_client=http, limiter=limiter) as tm,
    ):
        if way is READS:
            await limiter.acquire("get")
        yield Scene(sandbox, limiter, tm)


async def refused_at_once(scene: Scene, way: Way, deadline: float) -> DeadlineExceededError:
    """Make a call that has to be refused in no time, without a request and without a slot; return its error."""
    before, wait, begun = scene.requests(), scene.wait(way), anyio.current_time()
    error = await failure(way.call(scene.tm, deadline=deadline))
    assert isinstance(error, DeadlineExceededError)
    assert (anyio.current_time(), scene.requests(), scene.wait(way)) == (begun, before, wait)
    assert (error.sent, error.attempts, error.projected_wait) == (False, 0, close(wait))
    return error


@each_way
async def test_an_answer_that_comes_too_late_is_not_asked_for(way: Way) -> None:
    """When the slot comes in time and the answer would not, the call fails at once; the error names both times."""
    async with opened(way) as scene:
        for _ in range(2):
            await way.call(scene.tm)
        wait = scene.wait(way)
        assert wait > 0.5
        error = await refused_at_once(scene, way, wait + ANSWER - MOMENT)
    assert f"{wait:.1f} s" in str(error)
    assert "0.30 s" in str(error)
    assert error.retry_after == 1


@each_way
async def test_a_free_slot_does_not_help_who_has_no_time_for_the_answer(way: Way) -> None:
    """With less time than an answer takes, a call fails at once even when its slot is free."""
    async with opened(way) as scene:
        for _ in range(2):
            await way.call(scene.tm)
        await anyio.sleep(scene.wait(way))
        error = await refused_at_once(scene, way, ANSWER - MOMENT)
    assert error.retry_after == 1


@each_way
async def test_what_just_fits_is_sent(way: Way) -> None:
    """A call that has just the time for the slot and the answer is answered, at the last moment."""
    async with opened(way) as scene:
        for _ in range(2):
            await way.call(scene.tm)
        begun, deadline = anyio.current_time(), scene.wait(way) + ANSWER + MOMENT
        await way.call(scene.tm, deadline=deadline)
        assert anyio.current_time() - begun == pytest.approx(deadline, abs=2 * MOMENT)


@each_way
async def test_the_longest_wait_is_that_for_the_slot(way: Way) -> None:
    """Of ``max_wait`` the answer takes nothing."""
    async with opened(way) as scene:
        for _ in range(2):
            await way.call(scene.tm)
        await way.call(scene.tm, max_wait=scene.wait(way) + MOMENT)
        wait = scene.wait(way)
        error = await failure(way.call(scene.tm, max_wait=wait - MOMENT))
    assert isinstance(error, DeadlineExceededError)
    assert error.projected_wait == close(wait)
    assert "0.30 s" not in str(error)


@each_way
@pytest.mark.parametrize("answers", [0, 1])
async def test_nothing_is_counted_before_anything_is_usual(way: Way, answers: int) -> None:
    """Without an answer, and with a single one, which may be the slow one, a call is sent if its slot is in time."""
    async with opened(way) as scene:
        for _ in range(answers):
            await way.call(scene.tm)
        error = await failure(way.call(scene.tm, deadline=scene.wait(way) + ANSWER - 0.1))
        assert isinstance(error, DeadlineExceededError)
        assert error.sent is not False
        assert scene.requests() == answers + 1


@each_way
async def test_a_slow_answer_among_others_changes_nothing(way: Way) -> None:
    """One that took five seconds is not what is usual."""
    async with opened(way, Fault(way.bucket, on={2}, delay_back=5.0)) as scene:
        for _ in range(3):
            await way.call(scene.tm)
        wait = scene.wait(way)
        await refused_at_once(scene, way, wait + ANSWER - MOMENT)
        await way.call(scene.tm, deadline=wait + ANSWER + MOMENT)


@each_way
async def test_slow_answers_are_forgotten(way: Way) -> None:
    """After a spell of slow answers hasty calls are refused for some seconds, and then let through, whoever asks."""
    async with opened(way, Fault(way.bucket, times=12, delay_back=2.0)) as scene:
        for _ in range(12):
            await way.call(scene.tm)
        await anyio.sleep(RECENT / 2)
        error = await refused_at_once(scene, way, 0.8)
        assert "2.30 s" in str(error)
        await anyio.sleep(RECENT / 2)
        await way.call(scene.tm, deadline=0.8)


@each_way
async def test_a_few_quick_answers_end_a_slow_spell(way: Way) -> None:
    """Where the patient go on asking, it shows after a few answers that they are quick again."""
    async with opened(way, Fault(way.bucket, times=12, delay_back=1.0)) as scene:
        for _ in range(12):
            await way.call(scene.tm)
        await refused_at_once(scene, way, 1.2)
        begun = anyio.current_time()
        for _ in range(4):
            await way.call(scene.tm)
        assert anyio.current_time() - begun < RECENT / 2
        await way.call(scene.tm, deadline=scene.wait(way) + ANSWER + MOMENT)


@each_way
async def test_failures_teach_nothing(way: Way) -> None:
    """A server that fails after two seconds does not say how long its answers take."""
    async with opened(way, Fault(way.bucket, times=3, status=503, body="html", delay_back=2.0)) as scene:
        await way.call(scene.tm)
        assert scene.requests() == 4
        await way.call(scene.tm, deadline=scene.wait(way) + ANSWER + MOMENT)


@each_way
async def test_a_ban_refuses_who_would_have_no_time_for_the_answer_after_it(way: Way) -> None:
    """A ban that begins while a call waits refuses it at once when there is time for the slot only."""
    async with opened(way, Fault("account_info", on={1}, code=429)) as scene:
        for _ in range(2):
            await way.call(scene.tm)
        assert scene.wait(way) > ANSWER
        begun, told = anyio.current_time(), list[float]()

        async def hasty() -> None:
            error = await failure(way.call(scene.tm, deadline=ANSWER + 121 + ANSWER - 0.05, max_wait=None))
            assert isinstance(error, DeadlineExceededError)
            assert (error.sent, error.projected_wait) == (False, close(121))
            told.append(anyio.current_time() - begun)

        async with anyio.create_task_group() as group:
            group.start_soon(hasty)
            group.start_soon(failure, scene.tm.account.info())
    assert told == [close(ANSWER)]


@pytest.mark.parametrize("way", [PLAIN, READS], ids=["plain", "shared-read"])
async def test_who_meets_a_ban_has_to_have_time_for_the_answer_after_it(way: Way) -> None:
    """A call whose own request meets a 429 is refused at once when there is time for the next slot only.

    A patient one, which shares the request where requests are shared, sits it out.
    """
    async with opened(way, Fault(way.bucket, on={3}, code=429)) as scene:
        for _ in range(2):
            await way.call(scene.tm)
        await anyio.sleep(scene.wait(way))
        begun = anyio.current_time()
        async with anyio.create_task_group() as group:
            patient = scene.tm.with_options(max_wait=None)
            group.start_soon(way.call, patient, NUMBERS[1])
            error = await failure(way.call(scene.tm, deadline=ANSWER + 121 + ANSWER - 0.05, max_wait=None))
            assert anyio.current_time() - begun == close(ANSWER)
    assert isinstance(error, DeadlineExceededError)
    assert error.projected_wait == close(121)


async def test_operations_do_not_mix() -> None:
    """What takes long with one operation says nothing of another."""
    async with opened(PLAIN, Fault("account_info", delay_back=3.0)) as scene:
        for _ in range(3):
            await scene.tm.account.info()
        error = await failure(scene.tm.with_options(deadline=2.0).account.info())
        assert "3.30 s" in str(error)
        for way in (PLAIN, READS, WRITES):
            await way.call(scene.tm, deadline=ANSWER + MOMENT)


async def test_the_pages_of_a_walk_say_nothing_of_look_ups() -> None:
    """Walks read long pages of the same list; how long these take does not refuse look-ups."""
    async with opened(READS, Fault("list", times=3, delay_back=3.0)) as scene:
        assert len([one async for one in scene.tm.trackings.list(page_size=14)]) == len(NUMBERS)
        assert scene.requests() >= 3
        await READS.call(scene.tm, deadline=scene.wait(READS) + ANSWER + MOMENT)


async def test_an_answer_from_memory_needs_no_time() -> None:
    """A look-up that memory answers is not concerned."""
    async with opened(PLAIN) as scene:
        for _ in range(2):
            await scene.tm.trackings.get(CARRIER, NUMBERS[0], max_age=0.1)
        found = await scene.tm.with_options(deadline=MOMENT).trackings.get(CARRIER, NUMBERS[0], max_age=60)
    assert found.timing is not None
    assert found.timing.from_memory


async def test_who_is_overtaken_hears_when_it_is_too_late_for_an_answer() -> None:
    """A call that others overtake is refused at the moment from which no answer can be in time, not at its deadline."""
    async with opened(PLAIN) as scene:
        slow = scene.tm.with_options(priority="bulk")
        for _ in range(2):
            await PLAIN.call(slow)
        begun, deadline, told = anyio.current_time(), scene.wait(PLAIN) + ANSWER + 0.2, list[float]()

        async def overtaken() -> None:
            error = await failure(PLAIN.call(slow, deadline=deadline))
            assert isinstance(error, DeadlineExceededError)
            assert error.sent is False
            told.append(anyio.current_time() - begun)

        async with anyio.create_task_group() as group:
            group.start_soon(overtaken)
            await anyio.sleep(0.1)
            await PLAIN.call(scene.tm)
    assert told == [close(deadline - ANSWER)]


async def test_no_retry_whose_answer_would_come_too_late() -> None:
    """A failed request is not sent again when its answer could not be in time; the failure is told at once."""
    sandbox = Sandbox(path=Path(back=ANSWER), rates=UNLIMITED)
    sandbox.create(CARRIER, NUMBERS[0])
    async with in_process(sandbox, limiter=GrantAll(), retry=RetryPolicy(attempts=3, base=0.0)) as tm:
        for _ in range(2):
            await PLAIN.call(tm)
        sandbox.faults.add(Fault("get", status=503, body="html"))
        begun = anyio.current_time()
        error = await failure(PLAIN.call(tm, deadline=ANSWER + 0.2))
        assert anyio.current_time() - begun == close(ANSWER)
    assert isinstance(error, ServerError)
    assert error.attempts == 1
