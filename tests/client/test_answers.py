"""Answers of every shape: what is read, what is an error, and what an error may show of them."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.client.helpers import ADDRESS, CARRIER, KEY, NUMBER, failure, in_process
from tests.conftest import VIRTUAL
from trackingmore_async import (
    ApiError,
    DecodeError,
    NotFoundError,
    RetryPolicy,
    ServerError,
    TrackingMore,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.anyio

SECRET = '"customer_name": "Kim Secretname"'
JSON = "{" + SECRET + "}"
BODIES: dict[str, Any] = {
    "html": "html",
    "empty": "empty",
    "truncated": "truncated",
    "blanks": b" \r\n ",
    "words": b"service unavailable, try tomorrow",
    "json": JSON.encode(),
    "list": b"[1, 2, 3]",
    "meta": b'{"meta": {"type": "Success"}, "data": {}}',
    "odd code": b'{"meta": {"code": "soon"}, "data": {}}',
    "null": b"null",
    "nested": b"[" * 100_000,
    "marked": b"\xef\xbb\xbf" + JSON[:-1].encode(),
    "utf-16": JSON.encode("utf-16"),
    "script": f"callback({JSON})".encode(),
    "binary": bytes(range(256)),
}
KINDS = {200: DecodeError, 404: NotFoundError, 500: ServerError, 502: ServerError}


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock: retries pause."""
    return request.param


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", KINDS)
async def test_what_is_no_envelope_is_judged_by_its_status(status: int, body: str) -> None:
    """Without ``meta.code`` the HTTP status decides on the error, which says what came and shows nothing of JSON."""
    sandbox = Sandbox()
    sandbox.create(CARRIER, NUMBER, customer_name="Kim Secretname")
    sandbox.faults.add(Fault("get", status=status, body=BODIES[body], performed=True))
    async with in_process(sandbox) as tm:
        error = await failure(tm.trackings.get(CARRIER, NUMBER))
    if status == 404 and body == "truncated":  # short enough to break inside of meta
        assert isinstance(error, NotFoundError)
    assert type(error) is KINDS[status]
    assert (error.code, error.http_status) == (None, status)
    assert error.attempts == (1 if status == 404 else 4)
    assert "Secretname" not in str(error)
    assert "customer_name" not in str(error)
    assert "The answer was" in str(error)


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("code", [200, 201, 202])
async def test_the_envelope_goes_before_the_status(status: int, code: int) -> None:
    """A success in ``meta.code`` is a success under any HTTP status."""
    sandbox = Sandbox()
    sandbox.create(CARRIER, NUMBER)
    sandbox.faults.add(Fault("get", status=status, code=code, performed=True))
    async with in_process(sandbox) as tm:
        assert (await tm.trackings.get(CARRIER, NUMBER)).tracking_number == NUMBER


@pytest.mark.parametrize("code", [0, -1, 203, 299, 418, 599, 4999, 10**18, 10**29])
async def test_odd_codes_are_errors_that_name_them(code: int) -> None:
    """A code that nobody knows is an `ApiError`, and one of the five hundreds the server's failure."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("get", code=code, status=200))
    async with in_process(sandbox) as tm:
        error = await failure(tm.trackings.get(CARRIER, NUMBER))
    assert type(error) is (ServerError if code == 599 else ApiError)
    assert error.code == code
    assert str(code) in error.message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    """A redirect is an error that points at the address, is not followed with the key, and is not tried again."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("get", status=status, body="html", headers={"location": "http://evil.example/"}))
    async with in_process(sandbox) as tm:
        error = await failure(tm.trackings.get(CARRIER, NUMBER))
    assert isinstance(error, DecodeError)
    assert (error.http_status, error.attempts) == (status, 1)
    assert "redirects" in str(error)
    assert "Check base_url" in str(error)


@pytest.mark.parametrize("single_not_found", [4031, 4017, 200])
@pytest.mark.parametrize("error_data", ["list", "object", "null", "missing"])
@pytest.mark.parametrize("http_status_of_errors", ["ok", "real"])
async def test_a_missing_tracking_is_missing_however_it_is_said(
    single_not_found: Any, error_data: Any, http_status_of_errors: Any
) -> None:
    """Reading what does not exist is a `NotFoundError`, whichever way the server has of saying so."""
    switches = Switches(
        single_not_found=single_not_found, error_data=error_data, http_status_of_errors=http_status_of_errors
    )
    async with in_process(Sandbox(switches=switches)) as tm:
        error = await failure(tm.trackings.get(CARRIER, NUMBER))
    assert isinstance(error, NotFoundError)
    assert (error.operation, error.code, error.attempts) == ("get", single_not_found, 1)
    assert "Create it first" in str(error)


@pytest.mark.parametrize("code", [200, 201, 202])
async def test_every_success_of_a_create_is_one(code: Any) -> None:
    """A create may be answered 200, 201 or 202."""
    async with in_process(Sandbox(switches=Switches(create_code=code))) as tm:
        assert (await tm.trackings.create(CARRIER, NUMBER)).tracking_number == NUMBER


@pytest.mark.parametrize("code", [4032, 200])
async def test_no_carrier_is_an_empty_list(code: Any) -> None:
    """A number without a carrier gives an empty list, whichever way the server has of saying so."""
    async with in_process(Sandbox(switches=Switches(detect_none=code))) as tm:
        assert await tm.carriers.detect("99999") == []


async def test_a_promise_that_is_not_kept_names_the_place() -> None:
    """An envelope of success around something else is a `DecodeError` with path, operation, code and status."""
    sandbox = Sandbox()
    body = {"meta": {"code": 200}, "data": {"tracking_number": NUMBER, "customer_name": "Kim Secretname"}}
    sandbox.faults.add(Fault("get", body=json.dumps(body).encode(), performed=True))
    async with in_process(sandbox) as tm:
        error = await failure(tm.trackings.get(CARRIER, NUMBER))
    assert isinstance(error, DecodeError)
    assert (error.operation, error.code, error.http_status, error.attempts) == ("get", 200, 200, 1)
    assert error.path == "$.data.carrier_code"
    assert "Secretname" not in str(error)


async def test_awkward_numbers_arrive_whole() -> None:
    """Letters that mean something in an address are the server's to judge, and arrive as they are."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        for number in ("100%25", "a?b#c", "ü-12345", "a+b&c=d", "..12345"):
            error = await failure(tm.trackings.get(CARRIER, number))
            assert error.code in {4014, 4031}, number
    assert sandbox.statistics().unrouted == 0


async def test_a_number_too_long_for_an_address_is_refused() -> None:
    """What the HTTP library cannot put into an address is an `InvalidRequestError`, and nothing is sent."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        error = await failure(tm.trackings.get(CARRIER, "9" * 70_000))
        assert error.code is None
        assert type(error).__name__ == "InvalidRequestError"
        assert len(str(error)) < 300
        sandbox.create(CARRIER, NUMBER)
        await tm.trackings.get(CARRIER, NUMBER)  # the slot was given back
    assert sandbox.statistics().total_requests == 1


def serving(make: Callable[[], httpx.Response]) -> httpx.AsyncClient:
    """Return a client whose every answer is made alike."""
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: make()))


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b"{}" * 999)[:20]])
async def test_a_body_that_cannot_be_inflated_says_so(body: bytes) -> None:
    """A broken compression is a `DecodeError`, not a lost connection."""

    def answer() -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(body))

    async with serving(answer) as http, TrackingMore(KEY, base_url=ADDRESS, http_client=http) as tm:
        error = await failure(tm.with_options(max_wait=None).account.info())
    assert isinstance(error, DecodeError)
    assert error.attempts == 4


@pytest.mark.parametrize(
    "headers",
    [{"date": "nonsense"}, {"date": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, {"date": "Fri, 31 Dec 9999 23:59:59 GMT"}],
)
async def test_odd_headers_harm_nobody(headers: dict[str, str]) -> None:
    """A ``Date`` that cannot be read is as good as none."""

    def answer() -> httpx.Response:
        return httpx.Response(200, headers=headers, json={"meta": {"code": 200}, "data": {"email": "a@b"}})

    async with serving(answer) as http, TrackingMore(KEY, base_url=ADDRESS, http_client=http) as tm:
        assert (await tm.account.info()).email == "a@b"


async def test_any_error_of_the_http_client_is_ours() -> None:
    """Whatever the HTTP client raises leaves as an error of the tree, without the request hanging on it."""
    for error in (httpx.ReadError("x"), httpx.LocalProtocolError("x"), OSError("x"), RuntimeError("x")):

        def fail(_: httpx.Request, error: Exception = error) -> httpx.Response:
            raise error

        async with (
            httpx.AsyncClient(transport=httpx.MockTransport(fail)) as http,
            TrackingMore(KEY, base_url=ADDRESS, http_client=http, retry=RetryPolicy(attempts=1)) as tm,
        ):
            caught: TrackingMoreError = await failure(tm.with_options(max_wait=None).account.info())
        assert isinstance(caught, TransportError)
        assert type(error).__name__ in str(caught)
        assert (caught.__cause__, caught.__context__) == (None, None)
