"""From models of requests to path, query, headers and body."""

# ruff: noqa: DTZ001  naive times are what the API sends

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from trackingmore_async.codec import Wire, check, encode
from trackingmore_async.errors import InvalidRequestError
from trackingmore_async.models import (
    AirQuery,
    CarrierChange,
    CarriersQuery,
    CountsQuery,
    DetectQuery,
    GetQuery,
    Model,
    NewTracking,
    RealtimeQuery,
    RemoteAreaQuery,
    Status,
    TrackingFilter,
    TrackingRef,
    TrackingUpdate,
    TransitTimeQuery,
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

REF = TrackingRef("zto", "500600700800")
ITEM = {"carrier_code": "zto", "tracking_number": "500600700800"}
ROUTE = {"carrier_code": "dhl", "original": "CN", "destination": "US"}
CHINA = timezone(timedelta(hours=8))
NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)


def body(operation: Operation, request: Any) -> Any:
    """Return the JSON that is sent."""
    content = encode(operation, request).content
    assert content is not None
    return json.loads(content)


@pytest.mark.parametrize(
    ("operation", "request_", "path"),
    [
        (CREATE, NewTracking("zto", "5"), "/trackings/post"),
        (GET, GetQuery("zto", "5"), "/trackings/zto/5"),
        (GET, GetQuery("zto", "5", lang="en"), "/trackings/zto/5/en"),
        (GET, GetQuery("zto", "5", lang=None), "/trackings/zto/5"),
        (GET, GetQuery("zto", "5", lang=""), "/trackings/zto/5"),
        (GET, GetQuery("z?o", "5#%&\u4e2d"), "/trackings/z%3Fo/5%23%25%26%E4%B8%AD"),
        (UPDATE, TrackingUpdate("zto", "5"), "/trackings/zto/5"),
        (DELETE, TrackingRef("zto", "..5"), "/trackings/zto/..5"),
        (ACCOUNT_INFO, None, "/trackings/getuserinfo"),
        (STATUS_COUNTS, None, "/trackings/getstatusnumber"),
        (STATUS_COUNTS, CountsQuery(), "/trackings/getstatusnumber"),
        (STATUS_COUNTS, CountsQuery(created_at_min=NOON), "/trackings/getstatusnumber?created_at_min=1709553600"),
        (CARRIERS, None, "/carriers"),
        (LIST, TrackingFilter(), "/trackings/get?page=1"),
        (LIST, TrackingFilter(page=3, limit=9, status=Status.PICKUP), "/trackings/get?page=3&limit=9&status=pickup"),
        (LIST, TrackingFilter(status="", lang=None, numbers=()), "/trackings/get?page=1"),
        (LIST, TrackingFilter(numbers=["A1", "B&2"]), "/trackings/get?page=1&numbers=A1,B%262"),
        (LIST, TrackingFilter(orders="A 77/b"), "/trackings/get?page=1&orders=A%2077%2Fb"),
        (LIST, TrackingFilter(archived=True), "/trackings/get?page=1&archived=true"),
        (LIST, TrackingFilter(archived=False, lang="en"), "/trackings/get?page=1&lang=en&archived=false"),
        (LIST, TrackingFilter(update_time_max=1709553600), "/trackings/get?page=1&update_time_max=1709553600"),
        (LIST, TrackingFilter(created_at_max=1709553600.9), "/trackings/get?page=1&created_at_max=1709553600"),
        (LIST, TrackingFilter(order_created_time_min="17095"), "/trackings/get?page=1&order_created_time_min=17095"),
    ],
)  # fmt: skip
def test_paths_and_queries_are_percent_encoded(operation: Operation, request_: Any, path: str) -> None:
    """Parts of the path and values of the query hold no character that means something there."""
    wire = encode(operation, request_)
    assert (wire.path, wire.headers) == (path, ())


@pytest.mark.parametrize("moment", [NOON, NOON.astimezone(CHINA), NOON + timedelta(microseconds=999_999)])
def test_filters_take_aware_datetimes(moment: datetime) -> None:
    """The offset does not matter, and whole seconds are sent."""
    assert encode(LIST, TrackingFilter(created_at_min=moment)).path.endswith("created_at_min=1709553600")


@pytest.mark.parametrize("name", ["created_at_min", "update_time_max", "order_created_time_min"])
@pytest.mark.parametrize("moment", [datetime(2024, 3, 4), "yesterday", True, float("nan")])
def test_filters_refuse_what_is_no_moment(name: str, moment: Any) -> None:
    """A naive datetime would be guessed at, so it is refused, and the text says what to pass."""
    with pytest.raises(InvalidRequestError, match=f"{name} must be an aware datetime"):
        encode(LIST, TrackingFilter(**{name: moment}))


def test_reads_and_deletes_have_no_body() -> None:
    """GET and DELETE send nothing but their path."""
    assert encode(GET, GetQuery("zto", "5")).content is None
    assert encode(DELETE, REF).content is None
    assert encode(LIST, TrackingFilter()).content is None


def test_the_language_of_the_carriers_is_a_header() -> None:
    """The list of carriers takes its language from the header Lang."""
    assert encode(CARRIERS, CarriersQuery(lang="cn")) == Wire("/carriers", headers=(("Lang", "cn"),))
    assert encode(CARRIERS, CarriersQuery()) == Wire("/carriers")


@pytest.mark.parametrize("lang", ["e\nn", "e n", "\u4e2d", 5])
def test_a_language_that_breaks_a_header_is_refused(lang: Any) -> None:
    """A header cannot hold line ends, blanks or Chinese."""
    with pytest.raises(InvalidRequestError, match="lang"):
        encode(CARRIERS, CarriersQuery(lang=lang))


def test_only_what_was_passed_is_sent() -> None:
    """Unset fields are left out; None and the empty text are sent."""
    update = TrackingUpdate("zto", "5", title=None, customer_name="")
    assert body(UPDATE, update) == {"title": None, "customer_name": ""}
    assert body(UPDATE, TrackingUpdate("zto", "5")) == {}
    assert body(UPDATE_MANY, [TrackingUpdate(**ITEM)]) == [ITEM]


def test_all_fields_of_a_new_tracking_are_sent() -> None:
    """The names are those of API.md 3.1."""
    fields = {
        "destination_code": "CA",
        "title": "mug",
        "logistics_channel": "x",
        "customer_name": "Kim",
        "customer_email": "kim@shop.example",
        "customer_phone": "+49",
        "order_id": "A-77",
        "comment": "c",
        "order_create_time": "2024-03-03 11:20",
        "tracking_ship_date": "20240303",
        "tracking_postal_code": "10115",
        "tracking_account_number": "1",
        "tracking_destination_country": "CA",
        "lang": "en",
        "auto_correct": 1,
    }
    assert body(CREATE, NewTracking("zto", "5", **fields)) == {"carrier_code": "zto", "tracking_number": "5", **fields}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("operation", "name"),
    [(CREATE, "tracking_destination_country"), (CREATE_MANY, "specialNumberDestination")],
)
def test_the_country_of_special_carriers_has_two_names(operation: Operation, name: str) -> None:
    """A batch calls it otherwise than a single create (API.md 3.5)."""
    sent = body(
        operation, [NewTracking(**ITEM, tracking_destination_country="CA")][0 if operation is CREATE else slice(1)]
    )
    assert (sent if operation is CREATE else sent[0]) == {**ITEM, name: "CA"}


def test_realtime_has_names_of_its_own() -> None:
    """Realtime calls the order id ``order`` (API.md 3.9)."""
    query = RealtimeQuery(**ITEM, order_id="A-77", tracking_destination_country="CA", tracking_postal_code="1")
    expected = {**ITEM, "order": "A-77", "specialNumberDestination": "CA", "tracking_postal_code": "1"}
    assert body(REALTIME, query) == expected


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (datetime(2024, 3, 3, 11, 20, 59), "2024-03-03 11:20"),
        (datetime(2024, 3, 3, 11, 20, tzinfo=CHINA), "2024-03-03 11:20"),
        ("2024-03-03T11:20:00", "2024-03-03 11:20"),
        ("2017/8/27 16:51", "2017/8/27 16:51"),
        (1500000000, 1500000000),
        (None, None),
        ("", ""),
    ],
)
def test_an_order_time_is_what_the_shop_clock_showed(given: Any, sent: Any) -> None:
    """Datetimes are written without offset and seconds, all else goes as it is."""
    assert body(CREATE, NewTracking(**ITEM, order_create_time=given))["order_create_time"] == sent


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("delivered", 4), ("exception", 7), ("automatic", 8), (Status.DELIVERED, 4), (4, 4), (7, 7), ("8", 8),
        (None, None), ("", ""),
    ],
)  # fmt: skip
def test_the_status_of_an_edit_is_a_number(given: Any, sent: Any) -> None:
    """The three words and the three numbers are taken."""
    assert body(UPDATE, TrackingUpdate("zto", "5", status=given)) == {"status": sent}


@pytest.mark.parametrize("status", ["transit", 5, "5", True, 4.5, Status.PENDING])
def test_no_other_status_can_be_set(status: Any) -> None:
    """Other words and numbers are refused, and the text says which ones are taken."""
    update = TrackingUpdate("zto", "5", status=status)
    for refuse in (lambda: check(update), lambda: encode(UPDATE, update), lambda: encode(UPDATE_MANY, [update])):
        with pytest.raises(InvalidRequestError, match="delivered, exception or automatic"):
            refuse()


@pytest.mark.parametrize(("given", "sent"), [(True, "true"), (False, "false"), ("true", "true"), (None, None)])
def test_archived_is_sent_as_a_word(given: Any, sent: Any) -> None:
    """The vendor wants the texts true and false."""
    assert body(UPDATE, TrackingUpdate("zto", "5", archived=given)) == {"archived": sent}


def test_auto_correct_is_sent_as_a_number() -> None:
    """True pins the carrier, which the vendor writes as 1."""
    assert body(CREATE, NewTracking(**ITEM, auto_correct=True))["auto_correct"] == 1


@pytest.mark.parametrize(
    ("operation", "request_", "expected"),
    [
        (CHANGE_CARRIER, CarrierChange(**ITEM, new_carrier_code="dhl"), {**ITEM, "update_carrier_code": "dhl"}),
        (DETECT, DetectQuery("5", lang="en"), {"tracking_number": "5", "lang": "en"}),
        (AIR, AirQuery(["172-0", "172 1"], lang="en"), {"track_number": ["172-0", "172 1"], "lang": "en"}),
        (AIR, AirQuery("172-00000000"), {"track_number": ["172-00000000"]}),
        (DELETE_MANY, [REF], [ITEM]),
        (STOP_UPDATING_MANY, (REF, REF), [ITEM, ITEM]),
        (REMOTE_AREAS, [RemoteAreaQuery("JP", "9990001")], [{"country": "JP", "postcode": "9990001"}]),
        (TRANSIT_TIMES, [TransitTimeQuery(*ROUTE.values())], [ROUTE]),
        (DELETE_MANY, [], []),
    ],
)  # fmt: skip
def test_bodies_are_those_of_the_api(operation: Operation, request_: Any, expected: Any) -> None:
    """Batches are bare lists, the others objects (API.md 1.1 and section 3)."""
    assert body(operation, request_) == expected


@pytest.mark.parametrize("operation", list(OPERATIONS.values()), ids=lambda row: row.name)
def test_another_model_is_refused(operation: Operation) -> None:
    """A request that belongs to another operation is refused by name."""
    other: Any = RemoteAreaQuery("JP", "1") if operation is not REMOTE_AREAS else REF
    with pytest.raises(InvalidRequestError, match=operation.name):
        encode(operation, [other] if operation.is_batch else other)


@pytest.mark.parametrize("nonsense", [5, "text", {"carrier_code": "zto"}, object()])
def test_what_is_no_model_is_refused(nonsense: Any) -> None:
    """A dict is no model; the text says what to pass."""
    with pytest.raises(InvalidRequestError, match="pass a model"):
        check(nonsense)
    with pytest.raises(InvalidRequestError, match="pass a model"):
        encode(CREATE_MANY, [nonsense])
    with pytest.raises(InvalidRequestError, match="pass a model"):
        encode(CREATE, nonsense)


@pytest.mark.parametrize(
    "request_",
    [
        NewTracking("zto", "5", title=object()),  # type: ignore[arg-type]
        NewTracking("zto", "5", title=["Kim-7f3a"]),  # type: ignore[arg-type]
        NewTracking("zto", "5", title="Kim-7f3a \ud83d"),
        NewTracking("zto", "5", title=NOON),  # type: ignore[arg-type]
        NewTracking("zto", "Kim-7f3a/5"),
        TrackingUpdate("zto", "Kim-7f3a 5"),
        TrackingFilter(numbers=["Kim-7f3a,5"]),
        TrackingFilter(orders=["Kim-7f3a,5"]),
        TrackingFilter(orders=[""]),
        TrackingFilter(numbers=[5]),  # type: ignore[list-item]
        AirQuery([" "]),
        CarrierChange("zto", "5", "Kim-7f3a/"),
    ],
)
def test_check_refuses_what_encode_refuses(request_: Model) -> None:
    """A bulk job can ask beforehand; the text names the field, and holds no value."""
    operation = next(row for row in OPERATIONS.values() if row.request is type(request_))
    texts: list[str] = []
    for refuse in (lambda: check(request_), lambda: encode(operation, request_)):
        with pytest.raises(InvalidRequestError) as caught:
            refuse()
        assert caught.value.code is None
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    assert "Kim-7f3a" not in texts[0]
    assert ": " in texts[0]


def test_a_wire_shows_neither_body_nor_query() -> None:
    """The repr tells path and size."""
    wire = encode(UPDATE, TrackingUpdate("zto", "5", customer_name="Kim-7f3a"))
    assert repr(wire) == "Wire(path='/trackings/zto/5', content=<28 bytes>)"
    assert "Kim" not in repr(encode(LIST, TrackingFilter(orders="Kim-7f3a")))
