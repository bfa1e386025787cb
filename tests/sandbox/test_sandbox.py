"""The sandbox as a whole: three ways of starting, control endpoints, reset, pushes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path as FilePath
from typing import Any

import httpx
import pytest

from tests.conftest import VIRTUAL
from tests.sandbox.helpers import DAY, FREE, PAIR, PATH, call, in_process, over_socket
from trackingmore_async.sandbox import DEFAULT_KEY, Fault, Path, Sandbox
from trackingmore_async.sandbox.__main__ import parse_arguments

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Serve a sandbox that polices nothing."""
    async with Sandbox(rates=FREE) as sandbox:
        yield sandbox


async def test_serves_while_entered() -> None:
    """It serves on its own free port of the local host, and nothing is left afterwards."""
    threads = threading.active_count()
    async with Sandbox(rates=FREE) as one, Sandbox(rates=FREE) as two:
        assert one.url != two.url
        assert one.url.startswith("http://127.0.0.1:")
        assert one.url.endswith("/v2")
        async with over_socket(one) as client:
            assert (await call(client, "GET", "/carriers"))[0] == 200
    assert threading.active_count() == threads
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(one.url)


async def test_can_be_entered_again() -> None:
    """After leaving it may serve again; while serving it may not be entered a second time."""
    sandbox = Sandbox(rates=FREE)
    for _ in range(2):
        async with sandbox, over_socket(sandbox) as client:
            assert (await call(client, "GET", "/carriers"))[0] == 200
            with pytest.raises(RuntimeError, match="serving already"):
                await sandbox.__aenter__()
    assert sandbox.statistics().total_requests == 2


async def test_taken_port_is_an_error(sandbox: Sandbox) -> None:
    """Asking for a port that is taken fails at once."""
    port = int(sandbox.url.split(":")[2].split("/")[0])
    with pytest.raises(OSError, match="in use"):
        await Sandbox(port=port).__aenter__()


async def test_leaving_cuts_requests_off() -> None:
    """Leaving does not wait for requests that are under way."""
    sandbox = Sandbox(rates=FREE, path=Path(back=60.0))
    async with sandbox:
        client = over_socket(sandbox)
        task = asyncio.create_task(client.get("/carriers"))
        while not sandbox.statistics().total_requests:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    with pytest.raises(httpx.TransportError):
        await task
    await client.aclose()


async def test_answers_without_delay_of_small_packets(sandbox: Sandbox) -> None:
    """Fifty requests on one connection take far less than fifty delayed acknowledgements."""
    async with over_socket(sandbox) as client:
        started = asyncio.get_running_loop().time()
        for _ in range(50):
            await client.get("/trackings/getuserinfo")
        assert asyncio.get_running_loop().time() - started < 1.5


async def test_police_over_the_socket() -> None:
    """By default a second request within a second is answered 429, and so is everything for a while."""
    async with Sandbox() as sandbox, over_socket(sandbox) as client:
        answers = [(await client.get(path)).status_code for path in ("/carriers", "/carriers", "/trackings/get")]
        assert answers == [200, 429, 429]
        sandbox.clock.advance(121)
        assert (await client.get("/trackings/get")).status_code == 200
        statistics = sandbox.statistics()
    assert (statistics.total_violations, statistics.requests_during_bans, statistics.bans) == (1, 1, 1)


async def test_headers(sandbox: Sandbox) -> None:
    """An answer names its type, length and date once each, and no server."""
    async with over_socket(sandbox) as client:
        headers = (await client.get("/carriers")).headers
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert len(headers.get_list("date")) == 1
    assert "server" not in headers
    assert not any(name.startswith("x-rate") for name in headers)


async def test_control_endpoints(sandbox: Sandbox) -> None:
    """What the methods do can be done over HTTP as well, without a key."""
    async with httpx.AsyncClient(base_url=sandbox.control_url) as control, over_socket(sandbox) as client:
        fault = {"bucket": "list", "times": 1, "status": 503, "having": None, "delay_back": [0.0, 0.01]}
        assert (await control.post("/faults", json=[fault])).json() == {"faults": 1}
        assert (await client.get("/trackings/get")).status_code == 503
        assert (await control.delete("/faults")).status_code == 200
        assert (await control.post("/trackings", json={"count": 5, "prefix": "QQ"})).json() == {"count": 5}
        before = (await control.get("/clock")).json()["now"]
        assert (await control.post("/clock", json={"advance": 60})).json()["now"] >= before + 60
        statistics = (await control.get("/statistics")).json()
        assert (statistics["requests"], statistics["total_violations"]) == ({"list": 1}, 0)
        assert (await control.post("/reset")).status_code == 200
        assert (await control.get("/trackings")).json() == {"count": 0}
        for path, body in (("/clock", {}), ("/faults", {"nonsense": 1}), ("/faults", 3), ("/trackings", 3)):
            assert (await control.post(path, json=body)).status_code == 400
        assert (await control.get("/nowhere")).status_code == 404


async def test_reset() -> None:
    """A reset forgets trackings, statistics, bans, quota and faults, and begins the random draws anew."""
    sandbox = Sandbox(quota=5)
    async with in_process(sandbox) as client:
        await call(client, "POST", "/trackings/post", json=PAIR)
        assert (await client.post("/trackings/post", json=PAIR)).status_code == 429
        sandbox.faults.add(Fault(status=500))
        sandbox.reset()
        assert (len(sandbox.trackings), sandbox.statistics().total_requests, sandbox.account.quota) == (0, 0, 5.0)
        assert (await call(client, "POST", "/trackings/post", json=PAIR))[0] == 200


async def test_direct_access(sandbox: Sandbox) -> None:
    """Tests may create, find, iterate and delete without HTTP."""
    sandbox.create("china-ems", "LX900000017CN", title="mug")
    sandbox.seed_trackings(2)
    assert ("china-ems", "LX900000017CN") in sandbox.trackings
    assert next(iter(sandbox.trackings)) == ("china-ems", "LX900000017CN")
    found = sandbox.find("china-ems", "LX900000017CN")
    assert found is not None
    assert (found["status"], found["title"], found["fields"]) == ("pending", "mug", {"title": "mug"})
    assert sandbox.delete("china-ems", "LX900000017CN")
    assert not sandbox.delete("china-ems", "LX900000017CN")
    assert sandbox.find("china-ems", "LX900000017CN") is None


def test_impossible_arguments() -> None:
    """A sandbox without a key, and a seed that runs backwards, are errors."""
    with pytest.raises(ValueError, match="key"):
        Sandbox(keys=())
    with pytest.raises(ValueError, match="backwards"):
        Sandbox().seed_trackings(3, created_between=(10, 5))


async def test_same_seed_same_world() -> None:
    """Two sandboxes with one seed and one epoch answer the same bytes."""

    async def page(seed: int) -> bytes:
        sandbox = Sandbox(rates=FREE, seed=seed, epoch=1_710_000_000)
        sandbox.seed_trackings(300)
        async with in_process(sandbox) as client:
            return (await client.get("/trackings/get", params={"limit": 300, "created_at_max": 1_709_999_000})).content

    assert await page(1) == await page(1) != await page(2)


async def test_life_speed() -> None:
    """A thousand times faster, parcels arrive within the hour."""
    sandbox = Sandbox(rates=FREE, life_speed=1000.0)
    for index in range(30):
        sandbox.create("zto", f"AB{index:06}")
    sandbox.clock.advance(3600)
    async with in_process(sandbox) as client:
        _, counts = await call(client, "GET", "/trackings/getstatusnumber")
    assert counts["delivered"] > 5


async def test_command_line() -> None:
    """The command announces URL and key on one line, serves, and ends quietly when told to."""
    command = [sys.executable, "-m", "trackingmore_async.sandbox", "--rate", "list=2/1", "--trackings", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220, S603
        assert process.stdout is not None
        url, key = (await asyncio.to_thread(process.stdout.readline)).split()
        assert key == DEFAULT_KEY
        async with httpx.AsyncClient(base_url=url, headers={"Trackingmore-Api-Key": key}) as client:
            assert [(await client.get("/trackings/get")).status_code for _ in range(2)] == [200, 200]
            assert (await client.get("/trackings/get")).status_code == 429
        process.send_signal(signal.SIGTERM)
        rest, errors = await asyncio.to_thread(process.communicate, timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_command_line_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    """Rates are read as bucket=requests/seconds or bucket=off; anything else is explained."""
    options = parse_arguments(["--rate", "update_many=20/1", "--rate", "list=off", "--key", "k", "--seed", "7"])
    assert (dict(options.rate), options.key, options.seed) == ({"update_many": (20, 1.0), "list": None}, ["k"], 7)
    for wrong in ("nonsense=1/1", "list=fast"):
        with pytest.raises(SystemExit):
            parse_arguments(["--rate", wrong])
        assert "--rate" in capsys.readouterr().err


class TestPushes:
    """Webhook pushes, on virtual time."""

    @pytest.fixture
    def anyio_backend(self) -> Any:
        """Run on the virtual clock."""
        return VIRTUAL

    async def test_push(self) -> None:
        """A push has the reduced keys and a signature over the integer time alone."""
        sandbox = Sandbox(epoch=1_710_468_478)
        sandbox.seed_trackings(1, created_between=(1_710_468_478 - 60 * DAY, 1_710_468_478 - 60 * DAY))
        seen: list[httpx.Request] = []

        def receive(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200)

        async with httpx.AsyncClient(transport=httpx.MockTransport(receive)) as client:
            delivery = await sandbox.webhook("http://shop.example/push", client).push("china-ems", "LX0000000CN")
        assert (delivery.delivered, delivery.statuses) == (True, (200,))
        whole = json.loads(seen[0].content)
        assert list(whole) == ["meta", "data", "verifyInfo"]
        dropped = {"stayTimeLength", "order_create_time", "comment", "archived", "track_update", "status_info"}
        assert not dropped & whole["data"].keys()
        assert "ReferenceNumber" not in whole["data"]["origin_info"]
        stamp = whole["verifyInfo"]["timeStr"]
        expected = hmac.new(b"owner@shop.example", str(stamp).encode(), hashlib.sha256).hexdigest()
        assert (stamp, whole["verifyInfo"]["signature"]) == (1_710_468_478, expected)

    @pytest.mark.parametrize("scale", [1.0, 0.1])
    async def test_retries(self, scale: float) -> None:
        """A push that is not answered 2xx is tried again after 30, 60, 120... seconds, times the scale."""
        sandbox = Sandbox()
        sandbox.create("china-ems", "LX900000017CN")
        times: list[float] = []

        def receive(request: httpx.Request) -> httpx.Response:
            times.append(asyncio.get_running_loop().time())
            if len(times) == 2:
                raise httpx.ConnectError("down", request=request)
            return httpx.Response(500 if len(times) < 4 else 204)

        async with httpx.AsyncClient(transport=httpx.MockTransport(receive)) as client:
            sender = sandbox.webhook("http://shop.example/push", client, scale=scale)
            delivery = await sender.push("china-ems", "LX900000017CN")
        assert delivery.statuses == (500, 0, 500, 204)
        waits = [round((later - earlier) / scale) for earlier, later in itertools.pairwise(times)]
        assert waits == [30, 60, 120]

    async def test_gives_up(self) -> None:
        """After fourteen retries a push is given up."""
        sandbox = Sandbox()
        sandbox.create("china-ems", "LX900000017CN")
        transport = httpx.MockTransport(lambda _: httpx.Response(500))
        async with httpx.AsyncClient(transport=transport) as client:
            sender = sandbox.webhook("http://shop.example/push", client)
            delivery = await sender.push("china-ems", "LX900000017CN")
            with pytest.raises(KeyError):
                await sender.push("china-ems", "nowhere-1")
        assert (delivery.delivered, len(delivery.statuses)) == (False, 15)


def test_files_are_short() -> None:
    """No file of the sandbox is longer than 450 lines."""
    import trackingmore_async.sandbox as package

    files = FilePath(package.__file__).parent.rglob("*.py")
    assert not [file.name for file in files if len(file.read_text(encoding="utf-8").splitlines()) > 450]


async def test_path_of_the_get_is_the_pair(sandbox: Sandbox) -> None:
    """A language behind the pair, even an empty one, changes nothing."""
    sandbox.create("china-ems", "LX900000017CN")
    async with over_socket(sandbox) as client:
        bodies = {(await client.get(PATH + end)).content for end in ("", "/", "/en", "/cn/")}
    assert len(bodies) == 1
