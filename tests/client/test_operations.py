"""Every operation, over a socket; and the table of operations against the methods of the client."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import pytest

from tests.client.helpers import CARRIER, NUMBER
from trackingmore_async import (
    OPERATIONS,
    Account,
    AirWaybill,
    BulkReport,
    Carrier,
    CarrierGuess,
    NewTracking,
    RemoteAreaQuery,
    RemoteAreas,
    StatusCounts,
    Tracking,
    TrackingEcho,
    TrackingMore,
    TrackingRef,
    TrackingUpdate,
    TransitTime,
    TransitTimeQuery,
)
from trackingmore_async.resources import AccountResource, AirResource, CarriersResource, TrackingsResource
from trackingmore_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

REFS = [TrackingRef(CARRIER, NUMBER)]
CALLS: Mapping[str, Callable[[TrackingMore], Awaitable[Any]]] = {
    "create": lambda tm: tm.trackings.create(CARRIER, "LX900000999CN", order_id="A-77"),
    "get": lambda tm: tm.trackings.get(CARRIER, NUMBER, lang="en"),
    "update": lambda tm: tm.trackings.update(CARRIER, NUMBER, title="mug", archived=True),
    "delete": lambda tm: tm.trackings.delete(CARRIER, NUMBER),
    "create_many": lambda tm: tm.trackings.create_many([NewTracking(CARRIER, "LX900000999CN")]),
    "update_many": lambda tm: tm.trackings.update_many([TrackingUpdate(CARRIER, NUMBER, title="mug")]),
    "delete_many": lambda tm: tm.trackings.delete_many(REFS),
    "stop_updating_many": lambda tm: tm.trackings.stop_updating_many(REFS),
    "list": lambda tm: tm.trackings.list(page_size=100),
    "realtime": lambda tm: tm.trackings.realtime(CARRIER, NUMBER, order_id="A-77"),
    "change_carrier": lambda tm: tm.trackings.change_carrier(CARRIER, NUMBER, "china-post"),
    "account_info": lambda tm: tm.account.info(),
    "status_counts": lambda tm: tm.account.status_counts(),
    "carriers": lambda tm: tm.carriers.list(lang="en"),
    "detect": lambda tm: tm.carriers.detect(NUMBER),
    "remote_areas": lambda tm: tm.carriers.remote_areas([RemoteAreaQuery("JP", "9990001")]),
    "transit_times": lambda tm: tm.carriers.transit_times([TransitTimeQuery("dhl", "CN", "US")]),
    "air": lambda tm: tm.air.track("172-00000000"),
}
KINDS: Mapping[str, Any] = {
    "create": TrackingEcho, "get": Tracking, "update": TrackingEcho, "create_many": BulkReport,
    "update_many": BulkReport, "delete_many": BulkReport, "stop_updating_many": BulkReport, "realtime": Tracking,
    "account_info": Account, "status_counts": StatusCounts, "remote_areas": RemoteAreas,
    "carriers": (list, Carrier), "detect": (list, CarrierGuess), "transit_times": (list, TransitTime),
    "air": (dict, AirWaybill), "delete": type(None), "change_carrier": type(None), "list": object,
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
async def test_each_operation_round_trips(tm: TrackingMore, sandbox: Sandbox, name: str) -> None:
    """One call sends one request of its operation and returns what the table promises."""
    sandbox.create(CARRIER, NUMBER, order_id="A-1")
    answer = await CALLS[name](tm)
    match KINDS[name]:
        case (outer, inner):
            assert isinstance(answer, outer)
            values: list[Any] = list(cast("dict[str, Any]", answer).values() if outer is dict else answer)
            assert values
            assert all(isinstance(value, inner) for value in values)
        case kind:
            assert isinstance(answer, kind)
    statistics = sandbox.statistics()
    assert dict(statistics.requests) == {name: 1}
    assert (statistics.unauthenticated, statistics.unrouted, statistics.total_violations) == (0, 0, 0)


async def test_single_calls_change_what_they_say(tm: TrackingMore, sandbox: Sandbox) -> None:
    """What was created, edited, moved and deleted is so on the server, with the fields that were passed."""
    created = await tm.trackings.create(CARRIER, NUMBER, order_id="A-77", title="cup", customer_name="Kim")
    assert (created.carrier_code, created.tracking_number, created.order_id) == (CARRIER, NUMBER, "A-77")
    edited = await tm.trackings.update(CARRIER, NUMBER, title="mug", archived=True)
    assert (edited.title, edited.archived) == ("mug", True)
    read = await tm.trackings.get(CARRIER, NUMBER)
    assert (read.title, read.order_id, read.customer_name, read.archived) == ("mug", "A-77", "Kim", True)
    await tm.trackings.change_carrier(CARRIER, NUMBER, "china-post")
    assert sandbox.find(CARRIER, NUMBER) is None
    await tm.trackings.delete("china-post", NUMBER)
    assert sandbox.find("china-post", NUMBER) is None


async def test_answers_without_carriers_are_empty_lists(tm: TrackingMore) -> None:
    """A number that no carrier knows gives no guess, and no error."""
    assert await tm.carriers.detect("99999") == []


def methods() -> set[str]:
    """Name all public methods of the client's resources, as users write them."""
    resources = {
        "trackings": TrackingsResource,
        "account": AccountResource,
        "carriers": CarriersResource,
        "air": AirResource,
    }
    return {
        f"{name}.{method}"
        for name, kind in resources.items()
        for method, _ in inspect.getmembers(kind, inspect.isfunction)
        if not method.startswith("_")
    }


def test_the_table_and_the_client_name_each_other() -> None:
    """Every row has a method, every method a row, but for what is made of others; and every row a call in this file."""
    rows = [row.client_method for row in OPERATIONS.values()]
    assert sorted([*rows, "trackings.changes"]) == sorted(methods())
    assert set(OPERATIONS) == set(CALLS) == set(KINDS)
    assert all(name == row.name == row.bucket for name, row in OPERATIONS.items())


def test_the_client_has_no_other_resources() -> None:
    """The properties of the client are the resources that the table names."""
    found = {name for name, value in inspect.getmembers(TrackingMore) if isinstance(value, property)}
    assert found == {row.client_method.partition(".")[0] for row in OPERATIONS.values()}
