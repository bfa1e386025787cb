"""The sandbox in the caller's loop, on virtual time: network path, bans, time-outs, traces."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.conftest import VIRTUAL
from tests.sandbox.helpers import FREE, PAIR, call, in_process
from trackingmore_async.sandbox import Fault, Path, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """Run on the virtual clock."""
    return VIRTUAL


def now() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


async def test_network_path() -> None:
    """A request is stamped after its way there, and the answer comes after work and the way back."""
    sandbox = Sandbox(rates=FREE, path=Path(there=1.0, work=2.0, back=4.0), epoch=1000)
    async with in_process(sandbox) as client:
        started = now()
        answer = await client.get("/carriers", timeout=None)
        assert now() - started == pytest.approx(7.0, abs=1e-4)
    assert sandbox.statistics().first_arrival["carriers"] == pytest.approx(1001.0, abs=1e-4)
    assert answer.headers["date"] == "Thu, 01 Jan 1970 00:16:47 GMT"


async def test_pairs_and_functions() -> None:
    """A part of the path may be a pair drawn evenly or a function of the random source."""
    path = Path(there=(0.1, 0.2), back=lambda random: 0.3 + random.uniform(0, 0.1))
    sandbox = Sandbox(rates=FREE, path=path)
    async with in_process(sandbox) as client:
        taken: list[float] = []
        for _ in range(50):
            started = now()
            await client.get("/carriers")
            taken.append(now() - started)
    assert all(0.4 <= seconds <= 0.6001 for seconds in taken)
    assert len({round(seconds, 5) for seconds in taken}) > 40


async def test_faults_add_to_the_path() -> None:
    """The delays of a fault come on top of those of the path."""
    sandbox = Sandbox(rates=FREE, path=Path(there=1.0))
    sandbox.faults.add(Fault(delay_there=10.0, delay_back=(5.0, 5.0)))
    async with in_process(sandbox) as client:
        started = now()
        await client.get("/carriers", timeout=None)
        assert now() - started == pytest.approx(16.0, abs=1e-4)


async def test_requests_a_period_apart_are_served() -> None:
    """One request each second is allowed for ever; half a second is not."""
    sandbox = Sandbox(log_arrivals=True)
    async with in_process(sandbox) as client:
        loop = asyncio.get_running_loop()
        for _ in range(30):
            started = loop.time()
            assert (await client.get("/carriers")).status_code == 200
            await asyncio.sleep(started + 1.0 - loop.time())
        assert sandbox.statistics().total_violations == 0
        await client.get("/carriers")
        await asyncio.sleep(0.5)
        assert (await client.get("/carriers")).status_code == 429
    statistics = sandbox.statistics()
    assert (statistics.violations["carriers"], statistics.largest_window["carriers"], statistics.bans) == (1, 2, 1)
    assert [arrival.served for arrival in statistics.arrivals] == [True] * 31 + [False]


async def test_ban_ends_with_virtual_time() -> None:
    """After 120 quiet seconds of virtual time everything is served again."""
    sandbox = Sandbox()
    async with in_process(sandbox) as client:
        await client.get("/carriers")
        assert (await client.get("/carriers")).status_code == 429
        await asyncio.sleep(119)
        assert (await client.get("/trackings/get")).status_code == 429
        await asyncio.sleep(119.9)
        assert (await client.get("/trackings/get")).status_code == 429
        await asyncio.sleep(120)
        assert (await client.get("/trackings/get")).status_code == 200
    assert sandbox.statistics().requests_during_bans == 2


async def test_accounts_are_policed_apart() -> None:
    """A ban of one key does not touch another, nor do their trackings and ids mix."""
    sandbox = Sandbox(keys=("one", "two"))
    async with in_process(sandbox, "one") as one, in_process(sandbox, "two") as two:
        _, first = await call(one, "POST", "/trackings/post", json=PAIR)
        assert (await one.post("/trackings/post", json=PAIR)).status_code == 429
        _, second = await call(two, "POST", "/trackings/post", json=PAIR)
    assert first["id"] != second["id"]
    assert (sandbox.statistics("one").total_violations, sandbox.statistics("two").total_violations) == (1, 0)
    assert sandbox.statistics().total_requests == 3


async def test_read_timeout() -> None:
    """The read timeout counts loop seconds, and the request is performed nevertheless."""
    sandbox = Sandbox(rates=FREE, path=Path(work=60.0))
    async with in_process(sandbox) as client:
        started = now()
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/trackings/post", json=PAIR, timeout=30.0)
        assert now() - started == pytest.approx(30.0, abs=1e-4)
        assert len(sandbox.trackings) == 0
        await asyncio.sleep(31)
        assert len(sandbox.trackings) == 1


async def test_cancelled_request_is_performed() -> None:
    """A request that is cancelled on its way arrives nevertheless, as over a network."""
    sandbox = Sandbox(rates=FREE, path=Path(there=1.0))
    async with in_process(sandbox) as client:
        task = asyncio.create_task(client.post("/trackings/post", json=PAIR))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(1)
    assert len(sandbox.trackings) == 1


async def test_closing_the_client_leaves_no_task() -> None:
    """Closing the client ends what is still on its way."""
    sandbox = Sandbox(rates=FREE, path=Path(there=100.0))
    before = asyncio.all_tasks()
    async with in_process(sandbox) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/carriers", timeout=1.0)
        assert len(asyncio.all_tasks()) == len(before) + 1
    assert asyncio.all_tasks() == before
    assert sandbox.statistics().total_requests == 0


async def test_trace() -> None:
    """The trace callback is told when the request leaves and when the answer's headers are there."""
    sandbox = Sandbox(rates=FREE, path=Path(there=1.0, back=2.0))
    events: list[tuple[str, float]] = []

    async def trace(name: str, info: Any) -> None:
        events.append((name, round(now() - started, 3)))
        if name.endswith("receive_response_headers.complete"):
            assert info["return_value"][1] == 200

    async with in_process(sandbox) as client:
        started = now()
        await client.get("/carriers", extensions={"trace": trace})
    assert events == [
        ("http11.send_request_headers.started", 0.0),
        ("http11.send_request_headers.complete", 0.0),
        ("http11.receive_response_headers.complete", 3.0),
    ]


async def test_trace_of_a_refused_connection() -> None:
    """Where the connection is refused, nothing was sent, and the trace says so."""
    sandbox = Sandbox(rates=FREE)
    sandbox.faults.add(Fault(refuse_connection=True))
    events: list[str] = []

    async def trace(name: str, _info: Any) -> None:
        events.append(name)

    async with in_process(sandbox) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/carriers", extensions={"trace": trace})
    assert events == []


async def test_plain_asgi() -> None:
    """`app` is an ordinary ASGI application that needs no entering."""
    sandbox = Sandbox(rates=FREE)
    transport = httpx.ASGITransport(sandbox.app)
    headers = {"Trackingmore-Api-Key": sandbox.key}
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/v2", headers=headers) as client:
        assert (await call(client, "POST", "/trackings/post", json=PAIR))[0] == 200


async def test_many_at_once() -> None:
    """A thousand requests under way together all arrive, in the order of their delays."""
    sandbox = Sandbox(rates=FREE, path=Path(there=(0.0, 50.0)), log_arrivals=True)
    async with in_process(sandbox) as client:
        await asyncio.gather(*(client.get("/carriers", timeout=None) for _ in range(1000)))
    times = [arrival.time for arrival in sandbox.statistics().arrivals]
    assert len(times) == 1000
    assert times == sorted(times)
