"""Shared requests when something around them goes wrong: callers, limiters, servers, the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from trackingmore_async import (
    ClientStateError,
    ConfigurationError,
    DeadlineExceededError,
    LocalLimiter,
    NotFoundError,
    Permit,
    Rate,
    RetryPolicy,
    Tracking,
    TrackingEcho,
    TrackingMore,
    TransportError,
)
from trackingmore_async.sandbox import Fault, Path

from .scene import CARRIER, at_once, names, numbers, opened, requests, stocked

pytestmark = pytest.mark.anyio


class Told(LocalLimiter):
    """A limiter that does something when it has granted a request."""

    def __init__(self) -> None:
        super().__init__()
        self.then: Callable[[], object] = str

    async def acquire(self, bucket: str, **options: Any) -> Permit:
        """Grant one request."""
        permit = await super().acquire(bucket, **options)
        self.then()
        return permit


class OddError(Exception):
    """An error that cannot be copied."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)


class Broken(LocalLimiter):
    """A limiter that fails from its second request on: when asked for a slot, or already when asked for the wait."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = method
        self._left = 1

    async def acquire(self, bucket: str, **options: Any) -> Permit:
        """Grant one request."""
        self._left -= 1
        if self._method == "acquire" and self._left < 0:
            raise OddError(reason="acquire")
        return await super().acquire(bucket, **options)

    def projected_wait(self, bucket: str, **options: Any) -> float:
        """Tell when the next slot will come."""
        if self._method == "projected_wait" and self._left < 1:
            raise OddError(reason="projected_wait")
        return super().projected_wait(bucket, **options)


@pytest.mark.parametrize("method", ["update", "get"])
async def test_who_gives_up_in_the_turn_of_the_grant_is_left_out(method: str) -> None:
    """A caller that was cancelled when the slot came, but has not woken up yet, takes no part in the request."""
    sandbox, limiter = stocked(3), Told()
    async with opened(sandbox, limiter=limiter) as tm:
        trackings = tm.with_options(coalesce="all").trackings
        call, fields = getattr(trackings, method), {"title": "mug"} if method == "update" else {}
        await call(CARRIER, "ZZ0000000", **fields)
        gone, stays = (asyncio.ensure_future(call(CARRIER, number, **fields)) for number in numbers(3)[1:])
        await asyncio.sleep(0)
        limiter.then = gone.cancel
        assert (await stays).tracking_number == "ZZ0000002"
        assert gone.cancelled()
    assert [arrival.numbers for arrival in sandbox.statistics().arrivals] == [1, 1]


async def test_a_slot_for_nobody_is_handed_back() -> None:
    """When all who waited are cancelled as the slot comes, nothing is sent, and the next caller has it at once."""
    sandbox, limiter = stocked(2), Told()
    async with opened(sandbox, limiter=limiter) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        gone = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(0)
        limiter.then = gone.cancel
        await asyncio.gather(gone, return_exceptions=True)
        limiter.then = str
        await asyncio.sleep(0.5)  # the meter lets pass one request in half a second
        found = await tm.trackings.get(CARRIER, "ZZ0000001")
    assert found.timing is not None
    assert found.timing.waiting == pytest.approx(0.0, abs=0.01)
    assert requests(sandbox) == {"list": 2}


@pytest.mark.parametrize("method", ["update", "delete", "create", "get"])
async def test_closing_tells_all_who_wait(method: str) -> None:
    """Whoever waits, in a line or held back behind a write of the same number, is told that the client was closed."""
    sandbox = stocked(1, path=Path(work=5.0))
    async with opened(sandbox) as tm:
        trackings = tm.with_options(coalesce="all", max_wait=None).trackings
        calls = [asyncio.ensure_future(getattr(trackings, method)(CARRIER, "ZZ0000000"))]
        await asyncio.sleep(0.1)
        calls += [asyncio.ensure_future(getattr(trackings, method)(CARRIER, "ZZ0000000")) for _ in range(2)]
        await asyncio.sleep(0.1)
        await tm.aclose()
        async with asyncio.timeout(10.0):
            told = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in told[1:]] == [ClientStateError] * 2
    assert isinstance(told[0], ClientStateError | TransportError)


@pytest.mark.parametrize("when", [0, 0.1, 1.5, 60.0])
async def test_nothing_goes_on_once_closing_is_over(when: float) -> None:
    """Whether shared requests wait, are under way or sit a ban out: their tasks end before `aclose` returns."""
    sandbox = stocked(1, path=Path(work=1.0))
    sandbox.faults.add(Fault("list", on={2}, code=429))
    async with opened(sandbox) as tm:
        trackings = tm.with_options(coalesce="all", max_wait=None).trackings
        calls = [asyncio.ensure_future(trackings.get(CARRIER, number)) for number in numbers(90)]
        edits = [asyncio.ensure_future(trackings.update(CARRIER, "ZZ0000000", title="mug")) for _ in range(2)]
        await asyncio.sleep(when)
        await tm.aclose()
        assert not [task for task in asyncio.all_tasks() if "carry_out" in repr(task)]
        async with asyncio.timeout(10.0):
            told = await at_once([*calls, *edits])
    kinds: set[type] = {type(one) for one in told}
    assert ClientStateError in kinds
    assert kinds <= {ClientStateError, TransportError, Tracking, TrackingEcho, NotFoundError}


@pytest.mark.parametrize("method", ["update", "get"])
@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_closing_that_is_cut_off_tells_all_who_wait_too(method: str, turns: int) -> None:
    """When a server that shuts down cancels the task that closes the client, nobody is left waiting."""
    sandbox = stocked(1, path=Path(work=5.0))
    async with opened(sandbox) as tm:
        trackings = tm.with_options(coalesce="all", max_wait=None).trackings
        fields = {"title": "mug"} if method == "update" else {}
        calls = [asyncio.ensure_future(getattr(trackings, method)(CARRIER, "ZZ0000000", **fields))]
        await asyncio.sleep(0.1)
        calls += [asyncio.ensure_future(getattr(trackings, method)(CARRIER, "ZZ0000000", **fields)) for _ in range(2)]
        await asyncio.sleep(0.1)
        closing = asyncio.ensure_future(tm.aclose())
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        async with asyncio.timeout(10.0):
            told = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in told[1:]] == [ClientStateError] * 2


@pytest.mark.parametrize("method", ["acquire", "projected_wait"])
async def test_a_broken_limiter_hangs_nobody(method: str) -> None:
    """What a limiter raises, even what cannot be copied, is told to all who wait for it."""
    sandbox = stocked(50)
    async with opened(sandbox, limiter=Broken(method)) as tm:
        patient = tm.with_options(max_wait=None)
        async with asyncio.timeout(60.0):
            told = await at_once(patient.trackings.get(CARRIER, number) for number in numbers(50))
    assert names(told[:40]) == numbers(40)
    assert [type(error) for error in told[40:]] == [OddError] * 10


class Useless(LocalLimiter):
    """A limiter that grants nothing, and says why in an error of this library."""

    async def acquire(self, bucket: str, **_: Any) -> Permit:
        """Refuse."""
        raise ConfigurationError("The state file cannot be used.")


@pytest.mark.parametrize("method", ["update", "get"])
async def test_a_limiter_that_refuses_everybody_is_heard_by_everybody(method: str) -> None:
    """When no request gets its slot for a reason that the limiter tells, each who waits for it is told that."""
    fields = {"title": "mug"} if method == "update" else {}
    async with opened(stocked(3), limiter=Useless()) as tm, asyncio.timeout(60.0):
        call = getattr(tm.with_options(coalesce="all", max_wait=None).trackings, method)
        told = await at_once(call(CARRIER, number, **fields) for number in numbers(3))
    assert [type(error) for error in told] == [ConfigurationError] * 3
    assert len({id(error) for error in told}) == 3


async def test_tasks_that_somebody_ends_hang_nobody() -> None:
    """Frameworks that cancel every task they find end the shared request, too; who waits for it is told."""
    sandbox = stocked(2)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        before = asyncio.all_tasks()
        call = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000001"))
        for begun in (False, True):
            await asyncio.sleep(0.1 if begun else 0.0)
            for task in asyncio.all_tasks() - before - {call}:
                task.cancel()
            async with asyncio.timeout(10.0):
                (told,) = await asyncio.gather(call, return_exceptions=True)
            assert isinstance(told, ClientStateError)
            call = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000001"))
            if not begun:
                await asyncio.sleep(0.0)
        assert isinstance(await call, Tracking)


async def test_a_task_that_somebody_ends_holds_back_nobody() -> None:
    """When somebody ends the request of an edit, the next edit of the same tracking, which waited for it, is sent."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault("update_many", on={1}, delay_back=5.0))
    async with opened(sandbox) as tm:
        trackings, before = tm.with_options(coalesce="all", max_wait=None).trackings, asyncio.all_tasks()
        first = asyncio.ensure_future(at_once([trackings.update(CARRIER, "ZZ0000000", title="first")]))
        await asyncio.sleep(0.1)
        shared = asyncio.all_tasks() - before - {first}
        second = asyncio.ensure_future(trackings.update(CARRIER, "ZZ0000000", title="second"))
        await asyncio.sleep(0.1)
        for task in shared:
            if "carry_out" in repr(task):
                task.cancel()
        async with asyncio.timeout(60.0):
            (told,), echo = await asyncio.gather(first, second)
    assert isinstance(told, ClientStateError)
    assert echo.title == "second"


async def test_who_comes_while_another_leaves_is_served() -> None:
    """Under a total rate, a look-up may begin in the turn of the loop in which the request before it is withdrawn."""
    sandbox = stocked(2)
    async with opened(sandbox, rates={"total": Rate(1)}) as tm:
        await tm.account.info()
        leaving = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(0.1)
        leaving.cancel()
        gone, found = await at_once([leaving, tm.trackings.get(CARRIER, "ZZ0000001")])
    assert isinstance(gone, asyncio.CancelledError)
    assert isinstance(found, Tracking)


async def test_a_total_that_lies_is_not_believed_for_ever() -> None:
    """A list that shows the same page again and again ends when it shows nothing new; what is missing is confirmed."""
    sandbox = stocked(1)
    page = b'{"page":1,"limit":2000,"total":"1000000","items":[{"tracking_number":"ZZ0000000","carrier_code":"zto"}]}'
    sandbox.faults.add(Fault("list", body=b'{"meta":{"code":200},"data":%b}' % page))
    async with opened(sandbox) as tm, asyncio.timeout(60.0):
        found, missing = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(2))
    assert isinstance(found, Tracking)
    assert isinstance(missing, NotFoundError)
    assert requests(sandbox)["list"] <= 2


async def test_callers_of_one_missing_number_share_its_confirmation() -> None:
    """A number that everybody asks for and nobody has takes one request to the list, and one of its own."""
    sandbox = stocked()
    async with opened(sandbox) as tm:
        told = await at_once(tm.trackings.get(CARRIER, "ZZ0000000") for _ in range(100))
    assert [type(error) for error in told] == [NotFoundError] * 100
    assert requests(sandbox) == {"list": 1, "get": 1}


async def test_a_request_that_another_lane_has_served_takes_no_turn() -> None:
    """When one request took all who wait along, in both lanes, the next caller finds the next slot free."""
    sandbox = stocked(4)
    async with opened(sandbox) as tm:
        bulk = tm.with_options(priority="bulk")
        await tm.trackings.get(CARRIER, "ZZ0000000")
        found = await at_once([tm.trackings.get(CARRIER, "ZZ0000001"), bulk.trackings.get(CARRIER, "ZZ0000002")])
        await asyncio.sleep(1.1)
        last = await tm.trackings.get(CARRIER, "ZZ0000003")
    assert names(found) == ["ZZ0000001", "ZZ0000002"]
    assert last.timing is not None
    assert last.timing.waiting == pytest.approx(0.0, abs=0.01)
    assert requests(sandbox) == {"list": 3}


async def test_a_request_for_nobody_leaves_the_queue() -> None:
    """When all who waited have gone before the slot came, the next caller finds it free."""
    sandbox = stocked(2)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        gone = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(0.5)
        gone.cancel()
        await asyncio.sleep(0.6)
        found = await tm.trackings.get(CARRIER, "ZZ0000001")
    assert found.timing is not None
    assert found.timing.waiting == pytest.approx(0.0, abs=0.01)


async def test_those_for_whom_there_was_no_room_wait_for_no_answer() -> None:
    """What one request cannot carry takes the next slot, however long the first answer takes."""
    sandbox = stocked(50)
    sandbox.faults.add(Fault("list", on={1}, delay_back=20.0))
    async with opened(sandbox) as tm:
        calls = [asyncio.ensure_future(tm.trackings.get(CARRIER, number)) for number in numbers(50)]
        done, _ = await asyncio.wait(calls, timeout=3.0)
        assert done == set(calls[40:])
        await asyncio.gather(*calls)


async def test_who_waits_for_another_attempt_has_patience_anew() -> None:
    """Its patience counts until the slot of each attempt, as that of a call of its own does."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("list", times=3, status=500))
    async with opened(sandbox, retry=RetryPolicy(attempts=3, base=0.0)) as tm:
        first = asyncio.ensure_future(at_once([tm.trackings.get(CARRIER, "ZZ0000000")]))
        await asyncio.sleep(0.5)
        second = await tm.with_options(max_wait=1.6).trackings.get(CARRIER, "ZZ0000001")
        await first
    assert second.timing is not None
    assert second.timing.waiting == pytest.approx(2.5, abs=0.01)


async def test_patience_for_another_attempt_ends_too() -> None:
    """Who waits for another attempt behind others is refused when its patience ends, and not when its turn comes."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("list", times=3, status=500))
    async with opened(sandbox, retry=RetryPolicy(attempts=3, base=0.0)) as tm:
        loop = asyncio.get_running_loop()
        first = asyncio.ensure_future(at_once([tm.trackings.get(CARRIER, "ZZ0000000")]))
        await asyncio.sleep(0.5)
        begun = loop.time()
        second = asyncio.ensure_future(tm.with_options(max_wait=1.6).trackings.get(CARRIER, "ZZ0000001"))
        await asyncio.sleep(0.1)
        others = [asyncio.ensure_future(_first_page(tm)) for _ in range(3)]
        with pytest.raises(DeadlineExceededError):
            await second
        assert loop.time() - begun == pytest.approx(1.5 + 1.6, abs=0.01)
        await asyncio.gather(first, *others)


async def test_an_impatient_newcomer_costs_nobody_his_place() -> None:
    """Other requests that came later stay behind the shared one, whoever joins it before its slot comes."""
    sandbox = stocked(2)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        others = [asyncio.ensure_future(_first_page(tm)) for _ in range(2)]
        await asyncio.sleep(0.1)
        patient = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(0.1)
        others += [asyncio.ensure_future(_first_page(tm)) for _ in range(2)]
        await asyncio.sleep(2.1)
        hasty = await tm.with_options(max_wait=1.0).trackings.get(CARRIER, "ZZ0000001")
        found = await patient
        await asyncio.gather(*others)
    assert hasty.timing is not None
    assert hasty.timing.waiting == pytest.approx(0.7, abs=0.01)
    assert found.timing is not None
    assert found.timing.waiting == pytest.approx(2.9, abs=0.01)


async def _first_page(tm: TrackingMore) -> None:
    await tm.trackings.list(page_size=1)


class Dumb(LocalLimiter):
    """A limiter that grants nothing, and after a while cannot even tell how long it will take."""

    def __init__(self) -> None:
        super().__init__()
        self.is_broken = False

    async def acquire(self, bucket: str, **_: Any) -> Permit:
        """Never grant anything."""
        await asyncio.Event().wait()
        raise OddError(reason="acquire")

    def projected_wait(self, bucket: str, **options: Any) -> float:
        """Promise the slot at once, as long as it works."""
        if self.is_broken:
            raise OddError(reason="projected_wait")
        return 0.0


async def test_patience_ends_even_if_nobody_can_tell_the_wait() -> None:
    """Who waits for a limiter that broke meanwhile is told when his patience ends, and not never."""
    limiter = Dumb()
    async with opened(stocked(1), limiter=limiter) as tm:
        call = asyncio.ensure_future(at_once([tm.with_options(max_wait=5.0).trackings.get(CARRIER, "ZZ0000000")]))
        await asyncio.sleep(1.0)
        limiter.is_broken = True
        async with asyncio.timeout(10.0):
            (told,) = await call
    assert isinstance(told, OddError)
