"""Shared requests and the patience of those who share them."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from trackingmore_async import DeadlineExceededError, LocalLimiter, Rate, Tracking, TrackingMore, TrackingMoreError
from trackingmore_async.sandbox import Fault, Sandbox
from trackingmore_async.settings import Coalesce

from .scene import CARRIER, at_once, names, numbers, opened, requests, stocked

pytestmark = pytest.mark.anyio


async def ban(tm: TrackingMore, sandbox: Sandbox) -> None:
    """Bring a ban of 121 seconds about, whose beginning the client knows."""
    sandbox.faults.add(Fault("account_info", on={1}, ban=True))
    await tm.account.info()
    with pytest.raises(TrackingMoreError):
        await tm.with_options(max_wait=1.0).account.info()


async def alone(tm: TrackingMore, number: str) -> Tracking:
    """Look a tracking up by a request of its own."""
    return await tm.with_options(coalesce=False).trackings.get(CARRIER, number)


@pytest.mark.parametrize("options", [{"deadline": 0.8}, {"max_wait": 0.8}, {"deadline": 30.0}, {}])
@pytest.mark.parametrize("call", ["get", "update", "delete", "create"])
async def test_a_hopeless_call_fails_at_once(options: dict[str, Any], call: str) -> None:
    """During a ban an impatient call fails without any time passing, sends nothing, and names the seconds left."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await ban(tm, sandbox)
        before, begun = requests(sandbox), asyncio.get_running_loop().time()
        method = getattr(tm.with_options(coalesce="all", **options).trackings, call)
        with pytest.raises(DeadlineExceededError) as caught:
            await method(CARRIER, "ZZ0000000")
        assert asyncio.get_running_loop().time() == begun
    assert requests(sandbox) == before
    assert caught.value.projected_wait == pytest.approx(121.0, abs=2.0)
    assert caught.value.sent is False
    assert f"{caught.value.projected_wait:.1f} s" in str(caught.value)
    assert "silent after a 429 for another 1" in str(caught.value)


async def test_a_ban_that_begins_refuses_only_those_it_makes_hopeless() -> None:
    """Of those who wait when a ban begins, the impatient ones are told at once; the others are served after it."""
    sandbox = stocked(20)
    sandbox.faults.add(Fault("account_info", on={1}, ban=True))
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        loop = asyncio.get_running_loop()
        begun, told = loop.time(), list[float]()

        async def look_up(number: str, max_wait: float | None) -> Any:
            try:
                return await tm.with_options(max_wait=max_wait).trackings.get(CARRIER, number)
            except DeadlineExceededError as error:
                told.append(loop.time() - begun)
                return error

        waiting = [look_up(number, 2.0 if index % 2 else None) for index, number in enumerate(numbers(20))]
        calls = asyncio.ensure_future(at_once(waiting))
        await asyncio.sleep(0.1)
        await tm.account.info()
        with pytest.raises(DeadlineExceededError):
            await tm.with_options(max_wait=5).carriers.list()
        found = await calls
    assert [isinstance(one, DeadlineExceededError) for one in found] == [False, True] * 10
    assert max(told) == pytest.approx(0.1, abs=0.01)
    assert loop.time() - begun > 100


async def test_the_place_in_the_line_counts() -> None:
    """With 80 look-ups before it, the 81st is told at once that two further slots are too late for it."""
    sandbox = stocked(90)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        singles = asyncio.ensure_future(at_once(alone(tm, number) for number in numbers(4)))
        waiting = asyncio.ensure_future(at_once(tm.trackings.get(CARRIER, number) for number in numbers(80)))
        await asyncio.sleep(0.001)
        begun = asyncio.get_running_loop().time()
        quick = tm.with_options(deadline=2.5)
        with pytest.raises(DeadlineExceededError) as caught:
            await quick.trackings.get(CARRIER, "ZZ0000085")
        assert asyncio.get_running_loop().time() == begun
        assert caught.value.projected_wait == pytest.approx(3.0, abs=0.1)
        patient = await tm.with_options(deadline=3.5).trackings.get(CARRIER, "ZZ0000086")
        assert patient.timing is not None
        assert patient.timing.waiting == pytest.approx(3.0, abs=0.1)
        assert names(await waiting) == numbers(80)
        assert names(await singles) == numbers(4)


async def test_the_place_of_the_request_that_is_joined_counts() -> None:
    """Who would travel with a request behind others in the queue is told at once when these take too long for it."""
    sandbox = stocked(2)
    async with opened(sandbox, rates={"get": Rate(1, 100.0)}) as tm, asyncio.TaskGroup() as tasks:
        await alone(tm, "ZZ0000000")
        for _ in range(4):
            tasks.create_task(_first_page(tm))
        await asyncio.sleep(0.1)
        patient = tasks.create_task(tm.trackings.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(0.1)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineExceededError) as caught:
            await tm.with_options(max_wait=2.0).trackings.get(CARRIER, "ZZ0000001")
        assert asyncio.get_running_loop().time() == begun
        assert caught.value.projected_wait == pytest.approx(3.8, abs=0.1)
    assert patient.result().timing is not None


async def _first_page(tm: TrackingMore) -> None:
    await tm.trackings.list(page_size=1)


@pytest.mark.parametrize("method", ["update", "delete", "create"])
@pytest.mark.parametrize("impatience", [{"deadline": 5.0}, {"max_wait": 5.0}, {}])
async def test_a_write_that_meets_a_ban_is_refused_at_once(method: str, impatience: dict[str, Any]) -> None:
    """Unless somebody who shares its batch sits the ban out: nothing was changed, and nothing will be."""
    sandbox = stocked()
    if method != "create":
        sandbox.create(CARRIER, "ZZ0000000")
    sandbox.faults.add(Fault(f"{method}_many", on={1}, code=429))
    async with opened(sandbox, limiter=LocalLimiter()) as tm:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineExceededError) as caught:
            await getattr(tm.with_options(coalesce="all", **impatience).trackings, method)(CARRIER, "ZZ0000000")
        assert asyncio.get_running_loop().time() - begun < 0.1
        assert (caught.value.sent, caught.value.retry_after) == (False, 121)
        await asyncio.sleep(200)
    assert requests(sandbox) == {f"{method}_many": 1}
    assert (sandbox.find(CARRIER, "ZZ0000000") is None) == (method == "create")


async def test_a_write_whose_batch_sits_a_ban_out_waits_for_that_or_for_its_deadline() -> None:
    """A batch is sent as it was formed: who shares it with somebody patient is not refused, and is told the truth."""
    sandbox = stocked(3)
    sandbox.faults.add(Fault("update_many", on={1}, code=429))
    options: list[dict[str, Any]] = [{"max_wait": None}, {"max_wait": 5.0}, {"deadline": 5.0}]
    async with opened(sandbox, limiter=LocalLimiter()) as tm:
        views = [tm.with_options(coalesce="all", **option) for option in options]
        calls = (view.trackings.update(CARRIER, one, title="mug") for view, one in zip(views, numbers(3), strict=True))
        patient, waiting, hasty = await at_once(calls)
    assert [round(one.timing.pause) for one in (patient, waiting, hasty)] == [121, 121, 5]
    assert isinstance(hasty, DeadlineExceededError)
    assert hasty.sent is True
    assert "read back before sending it again" in str(hasty)
    found = sandbox.find(CARRIER, "ZZ0000002")
    assert found is not None
    assert found["title"] == "mug"


async def test_a_list_that_is_too_late_leaves_the_single_look_up() -> None:
    """Whom the list cannot serve in time is answered by a request of its own, if that has a slot in time."""
    sandbox = stocked(90)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        waiting = asyncio.ensure_future(at_once(tm.trackings.get(CARRIER, number) for number in numbers(80)))
        await asyncio.sleep(0.001)
        quick = tm.with_options(deadline=2.5)
        found = await at_once(quick.trackings.get(CARRIER, number) for number in ["ZZ0000085", "ZZ0000086"])
        assert names(found) == ["ZZ0000085", "ZZ0000086"]
        assert [round(one.timing.waiting, 1) for one in found if one.timing] == [0.0, 1.0]
        assert names(await waiting) == numbers(80)
    assert requests(sandbox) == {"list": 3, "get": 2}


@pytest.mark.parametrize(("seconds", "in_time"), [(29.5, True), (30.5, False)])
@pytest.mark.parametrize("coalesce", ["all", False])
async def test_single_calls_wait_for_thirty_seconds(coalesce: Coalesce, seconds: float, in_time: bool) -> None:
    """Unless told otherwise a call waits for a slot that is so far away, and is refused at once when it is further."""
    sandbox, rates = stocked(1), dict.fromkeys(("list", "get", "update_many", "update"), Rate(1, seconds))
    async with opened(sandbox, rates=rates) as tm:
        trackings = tm.with_options(coalesce=coalesce).trackings
        for tracking in (alone(tm, "ZZ0000000"), tm.trackings.get(CARRIER, "ZZ0000000")):
            await tracking
        await trackings.update(CARRIER, "ZZ0000000", title="mug")
        begun = asyncio.get_running_loop().time()
        told = await at_once([trackings.get(CARRIER, "ZZ0000000"), trackings.update(CARRIER, "ZZ0000000", title="cup")])
        taken = asyncio.get_running_loop().time() - begun
    assert [isinstance(one, DeadlineExceededError) for one in told] == [not in_time] * 2
    assert taken == (pytest.approx(seconds, abs=0.1) if in_time else 0.0)


async def test_a_deadline_ends_a_call_whose_request_was_sent() -> None:
    """When the answer takes too long the impatient caller hears that the request was sent; the other one is served."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("list", delay_work=5.0))
    async with opened(sandbox) as tm:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        quick = asyncio.ensure_future(at_once([tm.with_options(deadline=0.8).trackings.get(CARRIER, "ZZ0000000")]))
        slow = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000001"))
        (error,) = await quick
        assert loop.time() - begun == pytest.approx(0.8, abs=0.01)
        assert (await slow).tracking_number == "ZZ0000001"
    assert isinstance(error, DeadlineExceededError)
    assert error.sent is True
    assert error.timing is not None
    assert requests(sandbox) == {"list": 1}  # a request of its own would be late, too


async def test_an_impatient_newcomer_does_not_cost_the_others_their_slot() -> None:
    """Newcomers with ever shorter patience join the same request; everybody is served by it."""
    sandbox = stocked(10)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        waits = [None, 20.0, 10.0, 5.0, 3.0, 2.0, 1.5]
        loop = asyncio.get_running_loop()
        begun = loop.time()
        found = await at_once(
            tm.with_options(max_wait=wait).trackings.get(CARRIER, number)
            for wait, number in zip(waits, numbers(7), strict=True)
        )
        assert loop.time() - begun == pytest.approx(1.0, abs=0.01)
    assert names(found) == numbers(7)
    assert requests(sandbox) == {"list": 2}


async def test_a_slot_that_nobody_wants_any_more_is_not_lost() -> None:
    """When all who waited have gone, the next caller gets the slot at the same moment as if nobody had been there."""
    sandbox = stocked(2)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        gone = [asyncio.ensure_future(tm.trackings.get(CARRIER, number)) for number in numbers(2)]
        await asyncio.sleep(0.5)
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        found = await tm.trackings.get(CARRIER, "ZZ0000001")
    assert found.timing is not None
    assert found.timing.waiting == pytest.approx(0.5, abs=0.01)
    assert requests(sandbox) == {"list": 2}


@pytest.mark.parametrize("impatience", [{"deadline": 0.8}, {"max_wait": 0.8}, {}])
async def test_who_shares_with_the_patient_hears_of_a_ban_at_once(impatience: dict[str, Any]) -> None:
    """When a shared look-up meets a 429 the impatient are told at once how long it lasts; the patient sit it out."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("list", times=1, code=429))
    async with opened(sandbox) as tm:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        patient = asyncio.ensure_future(tm.with_options(max_wait=None).trackings.get(CARRIER, "ZZ0000000"))
        with pytest.raises(DeadlineExceededError) as caught:
            await tm.with_options(**impatience).trackings.get(CARRIER, "ZZ0000001")
        assert loop.time() - begun < 0.1
        assert caught.value.retry_after is not None
        assert 120 <= caught.value.retry_after <= 122
        assert (await patient).tracking_number == "ZZ0000000"
        assert loop.time() - begun == pytest.approx(121.0, abs=0.5)


async def test_a_slow_server_shows_as_network() -> None:
    """When the deadline passes while the request is under way the error says that the network took the time."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault("list", delay_work=5.0))
    async with opened(sandbox) as tm:
        with pytest.raises(DeadlineExceededError) as caught:
            await tm.with_options(deadline=0.8).trackings.get(CARRIER, "ZZ0000000")
    assert caught.value.timing is not None
    assert caught.value.timing.network == pytest.approx(0.8, abs=0.01)
    assert caught.value.timing.waiting == pytest.approx(0.0, abs=0.01)


async def test_a_ban_refuses_those_whose_refused_request_is_asked_anew_in_halves() -> None:
    """The half that is on the network when a ban begins is answered; the one that still waits is refused at once."""
    sandbox = stocked(4)
    sandbox.faults.add(Fault("list", on={1}, code=4012), Fault("list", on={2}, delay_back=5.0))
    sandbox.faults.add(Fault("account_info", times=1, code=429))
    async with opened(sandbox) as tm:
        loop = asyncio.get_running_loop()
        calls = [asyncio.ensure_future(tm.trackings.get(CARRIER, number)) for number in numbers(4)]
        await asyncio.sleep(2.0)
        begun = loop.time()
        with pytest.raises(DeadlineExceededError):
            await tm.account.info()
        refused = await at_once(calls[2:])
        assert loop.time() - begun < 0.1
        found = await at_once(calls[:2])
    assert [type(error) for error in refused] == [DeadlineExceededError] * 2
    assert names(found) == numbers(2)
    assert found[0].timing.network == pytest.approx(5.0, abs=0.01)
    assert found[0].timing.attempts == refused[0].timing.attempts + 1 == 2
