"""The pace as the server sees it, over real sockets: slow resolvers, proxies, borrowed clients, and no brake."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path as FilePath
from typing import Any

import anyio
import httpx
import pytest

from tests.client.helpers import CARRIER, KEY, NUMBER, GrantAll
from tests.transport.proxy import proxy
from trackingmore_async import Rate, RateLimitedError, TrackingMore, TrackingMoreError
from trackingmore_async.sandbox import Path, Sandbox

pytestmark = pytest.mark.anyio

PERIOD = 0.25
BUCKETS = {"get": 1, "account_info": 2, "status_counts": 1, "update": 1}
LIMITS = {name: (number, PERIOD) for name, number in BUCKETS.items()}
RATES = {name: Rate(number, PERIOD) for name, number in BUCKETS.items()}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Serve a sandbox with short windows behind a path with jitter; it counts violations, and bans nobody for them."""
    async with Sandbox(keys=[KEY], rates=LIMITS, bans=False, path=Path(there=(0.0, 0.03), back=(0.0, 0.03))) as serving:
        serving.create(CARRIER, NUMBER)
        yield serving


async def work(tm: TrackingMore, rounds: int = 6) -> None:
    """Keep four buckets busy."""
    tm = tm.with_options(max_wait=None)
    calls = (
        lambda: tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER),
        tm.account.info,
        tm.account.status_counts,
        lambda: tm.trackings.update(CARRIER, NUMBER, title="mug"),
    )
    async with anyio.create_task_group() as group:
        for call in calls * rounds:
            group.start_soon(call)


def assert_kept(sandbox: Sandbox, requests: int) -> None:
    """See that all requests arrived and none too early."""
    statistics = sandbox.statistics()
    assert (statistics.total_requests, statistics.total_violations) == (requests, 0)


async def test_an_own_client_keeps_the_pace(sandbox: Sandbox) -> None:
    """With HTTP clients of its own no request comes too early."""
    async with TrackingMore(KEY, base_url=sandbox.url, rates=RATES) as tm:
        await work(tm)
    assert_kept(sandbox, 24)


async def test_a_slow_resolver_breaks_no_limit(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that takes 200 ms to resolve delays single requests, but lets none come too early."""
    resolve, asked = socket.getaddrinfo, list[str]()

    def slow(host: Any, *args: Any, **settings: Any) -> Any:
        if host not in ("slow.test", b"slow.test"):
            return resolve(host, *args, **settings)
        asked.append("slow.test")
        time.sleep(0.2)
        return resolve("127.0.0.1", *args, **settings)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with TrackingMore(KEY, base_url=sandbox.url.replace("127.0.0.1", "slow.test"), rates=RATES) as tm:
        await work(tm)
    assert asked
    assert_kept(sandbox, 24)


async def test_a_borrowed_client_keeps_the_pace(sandbox: Sandbox) -> None:
    """A client of the caller's, with few connections that are never kept, breaks no limit."""
    limits = httpx.Limits(max_connections=2, max_keepalive_connections=0)
    async with (
        httpx.AsyncClient(limits=limits) as http,
        TrackingMore(KEY, base_url=sandbox.url, rates=RATES, http_client=http) as tm,
    ):
        await work(tm)
        assert tm._caller.transport.round_trip.shortest == 0.0
    assert_kept(sandbox, 24)


async def test_a_client_that_tells_nothing_keeps_the_pace(sandbox: Sandbox) -> None:
    """Where the HTTP client does not trace its requests, slots stay closed until the answer is there."""

    class Silent(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            request.extensions = {name: value for name, value in request.extensions.items() if name != "trace"}
            return await super().handle_async_request(request)

    async with (
        httpx.AsyncClient(transport=Silent()) as http,
        TrackingMore(KEY, base_url=sandbox.url, rates=RATES, http_client=http) as tm,
    ):
        await work(tm)
    assert_kept(sandbox, 24)


async def test_a_proxy_of_the_environment_keeps_the_pace(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the environment names is used, and its connect times are not taken for the server's."""
    port = httpx.URL(sandbox.url).port
    assert port is not None
    async with proxy(port) as between:
        monkeypatch.setenv("HTTP_PROXY", between.url)
        async with TrackingMore(KEY, base_url=sandbox.url, rates=RATES) as tm:
            bulk = tm.with_options(priority="bulk")
            await work(bulk)
            assert tm._caller.transport.round_trip.shortest == 0.0
            assert not tm._caller.transport.round_trip.trusted
        assert between.forwarded > 0
    assert_kept(sandbox, 24)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> FilePath:
    """Make a certificate for this computer, and return its folder."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)  # noqa: S603
    return folder


async def test_a_tunnel_through_a_proxy_keeps_the_pace(sandbox: Sandbox, certificate: FilePath) -> None:
    """The CONNECT that opens a tunnel, slow as it may be, is not taken for the request."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    port = httpx.URL(sandbox.url).port
    assert port is not None
    async with proxy(port, delay=0.9, tls=server) as between:
        http = httpx.AsyncClient(
            proxy=between.url,
            verify=ssl.create_default_context(cafile=certificate / "cert.pem"),
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        secure = sandbox.url.replace("http://", "https://")
        async with http, TrackingMore(KEY, base_url=secure, rates=RATES, http_client=http) as tm:
            await work(tm, rounds=3)
        assert between.tunnels == 12
    assert_kept(sandbox, 12)


async def test_two_clients_of_one_key_keep_one_pace(sandbox: Sandbox) -> None:
    """Clients of one account share their limits, however they spell the address."""
    async with (
        TrackingMore(KEY, base_url=sandbox.url, rates=RATES) as first,
        TrackingMore(KEY, base_url=sandbox.url + "/") as second,
        anyio.create_task_group() as group,
    ):
        group.start_soon(work, first, 3)
        group.start_soon(work, second, 3)
    assert_kept(sandbox, 24)


async def test_without_a_brake_the_referee_whistles() -> None:
    """The same work without pacing is counted as violating and banned: the tests above can fail."""
    errors: list[TrackingMoreError] = []

    async def read(tm: TrackingMore) -> None:
        try:
            await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)
        except TrackingMoreError as error:
            errors.append(error)

    async with Sandbox(keys=[KEY], rates=LIMITS) as sandbox:
        sandbox.create(CARRIER, NUMBER)
        async with (
            TrackingMore(KEY, base_url=sandbox.url, limiter=Impatient()) as tm,
            anyio.create_task_group() as group,
        ):
            for _ in range(6):
                group.start_soon(read, tm)
    statistics = sandbox.statistics()
    assert statistics.total_violations >= 1
    assert statistics.bans == 1
    assert {type(error) for error in errors} == {RateLimitedError}


class Impatient(GrantAll):
    """Grants everything, and gives up at the first ban."""

    async def penalise(self, permit: Any, seconds: float) -> int:
        """Say that it was the last one."""
        return 99
