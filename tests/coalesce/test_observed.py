"""What hooks and statistics tell of requests that are shared."""

from __future__ import annotations

import asyncio

import pytest

from tests.client.helpers import UNLIMITED, GrantAll, close, figures
from trackingmore_async import HookDetails, NotFoundError
from trackingmore_async.models.fields import EditFields
from trackingmore_async.sandbox import Fault, Path

from .scene import CARRIER, at_once, numbers, opened, stocked

pytestmark = pytest.mark.anyio


async def test_a_shared_request_tells_whose_look_ups_it_carries() -> None:
    """Each look-up is a call of its own; the request that carries them is another one, and names them."""
    heard: list[HookDetails] = []
    sandbox = stocked(3)
    async with opened(sandbox, hooks=[heard.append]) as tm:
        await at_once(tm.trackings.get(CARRIER, number) for number in numbers(3))
    (batch,) = [details for details in heard if details.event == "batch"]
    begun = [details.call for details in heard if (details.event, details.operation) == ("call", "get")]
    ended = [details for details in heard if (details.event, details.operation) == ("end", "get")]
    assert (batch.operation, batch.items, batch.capacity) == ("list", 3, 40)
    assert list(batch.shares) == begun
    assert [details.call for details in ended] == begun
    assert all(details.timing is not None and details.timing.attempts == 1 for details in ended)
    assert {details.call for details in heard if details.event in {"request", "reply"}} == {batch.call}


async def test_a_shared_edit_tells_its_calls() -> None:
    """The batch names the single edits in it, merged ones too; an error is told to the hook of its call."""
    heard: list[HookDetails] = []
    sandbox = stocked(1)
    async with opened(sandbox, hooks=[heard.append]) as tm:
        trackings = tm.with_options(coalesce="all").trackings
        names = ["ZZ0000000", "ZZ0000000", "ZZ9999999"]
        found = await at_once(trackings.update(CARRIER, name, title=str(place)) for place, name in enumerate(names))
    assert isinstance(found[2], NotFoundError)
    (batch,) = [details for details in heard if details.event == "batch"]
    ended = [details for details in heard if (details.event, details.operation) == ("end", "update")]
    assert (batch.operation, batch.items, len(batch.shares)) == ("update_many", 2, 3)
    assert sorted(details.call for details in ended) == sorted(batch.shares)
    assert sorted((details.error or "", details.code) for details in ended) == [
        ("", None),
        ("", None),
        ("NotFoundError", 4017),
    ]


async def test_edits_that_are_taken_apart_tell_their_calls() -> None:
    """When merged edits are refused, and sent one by one, each request names the call whose edit it carries."""
    heard: list[HookDetails] = []
    sandbox = stocked(1)
    sandbox.faults.add(Fault("update_many", on={1}, items={"ZZ0000000": 4033}))
    async with opened(sandbox, hooks=[heard.append]) as tm:
        trackings = tm.with_options(coalesce="all").trackings
        edits: list[EditFields] = [{"title": "mug"}, {"order_id": "A-77"}]
        await at_once(trackings.update(CARRIER, "ZZ0000000", **edit) for edit in edits)
    calls = [details.call for details in heard if (details.event, details.operation) == ("call", "update")]
    shares = [details.shares for details in heard if details.event == "batch"]
    assert shares == [tuple(calls), (calls[0],), (calls[1],)]


async def test_a_shared_call_tells_its_lane() -> None:
    """A bulk look-up is told as one, and so is the request that it waits for."""
    heard: list[HookDetails] = []
    async with opened(stocked(1), hooks=[heard.append]) as tm:
        await tm.with_options(priority="bulk").trackings.get(CARRIER, "ZZ0000000")
    assert {(details.operation, details.lane) for details in heard} == {("get", "bulk"), ("list", "bulk")}


async def test_a_cancelled_look_up_ends_too() -> None:
    """Hooks hear the end of a call that was cancelled while it waited."""
    heard: list[HookDetails] = []
    sandbox = stocked(1)
    async with opened(sandbox, hooks=[heard.append]) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        task = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    last = [details for details in heard if details.operation == "get"][-1]
    assert (last.event, last.error) == ("end", "CancelledError")
    assert last.timing is not None
    assert last.timing.waiting == pytest.approx(0.1, abs=0.01)


async def test_statistics_show_capacity_and_load() -> None:
    """A minute of 20 look-ups a second shows as a load of some 20 of 40 in a cycle, and a fill of a half."""
    sandbox = stocked(40)
    async with opened(sandbox) as tm:
        tasks: list[asyncio.Task[object]] = []
        for index in range(1210):
            tasks.append(asyncio.ensure_future(tm.trackings.get(CARRIER, numbers(40)[index % 40])))
            await asyncio.sleep(0.05)
        waiting = tm.stats().buckets["list"].items_waiting
        stats = tm.stats().buckets["list"]
        await asyncio.gather(*tasks)
        after = tm.stats().buckets["list"]
    assert stats.capacity == 40
    assert stats.load == pytest.approx(20, rel=0.1)
    assert stats.fill == pytest.approx(0.5, rel=0.1)
    assert 0 < waiting <= 20
    assert (after.items_waiting, after.waiting, after.in_flight) == (0, 0, 0)


async def test_a_request_of_several_pages_is_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages come between one begin and one end, and further pages are no retries."""
    monkeypatch.setattr("trackingmore_async.coalesce.lookups.MAX_PAGE_SIZE", 3)
    heard: list[HookDetails] = []
    async with opened(stocked(10), hooks=[heard.append]) as tm:
        await at_once(tm.trackings.get(CARRIER, number) for number in numbers(10))
        bucket = tm.stats().buckets["list"]
    (batch,) = [details for details in heard if details.event == "batch"]
    events = [details.event for details in heard if details.call == batch.call]
    assert events == ["call", "request", "batch", "reply", *["request", "reply"] * 3, "end"]
    assert (bucket.granted, bucket.retries, bucket.replays) == (4, 0, 0)


async def test_the_halves_of_a_refused_request_are_calls_of_their_own() -> None:
    """Each counts its own attempts and its own time; those whose look-ups it carries count both requests."""
    heard: list[HookDetails] = []
    sandbox = stocked(2, path=Path(there=0.125, back=0.125), rates=UNLIMITED)
    sandbox.faults.add(Fault("list", on={1}, code=4012))
    async with opened(sandbox, hooks=[heard.append], limiter=GrantAll()) as tm:
        found = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(2))
    ended = [details for details in heard if (details.event, details.operation) == ("end", "list")]
    assert [figures(details.timing) for details in ended] == [(0, 0, 0.25, 1)] * 3
    assert {details.attempt for details in heard if details.event == "request"} == {1}
    assert [figures(one.timing) for one in found] == [(0, 0, 0.5, 2), (close(0.25), 0, 0.5, 2)]


async def test_an_answer_from_memory_begins_and_ends_at_once() -> None:
    """Hooks hear of it as of any call, with the age of the answer and without a request."""
    heard: list[HookDetails] = []
    sandbox = stocked(1)
    async with opened(sandbox, hooks=[heard.append]) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000", max_age=60)
        heard.clear()
        await asyncio.sleep(10)
        tracking = await tm.with_options(priority="bulk").trackings.get(CARRIER, "ZZ0000000", max_age=60)
    assert [(details.event, details.operation, details.lane) for details in heard] == [
        ("call", "get", "bulk"),
        ("end", "get", "bulk"),
    ]
    assert heard[0].call == heard[1].call
    assert heard[1].timing == tracking.timing
    assert tracking.timing is not None
    assert tracking.timing.age == pytest.approx(10, abs=0.1)
