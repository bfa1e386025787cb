"""The metrics that OpenTelemetry gets."""

from __future__ import annotations

import pytest

from tests.integrations.events import ANSWERED, REFUSED, RETRIED, Teller, shared
from tests.integrations.telemetry import Telemetry, key
from trackingmore_async.timing import Timing

GET = key(operation="get", lane="interactive")
LIST = key(operation="list", lane="interactive")


@pytest.fixture
def telemetry() -> Telemetry:
    """Make an OpenTelemetry."""
    return Telemetry()


@pytest.fixture
def teller(telemetry: Telemetry) -> Teller:
    """Make a client that tells it."""
    return Teller(telemetry.hook())


def test_calls_are_measured_by_operation_and_lane(telemetry: Telemetry, teller: Teller) -> None:
    """How long calls took, and how long they waited, is told for each operation and lane."""
    teller.tell(ANSWERED)
    teller.tell([{**event, "lane": "bulk"} for event in ANSWERED])
    teller.tell(RETRIED)
    durations, waits = telemetry.points("trackingmore.call.duration"), telemetry.points("trackingmore.call.wait_time")
    bulk = key(operation="get", lane="bulk")
    assert {place: (point.count, point.sum) for place, point in durations.items()} == {
        GET: (2, 125.375),
        bulk: (1, 0.625),
    }
    assert {place: (point.count, point.sum) for place, point in waits.items()} == {GET: (2, 3.5), bulk: (1, 0.5)}


def test_the_buckets_fit_the_pace_of_the_api(telemetry: Telemetry, teller: Teller) -> None:
    """A wait of 0.4 s is told from one of 0.8 s and from one of 1.2 s, and a ban from both."""
    for seconds in (0.4, 0.8, 1.2, 121.0):
        teller.tell([ANSWERED[0], {"event": "end", "timing": Timing(waiting=seconds)}])
    point = telemetry.points("trackingmore.call.wait_time")[GET]
    assert [count for count in point.bucket_counts if count] == [1, 1, 1, 1]


def test_failed_and_remembered_calls_can_be_told_apart(telemetry: Telemetry, teller: Teller) -> None:
    """A failure carries the name of its error, and an answer from memory that it is one."""
    teller.tell(REFUSED)
    teller.tell([ANSWERED[0], {"event": "end", "timing": Timing(age=3.0)}])
    assert set(telemetry.points("trackingmore.call.duration")) == {
        key(operation="get", lane="interactive", error="NotFoundError"),
        key(operation="get", lane="interactive", from_memory=True),
    }


def test_requests_are_measured_by_their_answer(telemetry: Telemetry, teller: Teller) -> None:
    """How long answers took is told by HTTP status, ``meta.code`` and error."""
    teller.tell(RETRIED)
    points = telemetry.points("trackingmore.request.duration")
    place = {"operation": "get", "lane": "interactive"}
    assert {known: (point.count, point.sum) for known, point in points.items()} == {
        key(**place, status=503, error="ServerError"): (1, 0.25),
        key(**place, status=200, code=429, error="RateLimitedError"): (1, 0.25),
        key(**place, status=200, code=200): (1, 0.25),
    }


def test_pauses_and_retries_are_counted(telemetry: Telemetry, teller: Teller) -> None:
    """Each ban and each retry counts once."""
    teller.tell(RETRIED)
    teller.tell(RETRIED)
    pauses, retries = telemetry.points("trackingmore.pauses"), telemetry.points("trackingmore.retries")
    assert {place: point.value for place, point in pauses.items()} == {GET: 2}
    assert {place: point.value for place, point in retries.items()} == {GET | key(error="ServerError"): 2}


def test_the_fill_of_batches_is_measured(telemetry: Telemetry, teller: Teller) -> None:
    """How many items go into a request is told, a full one apart from one that is nearly so."""
    for count in (1, 39, 40):
        teller.tell([shared(tuple(range(count)), 1)], 1, "list")
    point = telemetry.points("trackingmore.batch.items")[LIST]
    assert (point.count, point.sum) == (3, 80)
    assert [count for count in point.bucket_counts if count] == [1, 1, 1]
