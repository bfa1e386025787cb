"""Six ways to fail, six different errors; and what no error, log or repr may ever show."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import logging
import pickle
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from tests.client.helpers import CARRIER, FAST, KEY, NUMBER, UNLIMITED, failure, told
from trackingmore_async import (
    AlreadyExistsError,
    AuthenticationError,
    ConfigurationError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RetryPolicy,
    ServerError,
    TrackingMore,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

PEOPLE = {
    "customer_name": "Kim Secretname",
    "customer_email": "kim@private.example",
    "customer_phone": "+8613099999999",
}
SECRETS = (KEY, *PEOPLE.values())
QUICK = RetryPolicy(attempts=2, base=0.01)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Serve a sandbox without limits: several of these errors come after the second request only."""
    async with Sandbox(keys=[KEY], rates=UNLIMITED) as serving:
        yield serving


Trouble = Callable[[Sandbox], Awaitable[TrackingMoreError]]


def dead_address() -> str:
    """Return an address at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v2"


async def create(sandbox: Sandbox, *, key: str = KEY, url: str | None = None) -> TrackingMoreError:
    """Create one parcel, with all that is to be kept secret, and return the error."""
    async with TrackingMore(key, base_url=url or sandbox.url, retry=QUICK, rates=FAST) as tm:
        return await failure(tm.trackings.create(CARRIER, NUMBER, **PEOPLE))


async def existing(sandbox: Sandbox) -> TrackingMoreError:
    """Create what exists."""
    sandbox.create(CARRIER, NUMBER)
    return await create(sandbox)


async def missing(sandbox: Sandbox) -> TrackingMoreError:
    """Read what does not exist."""
    async with TrackingMore(KEY, base_url=sandbox.url) as tm:
        return await failure(tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER))


async def wrong_key(sandbox: Sandbox) -> TrackingMoreError:
    """Use a key that the server does not know."""
    return await create(sandbox, key="another-key")


async def no_quota(sandbox: Sandbox) -> TrackingMoreError:
    """Create with an empty quota."""
    sandbox.faults.add(Fault("create", code=4021))
    return await create(sandbox)


async def broken_server(sandbox: Sandbox) -> TrackingMoreError:
    """Meet a server that fails again and again."""
    sandbox.faults.add(Fault("create", code=500))
    return await create(sandbox)


async def dead_host(sandbox: Sandbox) -> TrackingMoreError:
    """Call where nobody listens."""
    return await create(sandbox, url=dead_address())


async def refused_here(sandbox: Sandbox) -> TrackingMoreError:
    """Ask for what cannot be a number."""
    async with TrackingMore(KEY, base_url=sandbox.url) as tm:
        return await failure(tm.trackings.create(CARRIER, "a/b", **PEOPLE))


async def garbled(sandbox: Sandbox) -> TrackingMoreError:
    """Meet an answer that is cut off, and one that lacks what it must have."""
    sandbox.create(CARRIER, NUMBER, **PEOPLE)
    sandbox.faults.add(Fault("get", body="truncated"))
    async with TrackingMore(KEY, base_url=sandbox.url, retry=QUICK, rates=FAST) as tm:
        return await failure(tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER))


async def lost(sandbox: Sandbox) -> TrackingMoreError:
    """Lose every answer."""
    sandbox.faults.add(Fault("create", reset="after"))
    return await create(sandbox)


async def echoed(sandbox: Sandbox) -> TrackingMoreError:
    """Meet a proxy that prints the whole request into its error page."""
    page = f"<html>Bad request: Trackingmore-Api-Key: {KEY}</html>"
    sandbox.faults.add(Fault("create", status=502, body=page.encode()))
    return await create(sandbox)


EXPECTED: Mapping[Trouble, tuple[type[TrackingMoreError], str | None, int | None, int | None, int, str]] = {
    existing: (AlreadyExistsError, "create", 4016, 200, 1, "Use update"),
    missing: (NotFoundError, "get", 4031, 200, 1, "Create it first"),
    wrong_key: (AuthenticationError, "create", 4001, 200, 1, "Check TRACKINGMORE_API_KEY"),
    no_quota: (QuotaExceededError, "create", 4021, 200, 1, "Buy quota"),
    broken_server: (ServerError, "create", 500, 500, 2, "Try again later"),
    dead_host: (TransportError, "create", None, None, 2, "Check the network"),
    refused_here: (InvalidRequestError, "create", None, None, 0, "pass the code or number alone"),
    garbled: (DecodeError, "get", None, 200, 2, "Try again"),
    lost: (TransportError, "create", None, None, 2, "Read back"),
    echoed: (ServerError, "create", None, 502, 2, "Try again later"),
}
troubles = pytest.mark.parametrize("trouble", EXPECTED, ids=lambda trouble: trouble.__name__)


@troubles
async def test_each_trouble_is_told_apart(sandbox: Sandbox, trouble: Trouble) -> None:
    """The class says why, the attributes say where, and the text says what to do."""
    error = await trouble(sandbox)
    kind, operation, code, status, attempts, advice = EXPECTED[trouble]
    assert isinstance(error, kind)
    assert (error.operation, error.code, error.http_status, error.attempts) == (operation, code, status, attempts)
    assert advice in str(error)


@troubles
async def test_each_error_travels(sandbox: Sandbox, trouble: Trouble) -> None:
    """An error that was raised pickles, and comes back the same."""
    error = await trouble(sandbox)
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))
    assert KEY.encode() not in pickle.dumps(error)


@troubles
async def test_no_error_shows_a_secret(sandbox: Sandbox, trouble: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the error, nor what it hangs on, nor the locals in our frames, nor any log has key, name or address."""
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpcore").setLevel(logging.INFO)
        error = await trouble(sandbox)
    ours = "\n".join(line for line in told(error).splitlines() if not line.lstrip().startswith("fields = "))
    assert [secret for secret in SECRETS if secret in ours.replace(repr(PEOPLE), "")] == []
    assert [secret for secret in SECRETS if secret in caplog.text] == []
    assert "httpx" not in type(error.__cause__ or error.__context__).__module__


async def test_only_httpx_logs_the_numbers_of_parcels(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """At the level DEBUG no logger at all writes the key or a name, and numbers of parcels stand on httpx' alone."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "httpcore")
    sandbox.create(CARRIER, NUMBER)
    async with TrackingMore(KEY, base_url=sandbox.url, retry=QUICK, rates=FAST) as tm:
        await tm.trackings.get(CARRIER, NUMBER)
        await tm.trackings.update(CARRIER, NUMBER, **PEOPLE)
    lines = [(record.name, record.getMessage()) for record in caplog.records]
    assert {name for name, text in lines if NUMBER in text} == {"httpx"}
    assert "httpcore.http11" in {name for name, _ in lines}
    assert [secret for secret in SECRETS if any(secret in text for _, text in lines)] == []


async def test_the_client_does_not_show_its_key(tm: TrackingMore) -> None:
    """The client, its views and its resources print without the key, and the client cannot be pickled with it."""
    shown = [
        repr(part) for part in (tm, tm.with_options(deadline=1), tm.trackings, vars(tm), vars(tm._caller.transport))
    ]
    assert KEY not in "\n".join(shown)
    with pytest.raises(TypeError):
        pickle.dumps(tm)


@pytest.fixture
async def unclosed_port() -> AsyncIterator[str]:
    """Serve an address that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v2"


async def test_a_server_that_never_answers_is_given_up(unclosed_port: str) -> None:
    """After the timeout of the last attempt the error says that the request was sent."""
    async with TrackingMore(KEY, base_url=unclosed_port, retry=QUICK, rates=FAST, timeout=0.1) as tm:
        error = await failure(tm.with_options(max_wait=None).trackings.get(CARRIER, NUMBER))
    assert isinstance(error, TransportError)
    assert (error.sent, error.attempts) == (True, 2)
    assert "0.1 s" in str(error)


@pytest.mark.parametrize(("fault", "timeout"), [({"reset": "after"}, None), ({"delay_back": 2.0}, 0.2)])
async def test_a_request_that_only_reads_need_not_be_read_back(
    sandbox: Sandbox, fault: dict[str, Any], timeout: float | None
) -> None:
    """Where the answer to a read is lost, the advice is to try again; of a write it is to read back before."""
    sandbox.faults.add(Fault(**fault))
    async with TrackingMore(KEY, base_url=sandbox.url, retry=QUICK, rates=FAST, timeout=timeout) as tm:
        reading = await failure(tm.account.info())
        writing = await failure(tm.trackings.update(CARRIER, NUMBER, title="mug"))
    assert reading.message.endswith("Nothing was changed. Try again.")
    assert "Read back before sending it again." in writing.message


async def test_a_connect_that_never_ends_was_not_sent() -> None:
    """When not even the connection came about in time, the error is certain that nothing was sent."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]  # the backlog is full: further connects hang
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        async with TrackingMore(KEY, base_url=f"http://127.0.0.1:{address[1]}/v2", timeout=0.2, rates=FAST) as tm:
            error = await failure(tm.carriers.detect(NUMBER))
        for filler in fillers:
            filler.close()
    assert isinstance(error, TransportError)
    assert error.sent is False
    assert error.attempts == 2


WRITES: dict[str, Callable[[TrackingMore, Any], Awaitable[object]]] = {
    "create": lambda tm, number: tm.trackings.create(CARRIER, number),
    "update": lambda tm, number: tm.trackings.update(CARRIER, number, title="mug"),
    "delete": lambda tm, number: tm.trackings.delete(CARRIER, number),
    "realtime": lambda tm, number: tm.trackings.realtime(CARRIER, number),
    "change_carrier": lambda tm, number: tm.trackings.change_carrier(CARRIER, number, "zto"),
}


@pytest.mark.parametrize("coalesce", [False, "all"])
@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("number", [500600700800, None])
async def test_a_number_that_is_no_text_is_refused(
    sandbox: Sandbox, operation: str, number: object, coalesce: Any
) -> None:
    """A number from a table of numbers is told to be no text, also where memory notes what is written."""
    sandbox.create(CARRIER, NUMBER)
    async with TrackingMore(KEY, base_url=sandbox.url, rates=FAST) as tm:
        await tm.trackings.get(CARRIER, NUMBER, max_age=60)
        error = await failure(WRITES[operation](tm.with_options(coalesce=coalesce), number))
    assert isinstance(error, InvalidRequestError)
    assert (error.operation, error.attempts) == (operation, 0)
    assert "tracking_number must be a text" in str(error)


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"pause_after_429": None}, "leave it out"),
        ({"pause_after_429": 0}, "more than zero"),
        ({"pause_after_429": "120"}, "number of seconds"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"rates": {"lists": None}}, "Known: .*list"),
        ({"rates": {"list": 3}}, "has to be a Rate"),
        ({"rates": [("list", 3)]}, "mapping"),
        ({"rates": {}, "limiter": object()}, "either"),
        ({"base_url": "api.trackingmore.com"}, "Pass base_url like"),
        ({"base_url": "http://1.2.3.999/v2"}, "host"),
        ({"api_key": "two words"}, "Copy it again"),
        ({"http_client": httpx.Client}, "AsyncClient"),
    ],
)
def test_settings_that_cannot_work_fail_at_once(settings: dict[str, object], advice: str) -> None:
    """A wrong setting is refused when the client is made, with a word on how to mend it."""
    with pytest.raises(ConfigurationError, match=advice):
        TrackingMore(**{"api_key": KEY, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["timeout", "deadline", "max_wait"])
def test_options_that_cannot_work_fail_at_once(name: str) -> None:
    """A wrong option is refused when the view is made."""
    with pytest.raises(ConfigurationError, match=name):
        TrackingMore(KEY).with_options(**{name: -1})  # type: ignore[arg-type]


def test_the_environment_is_read_when_the_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and address come from the environment, and nothing else is needed."""
    monkeypatch.setenv("TRACKINGMORE_API_KEY", KEY)
    monkeypatch.setenv("TRACKINGMORE_BASE_URL", "http://localhost:1/v2/")
    assert repr(TrackingMore()) == "<TrackingMore http://localhost:1/v2 (new)>"


@pytest.mark.parametrize(
    ("name", "value"),
    [("SSL_CERT_FILE", "/nowhere/ca.pem"), ("HTTP_PROXY", "nonsense://user:hush@proxy"), ("ALL_PROXY", "http://[::1")],
)
async def test_an_environment_that_cannot_work_is_named(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A proxy or certificate that cannot be used is a `ConfigurationError`, without the proxy's password."""
    monkeypatch.setenv(name, value)
    tm = TrackingMore(KEY, base_url=sandbox.url)
    error = await failure(tm.open())
    assert isinstance(error, ConfigurationError)
    assert "SSL_CERT_FILE" in str(error)
    shown = told(error)
    assert shown.count("hush") == 0
    monkeypatch.delenv(name)
    async with tm:
        assert (await tm.account.info()).track_number
