"""Single writes that share batch requests, each with its own result or its own error."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from trackingmore_async import (
    UNSET,
    AlreadyExistsError,
    ClientStateError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RetryPolicy,
    TrackingEcho,
    TrackingMore,
    TransportError,
)
from trackingmore_async.coalesce.request import SharedRequest
from trackingmore_async.coalesce.sharing import Sharing
from trackingmore_async.sandbox import Fault, Sandbox, Switches

from .scene import CARRIER, at_once, numbers, opened, requests, stocked

pytestmark = pytest.mark.anyio


def shared(tm: TrackingMore) -> Any:
    """Return the trackings of a client whose single writes share requests."""
    return tm.with_options(coalesce="all").trackings


def field(sandbox: Sandbox, number: str, name: str) -> object:
    """Return a field of a parcel as it stands on the server."""
    found = sandbox.find(CARRIER, number)
    assert found is not None
    return found[name]


async def test_edits_share_a_batch() -> None:
    """Forty edits at once are one request, and each caller gets the echo of its own."""
    sandbox = stocked(40)
    async with opened(sandbox) as tm:
        echoes = await at_once(shared(tm).update(CARRIER, number, title=number) for number in numbers(40))
    assert [(echo.tracking_number, echo.title) for echo in echoes] == [(number, number) for number in numbers(40)]
    assert [field(sandbox, number, "title") for number in numbers(40)] == numbers(40)
    assert requests(sandbox) == {"update_many": 1}


async def test_writes_are_single_by_default() -> None:
    """Unless asked for, edits, deletions and creates are requests of their own."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await tm.trackings.update(CARRIER, "ZZ0000000", title="mug")
        await tm.trackings.create(CARRIER, "ZZ0000001")
        await tm.trackings.delete(CARRIER, "ZZ0000001")
    assert requests(sandbox) == {"update": 1, "create": 1, "delete": 1}


async def test_edits_of_one_tracking_are_merged_field_by_field() -> None:
    """Edits that wait together travel as one, and of two values for a field the later one stands."""
    sandbox = stocked(1)
    edits: list[dict[str, Any]] = [{"title": "cup"}, {"order_id": "A-1"}, {"title": "mug"}, {"archived": True}]
    async with opened(sandbox) as tm:
        echoes = await at_once(shared(tm).update(CARRIER, "ZZ0000000", **edit) for edit in edits)
    assert all(isinstance(echo, TrackingEcho) for echo in echoes)
    assert field(sandbox, "ZZ0000000", "title") == "mug"
    assert field(sandbox, "ZZ0000000", "order_id") == "A-1"
    assert field(sandbox, "ZZ0000000", "archived") is True
    assert [arrival.numbers for arrival in sandbox.statistics().arrivals] == [1]


async def test_each_caller_of_a_merged_edit_has_an_echo_of_its_own() -> None:
    """Two callers may wait differently long for one echo: each has an object of its own, with its own time."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await shared(tm).update(CARRIER, "ZZ0000000", title="jug")
        first = asyncio.ensure_future(shared(tm).update(CARRIER, "ZZ0000000", title="cup"))
        await asyncio.sleep(0.5)
        second = asyncio.ensure_future(shared(tm).update(CARRIER, "ZZ0000000", order_id="A-1"))
        echoes = await at_once([first, second])
    assert [round(echo.timing.waiting, 2) for echo in echoes] == [1.0, 0.5]
    assert requests(sandbox) == {"update_many": 2}


async def test_an_edit_that_is_cancelled_is_not_sent() -> None:
    """Who gives up before the request is formed leaves nothing of his edit in it."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        await shared(tm).update(CARRIER, "ZZ0000000", order_id="A-1")
        gone = asyncio.ensure_future(shared(tm).update(CARRIER, "ZZ0000000", title="gone", order_id="gone"))
        stays = asyncio.ensure_future(shared(tm).update(CARRIER, "ZZ0000000", logistics_channel="x"))
        await asyncio.sleep(0.5)
        gone.cancel()
        await stays
    assert field(sandbox, "ZZ0000000", "title") != "gone"
    assert field(sandbox, "ZZ0000000", "order_id") == "A-1"
    assert gone.cancelled()


async def test_who_is_cancelled_when_the_slot_is_granted_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent for a caller who is cancelled at the very moment at which the batch is formed."""
    sandbox = stocked(3)
    async with opened(sandbox) as tm:
        calls = [asyncio.ensure_future(shared(tm).update(CARRIER, one, title="cup")) for one in numbers(3)]
        form = Sharing.form

        def form_late(self: Sharing, request: SharedRequest) -> None:
            calls[0].cancel()
            form(self, request)

        monkeypatch.setattr(Sharing, "form", form_late)
        found = await at_once(calls)
    assert [type(one) for one in found] == [asyncio.CancelledError, TrackingEcho, TrackingEcho]
    assert not field(sandbox, "ZZ0000000", "title")


async def test_merged_edits_that_are_refused_are_taken_apart() -> None:
    """A bad value in one of the merged edits fails its caller, and no other."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("update_many", on={1, 3}, items={"ZZ0000000": 4033}))  # merged, and the second alone
    async with opened(sandbox) as tm:
        edits: list[tuple[str, dict[str, Any]]] = [
            ("ZZ0000000", {"title": "cup"}),
            ("ZZ0000000", {"order_id": "bad"}),
            ("ZZ0000001", {"title": "mug"}),
        ]
        found = await at_once(shared(tm).update(CARRIER, number, **fields) for number, fields in edits)
    assert [type(one) for one in found] == [TrackingEcho, InvalidRequestError, TrackingEcho]
    assert field(sandbox, "ZZ0000000", "title") == "cup"
    assert field(sandbox, "ZZ0000001", "title") == "mug"


async def test_an_edit_that_was_taken_apart_is_settled_too() -> None:
    """When merged edits are refused, and the answer to one of them alone is lost, it is found out what became of it."""
    sandbox = stocked(1)
    sandbox.faults.add(
        Fault("update_many", on={1}, items={"ZZ0000000": 4033}), Fault("update_many", on={2}, reset="after")
    )
    edits: list[dict[str, Any]] = [{"title": "cup"}, {"order_id": "A-1"}]
    async with opened(sandbox, retry=RetryPolicy(attempts=1)) as tm:
        found = await at_once(shared(tm).update(CARRIER, "ZZ0000000", **edit) for edit in edits)
    assert [type(one) for one in found] == [TrackingEcho] * 2
    assert field(sandbox, "ZZ0000000", "title") == "cup"
    assert field(sandbox, "ZZ0000000", "order_id") == "A-1"


async def test_an_edit_without_an_echo_is_done() -> None:
    """Where the server says that an edit was done, and echoes nothing, the caller hears that it was done."""
    sandbox = stocked(2)
    entry = b'{"tracking_number":"ZZ000000%d","carrier_code":"zto"}'
    answer = b'{"meta":{"code":200},"data":{"submitted":2,"updated":2,"trackings":[%b,%b]}}' % (entry % 0, entry % 1)
    sandbox.faults.add(Fault("update_many", body=answer, performed=True))
    async with opened(sandbox) as tm:
        found = await at_once(shared(tm).update(CARRIER, number, title="mug") for number in numbers(2))
    assert [(type(one), one.tracking_number, one.title) for one in found] == [
        (TrackingEcho, "ZZ0000000", UNSET),
        (TrackingEcho, "ZZ0000001", UNSET),
    ]


async def test_nobody_waits_for_those_who_are_taken_apart() -> None:
    """Who shares a batch with edits that are refused hears of its own one at once; the refused ones follow."""
    sandbox = stocked(3)
    sandbox.faults.add(Fault("update_many", on={1}, items={"ZZ0000000": 4033}))
    async with opened(sandbox) as tm:
        quick, patient = tm.with_options(deadline=0.5), tm.with_options(deadline=20.0)
        merged = (shared(patient).update(CARRIER, "ZZ0000000", **edit) for edit in ({"title": "a"}, {"order_id": "b"}))
        found = await at_once([*merged, shared(quick).update(CARRIER, "ZZ0000001", title="mug")])
    assert [type(one) for one in found] == [TrackingEcho] * 3
    assert requests(sandbox) == {"update_many": 3}


async def test_each_half_of_a_refused_batch_hears_its_own_answer() -> None:
    """Where a batch is refused whole, the half that is accepted next is told so while the other one is divided."""
    sandbox = stocked(4)
    sandbox.faults.add(Fault("update_many", having={"ZZ0000003"}, code=4014))
    async with opened(sandbox) as tm:
        views = [tm.with_options(deadline=1.5)] * 2 + [tm.with_options(deadline=20.0)] * 2
        calls = (shared(view).update(CARRIER, one, title="cup") for view, one in zip(views, numbers(4), strict=True))
        found = await at_once(calls)
    assert [type(one) for one in found] == [TrackingEcho] * 3 + [InvalidRequestError]


@pytest.mark.parametrize("failures", ["entries", "errors"])
async def test_each_caller_gets_its_own_error(failures: str) -> None:
    """What does not exist fails for its caller; the others of the batch succeed."""
    sandbox = stocked(2, switches=Switches(update_failures=failures))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    async with opened(sandbox) as tm:
        found = await at_once(
            shared(tm).update(CARRIER, number, title="mug") for number in ("ZZ0000000", "ZZ9999999", "ZZ0000001")
        )
    assert [type(one) for one in found] == [TrackingEcho, NotFoundError, TrackingEcho]


async def test_of_two_deletions_one_succeeds() -> None:
    """Deletions of one tracking go one after another, so that each caller hears the truth."""
    sandbox = stocked(2)
    async with opened(sandbox) as tm:
        found = await at_once(shared(tm).delete(CARRIER, number) for number in ("ZZ0000000", "ZZ0000000", "ZZ0000001"))
    assert found[0] is None
    assert isinstance(found[1], NotFoundError)
    assert found[2] is None
    assert requests(sandbox) == {"delete_many": 2}


async def test_of_two_creates_one_succeeds() -> None:
    """Of two callers who create one tracking the second one is told that it exists."""
    sandbox = stocked()
    async with opened(sandbox) as tm:
        found = await at_once(shared(tm).create(CARRIER, "ZZ0000000", title=title) for title in ("cup", "mug"))
    assert isinstance(found[0], TrackingEcho)
    assert isinstance(found[1], AlreadyExistsError)
    assert field(sandbox, "ZZ0000000", "title") == "cup"


async def test_a_number_of_two_carriers_goes_one_after_the_other() -> None:
    """Answers may name the number only, so one number is in one batch at a time."""
    sandbox = stocked()
    for carrier in ("zto", "sto"):
        sandbox.create(carrier, "ZZ0000000")
    async with opened(sandbox) as tm:
        found = await at_once(shared(tm).update(carrier, "ZZ0000000", title=carrier) for carrier in ("zto", "sto"))
    assert [(echo.carrier_code, echo.title) for echo in found] == [("zto", "zto"), ("sto", "sto")]
    assert [arrival.numbers for arrival in sandbox.statistics().arrivals] == [1, 1]


@pytest.mark.parametrize("case_sensitive", [True, False])
async def test_numbers_that_differ_in_case_alone_go_one_after_the_other(case_sensitive: bool) -> None:
    """Answers name a number as they like: two that an answer may confuse are not in one batch, whatever the carrier."""
    sandbox = stocked(switches=Switches(case_sensitive=case_sensitive))
    names = [("zto", "ZZ00001AB"), ("sto", "zz00001ab")]
    for carrier, number in names:
        sandbox.create(carrier, number)
    async with opened(sandbox) as tm:
        found = await at_once(shared(tm).update(*name, title=name[0]) for name in names)
    assert [(echo.carrier_code, echo.title) for echo in found] == [("zto", "zto"), ("sto", "sto")]
    assert [arrival.numbers for arrival in sandbox.statistics().arrivals] == [1, 1]


async def test_later_edits_wait_for_earlier_ones_under_way() -> None:
    """An edit that comes while one of the same tracking is under way goes after it: the order is kept."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault("update_many", on={1}, delay_work=3.0))
    async with opened(sandbox) as tm:
        first = asyncio.ensure_future(shared(tm).update(CARRIER, "ZZ0000000", title="first"))
        await asyncio.sleep(0.1)
        second = asyncio.ensure_future(shared(tm).update(CARRIER, "ZZ0000000", title="second"))
        other = asyncio.ensure_future(shared(tm).create(CARRIER, "ZZ0000009"))
        await asyncio.gather(first, second, other)
    assert field(sandbox, "ZZ0000000", "title") == "second"


async def test_edits_keep_their_order_whatever_their_timeouts() -> None:
    """An edit that allows an attempt another time does not overtake an earlier one that is sent twice."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault("update_many", times=1, delay_work=6.0))
    async with opened(sandbox) as tm:
        views = (tm.with_options(timeout=seconds) for seconds in (30, 5, 30))
        await at_once(
            shared(view).update(CARRIER, "ZZ0000000", title=title)
            for view, title in zip(views, ("first", "second", "third"), strict=True)
        )
    assert field(sandbox, "ZZ0000000", "title") == "third"


async def test_edits_keep_their_order_however_the_tracking_is_spelled() -> None:
    """Where the server ignores case, edits of one tracking in two spellings are carried out as they came."""
    sandbox = stocked(1, switches=Switches(case_sensitive=False))
    async with opened(sandbox) as tm:
        spelled = ("ZZ0000000", "zz0000000", "ZZ0000000")
        await at_once(shared(tm).update(CARRIER, number, title=str(place)) for place, number in enumerate(spelled))
    assert field(sandbox, "ZZ0000000", "title") == "2"


async def test_closing_tells_those_who_wait_behind_another() -> None:
    """When the client is closed, an edit that waits for an earlier one of its tracking ends, too."""
    sandbox = stocked(1)
    sandbox.faults.add(Fault("update_many", delay_work=3.0))
    async with opened(sandbox) as tm:
        first = asyncio.ensure_future(shared(tm).update(CARRIER, "ZZ0000000", title="first"))
        await asyncio.sleep(0.1)
        second = asyncio.ensure_future(shared(tm).update(CARRIER, "ZZ0000000", title="second"))
        await asyncio.sleep(0.1)
    found = await at_once([first, second])
    assert [type(one) for one in found] == [TransportError, ClientStateError]
    assert found[0].sent
    assert str(found[0]).count("The client is closed.") == 1


@pytest.mark.parametrize("reset", ["before", "after"])
async def test_a_lost_answer_is_settled(reset: Any) -> None:
    """When the answer to a shared create is lost, it is found out for each caller what became of its own."""
    sandbox = stocked(1)
    sandbox.clock.advance(60)
    sandbox.faults.add(Fault("create_many", times=1, reset=reset))
    async with opened(sandbox) as tm:
        found = await at_once(shared(tm).create(CARRIER, number) for number in numbers(3))
    assert [type(one) for one in found] == [AlreadyExistsError, TrackingEcho, TrackingEcho]


async def test_a_batch_refused_whole_is_divided() -> None:
    """One bad item that lets the whole batch be refused sinks no other."""
    sandbox = stocked(10)
    sandbox.faults.add(Fault("update_many", having={"ZZ0000003"}, code=4014))
    async with opened(sandbox) as tm:
        found = await at_once(
            tm.with_options(coalesce="all", max_wait=None).trackings.update(CARRIER, number, title="mug")
            for number in numbers(10)
        )
    assert isinstance(found.pop(3), InvalidRequestError)
    assert all(isinstance(one, TrackingEcho) for one in found)


async def test_an_error_of_the_account_is_told_to_all() -> None:
    """Without quota each caller is told so by an error of its own."""
    sandbox = stocked(quota=0)
    async with opened(sandbox) as tm:
        found = await at_once(shared(tm).create(CARRIER, number) for number in numbers(3))
    assert [type(one) for one in found] == [QuotaExceededError] * 3
    assert len({id(one) for one in found}) == 3


async def test_a_failing_server_fails_all_of_a_batch() -> None:
    """When the server fails for good nobody is told that his edit was done."""
    sandbox = stocked(2)
    sandbox.faults.add(Fault("update_many", status=500, performed=False))
    async with opened(sandbox, retry=RetryPolicy(attempts=2)) as tm:
        found = await at_once(shared(tm).update(CARRIER, number, title="mug") for number in numbers(2))
    assert all(isinstance(one, Exception) for one in found)
    assert field(sandbox, "ZZ0000000", "title") != "mug"


async def test_what_cannot_be_sent_takes_no_place() -> None:
    """A field that certainly cannot be sent is refused before anything waits, and spoils nothing for others."""
    sandbox = stocked(1)
    async with opened(sandbox) as tm:
        (found,) = await at_once([shared(tm).update(CARRIER, "ZZ 1", title="mug")])
        assert requests(sandbox) == {}
        both = await at_once(shared(tm).update(CARRIER, number, title="mug") for number in ("ZZ0000000", "ZZ 1"))
    assert isinstance(found, InvalidRequestError)
    assert [type(one) for one in both] == [TrackingEcho, InvalidRequestError]
    assert (found.operation, both[1].operation) == ("update", "update")


@pytest.mark.parametrize("value", ["writes", True, None, 1, ["all"]])
def test_a_wrong_choice_is_told(value: Any) -> None:
    """The option takes "reads", "all" and False."""
    with pytest.raises(ConfigurationError, match="coalesce"):
        TrackingMore("key").with_options(coalesce=value)
