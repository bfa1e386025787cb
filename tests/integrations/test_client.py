"""What OpenTelemetry and the logs get of a real client."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest
from opentelemetry.trace import StatusCode
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.testing import capture_logs

from tests.client.helpers import CARRIER, KEY, NUMBER, failure, in_process
from tests.coalesce.scene import numbers, opened, stocked
from tests.conftest import VIRTUAL
from tests.integrations.telemetry import Telemetry, attributes, identity, key, links
from trackingmore_async import (
    DecodeError,
    NewTracking,
    NotFoundError,
    Timing,
    TrackingMore,
    TrackingMoreError,
    TrackingUpdate,
)
from trackingmore_async.integrations.logs import LoggingHook, StructlogHook
from trackingmore_async.integrations.otel import OpenTelemetryHook
from trackingmore_async.sandbox import Fault, Path, Sandbox

pytestmark = pytest.mark.anyio

GET = key(operation="get", lane="interactive")
PERSONAL = ("Erika Mustermann", "erika@example.org", "+49 151 23456789", KEY)


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock: retries and bans take their time."""
    return request.param


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Make a sandbox that holds one parcel; each way takes 50 ms."""
    made = Sandbox(keys=[KEY], path=Path(0.05, 0.05, 0.05))
    made.create(CARRIER, NUMBER)
    yield made
    assert made.statistics().total_violations == 0


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Make an OpenTelemetry, in which no span may be left open."""
    made = Telemetry()
    yield made
    assert made.open.names == set()


async def test_a_handler_can_be_followed_down_to_the_request(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """The span of a call stands below that of the handler which made it, and tells the time that the clock shows."""
    timings = list[Timing | None]()
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm:
        for _ in range(2):
            with telemetry.tracers.get_tracer("shop").start_as_current_span("handler"):
                tracking = await tm.trackings.get(CARRIER, NUMBER)
                timings.append(tracking.timing)
    for handler in telemetry.named("handler"):
        (call,) = telemetry.below(handler)
        (attempt,) = telemetry.below(call)
        assert (call.name, attributes(attempt)["http.response.status_code"]) == ("trackingmore.get", 200)
    second = attributes(telemetry.named("trackingmore.get")[1])
    assert second["trackingmore.waiting"] == pytest.approx(1.0)
    assert second["trackingmore.network"] == pytest.approx(0.15)
    point = telemetry.points("trackingmore.call.duration")[GET]
    assert timings[1] is not None
    assert (point.count, point.max) == (2, timings[1].total)


async def test_concurrent_handlers_get_their_own_spans(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """Of calls that run at the same time each one stands below its own handler."""
    tracer = telemetry.tracers.get_tracer("shop")

    async def handle(tm: TrackingMore, name: str) -> None:
        with tracer.start_as_current_span(name):
            await tm.trackings.get(CARRIER, NUMBER)

    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm, anyio.create_task_group() as tasks:
        for index in range(10):
            tasks.start_soon(handle, tm, f"handler {index}")
    for index in range(10):
        (handler,) = telemetry.named(f"handler {index}")
        (call,) = telemetry.below(handler)
        assert len(telemetry.below(call)) == 1


async def test_a_repeated_request_is_two_attempts(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """What went wrong on the way stands on the first attempt; the call went well."""
    sandbox.faults.add(Fault("get", on={1}, status=503))
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm:
        await tm.trackings.get(CARRIER, NUMBER)
    (call,) = telemetry.named("trackingmore.get")
    first, second = telemetry.below(call)
    assert attributes(first)["error.type"] == "ServerError"
    assert attributes(first)["http.response.status_code"] == 503
    assert attributes(second)["http.request.resend_count"] == 1
    assert [event.name for event in call.events] == ["trackingmore.retry"]
    assert {call.status.status_code, second.status.status_code} == {StatusCode.UNSET}
    assert telemetry.points("trackingmore.retries")[GET | key(error="ServerError")].value == 1


async def test_a_ban_is_told_once_and_waited_out(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """A 429 stands on its attempt, on the call, in the counter and in the time of the call, and warns in the log."""
    sandbox.faults.add(Fault("get", on={1}, code=429))
    with capture_logs() as lines:
        async with in_process(sandbox, hooks=[telemetry.hook(), StructlogHook()]) as tm:
            await tm.with_options(max_wait=None).trackings.get(CARRIER, NUMBER)
    (call,) = telemetry.named("trackingmore.get")
    assert [attributes(span).get("error.type") for span in telemetry.below(call)] == ["RateLimitedError", None]
    assert [event.name for event in call.events] == ["trackingmore.pause"]
    assert attributes(call)["trackingmore.pause"] == pytest.approx(121, abs=1)
    assert telemetry.points("trackingmore.pauses")[GET].value == 1
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["trackingmore.pause"]


async def test_a_failed_call_is_told_by_its_error(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """A look-up of what is not there ends with the error that its caller got."""
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm:
        error = await failure(tm.trackings.get(CARRIER, "LX900000018CN"))
    (call,) = telemetry.named("trackingmore.get")
    assert isinstance(error, NotFoundError)
    assert attributes(call)["error.type"] == "NotFoundError"
    assert call.status.status_code == StatusCode.ERROR
    assert set(telemetry.points("trackingmore.call.duration")) == {GET | key(error="NotFoundError")}


NONSENSE = b'{"meta": {"code": 200, "type": "Success", "message": "Success"}, "data": "nonsense"}'


@pytest.mark.parametrize("coalesce", [False, "reads"])
async def test_an_answer_that_cannot_be_read_fails_the_call(
    sandbox: Sandbox, telemetry: Telemetry, coalesce: Any
) -> None:
    """A call whose answer is not what the API promises is an error in spans and metrics, as it is for the caller."""
    sandbox.faults.add(Fault(("get", "list"), body=NONSENSE))
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm:
        error = await failure(tm.with_options(coalesce=coalesce).trackings.get(CARRIER, NUMBER))
    assert isinstance(error, DecodeError)
    assert {span.status.status_code for span in telemetry.named("trackingmore.get")} == {StatusCode.ERROR}
    assert set(telemetry.points("trackingmore.call.duration")) == {
        key(operation=name, lane="interactive", error="DecodeError")
        for name in ({"list", "get"} if coalesce else {"get"})
    }


async def test_a_job_tells_how_full_its_requests_are(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """The requests of a job are calls of the lane bulk, with the number of their items."""
    items = [NewTracking(CARRIER, f"LX{index:09d}CN") for index in range(100)]
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm:
        await tm.trackings.create_many(items)
    point = telemetry.points("trackingmore.batch.items")[key(operation="create_many", lane="bulk")]
    assert (point.count, point.sum) == (3, 100)
    calls = telemetry.named("trackingmore.create_many")
    assert sorted(attributes(call)["trackingmore.batch.items"] for call in calls) == [20, 40, 40]


@pytest.mark.parametrize("coalesce", [False, "reads"])
@pytest.mark.parametrize("seed", range(5))
async def test_cancelled_calls_leave_no_span_open(
    sandbox: Sandbox, telemetry: Telemetry, seed: int, coalesce: Any
) -> None:
    """Wherever a call is cancelled, its spans end, and nothing is kept of it; that is no error of anybody."""
    random_ = random.Random(seed)
    hook = telemetry.hook()

    async def give_up(tm: TrackingMore) -> None:
        await anyio.sleep(random_.uniform(0.0, 5.0))
        with anyio.move_on_after(random_.uniform(0.0, 1.2 if coalesce else 20.0)):
            await tm.with_options(max_wait=None, coalesce=coalesce).trackings.get(CARRIER, NUMBER)

    async with in_process(sandbox, hooks=[hook]) as tm:
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(give_up, tm)
        await anyio.sleep(1)  # a request that was sent already is not called back
        assert telemetry.open.names == set()
        assert len(hook._spans) == 0
    ends = [attributes(span).get("error.type") for span in telemetry.named("trackingmore.get")]
    assert len(ends) == 50
    assert set(ends) == {"CancelledError", None}
    assert {span.status.status_code for span in telemetry.spans} == {StatusCode.UNSET}


async def test_a_request_that_nobody_waits_for_is_not_measured(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """Where all have left when the turn comes nothing is sent, and no answer that took no time is counted."""
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm:
        look_up = asyncio.ensure_future(tm.with_options(coalesce="reads").trackings.get(CARRIER, NUMBER))
        await asyncio.sleep(0)
        look_up.cancel()
        await anyio.sleep(1)
    assert sandbox.statistics().total_requests == 0
    (listed,) = telemetry.named("trackingmore.list")
    assert attributes(listed)["error.type"] == "WithdrawnError"
    assert telemetry.points("trackingmore.request.duration") == {}


async def test_closing_the_client_ends_the_spans_of_calls_under_way(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """Calls that a closing client ends are told with their error."""
    hook = telemetry.hook()
    async with anyio.create_task_group() as tasks, in_process(sandbox, hooks=[hook]) as tm:
        for _ in range(5):
            tasks.start_soon(failure_or_result, tm)
        await anyio.sleep(0.5)
    assert len(hook._spans) == 0
    ends = [attributes(span).get("error.type") for span in telemetry.named("trackingmore.get")]
    assert ends == [None, *["ClientStateError"] * 4]


async def failure_or_result(tm: TrackingMore) -> None:
    """Read the parcel, and take what comes."""
    with suppress(TrackingMoreError):
        await tm.trackings.get(CARRIER, NUMBER)


async def test_look_ups_lead_from_their_handlers_to_the_requests_that_they_share(telemetry: Telemetry) -> None:
    """Each of 100 look-ups stands below its own handler, and has a link to a request, which is the root of a trace."""
    tracer, sandbox = telemetry.tracers.get_tracer("shop"), stocked(100)

    async def handle(tm: TrackingMore, number: str) -> None:
        with tracer.start_as_current_span(number):
            await tm.trackings.get("zto", number)

    async with opened(sandbox, hooks=[telemetry.hook()]) as tm, anyio.create_task_group() as tasks:
        for number in numbers(100):
            tasks.start_soon(handle, tm, number)
    senders = {identity(span): span for span in telemetry.named("trackingmore.list")}
    led_to = Counter[int]()
    for number in numbers(100):
        (handler,) = telemetry.named(number)
        (look_up,) = telemetry.below(handler)
        ((sender, said),) = links(look_up)
        assert said == {"trackingmore.batch.items": attributes(senders[sender])["trackingmore.batch.items"]}
        led_to[sender] += 1
    assert sorted(led_to.values()) == [20, 40, 40]
    assert {span.parent for span in senders.values()} == {None}
    assert [len(telemetry.below(span)) for span in senders.values()] == [1, 1, 1]
    point = telemetry.points("trackingmore.batch.items")[key(operation="list", lane="interactive")]
    assert (point.count, point.sum) == (3, 100)
    point = telemetry.points("trackingmore.call.wait_time")[GET]
    assert (point.count, point.max) == (100, pytest.approx(2.0, abs=0.1))


async def test_a_miss_leads_to_both_requests(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """A missing tracking is one look-up with links to the request that shared it and to the one that confirmed it."""
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm:
        await failure(tm.with_options(coalesce="reads").trackings.get(CARRIER, "LX900000018CN"))
    (listed,) = telemetry.named("trackingmore.list")
    confirmed, look_up = telemetry.named("trackingmore.get")
    assert [sender for sender, _ in links(look_up)] == [identity(listed), identity(confirmed)]
    assert (len(telemetry.below(look_up)), look_up.status.status_code) == (0, StatusCode.ERROR)
    assert (len(links(confirmed)), len(telemetry.below(confirmed))) == (0, 1)


async def test_further_pages_are_no_repetitions(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page of a shared request is a first attempt; one that is sent again is a second, whichever page it is."""
    monkeypatch.setattr("trackingmore_async.coalesce.lookups.MAX_PAGE_SIZE", 3)
    sandbox = stocked(9)
    sandbox.faults.add(Fault("list", on={2}, status=503))
    async with opened(sandbox, hooks=[telemetry.hook()]) as tm, anyio.create_task_group() as tasks:
        for number in numbers(9):
            tasks.start_soon(tm.trackings.get, "zto", number)
    (listed,) = telemetry.named("trackingmore.list")
    told = [attributes(span) for span in telemetry.below(listed)]
    assert [said["trackingmore.attempt"] for said in told] == [1, 1, 2, 1]
    assert [said.get("http.request.resend_count") for said in told] == [None, None, 1, None]
    assert attributes(listed)["trackingmore.attempts"] == 4


async def test_a_list_without_a_match_is_no_failure(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """A visitor's typing error is one failed look-up, and no failure of the request that others might have shared."""
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm:
        await failure(tm.with_options(coalesce="reads").trackings.get(CARRIER, "LX900000018CN"))
    (listed,) = telemetry.named("trackingmore.list")
    assert (listed.status.status_code, attributes(listed)["trackingmore.code"]) == (StatusCode.UNSET, 4031)
    (attempt,) = telemetry.below(listed)
    assert attributes(attempt)["error.type"] == "NotFoundError"
    told = telemetry.points("trackingmore.call.duration")
    assert told[key(operation="list", lane="interactive")].count == 1


async def test_edits_that_share_a_batch_lead_to_it(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """Edits of one tracking that were merged into one item have links to the same request."""
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm, anyio.create_task_group() as tasks:
        for title in ("mug", "cup"):
            tasks.start_soon(partial(tm.with_options(coalesce="all").trackings.update, CARRIER, NUMBER, title=title))
    (sender,) = telemetry.named("trackingmore.update_many")
    for edit in telemetry.named("trackingmore.update"):
        assert links(edit) == [(identity(sender), {"trackingmore.batch.items": 1})]


async def test_an_answer_from_memory_has_its_age(sandbox: Sandbox, telemetry: Telemetry) -> None:
    """What was answered from memory is a call without a request, told apart in the metrics."""
    async with in_process(sandbox, hooks=[telemetry.hook()]) as tm:
        for _ in range(2):
            await tm.with_options(coalesce="reads").trackings.get(CARRIER, NUMBER, max_age=60)
            await anyio.sleep(10)
    fetched, remembered = telemetry.named("trackingmore.get")
    assert "trackingmore.age" not in attributes(fetched)
    assert attributes(remembered)["trackingmore.age"] == pytest.approx(10, abs=0.2)
    assert set(telemetry.points("trackingmore.call.duration")) >= {GET, GET | key(from_memory=True)}


async def test_a_shared_request_has_nothing_of_the_context_of_its_callers(sandbox: Sandbox) -> None:
    """What a web service bound to its context stands on the lines of its own look-up only."""
    with capture_logs(processors=[merge_contextvars]) as lines:
        async with in_process(sandbox, hooks=[StructlogHook()]) as tm:
            with bound_contextvars(request_id="r-1"):
                await tm.with_options(coalesce="reads").trackings.get(CARRIER, NUMBER)
    assert {(line["operation"], line.get("request_id")) for line in lines} == {("get", "r-1"), ("list", None)}


@pytest.mark.parametrize("shared", [True, False])
async def test_two_clients_in_one_program(telemetry: Telemetry, shared: bool) -> None:
    """The spans of two clients that work at the same time do not get mixed up, whether they share a hook or not."""
    tracer, hooks = telemetry.tracers.get_tracer("shop"), [telemetry.hook(), telemetry.hook()]

    async def read(name: str, hook: OpenTelemetryHook, trouble: Fault) -> None:
        server = Sandbox(path=Path(0.05, 0.05, 0.05))
        server.create(CARRIER, NUMBER)
        server.faults.add(trouble)
        async with in_process(server, hooks=[hook]) as tm:
            with tracer.start_as_current_span(name):
                await tm.trackings.get(CARRIER, NUMBER)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read, "well", hooks[0], Fault("get", delay_back=5.0))
        tasks.start_soon(read, "badly", hooks[0 if shared else 1], Fault("get", on={1}, status=503))
    for name, attempts in (("well", 1), ("badly", 2)):
        (handler,) = telemetry.named(name)
        (call,) = telemetry.below(handler)
        assert len(telemetry.below(call)) == attempts


async def test_nothing_personal_or_secret_is_told(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Names, e-mail addresses, telephone numbers and the key are in no span, no metric and no line, come what may."""
    caplog.set_level(logging.DEBUG)
    telemetry = Telemetry()
    name, email, phone, _ = PERSONAL
    people = {"customer_name": name, "customer_email": email, "customer_phone": phone}
    sandbox.faults.add(
        Fault(None, on={2}, status=503, body="html"),
        Fault(None, on={4}, ban=True),
        Fault(None, on={6}, body="truncated"),
    )
    with capture_logs() as lines:
        async with in_process(sandbox, hooks=[telemetry.hook(), LoggingHook(), StructlogHook()]) as tm:
            patient = tm.with_options(max_wait=None)
            await patient.trackings.create(CARRIER, "LX900000018CN", **people)
            await patient.trackings.update(CARRIER, "LX900000018CN", **people)
            await failure(patient.trackings.create(CARRIER, "LX900000018CN", **people))
            await patient.trackings.update_many([TrackingUpdate(CARRIER, "LX900000018CN", **people)])
            async for tracking in patient.trackings.list():
                assert tracking.customer_name in {None, "", name}
            await failure(patient.trackings.get(CARRIER, email))
    told = [span.to_json() for span in telemetry.spans]
    told += [str(telemetry.reader.get_metrics_data()), repr(lines)]
    told += [
        f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name == "trackingmore_async"
    ]
    assert len(telemetry.spans) > 12
    assert [word for word in PERSONAL for text in told if word in text] == []
