"""From the data of an answer to what its operation promises."""

# ruff: noqa: DTZ001  naive times are what the API sends

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from trackingmore_async.codec import decode
from trackingmore_async.errors import DecodeError
from trackingmore_async.models import (
    UNSET,
    AirWaybill,
    BatchAnswer,
    Carrier,
    CarrierGuess,
    Page,
    RemoteAreas,
    Status,
    StatusCounts,
)
from trackingmore_async.operations import (
    ACCOUNT_INFO,
    AIR,
    CARRIERS,
    CHANGE_CARRIER,
    CREATE,
    CREATE_MANY,
    DELETE,
    DELETE_MANY,
    DETECT,
    GET,
    LIST,
    OPERATIONS,
    REALTIME,
    REMOTE_AREAS,
    STATUS_COUNTS,
    STOP_UPDATING_MANY,
    TRANSIT_TIMES,
    UPDATE,
    UPDATE_MANY,
    Operation,
)

from .samples import ACCOUNT, CARRIER, COUNTS, CREATED, EDITED, REMOTE, TRACKING, TRANSIT, UPDATED, WAYBILL, raw

NOTHING = [None, msgspec.Raw(b"{}"), msgspec.Raw(b"[]"), msgspec.Raw(b"null"), msgspec.Raw(b"[ ]"), msgspec.Raw(b'""')]


def refusal(operation: Operation, data: msgspec.Raw | None) -> DecodeError | None:
    """Decode, and return the error if there is one."""
    try:
        decode(operation, data)
    except DecodeError as error:
        return error
    return None


@pytest.mark.parametrize("data", NOTHING)
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (DELETE, None),
        (CHANGE_CARRIER, None),
        (LIST, Page(total=0)),
        (CREATE_MANY, BatchAnswer()),
        (UPDATE_MANY, BatchAnswer()),
        (DELETE_MANY, BatchAnswer()),
        (STOP_UPDATING_MANY, BatchAnswer()),
        (STATUS_COUNTS, StatusCounts()),
        (CARRIERS, []),
        (DETECT, []),
        (REMOTE_AREAS, RemoteAreas()),
        (TRANSIT_TIMES, []),
        (AIR, {}),
    ],
    ids=lambda value: value.name if isinstance(value, Operation) else "",
)
def test_nothing_is_the_empty_result(operation: Operation, expected: Any, data: msgspec.Raw | None) -> None:
    """An empty object, an empty list, null and missing data are all nothing (API.md 1.2)."""
    assert decode(operation, data) == expected


@pytest.mark.parametrize("data", [*NOTHING, raw({"items": []})])
@pytest.mark.parametrize("operation", [GET, REALTIME], ids=lambda row: row.name)
def test_a_tracking_must_be_there(operation: Operation, data: msgspec.Raw | None) -> None:
    """Where one tracking is promised, nothing is an error that names the path."""
    with pytest.raises(DecodeError) as caught:
        decode(operation, data)
    assert str(caught.value.path).startswith("$.data")


@pytest.mark.parametrize("data", NOTHING)
@pytest.mark.parametrize("operation", [CREATE, UPDATE, ACCOUNT_INFO], ids=lambda row: row.name)
def test_an_object_must_be_there(operation: Operation, data: msgspec.Raw | None) -> None:
    """Where one object is promised, nothing is an error."""
    with pytest.raises(DecodeError, match=operation.name):
        decode(operation, data)


def test_every_operation_decodes_something() -> None:
    """No row of the table is without a reader."""
    refused = {name for name, operation in OPERATIONS.items() if refusal(operation, None)}
    assert refused == {"create", "get", "update", "realtime", "account_info"}


def test_a_create_echoes_what_it_knows() -> None:
    """Null is None, what is missing is UNSET, and the country has the name that edits use."""
    echo = decode(CREATE, raw(CREATED))
    assert (echo.status, echo.order_create_time, echo.destination_code) == (Status.PENDING, None, "")
    assert (echo.title, echo.archived, echo.updated_at) == (None, UNSET, UNSET)
    assert (echo.customer_emails, echo.customer_email, echo.customer_phone) == ((), None, None)
    assert not echo.extra


@pytest.mark.parametrize(
    "missing", ["order_create_time", "customer_phone", "comment", "logistics_channel", "destination"]
)
def test_older_answers_lack_keys(missing: str) -> None:
    """A key that is missing from the answer to a create is UNSET."""
    echo = decode(CREATE, raw({key: value for key, value in CREATED.items() if key != missing}))
    assert getattr(echo, "destination_code" if missing == "destination" else missing) is UNSET


def test_both_names_of_the_country_can_come_together() -> None:
    """The name of the edits wins, the other stays in extra."""
    echo = decode(CREATE, raw({**CREATED, "destination_code": "CA"}))
    assert (echo.destination_code, echo.extra) == ("CA", {"destination": ""})


def test_an_edit_echoes_texts() -> None:
    """The number of a status is read as its word, the text true as true."""
    echo = decode(UPDATE, raw(UPDATED))
    assert (echo.status, echo.archived, echo.customer_phone) == (Status.EXCEPTION, True, "+8613000000000")
    assert (echo.comment, echo.order_create_time) == (UNSET, UNSET)
    assert not echo.extra


def test_never_updated_is_none_and_not_echoed_is_unset() -> None:
    """The epoch placeholder is None; what was not sent back is UNSET, contacts too."""
    echo = decode(UPDATE, raw(EDITED))
    assert echo.updated_at is None
    assert echo.customer_emails is echo.customer_email is echo.customer_phone is echo.status is UNSET


def test_realtime_takes_the_one_item() -> None:
    """Realtime wraps its one tracking in a list."""
    assert decode(REALTIME, raw({"items": [TRACKING]})) == decode(GET, raw(TRACKING))


def test_an_odd_item_of_realtime_names_its_path() -> None:
    """The path leads into the list."""
    with pytest.raises(DecodeError) as caught:
        decode(REALTIME, raw({"items": [{"tracking_number": "5"}]}))
    assert caught.value.path == "$.data.items[0].carrier_code"


@pytest.mark.parametrize("phone", ["+4930000000", 4930000000, None])
def test_an_account_is_read(phone: Any) -> None:
    """Numbers are numbers, however sent; the phone may be a number."""
    account = decode(ACCOUNT_INFO, raw({**ACCOUNT, "phone": phone, "track_number": "4800", "plan": 1}))
    assert account.regtime == datetime(2017, 7, 14, 2, 40, tzinfo=UTC)
    assert (account.money, account.track_number) == (120, 4800)
    assert account.phone == (None if phone is None else str(phone))
    assert account.extra == {"plan": 1}


def test_counts_are_numbers_however_sent() -> None:
    """Texts, floats, empty texts and null are counted; unknown words stay in extra."""
    counts = decode(STATUS_COUNTS, raw({**COUNTS, "inforeceived": 7}))
    assert (counts.pending, counts.notfound, counts.transit, counts.pickup) == (1, 2, 3, 0)
    assert (counts.delivered, counts.exception, counts.expired) == (0, 0, 6)
    assert counts.extra == {"inforeceived": 7}


def test_carriers_and_guesses_are_lists() -> None:
    """Each entry is a model, in the order sent."""
    assert decode(CARRIERS, raw([CARRIER])) == [
        Carrier(
            "china-ems",
            "China EMS",
            phone="",
            homepage="",
            type="globalpost",
            picture="//cdn.example/x.png",
            name_cn=None,
        )
    ]
    pair = [{"name": "A", "code": "a"}, {"name": None, "code": "b"}]
    assert decode(DETECT, raw(pair)) == [CarrierGuess("a", "A"), CarrierGuess("b")]


def test_an_entry_without_a_code_names_its_path() -> None:
    """A carrier without a code is of no use."""
    with pytest.raises(DecodeError) as caught:
        decode(CARRIERS, raw([CARRIER, {"name": "B"}]))
    assert caught.value.path == "$.data[1].code"


def test_remote_areas_are_rows_of_place_and_carrier() -> None:
    """There may be more rows than places."""
    answer = decode(REMOTE_AREAS, raw({**REMOTE, "other": [{"x": 1}]}))
    assert answer.submitted == 2
    assert [row.company for row in answer.remote] == ["ups", "tnt"]
    assert answer.remote[0].postcode == "9990001"
    assert answer.other == ({"x": 1},)
    assert decode(REMOTE_AREAS, raw(REMOTE["remote"])).remote == answer.remote


@pytest.mark.parametrize("data", [[TRANSIT], TRANSIT, {"submitted": 1, "anything": [TRANSIT]}])
def test_transit_times_come_as_list_or_object(data: Any) -> None:
    """The outer layout is not documented: a list, an object around a list, or one row alone are read."""
    (row,) = decode(TRANSIT_TIMES, raw(data))
    assert (row.total, row.delivered, row.range1, row.range3, row.range4) == (56, 50, 0.25, 0.5, None)
    assert row.extra == {"range6": 0.01}


def test_air_waybills_are_keyed_by_their_number() -> None:
    """Freight, events, flights and airline are read; the number is that of the answer."""
    waybill = decode(AIR, raw({"172-00000000": WAYBILL}))["172-00000000"]
    assert (waybill.awb, waybill.weight, waybill.piece, waybill.status_number) == ("172-00000000", "125KG", 4, "3")
    assert waybill.events[0].actual_date == datetime(2024, 3, 1, 10, 25)
    assert waybill.flights["CV1234"].arrival_time == datetime(2024, 3, 1, 18, 2)
    assert waybill.airline.name == "Sample Air"
    assert waybill.found
    assert not waybill.extra


@pytest.mark.parametrize("entry", [None, [], {}, {"return_data": None}, {"return_data": []}])
def test_an_air_waybill_without_data_is_not_found(entry: Any) -> None:
    """An entry that tells nothing is there, and says so."""
    assert decode(AIR, raw({"172-00000000": entry})) == {"172-00000000": AirWaybill("172-00000000")}
    assert not AirWaybill("172-00000000").found


@pytest.mark.parametrize("operation", list(OPERATIONS.values()), ids=lambda row: row.name)
@pytest.mark.parametrize("data", [b"5", b'"text"', b"true", b"[5]", b"[[]]", b"{", b"[" * 100_000])
def test_nonsense_is_a_decode_error_or_nothing(operation: Operation, data: bytes) -> None:
    """No answer raises anything but DecodeError."""
    error = refusal(operation, msgspec.Raw(data))
    assert error is None or error.path
