"""The table of operations: complete, consistent, and not to be changed at run time."""

from __future__ import annotations

import copy
import math
import pickle
import re
from typing import Any

import attrs
import pytest

from trackingmore_async import operations
from trackingmore_async.errors import ConfigurationError
from trackingmore_async.models import BatchAnswer, Model
from trackingmore_async.operations import OPERATIONS, Operation, Rate, Safety

ROWS = list(OPERATIONS.values())
BATCHES = ["create_many", "update_many", "delete_many", "stop_updating_many"]


def ids(row: Operation) -> str:
    """Return the name of a test case."""
    return row.name


def test_there_are_eighteen_rows_and_each_is_a_constant() -> None:
    """Each row stands in the mapping under its name, and as a constant of the module."""
    constants = {value.name: value for value in vars(operations).values() if isinstance(value, Operation)}
    assert len(OPERATIONS) == 18
    assert constants == dict(OPERATIONS)
    assert all(getattr(operations, name.upper()) is row for name, row in OPERATIONS.items())


def test_no_two_rows_are_the_same_request() -> None:
    """Method and path tell all rows apart."""
    assert len({(row.method, row.path) for row in ROWS}) == len({row.client_method for row in ROWS}) == 18


@pytest.mark.parametrize(
    ("name", "request_line"),
    [
        ("create", "POST /trackings/post"),
        ("get", "GET /trackings/{carrier_code}/{tracking_number}"),
        ("update", "PUT /trackings/{carrier_code}/{tracking_number}"),
        ("delete", "DELETE /trackings/{carrier_code}/{tracking_number}"),
        ("create_many", "POST /trackings/batch"),
        ("update_many", "POST /trackings/updatemore"),
        ("delete_many", "POST /trackings/delete"),
        ("stop_updating_many", "POST /trackings/notupdate"),
        ("list", "GET /trackings/get"),
        ("realtime", "POST /trackings/realtime"),
        ("change_carrier", "POST /trackings/update"),
        ("account_info", "GET /trackings/getuserinfo"),
        ("status_counts", "GET /trackings/getstatusnumber"),
        ("carriers", "GET /carriers"),
        ("detect", "POST /carriers/detect"),
        ("remote_areas", "POST /trackings/remote"),
        ("transit_times", "POST /trackings/costtime"),
        ("air", "POST /trackings/aircargo"),
    ],
)
def test_method_and_path_are_those_of_the_api(name: str, request_line: str) -> None:
    """Each row has the method and path of API.md section 3."""
    row = OPERATIONS[name]
    assert f"{row.method} {row.path}" == request_line


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_rates_are_the_documented_ones(row: Operation) -> None:
    """Realtime may be sent three times a second, all others once."""
    assert row.rate == Rate(3 if row.name == "realtime" else 1)
    assert row.bucket == row.name


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_slow_operations_get_two_minutes(row: Operation) -> None:
    """Realtime and air wait 120 seconds, all others 30."""
    assert row.timeout == (120 if row.name in ("realtime", "air") else 30)


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_safety_follows_from_what_a_second_sending_does(row: Operation) -> None:
    """What costs quota is not asked twice, what is slow and dear never again, and every write names its tracking."""
    special = {"detect": Safety.PAID, "remote_areas": Safety.PAID, "realtime": Safety.NEVER, "air": Safety.NEVER}
    reads = row.method == "GET" or row.name == "transit_times"
    assert row.safety is special.get(row.name, Safety.READ if reads else Safety.KEYED)


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_only_the_four_batches_of_writes_have_a_counter(row: Operation) -> None:
    """A batch of writes answers with a counter of its own name, and its requests hold 40 items."""
    counters = dict(zip(BATCHES, ["added", "updated", "delete", "change"], strict=True))
    assert row.counter == counters.get(row.name)
    assert (row.response is BatchAnswer) == (row.name in BATCHES)
    assert row.batch_size == (40 if row.name in [*BATCHES, "remote_areas", "transit_times"] else 1)
    assert row.is_batch == (row.batch_size > 1)


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_prices_are_the_documented_ones(row: Operation) -> None:
    """Creating costs 1, detecting and remote areas 0.2, an air waybill 20; reading and editing nothing."""
    prices = {"create": 1, "create_many": 1, "detect": 0.2, "remote_areas": 0.2, "air": 20}
    assert row.quota == prices.get(row.name, 0)


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_the_fields_of_a_path_are_fields_of_the_request(row: Operation) -> None:
    """A path can be filled from the model of the request."""
    named = set(re.findall(r"{(\w+)}", row.path))
    assert named <= ({field.name for field in attrs.fields(row.request)} if row.request else set())
    assert row.request is None or issubclass(row.request, Model)


def test_the_table_cannot_be_changed() -> None:
    """Neither a row nor the mapping can be changed."""
    table: Any = OPERATIONS
    with pytest.raises(TypeError):
        table["get"] = operations.LIST
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        operations.GET.timeout = 1  # type: ignore[misc]


def test_rows_pickle_and_copy() -> None:
    """A row that has travelled is equal to its origin."""
    assert [pickle.loads(pickle.dumps(row)) for row in ROWS] == [copy.deepcopy(row) for row in ROWS] == ROWS  # noqa: S301


@pytest.mark.parametrize("requests", [0, -1, 1.5, math.nan, math.inf, "3", None, True])
def test_a_rate_needs_a_whole_number_of_requests(requests: Any) -> None:
    """Anything but a whole number of at least 1 is refused, and the text says what to pass."""
    with pytest.raises(ConfigurationError, match="whole number of at least 1"):
        Rate(requests)


@pytest.mark.parametrize("seconds", [0, -1.0, math.nan, math.inf, "1", None, True])
def test_a_rate_needs_a_positive_time(seconds: Any) -> None:
    """Anything but a finite number above 0 is refused, and the text says what to pass."""
    with pytest.raises(ConfigurationError, match="finite number above 0"):
        Rate(1, seconds)


def test_a_rate_knows_its_interval() -> None:
    """Four requests in two seconds are one each half second."""
    assert Rate(4, 2).interval == 0.5
