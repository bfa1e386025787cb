"""Nothing that the server sends raises anything but DecodeError, and both ways of reading agree."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackingmore_async.codec import decode, decode_tracking, dumps, loads
from trackingmore_async.codec.explain import explain
from trackingmore_async.codec.shapes import is_list, is_object
from trackingmore_async.codec.structure import converter, quick
from trackingmore_async.errors import DecodeError
from trackingmore_async.models import Account, AirWaybill, Tracking, TrackingEcho
from trackingmore_async.operations import OPERATIONS

from .samples import ACCOUNT, CREATED, CREATED_MANY, DELETED_MANY, REMOTE, TRACKING, TRANSIT, WAYBILL, raw

SAMPLES: dict[str, Any] = {
    "create": CREATED,
    "get": TRACKING,
    "update": CREATED,
    "create_many": CREATED_MANY,
    "delete_many": DELETED_MANY,
    "list": {"total": 1, "items": [TRACKING]},
    "realtime": {"items": [TRACKING]},
    "account_info": ACCOUNT,
    "remote_areas": REMOTE,
    "transit_times": [TRANSIT],
    "air": {"172-00000000": WAYBILL},
}
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text() | st.sampled_from(["0000-00-00", "7", "true", "2024-13-01"])
jsons = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def refusal(name: str, data: msgspec.Raw) -> DecodeError | None:
    """Decode, and return the error if there is one."""
    try:
        decode(OPERATIONS[name], data)
    except DecodeError as error:
        return error
    return None


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the places inside a JSON value."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if is_object(value):
        pairs = value.items()
    elif is_list(value):
        pairs = enumerate(value)
    return [path, *(found for key, inner in pairs for found in paths(inner, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Put another value into one place."""
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], new)
    return changed


@given(st.sampled_from(sorted(OPERATIONS)), jsons)
def test_no_data_raises_anything_but_decode_error(name: str, data: Any) -> None:
    """Any JSON value is a model or a DecodeError that names a path."""
    error = refusal(name, raw(data))
    assert error is None or str(error.path).startswith("$.data")


@given(st.sampled_from(sorted(OPERATIONS)), st.binary())
def test_no_bytes_raise_anything_but_decode_error(name: str, data: bytes) -> None:
    """Any bytes are a model or a DecodeError."""
    error = refusal(name, msgspec.Raw(data))
    assert error is None or error.path


@given(st.data(), st.sampled_from(sorted(SAMPLES)), jsons)
def test_one_odd_place_raises_nothing_but_decode_error(draw: st.DataObject, name: str, odd: Any) -> None:
    """A proper answer with any value in any place is a model, or a DecodeError that shows no value."""
    sample = SAMPLES[name]
    changed = replaced(sample, draw.draw(st.sampled_from(paths(sample))), odd)
    error = str(refusal(name, raw(changed)))
    assert "Kim" not in error
    assert "shop.example" not in error


@given(st.data(), jsons)
def test_an_odd_tracking_is_kept_whole(draw: st.DataObject, odd: Any) -> None:
    """A tracking with one odd value is read, both ways alike where both can, and survives a document."""
    item = replaced(TRACKING, draw.draw(st.sampled_from([path for path in paths(TRACKING) if path])), odd)
    try:
        tracking = decode_tracking(raw(item))
    except DecodeError:
        assert not isinstance(item["tracking_number"], str) or not isinstance(item["carrier_code"], str)
        return
    assert explain(Tracking, json.loads(bytes(raw(item))), "$") == tracking
    assert loads(Tracking, dumps(tracking)) == tracking


@given(st.dictionaries(st.text(), jsons))
def test_all_that_is_new_is_kept(later: dict[str, Any]) -> None:
    """Keys that nobody knows are kept as they were sent."""
    known = {**TRACKING, "logistics_channel": 1, "destination_code": 1}
    later = {key: value for key, value in later.items() if key not in known}
    assert decode_tracking(msgspec.json.encode({**TRACKING, **later})).extra == later


@pytest.mark.parametrize(
    ("cls", "sample"),
    [(Tracking, TRACKING), (TrackingEcho, {**CREATED, "later": 1}), (Account, ACCOUNT)],
)
def test_the_converter_structures_like_the_codec(cls: Any, sample: dict[str, Any]) -> None:
    """The functions stand in a cattrs converter, so it structures any model of an answer."""
    assert converter().structure(sample, cls) == quick(cls)(sample, cls) == explain(cls, sample, "$")


def test_the_samples_need_no_second_pass() -> None:
    """The quick way reads all that API.md shows; the second pass is for the odd."""
    for cls, sample in ((Tracking, TRACKING), (TrackingEcho, CREATED), (Account, ACCOUNT)):
        assert quick(cls)(sample, cls).carrier_code if cls is not Account else quick(cls)(sample, cls).money
    inner = {**WAYBILL["return_data"], "awb": "1", "airline_info": WAYBILL["airline_info"]}
    assert quick(AirWaybill)(inner, AirWaybill).events
