"""The examples of web services answer over a real socket what their visitors ought to hear, whatever goes wrong."""

from __future__ import annotations

import functools
import logging
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
import httpx
import pytest
from anyio.abc import Process

from tests.test_examples import INTERRUPTIBLE
from tests.web.servers import EXAMPLES, NUMBER, PATH, Site, load_example, served
from tests.web.test_gone import LOOK_UPS, until
from trackingmore_async import Rate, RetryPolicy, TrackingMore
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

NAMES = ["web_fastapi", "web_starlette", "web_aiohttp"]


@pytest.fixture(params=NAMES)
async def site(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Site]:
    """Serve each of the examples, with the sandbox as the service."""
    async with served(load_example(request.param)) as serving:
        yield serving


async def test_a_parcel_is_found(site: Site, sandbox: Sandbox) -> None:
    """Who asks for a parcel gets its number and its status."""
    answer = await site.get()
    found = sandbox.find("china-ems", NUMBER)
    assert found is not None
    assert answer.status_code == 200
    assert answer.json()["number"] == NUMBER
    assert answer.json()["status"] == found["status"]


async def test_what_is_not_there_is_a_404(site: Site) -> None:
    """A parcel that does not exist is a 404."""
    assert (await site.get("/parcels/china-ems/LX999999999CN")).status_code == 404


async def test_what_cannot_be_a_parcel_is_the_fault_of_who_asked(site: Site, sandbox: Sandbox) -> None:
    """Nonsense is refused with a 4xx, and nothing is sent for it."""
    before = sandbox.statistics().requests.get("get", 0)
    assert (await site.get("/parcels/china-ems/%20")).status_code in {404, 422}
    assert sandbox.statistics().requests.get("get", 0) == before


async def test_a_ban_is_a_503_that_says_when_to_come_again(site: Site, sandbox: Sandbox) -> None:
    """During a ban the answer is a 503 at once, with the seconds to go; who asks during it costs no request."""
    sandbox.faults.add(Fault(LOOK_UPS, times=1, code=429))
    answers = [await site.get(), await site.get()]
    for answer in answers:
        assert answer.status_code == 503
        assert 119 <= int(answer.headers["Retry-After"]) <= 123
    assert sum(sandbox.statistics().requests.get(name, 0) for name in LOOK_UPS) <= 2  # one may be the sync's
    assert sandbox.statistics().requests_during_bans == 0


@pytest.mark.parametrize("name", NAMES)
async def test_a_wrong_key_is_nobody_elses_business(
    name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The visitor of a shop with a wrong key gets a 5xx that tells nothing of it; its log says what is wrong."""
    key = str(uuid.uuid4())
    monkeypatch.setenv("TRACKINGMORE_API_KEY", key)
    async with served(load_example(name)) as site:
        answer = await site.get()
    assert answer.status_code in {500, 502}
    assert key not in answer.text
    assert "key" not in answer.text.lower()
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert ["The API key is invalid" in text for text in errors] == [True]
    assert key not in caplog.text


@pytest.mark.parametrize("name", NAMES)
async def test_a_server_that_bans_for_long_is_a_503(
    name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the service asks for an hour of silence, the answer is a 503 that passes it on."""
    module = load_example(name)
    once = functools.partial(TrackingMore, retry=RetryPolicy(bans=1))
    monkeypatch.setattr(module, "TrackingMore", once)
    sandbox.faults.add(Fault(LOOK_UPS, code=429, headers={"retry-after": "3600"}))
    async with served(module) as site:
        answer = await site.get()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3600")


@pytest.mark.parametrize("name", NAMES)
async def test_an_address_that_leads_nowhere_stands_in_the_log(
    name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A shop with a wrong base URL finds no parcel, and its log says so; that one parcel is missing is no news."""
    async with served(load_example(name)) as site:
        await site.get("/parcels/china-ems/LX999999999CN")
        await site.get("/parcels/china-ems/%20")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    monkeypatch.setenv("TRACKINGMORE_BASE_URL", f"{sandbox.url}/wrong")
    async with served(load_example(name)) as site:
        assert (await site.get()).status_code == 404
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["Check base_url" in text for text in told] == [True]


@pytest.mark.parametrize("name", NAMES)
async def test_who_would_wait_too_long_is_told_so(name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the next slot is further away than the visitor's patience, the answer is a 503, and nothing is sent."""
    module = load_example(name, patience=10.0)
    rates = {bucket: Rate(1, 28.0) for bucket in LOOK_UPS}  # less than a call waits without a deadline
    monkeypatch.setattr(module, "TrackingMore", functools.partial(TrackingMore, rates=rates))
    async with served(module) as site:
        answers = [await site.get(PATH.replace("0CN", f"{index}CN")) for index in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 503]  # the list, a request of its own, neither
    assert 10 <= int(answers[-1].headers["Retry-After"]) <= 28
    assert sandbox.statistics().total_requests == 2


async def test_who_has_time_waits_for_his_turn(sandbox: Sandbox) -> None:
    """The Starlette example lets a visitor wait until the next slot."""
    async with served(load_example("web_starlette")) as site:
        answers = [await site.get(), await site.get(PATH.replace("0CN", "1CN"))]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert sandbox.statistics().total_violations == 0


@pytest.mark.parametrize("name", NAMES)
async def test_a_service_that_fails_is_a_502(name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the service fails, and is not to be tried again, the answer is a 502."""
    module = load_example(name)
    once = functools.partial(TrackingMore, retry=RetryPolicy(attempts=1))
    monkeypatch.setattr(module, "TrackingMore", once)
    sandbox.faults.add(Fault(LOOK_UPS, status=503, body="html"))
    async with served(module) as site:
        assert (await site.get()).status_code == 502


async def test_what_was_heard_a_minute_ago_is_marked(sandbox: Sandbox) -> None:
    """The FastAPI example answers the same question again from memory, and says how old that is."""
    async with served(load_example("web_fastapi")) as site:
        answers = [await site.get(), await site.get()]
        told = (await site.get("/stats")).json()
    assert [answer.headers.get("Age") for answer in answers] == [None, "0"]
    assert answers[0].json() == answers[1].json()
    assert (told["requests"], told["gate"]) == (1, "open")


async def test_visitors_are_answered_while_the_sync_runs(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the FastAPI example reads all pages again and again, who comes again when he was told to is answered."""
    sandbox.seed_trackings(5000, prefix="MANY")
    caplog.set_level(logging.INFO, "uvicorn.error")
    module = load_example("web_fastapi", patience=0.8)
    monkeypatch.setattr(module, "DAY", 0.05)
    async with served(module) as site:
        await until(lambda: sandbox.statistics().requests.get("list", 0) > 0)
        for index in range(2):
            answer = await patiently(site, PATH.replace("0CN", f"{index}CN"))
            assert answer.status_code == 200
        await until(lambda: "Parcels tonight" in caplog.text, seconds=15.0)
    assert sandbox.statistics().total_violations == 0


async def patiently(site: Site, path: str) -> httpx.Response:
    """Ask; when it is too busy ask again, a little later than one was told to, as people do."""
    with anyio.fail_after(15):
        while (answer := await site.get(path)).status_code == 503:  # noqa: ASYNC110 - nothing tells of it
            await anyio.sleep(int(answer.headers["Retry-After"]) + 0.3)  # on the second, the sync has just had its turn
    return answer


@pytest.mark.parametrize("name", NAMES)
async def test_the_file_runs_by_itself(name: str, clean_environment: None) -> None:
    """Without a key the file serves with a sandbox of its own, shows no request to it, and ends quietly on Ctrl-C."""
    command = [sys.executable, "-W", "error", "-c", INTERRUPTIBLE, str(EXAMPLES / f"{name}.py"), "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    async with await anyio.open_process(command, stderr=subprocess.STDOUT, env=environment) as process:
        try:
            said = await hear(process, r"http://127\.0\.0\.1:(?!0\D)\d+")
            url = re.findall(r"http://127\.0\.0\.1:\d+", said)[-1]
            async with httpx.AsyncClient(trust_env=False) as visitor:
                assert (await visitor.get(url + PATH)).json()["number"] == NUMBER
            process.send_signal(signal.SIGINT)
            said += await hear(process, r"\Z.")
            assert await process.wait() == 0
        finally:
            with suppress(ProcessLookupError):
                process.kill()
    assert "Traceback" not in said
    assert "/v2/" not in said


async def hear(process: Process, pattern: str) -> str:
    """Read what a process says until it fits, or ends."""
    said = ""
    assert process.stdout is not None
    with anyio.fail_after(20):
        async for part in process.stdout:
            said += part.decode()
            if re.search(pattern, said):
                break
    return said
