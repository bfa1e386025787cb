"""Look-ups that wait together share a request to the list, and nobody notices but by the clock."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx
import pytest

from trackingmore_async import (
    AuthenticationError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    RetryPolicy,
    ServerError,
    Tracking,
    TrackingMore,
    TransportError,
)
from trackingmore_async.sandbox import Fault, Path, Switches

from .scene import CARRIER, at_once, names, numbers, opened, requests, stocked

pytestmark = pytest.mark.anyio


async def test_forty_look_ups_take_one_request() -> None:
    """Forty calls at once are one request to the list, and each gets its own tracking."""
    sandbox = stocked(40)
    async with opened(sandbox) as tm:
        found = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(40))
    assert names(found) == numbers(40)
    assert requests(sandbox) == {"list": 1}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks that begin at once came with Python 3.12")
@pytest.mark.parametrize("method", ["get", "update"])
async def test_calls_share_where_tasks_begin_at_once(method: str) -> None:
    """With `asyncio.eager_task_factory` the first of forty calls does not leave before the others have been made."""
    sandbox, loop = stocked(40), asyncio.get_running_loop()
    fields = {"title": "mug"} if method == "update" else {}
    async with opened(sandbox) as tm:
        call = getattr(tm.with_options(coalesce="all").trackings, method)
        loop.set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009 - Python 3.11 has none
        try:
            found = await at_once(call(CARRIER, number, **fields) for number in numbers(40))
        finally:
            loop.set_task_factory(None)
    assert names(found) == numbers(40)
    assert [arrival.numbers for arrival in sandbox.statistics().arrivals] == [40]


async def test_more_than_forty_take_the_next_slot() -> None:
    """A hundred calls are three requests, a second apart."""
    sandbox = stocked(100)
    async with opened(sandbox) as tm:
        begun = asyncio.get_running_loop().time()
        found = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(100))
        taken = asyncio.get_running_loop().time() - begun
    assert names(found) == numbers(100)
    assert requests(sandbox) == {"list": 3}
    assert taken == pytest.approx(2.0, abs=0.01)
    assert sandbox.statistics().total_violations == 0


async def test_a_request_is_formed_when_its_slot_is_granted() -> None:
    """What comes while a request waits for its slot travels with it."""
    sandbox = stocked(20)
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, numbers(20)[0])

        async def later(index: int) -> Tracking:
            await asyncio.sleep(index / 25)
            return await tm.trackings.get(CARRIER, numbers(20)[index])

        found = await at_once(later(index) for index in range(20))
    assert names(found) == numbers(20)
    assert requests(sandbox) == {"list": 2}


async def test_two_callers_of_one_number_share_it() -> None:
    """One number that many ask for is sent once, and each caller has a result of its own."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        found = await at_once(tm.trackings.get(CARRIER, numbers(1)[0]) for _ in range(100))
    assert names(found) == numbers(1) * 100
    assert len({id(tracking) for tracking in found}) == 100
    assert [arrival.numbers for arrival in sandbox.statistics().arrivals] == [1]


async def test_a_number_of_two_carriers_is_told_apart() -> None:
    """Of one number that two carriers have, each caller gets that of its carrier."""
    sandbox = stocked()
    for carrier in ("zto", "sto", "yto"):
        sandbox.create(carrier, "ZZ0000001", title=carrier)
    async with opened(sandbox) as tm:
        found = await at_once(tm.trackings.get(carrier, "ZZ0000001") for carrier in ("sto", "zto", "yto"))
    assert [(one.carrier_code, one.title) for one in found] == [("sto", "sto"), ("zto", "zto"), ("yto", "yto")]
    assert requests(sandbox) == {"list": 1}


@pytest.mark.parametrize("case_sensitive", [True, False])
async def test_case_does_not_matter_where_the_server_ignores_it(case_sensitive: bool) -> None:
    """A number in other letters is found where the server finds it, and only there."""
    sandbox = stocked(switches=Switches(case_sensitive=case_sensitive))
    sandbox.create("zto", "ZZ00001AB")
    async with opened(sandbox) as tm:
        small, large = await at_once(tm.trackings.get("zto", number) for number in ("zz00001ab", "ZZ00001AB"))
    assert large.tracking_number == "ZZ00001AB"
    assert isinstance(small, NotFoundError) if case_sensitive else small.tracking_number == "ZZ00001AB"


async def test_a_number_in_other_letters_needs_no_request_of_its_own() -> None:
    """What the list holds in other letters is the tracking, where the server says so: it is not asked for once more."""
    sandbox = stocked(switches=Switches(case_sensitive=False))
    sandbox.create("zto", "ZZ00001AB")
    async with opened(sandbox) as tm:
        found = await tm.trackings.get("zto", "zz00001ab")
    assert found.tracking_number == "ZZ00001AB"
    assert requests(sandbox) == {"list": 1}


@pytest.mark.parametrize("case_sensitive", [True, False])
async def test_a_carrier_in_other_letters_is_another_one_unless_the_server_says_so(case_sensitive: bool) -> None:
    """The list holds a number for all of its carriers: whether one of them goes by another spelling, it cannot tell."""
    sandbox = stocked(1, switches=Switches(case_sensitive=case_sensitive))
    async with opened(sandbox) as tm:
        (found,) = await at_once([tm.trackings.get("ZTO", "ZZ0000000")])
    assert isinstance(found, NotFoundError) if case_sensitive else found.carrier_code == "zto"
    assert requests(sandbox) == {"list": 1, "get": 1}


@pytest.mark.parametrize("empty_list", [4031, 200])
async def test_a_miss_is_confirmed_by_a_request_of_its_own(empty_list: int) -> None:
    """What the list does not hold is asked for by itself before it counts as missing."""
    sandbox = stocked(2, switches=Switches(empty_list=empty_list))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    async with opened(sandbox) as tm:
        there, missing = await at_once(tm.trackings.get(CARRIER, number) for number in ("ZZ0000000", "ZZ9999999"))
        (alone,) = await at_once([tm.trackings.get(CARRIER, "ZZ8888888")])
    assert there.tracking_number == "ZZ0000000"
    assert isinstance(missing, NotFoundError)
    assert isinstance(alone, NotFoundError)
    assert requests(sandbox) == {"list": 2, "get": 2}


async def test_what_the_list_leaves_out_is_found_by_itself() -> None:
    """A row that is missing from the list, or cannot be read, costs a second request and nothing else."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("list", times=1, body=b'{"meta":{"code":200},"data":{"total":"1","items":[{"odd":1}]}}'))
    async with opened(sandbox) as tm:
        found = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(2))
    assert names(found) == numbers(2)
    assert requests(sandbox) == {"list": 1, "get": 2}


@pytest.mark.parametrize("code", [4012, 4014, 4033])
async def test_one_refused_number_sinks_no_other(code: int) -> None:
    """A request that is refused because of one number is divided, until that one stands alone and is asked for."""
    sandbox = stocked(40)
    sandbox.faults.add(Fault(("list", "get"), having={"ZZ0000007"}, code=code))
    async with opened(sandbox) as tm:
        found = await at_once(tm.with_options(max_wait=None).trackings.get(CARRIER, one) for one in numbers(40))
    bad = found.pop(7)
    assert isinstance(bad, InvalidRequestError)
    assert bad.operation == "get"
    assert names(found) == [number for number in numbers(40) if number != "ZZ0000007"]
    assert requests(sandbox)["get"] == 1
    assert requests(sandbox)["list"] <= 13


async def test_a_list_that_refuses_everything_is_soon_given_up() -> None:
    """When ever smaller requests are refused all the same, each look-up is asked for by itself, and is answered."""
    sandbox = stocked(80)
    sandbox.faults.add(Fault("list", code=4012))
    async with opened(sandbox) as tm:
        patient = tm.with_options(max_wait=None).trackings
        found = await at_once(patient.get(CARRIER, number) for number in numbers(80))
        assert names(found) == numbers(80)
        assert requests(sandbox)["get"] == 80
        assert requests(sandbox)["list"] <= 16  # two of 40 at a time; taken apart they would be 158
        sandbox.faults.clear()
        await patient.get(CARRIER, "ZZ0000000")  # it has changed its mind
        sandbox.faults.add(Fault("list", having={"ZZ0000007"}, code=4012))
        assert names(await at_once(patient.get(CARRIER, number) for number in numbers(40))) == numbers(40)
    assert requests(sandbox)["get"] == 81


async def test_odd_numbers_travel_alone() -> None:
    """A number with a comma, or one so short that the server may refuse it, is in no shared request."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        found = await at_once(tm.trackings.get(CARRIER, number) for number in ("ZZ0000000", "AB,ZZ0000000", "Z1"))
    assert found[0].tracking_number == "ZZ0000000"
    assert all(isinstance(one, NotFoundError | InvalidRequestError) for one in found[1:])
    assert requests(sandbox) == {"list": 1, "get": 2}


async def test_a_language_is_asked_for_alone() -> None:
    """Where sharing could change the answer there is no sharing."""
    sandbox = stocked(2)
    async with opened(sandbox) as tm:
        await at_once(tm.trackings.get(CARRIER, number, lang="en") for number in numbers(2))
    assert requests(sandbox) == {"get": 2}


async def test_sharing_can_be_switched_off() -> None:
    """With coalesce=False each call is a request of its own."""
    sandbox = stocked(2)
    async with opened(sandbox) as tm:
        await at_once(tm.with_options(coalesce=False).trackings.get(CARRIER, number) for number in numbers(2))
    assert requests(sandbox) == {"get": 2}


async def test_what_cannot_be_sent_takes_no_place() -> None:
    """A number that certainly is none is refused before anything is sent."""
    sandbox = stocked()
    async with opened(sandbox) as tm:
        (found,) = await at_once([tm.trackings.get(CARRIER, "ZZ/1")])
    assert isinstance(found, InvalidRequestError)
    assert requests(sandbox) == {}


async def test_a_call_joins_only_what_was_not_sent_yet() -> None:
    """Who asks while a request for the same number is under way is served by the next one: it sees its own write."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault("list", on={1}, delay_back=0.5))
    async with opened(sandbox) as tm:
        early = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(0.1)
        await tm.trackings.update(CARRIER, "ZZ0000000", title="mug")
        late = await tm.trackings.get(CARRIER, "ZZ0000000")
        assert (await early).title != "mug"
        assert late.title == "mug"
    assert requests(sandbox) == {"list": 2, "update": 1}


async def test_a_failing_server_is_asked_again() -> None:
    """A request that failed is sent again, takes along who came meanwhile, and everybody is served."""
    sandbox = stocked(10)
    sandbox.faults.add(Fault("list", on={1}, status=503, body="html"))
    async with opened(sandbox) as tm:
        first = asyncio.ensure_future(at_once(tm.trackings.get(CARRIER, number) for number in numbers(5)))
        await asyncio.sleep(0.01)
        second = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(10)[5:])
        assert names(await first) == numbers(5)
    assert names(second) == numbers(10)[5:]
    assert requests(sandbox)["list"] <= 3


async def test_each_caller_gets_an_error_of_its_own() -> None:
    """When the server fails for good, each caller is told by an exception object of its own, with its time."""
    sandbox = stocked(3)
    sandbox.faults.add(Fault("list", status=500))
    async with opened(sandbox, retry=RetryPolicy(attempts=2)) as tm:
        errors = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(3))
    assert [type(error) for error in errors] == [ServerError] * 3
    assert len({id(error) for error in errors}) == 3
    assert [error.attempts for error in errors] == [2, 2, 2]
    assert all(error.timing.waiting >= 1.0 and error.timing.attempts == 2 for error in errors)


async def test_who_joins_a_second_attempt_has_as_many_as_others() -> None:
    """A caller that joined a request on its last attempt is not told of its failure, but served by the next one."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("list", times=2, status=500))
    async with opened(sandbox, retry=RetryPolicy(attempts=2, base=0.0)) as tm:
        first = asyncio.ensure_future(at_once([tm.trackings.get(CARRIER, "ZZ0000000")]))
        await asyncio.sleep(0.5)
        second = await tm.trackings.get(CARRIER, "ZZ0000001")
        (error,) = await first
    assert isinstance(error, ServerError)
    assert second.tracking_number == "ZZ0000001"


async def test_who_joins_a_second_attempt_is_told_what_is_true_for_all() -> None:
    """When that attempt fails for a reason that will last, nothing is asked again for those who came meanwhile."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("list", on={1}, status=500), Fault("list", on={2, 3}, code=4001))
    async with opened(sandbox, retry=RetryPolicy(attempts=2, base=0.0)) as tm:
        first = asyncio.ensure_future(at_once([tm.trackings.get(CARRIER, "ZZ0000000")]))
        await asyncio.sleep(0.5)
        told = [*await at_once([tm.trackings.get(CARRIER, "ZZ0000001")]), *await first]
    assert [type(error) for error in told] == [AuthenticationError] * 2
    assert requests(sandbox) == {"list": 2}


async def test_who_waits_for_another_attempt_does_not_lose_his_place() -> None:
    """Who joined the last attempt of a request that failed is in the next one, before the many who came after him."""
    sandbox = stocked(100)
    sandbox.faults.add(Fault("list", times=2, status=500))
    async with opened(sandbox, retry=RetryPolicy(attempts=2, base=0.0)) as tm:
        first = asyncio.ensure_future(at_once([tm.trackings.get(CARRIER, "ZZ0000000")]))
        await asyncio.sleep(0.5)
        second = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000001"))
        await asyncio.sleep(0.1)
        others = asyncio.ensure_future(at_once(tm.trackings.get(CARRIER, number) for number in numbers(100)[2:]))
        found = await second
        await asyncio.gather(first, others)
    assert found.timing is not None
    assert found.timing.waiting == pytest.approx(1.5, abs=0.01)


async def test_a_wrong_key_is_told_to_all() -> None:
    """What has nothing to do with a number is not asked again for each of them."""
    sandbox = stocked(3)
    sandbox.faults.add(Fault("list", code=4001))
    async with opened(sandbox) as tm:
        errors = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(3))
    assert [type(error) for error in errors] == [AuthenticationError] * 3
    assert requests(sandbox) == {"list": 1}


async def test_an_unreadable_page_is_told_to_all() -> None:
    """An answer that is no page is an error for each of those who share it."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("list", body=b'{"meta":{"code":200},"data":{"items":[{}]}}'))
    async with opened(sandbox) as tm:
        errors = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(2))
    assert [type(error) for error in errors] == [DecodeError] * 2
    assert {(error.operation, error.code, error.http_status, error.attempts) for error in errors} == {
        ("list", 200, 200, 1)
    }


async def test_more_pages_are_read_when_the_total_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the list does not fit in one page the next ones are read, as long as somebody still waits."""
    monkeypatch.setattr("trackingmore_async.coalesce.lookups.MAX_PAGE_SIZE", 3)
    sandbox = stocked(10)
    async with opened(sandbox) as tm:
        found = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(10))
    assert names(found) == numbers(10)
    assert requests(sandbox) == {"list": 4}


async def test_a_page_holds_two_thousand() -> None:
    """A number that very many carriers have fits in one page, and so in one request."""
    addresses: list[str] = []

    async def note(request: httpx.Request) -> None:
        addresses.append(str(request.url))

    sandbox = stocked(2)
    async with (
        httpx.AsyncClient(transport=sandbox.transport(), event_hooks={"request": [note]}) as http,
        TrackingMore(sandbox.key, base_url=sandbox.url, http_client=http) as tm,
    ):
        await at_once(tm.trackings.get(CARRIER, number) for number in numbers(2))
    (address,) = addresses
    assert dict(httpx.URL(address).params) == {"numbers": "ZZ0000000,ZZ0000001", "limit": "2000", "page": "1"}


async def test_no_page_is_read_that_nobody_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """When all that was asked for has been found, the other carriers of these numbers are left unread."""
    monkeypatch.setattr("trackingmore_async.coalesce.lookups.MAX_PAGE_SIZE", 3)
    sandbox = stocked()
    for index in range(10):
        sandbox.create(f"carrier-{index}", "ZZ0000000")
    async with opened(sandbox) as tm:
        found = await tm.trackings.get("carrier-9", "ZZ0000000")
    assert found.carrier_code == "carrier-9"
    assert requests(sandbox) == {"list": 1}


async def test_what_the_first_page_showed_counts_though_there_is_no_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that ends sooner than its total said (API.md 12.15) leaves only what is missing to be confirmed."""
    monkeypatch.setattr("trackingmore_async.coalesce.lookups.MAX_PAGE_SIZE", 3)
    sandbox = stocked(4)
    sandbox.faults.add(Fault("list", on={2}, code=4031))
    async with opened(sandbox) as tm:
        found = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(4))
    assert names(found) == numbers(4)
    assert requests(sandbox) == {"list": 2, "get": 1}


@pytest.mark.parametrize(("status", "outcome"), [(None, Tracking), (500, ServerError)])
async def test_what_a_page_shows_is_told_before_the_next_is_read(
    monkeypatch: pytest.MonkeyPatch, status: int | None, outcome: type[object]
) -> None:
    """Who is found need not wait for another slot, and does not share what becomes of another page."""
    monkeypatch.setattr("trackingmore_async.coalesce.lookups.MAX_PAGE_SIZE", 3)
    sandbox = stocked(4)
    sandbox.faults.add(Fault("list", on={2, 3, 4, 5}, status=status))
    async with opened(sandbox) as tm:
        told = await at_once(tm.trackings.get(CARRIER, number) for number in numbers(4))
    *found, last = sorted(told, key=lambda answer: answer.timing.waiting)
    assert [(type(answer), answer.timing.waiting) for answer in found] == [(Tracking, 0.0)] * 3
    assert last.timing.waiting > 0.9
    assert isinstance(last, outcome)


async def test_a_ban_is_survived() -> None:
    """After a 429 the patient look-ups go on when it is over; nothing but the refused request was sent meanwhile."""
    sandbox = stocked(45)
    sandbox.faults.add(Fault("list", on={1}, ban=True))
    async with opened(sandbox) as tm:
        patient = tm.with_options(max_wait=None)
        found = await at_once(patient.trackings.get(CARRIER, number) for number in numbers(45))
    assert names(found) == numbers(45)
    assert sandbox.statistics().requests_during_bans == 1
    assert (found[0].timing.pause, found[0].timing.attempts) == (0.0, 1)
    assert found[44].timing.pause == pytest.approx(121.0, abs=0.1)
    assert found[44].timing.attempts == 2


async def test_timeouts_of_their_own_do_not_mix() -> None:
    """Calls share with those that allow an attempt as long as they do."""
    sandbox = stocked(4)
    async with opened(sandbox) as tm:
        quick = tm.with_options(timeout=5)
        calls: list[Any] = [tm.trackings.get(CARRIER, number) for number in numbers(2)]
        found = await at_once([*calls, *(quick.trackings.get(CARRIER, number) for number in numbers(4)[2:])])
    assert names(found) == numbers(4)
    assert requests(sandbox) == {"list": 2}


async def test_timeouts_of_their_own_do_not_mix_for_one_number_either() -> None:
    """Who allows a slow server thirty seconds is not cut off after the one second of another caller."""
    sandbox = stocked(1, path=Path(work=5.0))
    async with opened(sandbox, retry=RetryPolicy(attempts=1)) as tm:
        hasty = tm.with_options(timeout=1)
        told = await at_once(view.trackings.get(CARRIER, "ZZ0000000") for view in (hasty, tm))
    assert isinstance(told[0], TransportError)
    assert told[1].tracking_number == "ZZ0000000"


async def test_a_request_that_failed_is_sent_again_for_those_who_stay() -> None:
    """Who gives up before the second attempt is not in it, and without anybody there is none."""
    sandbox = stocked(3)
    sandbox.faults.add(Fault("list", on={1, 3}, status=503, body="html"))
    async with opened(sandbox) as tm:
        calls = [asyncio.ensure_future(tm.trackings.get(CARRIER, number)) for number in numbers(3)]
        await asyncio.sleep(0.01)
        for call in calls[:2]:
            call.cancel()
        assert (await calls[2]).tracking_number == "ZZ0000002"
        last = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(1.01)
        last.cancel()
        await asyncio.sleep(30)
    assert [arrival.numbers for arrival in sandbox.statistics().arrivals] == [3, 1, 1]


async def test_a_result_says_where_its_time_went() -> None:
    """Waiting, network and attempts are those of the caller; a miss adds those of the second request."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault(("list", "get"), delay_back=0.25))
    async with opened(sandbox) as tm:
        await tm.trackings.get(CARRIER, "ZZ0000000")
        found, missing = await at_once(tm.trackings.get(CARRIER, one) for one in ("ZZ0000001", "ZZ9999999"))
    assert found.timing.waiting == pytest.approx(1.0, abs=0.01)
    assert found.timing.network == pytest.approx(0.25, abs=0.01)
    assert found.timing.attempts == 1
    assert missing.timing.network == pytest.approx(0.5, abs=0.01)
    assert missing.timing.attempts == 2
