"""What hooks hear of a call, in which order; that they hear nothing secret, and can break nothing."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any

import anyio
import attrs
import pytest

from tests.client.helpers import ADDRESS, CARRIER, KEY, NUMBER, UNLIMITED, GrantAll, close, failure, figures, in_process
from tests.conftest import VIRTUAL
from trackingmore_async import (
    ClientStateError,
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    Hook,
    HookDetails,
    NewTracking,
    NotFoundError,
    RetryPolicy,
    Timing,
    TrackingMore,
    TrackingMoreError,
    TrackingRef,
    TrackingUpdate,
    TransportError,
)
from trackingmore_async.sandbox import Fault, Path, Sandbox
from trackingmore_async.settings import server_of

pytestmark = pytest.mark.anyio

AS_USUAL = ("event", "call", "operation", "server")
EIGHTH = Path(there=0.0625, back=0.0625)


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock: all figures are exact."""
    return request.param


@pytest.fixture
def sandbox() -> Sandbox:
    """Make a sandbox with one parcel and no limits, whose answers take an eighth of a second."""
    made = Sandbox(keys=[KEY], path=EIGHTH, rates=UNLIMITED)
    made.create(CARRIER, NUMBER)
    return made


class Listener:
    """A hook that remembers what it hears, and in which task."""

    def __init__(self) -> None:
        self.heard: list[HookDetails] = []
        self.tasks: list[asyncio.Task[Any] | None] = []

    def __call__(self, details: HookDetails, /) -> None:
        """Hear."""
        self.heard.append(details)
        self.tasks.append(asyncio.current_task())

    @property
    def events(self) -> list[str]:
        """What happened, in order."""
        return [details.event for details in self.heard]

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return what was said of one kind of event, without what is as usual."""
        return [said(details) for details in self.heard if details.event == event]


def said(details: HookDetails) -> dict[str, Any]:
    """Return what a hook was told beside what is known, where that is not the default."""
    fields = [field for field in attrs.fields(HookDetails) if field.name not in AS_USUAL]
    values = {field.name: getattr(details, field.name) for field in fields}
    different = {field.name: values[field.name] for field in fields if values[field.name] != field.default}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in different.items()}


@pytest.fixture
def listener() -> Listener:
    """Return a hook."""
    return Listener()


async def test_a_call_that_goes_well(sandbox: Sandbox, listener: Listener) -> None:
    """A call begins, leaves, is answered, and ends; all under one number and one name."""
    async with in_process(sandbox, hooks=[listener]) as tm:
        await tm.account.info()
    assert listener.events == ["call", "request", "reply", "end"]
    assert {(details.call, details.operation) for details in listener.heard} == {
        (listener.heard[0].call, "account_info")
    }
    assert listener.heard[0].call > 0
    assert listener.of("call") == [{}]
    assert listener.of("request") == [{"attempt": 1}]
    assert listener.of("reply") == [{"attempt": 1, "seconds": 0.125, "http_status": 200, "code": 200}]
    end = listener.heard[-1]
    assert (end.code, end.error) == (200, None)
    assert figures(end.timing) == (0, 0, 0.125, 1)


async def test_a_request_says_where_it_goes(sandbox: Sandbox, listener: Listener) -> None:
    """Host and port of the server are told with each request, and of the address nothing else."""
    async with in_process(sandbox, hooks=[listener]) as tm:
        await tm.account.info()
    assert [details.server for details in listener.heard] == [None, ("sandbox", 80), None, None]


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("https://api.trackingmore.com/v2", ("api.trackingmore.com", 443)),
        ("http://Proxy.example:8080/trackings/v2", ("proxy.example", 8080)),
        ("https://[2001:db8::1]/v2", ("2001:db8::1", 443)),
    ],
)
def test_a_server_is_a_host_and_a_port(address: str, server: tuple[str, int]) -> None:
    """The port is that of the scheme where the address has none."""
    assert server_of(address) == server


async def test_waiting_for_a_slot_is_told(sandbox: Sandbox, listener: Listener) -> None:
    """A request says how long it waited for its turn."""
    async with in_process(sandbox, hooks=[listener]) as tm:
        await tm.account.info()
        begun = anyio.current_time()
        await tm.account.info()
        took = anyio.current_time() - begun
    assert listener.of("request") == [{"attempt": 1}, {"attempt": 1, "waited": close(took - 0.125)}]


async def test_a_retry_is_announced(sandbox: Sandbox, listener: Listener) -> None:
    """A failed attempt is told as a reply with an error, then the wait, then the next attempt."""
    sandbox.faults.add(Fault("account_info", on={1}, status=503, body="html"))
    async with in_process(sandbox, hooks=[listener], limiter=GrantAll()) as tm:
        await tm.account.info()
    assert listener.events == ["call", "request", "reply", "retry", "request", "reply", "end"]
    failed, answered = listener.of("reply")
    assert failed == {"attempt": 1, "seconds": 0.125, "http_status": 503, "error": "ServerError"}
    assert answered == {"attempt": 2, "seconds": 0.125, "http_status": 200, "code": 200}
    [retry] = [details for details in listener.heard if details.event == "retry"]
    assert (retry.attempt, retry.error) == (1, "ServerError")
    assert figures(listener.heard[-1].timing) == (close(retry.seconds), 0, 0.25, 2)


ENVELOPE = '{"meta": {"code": 200, "type": "Success", "message": "Success"}, "data": %s}'


@pytest.mark.parametrize(
    ("operation", "data", "error"),
    [
        ("account_info", '"nonsense"', DecodeError),
        ("get", '"nonsense"', DecodeError),
        ("get", "[]", NotFoundError),
        ("list", '"nonsense"', DecodeError),
    ],
)
async def test_a_call_ends_as_its_caller_is_told(
    sandbox: Sandbox, listener: Listener, operation: str, data: str, error: type[TrackingMoreError]
) -> None:
    """An answer that cannot be read, or holds nothing, ends the call with the error that its caller gets."""
    sandbox.faults.add(Fault(operation, body=(ENVELOPE % data).encode()))
    async with in_process(sandbox, hooks=[listener]) as tm:
        calls = {"account_info": tm.account.info, "list": partial_of(tm.trackings.list)}
        raised = await failure(calls.get(operation, partial_of(tm.trackings.get, CARRIER, NUMBER))())
    assert listener.events == ["call", "request", "reply", "end"]
    end = listener.heard[-1]
    assert (end.error, end.code) == (error.__name__, 200)
    assert (type(raised), raised.timing) == (error, end.timing)


def partial_of(call: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """Return a call that takes no arguments."""
    return functools.partial(call, *arguments)


@pytest.mark.usefixtures("decoding_takes_time")
async def test_a_batch_whose_answer_cannot_be_read_ends_with_that(sandbox: Sandbox, listener: Listener) -> None:
    """The request of a batch ends with the error for which its items are in doubt, and with the time of decoding."""
    sandbox.faults.add(Fault("stop_updating_many", body=(ENVELOPE % '"nonsense"').encode()))
    async with in_process(sandbox, hooks=[listener]) as tm:
        await tm.trackings.stop_updating_many([TrackingRef(CARRIER, NUMBER)])
    assert listener.events[:4] == ["call", "request", "batch", "reply"]
    end = next(details for details in listener.heard if details.event == "end")
    assert (end.operation, end.error, end.code) == ("stop_updating_many", "DecodeError", 200)
    assert end.timing is not None
    assert end.timing.decode > 0


@pytest.mark.usefixtures("decoding_takes_time")
async def test_decoding_is_a_part_of_the_call(sandbox: Sandbox, listener: Listener) -> None:
    """The time that the end of a call tells is that of the result, decoding included; none of that was waiting."""
    async with in_process(sandbox, hooks=[listener]) as tm:
        tracking = await tm.trackings.get(CARRIER, NUMBER)
    assert tracking.timing == listener.heard[-1].timing
    assert tracking.timing is not None
    assert tracking.timing.decode > 0


async def test_a_deletion_that_was_done_the_first_time_ends_well(sandbox: Sandbox, listener: Listener) -> None:
    """Where "does not exist" means that a lost request was carried out, the call is done, for hooks too."""
    sandbox.faults.add(Fault("delete", on={1}, reset="after"))
    async with in_process(sandbox, hooks=[listener]) as tm:
        await tm.trackings.delete(CARRIER, NUMBER)
    assert listener.events == ["call", "request", "reply", "retry", "request", "reply", "end"]
    assert listener.of("reply")[1]["error"] == "NotFoundError"
    assert (listener.heard[-1].error, listener.heard[-1].code) == (None, 4017)


async def test_a_creation_that_is_read_back_ends_well(sandbox: Sandbox, listener: Listener) -> None:
    """The look-up that settles a creation is a call of its own, its time a part of the creation's, which is done."""
    sandbox.faults.add(Fault("create", on={1}, reset="after"))
    async with in_process(sandbox, hooks=[listener]) as tm:
        echo = await tm.trackings.create(CARRIER, "LX900000018CN")
    ends = [(details.operation, details.error) for details in listener.heard if details.event == "end"]
    assert ends == [("get", None), ("create", None)]
    assert listener.heard[0].call == listener.heard[-1].call
    assert echo.timing == listener.heard[-1].timing
    assert echo.timing is not None
    assert echo.timing.attempts == 3


async def test_that_there_is_nothing_is_no_failure(sandbox: Sandbox, listener: Listener) -> None:
    """Where the server says "nothing", and the caller gets an empty list, the call is done."""
    sandbox.faults.add(Fault(("list", "detect"), code=4031, status=200))
    async with in_process(sandbox, hooks=[listener]) as tm:
        assert await tm.carriers.detect(NUMBER) == []
        assert (await tm.trackings.list()).items == ()
    ends = [(details.operation, details.error, details.code) for details in listener.heard if details.event == "end"]
    assert ends == [("detect", None, 4031), ("list", None, 4031)]


async def test_the_last_attempt_announces_no_retry(sandbox: Sandbox, listener: Listener) -> None:
    """Where there is no next attempt there is no retry; the end names the error."""
    sandbox.faults.add(Fault("account_info", refuse_connection=True))
    async with in_process(sandbox, hooks=[listener], limiter=GrantAll(), retry=RetryPolicy(attempts=2)) as tm:
        assert isinstance(await failure(tm.account.info()), TransportError)
    assert listener.events == ["call", "request", "reply", "retry", "request", "reply", "end"]
    assert [reply["error"] for reply in listener.of("reply")] == ["TransportError"] * 2
    assert "http_status" not in listener.of("reply")[0]
    assert (listener.heard[-1].error, listener.heard[-1].code) == ("TransportError", None)


async def test_a_ban_is_a_pause(sandbox: Sandbox, listener: Listener) -> None:
    """A 429 is a reply with an error, then a pause, and after it an attempt that is no retry."""
    sandbox.faults.add(Fault("account_info", on={1}, code=429))
    async with in_process(sandbox, hooks=[listener]) as tm:
        await tm.with_options(max_wait=None).account.info()
    assert listener.events == ["call", "request", "reply", "pause", "request", "reply", "end"]
    assert listener.of("reply")[0] == {
        "attempt": 1,
        "seconds": 0.125,
        "http_status": 429,
        "code": 429,
        "error": "RateLimitedError",
    }
    assert listener.of("pause") == [{"attempt": 1, "seconds": 121.0}]
    assert listener.of("request")[1] == {"attempt": 2, "waited": 121.0}
    assert (listener.heard[-1].error, listener.heard[-1].code) == (None, 200)
    assert figures(listener.heard[-1].timing) == (0, 121, 0.25, 2)


async def test_a_ban_that_several_requests_meet_is_one_pause(sandbox: Sandbox, listener: Listener) -> None:
    """Those that were under way are refused, too, but the account falls silent once."""
    sandbox.faults.add(Fault(on={1, 2}, code=429))
    async with in_process(sandbox, hooks=[listener]) as tm, anyio.create_task_group() as group:
        group.start_soon(failure, tm.account.info())
        group.start_soon(failure, tm.account.status_counts())
    assert [reply["error"] for reply in listener.of("reply")] == ["RateLimitedError"] * 2
    assert len(listener.of("pause")) == 1


async def test_a_refusal_is_told(sandbox: Sandbox, listener: Listener) -> None:
    """Its code and its class are told by the reply and by the end."""
    async with in_process(sandbox, hooks=[listener]) as tm:
        error = await failure(tm.trackings.update(CARRIER, "LX900000033CN", title="mug"))
    assert isinstance(error, NotFoundError)
    assert listener.events == ["call", "request", "reply", "end"]
    for details in listener.heard[2:]:
        assert (details.error, details.code) == ("NotFoundError", error.code)


async def test_a_hopeless_call_begins_and_ends(sandbox: Sandbox, listener: Listener) -> None:
    """A call that is refused before it waits has a begin and an end, and nothing between them."""
    async with in_process(sandbox, hooks=[listener]) as tm:
        await tm.account.info()
        listener.heard.clear()
        assert isinstance(await failure(tm.with_options(deadline=0.5).account.info()), DeadlineExceededError)
    assert listener.events == ["call", "end"]
    assert listener.of("end") == [{"error": "DeadlineExceededError", "timing": Timing()}]


@pytest.mark.parametrize(
    ("after", "events"),
    [(0.05, ["call", "request", "reply", "end"]), (0.5, ["call", "request", "reply", "end", "call", "end"])],
)
async def test_a_cancelled_call_ends(sandbox: Sandbox, listener: Listener, after: float, events: list[str]) -> None:
    """Whether its request was on its way, or still waited, a cancelled call has an end."""
    async with in_process(sandbox, hooks=[listener]) as tm:
        with anyio.move_on_after(after):
            await tm.account.info()
            await tm.account.info()
    assert listener.events == events
    assert listener.heard[-1].error == "CancelledError"
    assert listener.heard[-1].timing is not None
    assert listener.heard[-1].timing.total == pytest.approx(after - 0.125 if after > 0.125 else after)


async def test_closing_ends_calls(sandbox: Sandbox, listener: Listener) -> None:
    """Calls that a closed client gave up end with its error; calls on a closed client never began."""
    async with in_process(sandbox, hooks=[listener]) as tm, anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(failure, tm.account.info())
        await anyio.sleep(0.05)
        await tm.aclose()
        heard = len(listener.heard)
        assert isinstance(await failure(tm.account.info()), ClientStateError)
        assert len(listener.heard) == heard
    assert sorted(listener.events) == ["call", "call", "end", "end", "reply", "request"]
    assert listener.of("reply") == [{"attempt": 1, "seconds": 0.05, "error": "CancelledError"}]
    assert {end["error"] for end in listener.of("end")} == {"ClientStateError"}


async def test_call_and_end_come_in_the_task_of_the_caller(sandbox: Sandbox, listener: Listener) -> None:
    """Whoever keeps something for the call in its task finds it there again."""
    tasks: list[asyncio.Task[Any] | None] = []

    async def call(tm: TrackingMore) -> None:
        tasks.append(asyncio.current_task())
        await tm.account.info()

    async with in_process(sandbox, hooks=[listener]) as tm, anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(call, tm)
    for event in ("call", "end"):
        heard = zip(listener.tasks, listener.heard, strict=True)
        assert [task for task, details in heard if details.event == event] == tasks


async def test_numbers_tell_calls_apart(sandbox: Sandbox, listener: Listener) -> None:
    """No two calls have the same number, not even those of two clients."""
    for _ in range(2):
        async with in_process(sandbox, hooks=[listener], limiter=GrantAll()) as tm:
            for _ in range(3):
                await tm.account.info()
    assert len({details.call for details in listener.heard}) == 6


async def test_every_view_tells_the_same_hooks(sandbox: Sandbox, listener: Listener) -> None:
    """Views of a client with other options tell its hooks, with their lane; all hooks hear in their order."""
    second = Listener()
    async with in_process(sandbox, hooks=(listener, second)) as tm:
        await tm.with_options(priority="bulk").account.info()
    assert {details.lane for details in listener.heard} == {"bulk"}
    assert second.heard == listener.heard


async def test_nothing_secret_is_told(sandbox: Sandbox, listener: Listener) -> None:
    """Whatever is sent and answered, well or not, no hook hears of a key, a path, a number or a person."""
    secrets = ["Kim-Secretname", "kim@secret.example", "+4912345678"]
    person: Any = dict(zip(("customer_name", "customer_email", "customer_phone"), secrets, strict=True))
    sandbox.faults.add(
        Fault("create", on={2}, code=4001),
        Fault("update", on={1}, body="truncated"),
        Fault("get", on={1}, status=502, body="html"),
        Fault("realtime", on={1}, code=429),
    )
    async with in_process(sandbox, hooks=[listener], limiter=GrantAll()) as tm:
        await tm.trackings.create(CARRIER, "LX900000025CN", **person)
        await failure(tm.trackings.create(CARRIER, "LX900000033CN", **person))
        await tm.trackings.update(CARRIER, NUMBER, **person)
        await tm.trackings.get(CARRIER, NUMBER)
        await tm.trackings.realtime(CARRIER, NUMBER)
        await tm.trackings.create_many([NewTracking(CARRIER, f"ZZ{n:09d}CN", **person) for n in range(50)])
        await tm.trackings.update_many([TrackingUpdate(CARRIER, f"ZZ{n:09d}CN", **person) for n in range(50)])
        assert len([one async for one in tm.trackings.list(page_size=20)]) > 50
    told = "\n".join(repr(attrs.asdict(details)) for details in listener.heard)
    assert {details.event for details in listener.heard} >= {"call", "request", "reply", "retry", "pause", "end"}
    for secret in (*secrets, KEY, ADDRESS, "http:", "/v2", "LX9", "ZZ0", CARRIER):
        assert secret not in told


class Broken:
    """A hook that always fails."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _details: HookDetails, /) -> None:
        """Fail."""
        self.calls += 1
        raise ValueError("Kim-Secretname")


async def test_what_is_told_is_frozen(sandbox: Sandbox, listener: Listener) -> None:
    """Several hooks hear one object, so none can change what the next one hears."""
    async with in_process(sandbox, hooks=[listener]) as tm:
        await tm.account.info()
    for details in listener.heard:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(details, "call", 7)  # noqa: B010 - a type checker would see through an assignment


async def test_a_hook_that_raises_changes_nothing(
    sandbox: Sandbox, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """Calls and other hooks go on as if it were not there; it is logged once, without what it said."""
    broken = Broken()
    sandbox.faults.add(Fault("account_info", on={1}, status=503, body="html"))
    with caplog.at_level(logging.DEBUG, "trackingmore_async"):
        async with in_process(sandbox, hooks=[broken, listener], limiter=GrantAll()) as tm:
            await tm.account.info()
    assert listener.events == ["call", "request", "reply", "retry", "request", "reply", "end"]
    assert broken.calls == 7
    [record] = caplog.records
    text = logging.Formatter().format(record)
    assert record.name == "trackingmore_async"
    assert "Broken raised ValueError" in text
    assert "test_hooks.py, line" in text
    assert "Kim" not in text


@pytest.mark.parametrize("coalesce", [False, "reads"])
@pytest.mark.parametrize("event", ["call", "request", "reply", "end"])
async def test_a_hook_that_asks_a_cancelled_future_cancels_nothing(sandbox: Sandbox, event: str, coalesce: Any) -> None:
    """That a hook raises `CancelledError` changes nothing either: nobody gave up the call."""
    cancelled = asyncio.get_running_loop().create_future()
    cancelled.cancel()

    def ask(details: HookDetails) -> None:
        if details.event == event:
            cancelled.result()

    async with in_process(sandbox, hooks=[ask]) as tm:
        tracking = await tm.with_options(coalesce=coalesce).trackings.get(CARRIER, NUMBER)
    assert tracking.tracking_number == NUMBER


async def test_without_hooks_nothing_is_made(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client without hooks makes no object to describe an event."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("told")

    monkeypatch.setattr("trackingmore_async.transport.herald.HookDetails", refuse)
    sandbox.faults.add(Fault("account_info", on={1}, status=503, body="html"), Fault("account_info", on={2}, code=429))
    async with in_process(sandbox) as tm:
        await tm.with_options(max_wait=None).account.info()


async def hears_later(_details: HookDetails, /) -> None:
    """Be what no hook may be."""


class HearsLater:
    """Be what no hook may be."""

    async def __call__(self, _details: HookDetails, /) -> None:
        """Hear."""


@pytest.mark.parametrize(
    ("hooks", "text"),
    [
        (7, "has to be a list of functions"),
        (print, "has to be a list of functions"),
        (["print"], "hooks[0] cannot be called: it is of type str"),
        ([print, None], "hooks[1] cannot be called: it is of type NoneType"),
        ([Listener], "hooks[0] is the class Listener. Pass an object of it"),
        ([hears_later], "hooks[0] is an async function"),
        ([functools.partial(hears_later)], "hooks[0] is an async function"),
        ([print, HearsLater()], "hooks[1] is an async function"),
    ],
)
def test_what_cannot_be_a_hook_is_refused(hooks: Any, text: str) -> None:
    """What cannot be called, or would have to be awaited, is told when the client is made."""
    with pytest.raises(ConfigurationError) as caught:
        TrackingMore(KEY, hooks=hooks)
    assert text in str(caught.value)


@pytest.mark.parametrize("make", [list, tuple, iter])
def test_hooks_may_come_in_any_order_once(make: Callable[[Iterable[Hook]], Any]) -> None:
    """Lists, tuples and generators will do; functions, methods, partial functions and objects."""
    hooks: list[Hook] = [print, Listener().heard.append, functools.partial(print, "x"), Listener(), lambda _: None]
    assert repr(TrackingMore(KEY, hooks=make(hooks))).startswith("<TrackingMore")


async def test_a_trail_of_an_open_call_begins_no_other(sandbox: Sandbox, listener: Listener) -> None:
    """What sends on behalf of a call that has begun already is told under its number, with one begin and one end."""
    from trackingmore_async.codec import encode
    from trackingmore_async.operations import ACCOUNT_INFO
    from trackingmore_async.transport import Trail

    async with in_process(sandbox, hooks=[listener]) as tm:
        caller, trail = vars(tm)["_caller"], Trail()
        with caller.transport.call(ACCOUNT_INFO, "bulk", trail):
            await anyio.sleep(0.5)
            wire = encode(ACCOUNT_INFO, None)
            await caller.transport.send(ACCOUNT_INFO, lambda: wire, caller.budget(ACCOUNT_INFO), trail)
    assert listener.events == ["call", "request", "reply", "end"]
    assert len({details.call for details in listener.heard}) == 1
    assert figures(trail.timing()) == (0.5, 0, 0.125, 1)
