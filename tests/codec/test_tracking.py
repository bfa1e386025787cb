"""Decoding one tracking: every key, every shape, and nothing lost."""

# ruff: noqa: DTZ001  naive times are what the API sends

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest

from trackingmore_async.codec import decode_tracking
from trackingmore_async.codec.explain import explain
from trackingmore_async.codec.fields import wire_fields
from trackingmore_async.errors import DecodeError
from trackingmore_async.models import Checkpoint, Leg, Status, Tracking

from .samples import BARE, CHECKPOINTS, ORIGIN, PENDING, TRACKING, WEBHOOK, raw

CHINA = timezone(timedelta(hours=8))


def decoded(**changes: Any) -> Tracking:
    """Decode the sample with other values."""
    return decode_tracking(raw({**TRACKING, **changes}))


def test_every_key_of_the_sample_is_known() -> None:
    """Nothing of the tracking object of API.md section 2 is left over."""
    tracking = decoded()
    assert not tracking.extra
    assert tracking.origin is not None
    assert not tracking.origin.extra
    assert not any(checkpoint.extra for checkpoint in tracking.origin.checkpoints)


def test_the_sample_is_read_in_full() -> None:
    """Each value of the tracking object stands in its field, in its type."""
    tracking = decoded()
    assert (tracking.carrier_code, tracking.tracking_number) == ("china-ems", "LX900000017CN")
    assert tracking.created_at == datetime(2024, 3, 4, 9, 15, 22, tzinfo=CHINA)
    assert tracking.order_create_time == datetime(2024, 3, 3, 11, 20)
    assert tracking.status is Status.TRANSIT
    assert (tracking.item_time_length, tracking.stay_time_length) == (6, 2)
    assert (tracking.signed_by, tracking.archived, tracking.track_update) == ("Lee", False, True)
    assert (tracking.customer_email, tracking.customer_phone) == ("kim@shop.example", None)
    assert tracking.last_update_time == datetime(2024, 3, 8, 7, 40)


def test_a_leg_is_read_in_full() -> None:
    """The milestones have names of their own, misspelt keys among them."""
    leg = decoded().origin
    assert leg is not None
    assert leg.departed_from_airport == datetime(2024, 3, 5, 23, 10)
    assert leg.item_received == datetime(2024, 3, 4, 10, 2, 11)
    assert leg.weblink == "http://carrier.example/"
    assert [checkpoint.time for checkpoint in leg.checkpoints] == [
        datetime(2024, 3, 8, 7, 40),
        datetime(2024, 3, 4, 10, 2),
    ]
    assert leg.checkpoints[1] == Checkpoint(
        time=datetime(2024, 3, 4, 10, 2),
        description="Posted",
        details="",
        status=Status.TRANSIT,
        item_node="ItemReceived",
        act_type="P",
    )


@pytest.mark.parametrize(("shape", "expected"), [(None, None), ([], None), (dict.fromkeys(ORIGIN), Leg())])
def test_a_destination_comes_in_three_shapes(shape: Any, expected: Leg | None) -> None:
    """Null and the empty list are no leg; a leg whose members are all null is an empty one."""
    assert decoded(destination_info=shape).destination == expected


def test_an_absent_destination_is_none() -> None:
    """A missing key is no leg."""
    assert decode_tracking(raw(BARE)).destination is None


@pytest.mark.parametrize("shape", [None, [], "", {}])
def test_no_events_are_an_empty_tuple(shape: Any) -> None:
    """Null, an empty list and a missing list of events are the same."""
    leg = decoded(origin_info={"carrier_code": "zto", "trackinfo": shape}).origin
    assert leg == decoded(origin_info={"carrier_code": "zto"}).origin == Leg(carrier_code="zto")


@pytest.mark.parametrize("sample", [BARE, PENDING, WEBHOOK], ids=["bare", "pending", "webhook"])
def test_few_keys_are_enough(sample: dict[str, Any]) -> None:
    """Carrier and number make a tracking; all else may be missing."""
    tracking = decode_tracking(raw(sample))
    assert not tracking.extra
    assert tracking.tracking_number == "LX900000017CN"


@pytest.mark.parametrize(
    ("wire", "value", "name", "expected"),
    [
        ("tracking_number", 500600700800, "tracking_number", "500600700800"),
        ("itemTimeLength", "6", "item_time_length", 6),
        ("itemTimeLength", 6.0, "item_time_length", 6),
        ("archived", "true", "archived", True),
        ("customer_email", ["a@b.example", "c@d.example"], "customer_emails", ("a@b.example", "c@d.example")),
        ("customer_phone", ["+49"], "customer_phone", "+49"),
        ("customer_email", "null", "customer_email", None),
        ("customer_name", "null", "customer_name", "null"),
        ("updated_at", "1970-01-01T08:00:00+08:00", "updated_at", None),
        ("updated_at", "2024-03-04T01:15:22+00:00", "updated_at", datetime(2024, 3, 4, 1, 15, 22, tzinfo=UTC)),
        ("order_create_time", 0, "order_create_time", None),
        ("status", "teleported", "status", "teleported"),
        ("weight", 1.5, "weight", "1.5"),
        ("title", "\u4e2d\u6587/\t\x01", "title", "\u4e2d\u6587/\t\x01"),
        ("lastUpdateTime", "0000-00-00 00:00:00", "last_update_time", None),
        ("destination_code", "CA", "destination_code", "CA"),
    ],
)
def test_every_quirk_of_a_value_is_read(wire: str, value: Any, name: str, expected: Any) -> None:
    """The quirks of API.md 1.4 end in one type each, and leave nothing over."""
    tracking = decoded(**{wire: value})
    assert getattr(tracking, name) == expected
    assert not tracking.extra


def test_unknown_keys_are_kept_on_all_levels() -> None:
    """What the server adds later stands in extra, as it was sent."""
    checkpoint = {**CHECKPOINTS[0], "later": [1]}
    tracking = decoded(later={"a": 1}, extra="x", origin_info={**ORIGIN, "later": 2, "trackinfo": [checkpoint]})
    assert tracking.extra == {"later": {"a": 1}, "extra": "x"}
    assert tracking.origin is not None
    assert tracking.origin.extra == {"later": 2}
    assert tracking.origin.checkpoints[0].extra == {"later": [1]}


@pytest.mark.parametrize(
    ("wire", "value", "name"),
    [
        ("created_at", "soon", "created_at"),
        ("created_at", "2024-03-04 09:15:22", "created_at"),
        ("title", ["a", "list"], "title"),
        ("itemTimeLength", "six", "item_time_length"),
        ("archived", "perhaps", "archived"),
        ("status", {"word": "transit"}, "status"),
        ("origin_info", "none", "origin"),
        ("customer_email", {"a": 1}, "customer_email"),
        ("lastUpdateTime", 1500000000, "last_update_time"),
    ],
)
def test_one_odd_value_loses_nothing_else(wire: str, value: Any, name: str) -> None:
    """A value that its field cannot hold stays readable in extra, and the rest of the tracking is there."""
    tracking = decoded(**{wire: value})
    assert getattr(tracking, name) is None
    assert tracking.extra == {wire: value}
    assert tracking.order_id == "A-77"


def test_an_odd_event_loses_no_other() -> None:
    """Good events are read; the whole list stays in extra because one of them was odd."""
    events = [CHECKPOINTS[0], "odd", {**CHECKPOINTS[1], "Date": "then"}]
    leg = decoded(origin_info={**ORIGIN, "trackinfo": events}).origin
    assert leg is not None
    assert [checkpoint.description for checkpoint in leg.checkpoints] == ["Arrived at sorting hub", "Posted"]
    assert leg.checkpoints[1].extra == {"Date": "then"}
    assert leg.extra == {"trackinfo": events}


def test_events_that_are_no_list_stay_in_extra() -> None:
    """A list of events that is none is kept as it was sent."""
    leg = decoded(origin_info={**ORIGIN, "trackinfo": 5}).origin
    assert leg is not None
    assert (leg.checkpoints, leg.extra) == ((), {"trackinfo": 5})


@pytest.mark.parametrize("name", ["carrier_code", "tracking_number"])
@pytest.mark.parametrize("change", ["missing", None, ["x"], True])
def test_a_tracking_without_its_name_is_refused(name: str, change: Any) -> None:
    """Carrier and number must be there; the error names the path and holds no value."""
    item = {**TRACKING, name: change}
    if change == "missing":
        del item[name]
    with pytest.raises(DecodeError) as caught:
        decode_tracking(raw(item), "$.data.items[3]")
    assert caught.value.path == f"$.data.items[3].{name}"
    assert f"$.data.items[3].{name}" in str(caught.value)
    assert "Kim" not in str(caught.value)


@pytest.mark.parametrize("body", [b"null", b"[]", b"5", b"true", b'"text"', b"", b"{", b"{'a'}", b"[" * 100_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    """Only an object can be a tracking."""
    with pytest.raises(DecodeError):
        decode_tracking(body)


def test_broken_unicode_does_not_lose_a_tracking() -> None:
    """Half a surrogate pair, bytes that are no UTF-8 and raw control characters are replaced."""
    body = json.dumps({**BARE, "title": "MARK"}).encode()
    for broken in (b"\\ud83d", b"\xff", b"a\tb"):
        title = decode_tracking(body.replace(b"MARK", broken)).title
        assert title
        title.encode()


def test_both_ways_give_the_same() -> None:
    """What the quick way reads, the tolerant way reads alike."""
    for sample in (TRACKING, BARE, PENDING, WEBHOOK):
        assert decode_tracking(raw(sample)) == explain(Tracking, sample, "$")


def test_a_decoded_tracking_is_like_any_other() -> None:
    """It is frozen, pickles, hashes, and equals one that was made by hand."""
    tracking = decode_tracking(raw({**BARE, "status": "transit"}))
    assert tracking == Tracking("china-ems", "LX900000017CN", status=Status.TRANSIT)
    assert pickle.loads(pickle.dumps(tracking)) == tracking  # noqa: S301
    assert len({tracking, decode_tracking(raw({**BARE, "status": "transit"}))}) == 1
    assert type(tracking) is Tracking
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        tracking.status = None  # type: ignore[misc]


@pytest.mark.parametrize("cls", [Tracking, Leg, Checkpoint])
def test_no_two_fields_share_a_wire_name(cls: Any) -> None:
    """Names on the wire are as distinct as those in the model."""
    assert len({field.wire for field in wire_fields(cls)}) == len(attrs.fields(cls)) - 1
