"""Models as JSON documents, there and back."""

# ruff: noqa: DTZ001  naive times are what the API sends

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackingmore_async.codec import decode, decode_page, decode_tracking, dumps, loads
from trackingmore_async.errors import DecodeError
from trackingmore_async.models import (
    UNSET,
    AirQuery,
    CarrierChange,
    CarriersQuery,
    Checkpoint,
    CountsQuery,
    DetectQuery,
    GetQuery,
    Leg,
    Model,
    NewTracking,
    Page,
    RealtimeQuery,
    RemoteAreaQuery,
    Status,
    Tracking,
    TrackingEcho,
    TrackingFilter,
    TrackingRef,
    TrackingUpdate,
    TransitTimeQuery,
)
from trackingmore_async.operations import (
    ACCOUNT_INFO,
    AIR,
    CARRIERS,
    CREATE,
    CREATE_MANY,
    DELETE_MANY,
    DETECT,
    REMOTE_AREAS,
    STATUS_COUNTS,
    TRANSIT_TIMES,
    UPDATE,
)

from .samples import (
    ACCOUNT,
    BARE,
    CARRIER,
    COUNTS,
    CREATED,
    CREATED_MANY,
    DELETED_MANY,
    EDITED,
    PENDING,
    REMOTE,
    TRACKING,
    TRANSIT,
    UPDATED,
    WAYBILL,
    WEBHOOK,
    raw,
)

ODD: dict[str, Any] = {**TRACKING, "created_at": "soon", "origin_info": {"trackinfo": [5]}, "later": [{"a": None}]}
ANSWERS: list[Model] = [
    *(decode_tracking(raw(sample)) for sample in (TRACKING, BARE, PENDING, WEBHOOK, ODD)),
    *(decode(CREATE, raw(sample)) for sample in (CREATED, UPDATED, EDITED)),
    decode(UPDATE, raw({**CREATED, "destination_code": "CA"})),
    decode(CREATE_MANY, raw({**CREATED_MANY, "later": 1})),
    decode(DELETE_MANY, raw(DELETED_MANY)),
    decode(ACCOUNT_INFO, raw(ACCOUNT)),
    decode(STATUS_COUNTS, raw({**COUNTS, "inforeceived": 3})),
    decode(REMOTE_AREAS, raw({**REMOTE, "other": [{"a": [1]}]})),
    decode(TRANSIT_TIMES, raw(TRANSIT))[0],
    decode(CARRIERS, raw([CARRIER]))[0],
    decode(DETECT, raw([CARRIER]))[0],
    decode(AIR, raw({"172-00000000": {**WAYBILL, "later": 1}}))["172-00000000"],
    decode_page(raw({"total": "1", "items": [TRACKING], "later": 1})),
    Page(total=0),
    Tracking("zto", "5", customer_emails=("",), customer_phones=("null", "+49"), destination=Leg()),
    Tracking("zto", "5", origin=Leg(checkpoints=(Checkpoint(), Checkpoint(time=datetime(2024, 3, 4, 5, 6, 7))))),
    Tracking("zto", "5", order_create_time=datetime(2024, 3, 4, 5, 6, tzinfo=UTC)),
    TrackingEcho("zto", "5", customer_emails=(), title=None, updated_at=None),
]
REQUESTS: list[Model] = [
    NewTracking("zto", "5", title=None, customer_name="", order_create_time=datetime(2024, 3, 3, 11, 20)),
    NewTracking("zto", "5", order_create_time=datetime(2024, 3, 3, 11, 20, 1, 5, tzinfo=UTC), auto_correct=True),
    NewTracking("zto", "5", order_create_time="2017/8/27 16:51"),
    TrackingUpdate("zto", "5", status="exception", archived=False),
    TrackingUpdate("zto", "5", status=Status.DELIVERED),
    TrackingUpdate("zto", "5", status=4),
    TrackingRef("zto", "5"),
    CarrierChange("zto", "5", "dhl"),
    GetQuery("zto", "5", lang="en"),
    RealtimeQuery("zto", "5", order_id="A-77"),
    TrackingFilter(numbers=["1", "2"], created_at_min=datetime(2024, 3, 3, tzinfo=timezone(timedelta(hours=8)))),
    CountsQuery(created_at_max=5),
    CarriersQuery(),
    DetectQuery("5"),
    RemoteAreaQuery("JP", "1"),
    TransitTimeQuery("dhl", "CN", "US"),
    AirQuery(["172-00000000"]),
]


def name(model: object) -> str:
    """Return the name of a test case."""
    return type(model).__name__


@pytest.mark.parametrize("model", [*ANSWERS, *REQUESTS], ids=name)
def test_what_is_written_is_read_again(model: Model) -> None:
    """A model that was written and read is equal to its origin, and of its type."""
    again = loads(type(model), dumps(model))
    assert again == model
    assert loads(type(model), dumps(model).decode()) == model
    assert type(again) is type(model)


@pytest.mark.parametrize("model", [*ANSWERS, *REQUESTS], ids=name)
def test_every_model_pickles(model: Model) -> None:
    """A model that was pickled is equal to its origin."""
    assert pickle.loads(pickle.dumps(model)) == model  # noqa: S301


@pytest.mark.parametrize("sample", [TRACKING, WEBHOOK, PENDING], ids=["tracking", "webhook", "pending"])
def test_a_document_has_the_names_of_the_wire(sample: dict[str, Any]) -> None:
    """What the server sent is found again under its own names."""
    document = json.loads(dumps(decode_tracking(raw(sample))))
    assert set(sample) <= set(document)
    assert document["tracking_number"] == sample["tracking_number"]
    assert decode_tracking(msgspec.json.encode(document)) == decode_tracking(raw(sample))


def test_unset_is_left_out_and_null_is_written() -> None:
    """A document holds exactly what was given or echoed."""
    assert dumps(TrackingUpdate("zto", "5", title=None)) == b'{"carrier_code":"zto","tracking_number":"5","title":null}'
    assert loads(TrackingEcho, b'{"carrier_code": "zto", "tracking_number": "5"}').title is UNSET


@pytest.mark.parametrize("cls", [Tracking, TrackingRef, NewTracking, Page])
@pytest.mark.parametrize("document", [b"", b"5", b"[5]", b'"text"', b'{"odd": 1', b'{"items": 5}', "{}x"])
def test_what_is_no_document_is_refused(cls: type[Model], document: bytes | str) -> None:
    """Anything but an object of that model is a DecodeError."""
    with pytest.raises(DecodeError):
        loads(cls, document)


def test_what_json_cannot_say_is_refused() -> None:
    """A field that holds an object of the user's own cannot be written, and its value is not shown."""
    with pytest.raises(TypeError, match="complex"):
        dumps(TrackingUpdate("zto", "5", title=7j))  # type: ignore[arg-type]


texts = st.none() | st.text()
local = st.none() | st.datetimes(min_value=datetime(1971, 1, 1))
aware = st.none() | st.datetimes(min_value=datetime(1971, 1, 1), timezones=st.just(UTC))
words = st.none() | st.text(min_size=1).filter(lambda word: not word.isdecimal()).map(Status)
checkpoints = st.builds(Checkpoint, time=local, description=texts, details=texts, status=words)
legs = st.none() | st.builds(Leg, carrier_code=texts, item_received=local, checkpoints=st.lists(checkpoints).map(tuple))
contacts = st.lists(st.text()).map(tuple)
trackings = st.builds(
    Tracking,
    carrier_code=st.text(),
    tracking_number=st.text(),
    status=words,
    created_at=aware,
    order_create_time=local | aware,
    title=texts,
    customer_emails=contacts,
    customer_phones=contacts,
    archived=st.none() | st.booleans(),
    item_time_length=st.none() | st.integers(),
    origin=legs,
    destination=legs,
)


@given(trackings)
def test_any_tracking_makes_the_journey(tracking: Tracking) -> None:
    """Whatever a tracking holds, it is read as it was written."""
    assert loads(Tracking, dumps(tracking)) == tracking
