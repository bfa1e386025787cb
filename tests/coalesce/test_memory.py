"""Answers from memory: not older than asked for, marked as such, never older than an own write."""

# pyright: reportPossiblyUnboundVariable=false, reportPrivateUsage=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from trackingmore_async import ConfigurationError, NotFoundError, TrackingMore, TrackingUpdate
from trackingmore_async.sandbox import Fault, Switches

from .scene import CARRIER, at_once, numbers, opened, requests, stocked

pytestmark = pytest.mark.anyio

NUMBER = "ZZ0000000"


async def test_a_recent_answer_is_given_again_and_says_so() -> None:
    """Within max_age nothing is sent, and the answer says how old it is; later, and without max_age, it is fetched."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        first = await tm.trackings.get(CARRIER, NUMBER, max_age=60)
        await asyncio.sleep(40)
        again = await tm.trackings.get(CARRIER, NUMBER, max_age=60)
        assert requests(sandbox) == {"list": 1}
        assert first.timing is not None
        assert again.timing is not None
        assert (first.timing.from_memory, again.timing.from_memory) == (False, True)
        assert again.timing.age == pytest.approx(40.0, abs=0.1)
        assert again.timing.total == 0.0
        assert again == first
        await asyncio.sleep(30)
        old = await tm.trackings.get(CARRIER, NUMBER, max_age=60)
        await tm.trackings.get(CARRIER, NUMBER)
    assert old.timing is not None
    assert not old.timing.from_memory
    assert requests(sandbox) == {"list": 3}


async def test_nothing_is_kept_before_anybody_asks_for_it() -> None:
    """A client that never asks for an answer from memory keeps none."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, NUMBER)
        assert len(vars(tm)["_caller"].memory) == 0


async def test_memory_is_bounded() -> None:
    """Of more trackings than memory holds the one used longest ago is forgotten."""
    sandbox = stocked(4)
    async with opened(sandbox, memory_size=2) as tm:
        for number in ("ZZ0000000", "ZZ0000001", "ZZ0000000", "ZZ0000002"):
            await tm.trackings.get(CARRIER, number, max_age=600)
        assert len(vars(tm)["_caller"].memory) == 2
        await tm.trackings.get(CARRIER, "ZZ0000000", max_age=600)
        assert requests(sandbox) == {"list": 3}
        await tm.trackings.get(CARRIER, "ZZ0000001", max_age=600)
    assert requests(sandbox) == {"list": 4}


WRITES: dict[str, Callable[[TrackingMore], Awaitable[Any]]] = {
    "update": lambda tm: tm.trackings.update(CARRIER, NUMBER, title="mug"),
    "shared update": lambda tm: tm.with_options(coalesce="all").trackings.update(CARRIER, NUMBER, title="mug"),
    "job": lambda tm: tm.trackings.update_many([TrackingUpdate(CARRIER, NUMBER, title="mug")]),
    "delete": lambda tm: tm.trackings.delete(CARRIER, NUMBER),
    "shared delete": lambda tm: tm.with_options(coalesce="all").trackings.delete(CARRIER, NUMBER),
    "change of carrier": lambda tm: tm.trackings.change_carrier(CARRIER, NUMBER, "sto"),
}


@pytest.mark.parametrize("write", WRITES)
async def test_an_own_write_is_read_back(write: str) -> None:
    """After a write memory does not answer for that tracking any more."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, NUMBER, max_age=600)
        await WRITES[write](tm)
        (found,) = await at_once([tm.trackings.get(CARRIER, NUMBER, max_age=600)])
    assert isinstance(found, NotFoundError) or found.title == "mug"


@pytest.mark.parametrize("write", WRITES)
async def test_an_own_write_is_read_back_even_if_nobody_waits_for_it(write: str) -> None:
    """When a write is cancelled under way, memory does not answer for that tracking any more either."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, NUMBER, max_age=600)
        sandbox.faults.add(Fault(("update", "update_many", "delete", "delete_many", "change_carrier"), delay_back=3.0))
        with anyio.move_on_after(0.5):
            await WRITES[write](tm)
        (found,) = await at_once([tm.trackings.get(CARRIER, NUMBER, max_age=600)])
    assert isinstance(found, NotFoundError) or found.title == "mug"


async def test_what_was_asked_for_before_a_write_is_not_kept_after_it() -> None:
    """A look-up under way during a write does not bring the old state back into memory."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, NUMBER, max_age=600)
        await asyncio.sleep(2)
        sandbox.faults.add(Fault("list", times=1, delay_back=3.0))
        early = asyncio.ensure_future(tm.trackings.get(CARRIER, NUMBER))
        await asyncio.sleep(0.1)
        await tm.trackings.update(CARRIER, NUMBER, title="mug")
        assert (await early).title != "mug"
        assert (await tm.trackings.get(CARRIER, NUMBER, max_age=600)).title == "mug"


async def test_a_late_answer_does_not_take_the_place_of_a_newer_one() -> None:
    """What was asked for earlier, and is answered later, is not remembered: nobody reads backwards in time."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault("get", on={1}, delay_back=10.0))
    async with opened(sandbox) as tm, asyncio.TaskGroup() as tasks:
        alone = tm.with_options(coalesce=False)
        slow = tasks.create_task(alone.trackings.get(CARRIER, NUMBER, max_age=60))
        await asyncio.sleep(5)
        sandbox.delete(CARRIER, NUMBER)
        sandbox.create(CARRIER, NUMBER, title="new")
        newer = await alone.trackings.get(CARRIER, NUMBER, max_age=60)
        assert (await slow).title != "new"
        assert await alone.trackings.get(CARRIER, NUMBER, max_age=60) == newer
    assert newer.title == "new"


async def test_a_language_is_remembered_for_itself() -> None:
    """An answer in one language is none in another."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, NUMBER, lang="en", max_age=600)
        await tm.trackings.get(CARRIER, NUMBER, lang="cn", max_age=600)
        again = await tm.trackings.get(CARRIER, NUMBER, lang="cn", max_age=600)
    assert again.timing is not None
    assert again.timing.from_memory
    assert requests(sandbox) == {"get": 2}


async def test_memory_works_while_the_account_is_banned() -> None:
    """During a ban what is recent enough is answered all the same."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault("list", on={2}, ban=True))
    async with opened(sandbox) as tm:
        for _ in range(2):
            await tm.trackings.get(CARRIER, NUMBER, max_age=0)
        await at_once([tm.with_options(max_wait=2).trackings.get(CARRIER, NUMBER)])
        found = await tm.with_options(deadline=0.8).trackings.get(CARRIER, NUMBER, max_age=10)
    assert found.timing is not None
    assert found.timing.from_memory


@pytest.mark.parametrize("value", [-1, "60", float("nan"), True])
async def test_a_wrong_age_is_told(value: Any) -> None:
    """What is no number of seconds is refused before anything is sent."""
    async with opened(stocked()) as tm:
        with pytest.raises(ConfigurationError, match="max_age"):
            await tm.trackings.get(CARRIER, NUMBER, max_age=value)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_a_wrong_size_is_told(value: Any) -> None:
    """The size of memory is a whole number."""
    with pytest.raises(ConfigurationError, match="memory_size"):
        TrackingMore("key", memory_size=value)


async def test_a_miss_is_remembered_too() -> None:
    """Within max_age a tracking that was missing is missing still, without a request; creating it ends that."""
    sandbox = stocked()
    async with opened(sandbox) as tm:
        for age in (False, True):
            with pytest.raises(NotFoundError) as caught:
                await tm.trackings.get(CARRIER, NUMBER, max_age=60)
            assert caught.value.timing is not None
            assert caught.value.timing.from_memory is age
            assert caught.value.attempts == (0 if age else 2)
        assert requests(sandbox) == {"list": 1, "get": 1}
        await tm.trackings.create(CARRIER, NUMBER)
        assert (await tm.trackings.get(CARRIER, NUMBER, max_age=60)).tracking_number == NUMBER


async def test_a_miss_under_the_new_carrier_ends_with_the_change_to_it() -> None:
    """A tracking that was moved to a carrier is found there, though it was missing a moment ago."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await at_once([tm.trackings.get("sto", NUMBER, max_age=600)])
        await tm.trackings.change_carrier(CARRIER, NUMBER, "sto")
        assert (await tm.trackings.get("sto", NUMBER, max_age=600)).carrier_code == "sto"


async def test_a_write_under_another_spelling_counts() -> None:
    """Where the server ignores case, what is written in other letters is the same tracking, and is read anew."""
    sandbox = stocked(switches=Switches(case_sensitive=False))
    sandbox.create(CARRIER, "ZZ00001AB")
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ00001AB", max_age=600)
        await tm.trackings.update(CARRIER, "zz00001ab", title="mug")
        assert (await tm.trackings.get(CARRIER, "ZZ00001AB", max_age=600)).title == "mug"


async def test_a_question_to_the_carrier_outdates_memory() -> None:
    """After realtime() a look-up is fetched: the carrier may have told something new."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, NUMBER, max_age=600)
        await tm.trackings.realtime(CARRIER, NUMBER)
        found = await tm.trackings.get(CARRIER, NUMBER, max_age=600)
    assert found.timing is not None
    assert not found.timing.from_memory


async def test_a_wrong_address_is_no_miss_to_remember() -> None:
    """A 404 speaks of the address and not of the tracking, so it is forgotten at once."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault(("list", "get"), times=2, status=404, body="html"))
    async with opened(sandbox) as tm:
        (wrong,) = await at_once([tm.trackings.get(CARRIER, NUMBER, max_age=600)])
        assert isinstance(wrong, NotFoundError)
        assert (await tm.trackings.get(CARRIER, NUMBER, max_age=600)).tracking_number == NUMBER


async def test_a_thousand_trackings_are_remembered() -> None:
    """That is the default; of more than that those used longest ago are forgotten."""
    sandbox = stocked(1040)
    async with opened(sandbox) as tm:
        patient = tm.with_options(max_wait=None).trackings
        for first in range(0, 1040, 40):
            await at_once(patient.get(CARRIER, number, max_age=0) for number in numbers(1040)[first : first + 40])
        assert requests(sandbox) == {"list": 26}
        await at_once(patient.get(CARRIER, number, max_age=600) for number in numbers(1040)[40:])
        assert requests(sandbox) == {"list": 26}
        again = await patient.get(CARRIER, NUMBER, max_age=600)
    assert again.timing is not None
    assert not again.timing.from_memory


async def test_a_miss_that_was_asked_for_before_a_create_is_not_kept_after_it() -> None:
    """A look-up that finds nothing does not hide the tracking that this client created meanwhile."""
    sandbox = stocked()
    async with opened(sandbox) as tm:
        await at_once([tm.trackings.get(CARRIER, "ZZ9999999", max_age=600)])
        sandbox.faults.add(Fault("get", times=1, delay_back=5.0))
        early = asyncio.ensure_future(at_once([tm.trackings.get(CARRIER, NUMBER, max_age=600)]))
        await asyncio.sleep(2.5)
        await tm.trackings.create(CARRIER, NUMBER)
        (missed,) = await early
        assert isinstance(missed, NotFoundError)
        assert (await tm.trackings.get(CARRIER, NUMBER, max_age=600)).tracking_number == NUMBER


async def test_what_was_asked_for_before_memory_was_used_is_not_kept() -> None:
    """Writes are noted only from then on: an earlier look-up may show what was there before one of them."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault("list", on={1}, delay_back=3.0), Fault("list", on={2}, delay_back=10.0))
    async with opened(sandbox) as tm:
        early = asyncio.ensure_future(tm.trackings.get(CARRIER, NUMBER))
        await asyncio.sleep(0.1)
        await tm.trackings.update(CARRIER, NUMBER, title="mug")
        first = asyncio.ensure_future(tm.trackings.get(CARRIER, NUMBER, max_age=600))
        assert (await early).title != "mug"
        assert (await tm.trackings.get(CARRIER, NUMBER, max_age=600)).title == "mug"
        assert (await first).title == "mug"


async def test_more_writes_than_memory_notes_leave_nothing_old_in_it() -> None:
    """Which trackings were written is noted for as many as memory holds; beyond that nothing earlier is kept at all."""
    sandbox = stocked(4)
    async with opened(sandbox, memory_size=2) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000003", max_age=600)
        await asyncio.sleep(2)
        sandbox.faults.add(Fault("list", times=1, delay_back=5.0))
        early = asyncio.ensure_future(tm.trackings.get(CARRIER, NUMBER))
        await asyncio.sleep(0.1)
        for number in numbers(4):
            await tm.trackings.update(CARRIER, number, title="mug")
        assert len(vars(tm)["_caller"].memory._written) == 2
        assert (await early).title != "mug"
        assert (await tm.trackings.get(CARRIER, NUMBER, max_age=600)).title == "mug"
