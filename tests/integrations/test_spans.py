"""The spans that OpenTelemetry gets."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, use_span

from tests.integrations.events import ANSWERED, REFUSED, RETRIED, Teller, shared
from tests.integrations.telemetry import Telemetry, attributes, identity, links
from trackingmore_async.integrations.otel import OpenTelemetryHook
from trackingmore_async.integrations.spans import Spans
from trackingmore_async.timing import Timing

ATTEMPT = "GET /trackings/{carrier_code}/{tracking_number}"


@pytest.fixture
def telemetry() -> Telemetry:
    """Make an OpenTelemetry that records everything."""
    return Telemetry()


@pytest.fixture
def teller(telemetry: Telemetry) -> Teller:
    """Make a client that tells it."""
    return Teller(telemetry.hook())


def test_a_call_is_a_span_below_the_current_one(telemetry: Telemetry, teller: Teller) -> None:
    """The span of a call stands below the span that was current when it was made, and its attempt below it."""
    tracer = telemetry.tracers.get_tracer("web service")
    with tracer.start_as_current_span("GET /parcels"):
        teller.tell(ANSWERED)
    attempt, call, request = telemetry.spans
    assert (request.name, call.name, attempt.name) == ("GET /parcels", "trackingmore.get", ATTEMPT)
    assert (call.parent, attempt.parent) == (request.context, call.context)
    assert (call.kind, attempt.kind) == (SpanKind.INTERNAL, SpanKind.CLIENT)
    assert call.instrumentation_scope is not None
    assert call.instrumentation_scope.name == "trackingmore_async"


def test_a_span_says_what_is_known(telemetry: Telemetry, teller: Teller) -> None:
    """The attributes of a call and of an attempt say what the events say."""
    teller.tell(ANSWERED)
    attempt, call = telemetry.spans
    assert attributes(call) == {
        "trackingmore.operation": "get",
        "trackingmore.lane": "interactive",
        "trackingmore.code": 200,
        "trackingmore.attempts": 1,
        "trackingmore.waiting": 0.5,
        "trackingmore.pause": 0.0,
        "trackingmore.network": 0.125,
        "trackingmore.decode": 0.0,
    }
    assert attributes(attempt) == {
        "http.request.method": "GET",
        "url.template": "/trackings/{carrier_code}/{tracking_number}",
        "server.address": "api.trackingmore.com",
        "server.port": 443,
        "trackingmore.attempt": 1,
        "trackingmore.wait_time": 0.5,
        "http.response.status_code": 200,
        "trackingmore.code": 200,
    }
    assert {call.status.status_code, attempt.status.status_code} == {StatusCode.UNSET}


def test_attempts_and_pauses_stand_in_the_order_of_time(telemetry: Telemetry, teller: Teller) -> None:
    """Each attempt is a span of its own, with its own failure; what was recovered from is no failure of the call."""
    teller.tell(RETRIED)
    (call,) = telemetry.named("trackingmore.get")
    attempts = telemetry.below(call)
    assert [attributes(span).get("error.type") for span in attempts] == ["ServerError", "RateLimitedError", None]
    assert [attributes(span).get("http.request.resend_count") for span in attempts] == [None, 1, 2]
    errors = [StatusCode.ERROR, StatusCode.ERROR, StatusCode.UNSET]
    assert [span.status.status_code for span in attempts] == errors
    told = [(event.name, dict(event.attributes or {})) for event in call.events]
    assert told == [
        ("trackingmore.retry", {"trackingmore.seconds": 2.0, "error.type": "ServerError"}),
        ("trackingmore.pause", {"trackingmore.seconds": 121.0}),
    ]
    assert call.status.status_code == StatusCode.UNSET
    assert "error.type" not in attributes(call)


def test_a_failure_is_told_by_its_kind_alone(telemetry: Telemetry, teller: Teller) -> None:
    """A failed call has the status ERROR and the name of the error, no text, and no exception."""
    teller.tell(REFUSED)
    (call,) = telemetry.named("trackingmore.get")
    assert (call.status.status_code, call.status.description) == (StatusCode.ERROR, None)
    assert attributes(call)["error.type"] == "NotFoundError"
    assert attributes(call)["trackingmore.code"] == 4031
    assert not call.events


@pytest.mark.parametrize("error", ["CancelledError", "WithdrawnError"])
def test_giving_up_is_no_failure(telemetry: Telemetry, teller: Teller, error: str) -> None:
    """A call that nobody waits for any more says so, ends with its attempt, and is no error."""
    cancelled = {"event": "end", "error": error, "timing": Timing(waiting=0.5, attempts=1)}
    teller.tell([*ANSWERED[:2], cancelled])
    attempt, call = telemetry.spans
    assert attempt.parent == call.context
    assert attributes(call)["error.type"] == error
    assert call.status.status_code == StatusCode.UNSET
    assert telemetry.open.names == set()


def test_an_answer_from_memory_tells_its_age(telemetry: Telemetry, teller: Teller) -> None:
    """A call that was answered from memory has no attempt, and the age of the answer."""
    teller.tell([ANSWERED[0], {"event": "end", "timing": Timing(age=12.5)}])
    (call,) = telemetry.spans
    assert attributes(call)["trackingmore.age"] == 12.5
    assert attributes(call)["trackingmore.attempts"] == 0


def test_look_ups_lead_to_the_request_that_they_share(telemetry: Telemetry, teller: Teller) -> None:
    """Each look-up has one link to the call that sends for all, which is sent twice, and says how many they are."""
    for number in (1, 2, 3):
        teller.tell(ANSWERED[:1], number)
    sent = {"event": "batch", "items": 2, "capacity": 40, "shares": (1, 2)}
    teller.tell([*RETRIED[:2], sent, *RETRIED[2:5], sent, *ANSWERED[2:]], 4, "list")
    for number in (1, 2, 3):
        teller.tell(ANSWERED[-1:], number)
    (sender,) = telemetry.named("trackingmore.list")
    first, second, third = telemetry.named("trackingmore.get")
    assert links(first) == links(second) == [(identity(sender), {"trackingmore.batch.items": 2})]
    assert links(third) == []
    assert [attributes(span).get("trackingmore.batch.items") for span in (first, second, third)] == [2, 2, None]
    assert attributes(sender)["trackingmore.batch.items"] == 2
    assert attributes(sender)["trackingmore.batch.capacity"] == 40
    assert sender.parent is None


def test_a_look_up_that_goes_into_another_request_leads_to_both(telemetry: Telemetry, teller: Teller) -> None:
    """A look-up whose first shared request gave nothing has a link to each."""
    teller.tell(ANSWERED[:1], 1)
    for sender in (2, 3):
        teller.tell([*ANSWERED[:2], shared((1,), sender), *ANSWERED[2:]], sender, "list")
    teller.tell(ANSWERED[-1:], 1)
    (look_up,) = telemetry.named("trackingmore.get")
    assert [number for number, _ in links(look_up)] == [identity(span) for span in telemetry.named("trackingmore.list")]


def test_nothing_is_kept_of_what_is_not_recorded() -> None:
    """Spans that are not recorded cost no memory, no attempts and no links."""
    telemetry = Telemetry(ALWAYS_OFF)
    made = Spans(telemetry.tracers.get_tracer("x"))
    Teller(made.hear).tell(ANSWERED[:2])
    assert len(made) == 0
    Teller(made.hear).tell([shared((1,), 2), *ANSWERED[2:]])
    assert not telemetry.spans


def test_without_an_sdk_nothing_is_kept() -> None:
    """Where nobody set up OpenTelemetry, the hook does nothing and remembers nothing."""
    hook = OpenTelemetryHook()
    Teller(hook).tell([*RETRIED[:3], shared((1,), 1)])
    assert len(hook._spans) == 0


def test_a_sender_that_is_not_recorded_gets_no_links() -> None:
    """A look-up that is recorded has no link to a request that is not, but knows how many shared it."""
    telemetry = Telemetry(ParentBased(ALWAYS_OFF))
    teller = Teller(telemetry.hook())
    sampled = NonRecordingSpan(SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)))
    with use_span(sampled):
        teller.tell(ANSWERED[:1], 1)
    teller.tell([*ANSWERED[:2], shared((1,), 2), *ANSWERED[2:]], 2, "list")
    teller.tell(ANSWERED[-1:], 1)
    (look_up,) = telemetry.spans
    assert links(look_up) == []
    assert attributes(look_up)["trackingmore.batch.items"] == 1


def test_any_number_of_calls_may_be_under_way(telemetry: Telemetry, teller: Teller) -> None:
    """Of 12,000 calls that wait at the same time each one has its span until its own end, with all that is known."""
    for number in range(12_000):
        teller.tell(ANSWERED[:1], number)
    assert not telemetry.spans
    for number in range(12_000):
        teller.tell(ANSWERED[1:], number)
    calls = telemetry.named("trackingmore.get")
    assert [attributes(call)["trackingmore.attempts"] for call in calls] == [1] * 12_000
    assert telemetry.open.names == set()
