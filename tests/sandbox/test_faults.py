"""Scripted trouble, over a real socket and in process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import httpx
import pytest

from tests.sandbox.helpers import FREE, PAIR, PATH, call, in_process, over_socket
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

MANY = [{"tracking_number": f"AB{index:06}", "carrier_code": "zto"} for index in range(4)]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Serve a sandbox that polices nothing."""
    async with Sandbox(rates=FREE) as sandbox:
        yield sandbox


@pytest.fixture(params=["socket", "in process"])
async def client(sandbox: Sandbox, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    """Connect to it, one way and the other."""
    connect = over_socket if request.param == "socket" else in_process
    async with connect(sandbox) as client:
        yield client


@pytest.mark.parametrize("when", ["before", "after"])
async def test_reset(sandbox: Sandbox, client: httpx.AsyncClient, when: Any) -> None:
    """A reset reaches the client as a read error; the change was made or not, as the script says."""
    sandbox.faults.add(Fault("create", times=1, reset=when))
    with pytest.raises(httpx.ReadError):
        await client.post("/trackings/post", json=PAIR)
    assert (("china-ems", "LX900000017CN") in sandbox.trackings) is (when == "after")
    assert sandbox.statistics().requests == {"create": 1}
    assert (await call(client, "GET", "/carriers"))[0] == 200


async def test_refused_connection(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """A refused connection is no arrival."""
    sandbox.faults.add(Fault(times=1, refuse_connection=True))
    with pytest.raises(httpx.TransportError) as caught:
        await client.post("/trackings/post", json=PAIR)
    assert isinstance(caught.value, httpx.ConnectError | httpx.ReadError)
    assert (len(sandbox.trackings), sandbox.statistics().total_requests) == (0, 0)


@pytest.mark.parametrize(
    ("fault", "expected", "made"),
    [
        (Fault(status=503), (503, 503), False),
        (Fault(status=500, performed=True), (500, 500), True),
        (Fault(code=4018), (200, 4018), False),
        (Fault(code=4018, performed=True), (200, 4018), True),
        (Fault(code=429), (429, 429), False),
        (Fault(code=429, status=200), (200, 429), False),
        (Fault(code=202, performed=True), (200, 202), True),
    ],
)
async def test_answered_otherwise(
    sandbox: Sandbox, client: httpx.AsyncClient, fault: Fault, expected: tuple[int, int], made: bool
) -> None:
    """Any HTTP status and any code can be answered, whether the change is made or not."""
    sandbox.faults.add(fault)
    answer = await client.post("/trackings/post", json=PAIR)
    assert (answer.status_code, answer.json()["meta"]["code"]) == expected
    assert len(sandbox.trackings) == made


@pytest.mark.parametrize("status", [200, 404, 502])
async def test_html_page(sandbox: Sandbox, client: httpx.AsyncClient, status: int) -> None:
    """An HTML page comes under any status, and the change is not made."""
    sandbox.faults.add(Fault(status=status, body="html"))
    answer = await client.post("/trackings/post", json=PAIR)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert len(sandbox.trackings) == 0


async def test_broken_bodies(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """JSON that is cut off, nothing at all, or any bytes come after the change was made."""
    sandbox.faults.add(Fault(on={1}, body="truncated"), Fault(on={2}, body="empty"), Fault(on={3}, body=b"\xff"))
    answers = [(await client.post("/trackings/post", json=item)).content for item in MANY[:3]]
    assert answers[0].startswith(b'{"meta":{"code":200')
    assert not answers[0].endswith(b"}}")
    assert answers[1:] == [b"", b"\xff"]
    assert len(sandbox.trackings) == 3


async def test_single_items(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """Items of a batch meet codes by number or by function; the others are done."""
    sandbox.faults.add(
        Fault("create_many", items={"AB000001": 4014}),
        Fault("create_many", items=lambda number: 4021 if number.endswith("3") else None),
    )
    code, data = await call(client, "POST", "/trackings/batch", json=MANY)
    assert (code, data["added"]) == (201, 2)
    assert {error["tracking_number"]: error["code"] for error in data["errors"]} == {"AB000001": 4014, "AB000003": 4021}


def ends_with_2(number: str) -> bool:
    """Say whether a number ends with 2."""
    return number.endswith("2")


@pytest.mark.parametrize("having", [{"AB000002"}, ends_with_2])
async def test_a_bad_item_sinks_the_batch(sandbox: Sandbox, client: httpx.AsyncClient, having: Any) -> None:
    """A batch that holds a certain number can be refused whole; others are not."""
    sandbox.faults.add(Fault("create_many", having=having, code=4014))
    assert await call(client, "POST", "/trackings/batch", json=MANY) == (4014, [])
    assert (await call(client, "POST", "/trackings/batch", json=MANY[:2]))[0] == 201
    assert len(sandbox.trackings) == 2


async def test_answers_that_do_not_add_up(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """The counter can be wrong and an entry missing, though everything was done."""
    sandbox.faults.add(Fault(counter=-1, omit={"AB000001"}))
    _, data = await call(client, "POST", "/trackings/batch", json=MANY)
    assert (data["submitted"], data["added"], len(data["trackings"]), len(sandbox.trackings)) == (4, 3, 3, 4)


async def test_fault_that_bans(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """A fault may begin a ban, which then holds for everything."""
    sandbox.faults.add(Fault("list", times=1, code=429, ban=True, headers={"Retry-After": "7"}))
    answer = await client.get("/trackings/get")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert (await client.get("/carriers")).status_code == 429
    assert sandbox.statistics().requests_during_bans == 1


async def test_which_requests() -> None:
    """A rule meets requests by bucket, by their running number, at most so often, or by chance."""
    sandbox = Sandbox(rates=FREE)
    second, twice = Fault("get", on={2}, status=500), Fault({"list", "get"}, times=2, delay_back=0.0)
    sandbox.faults.add(second, twice)
    async with in_process(sandbox) as client:
        statuses = [(await client.get(PATH)).status_code for _ in range(4)]
        assert (await client.get("/carriers")).status_code == 200
    assert statuses == [200, 500, 200, 200]
    assert (sandbox.faults.met(second), sandbox.faults.met(twice)) == (1, 2)
    sandbox.faults.remove(second)
    with pytest.raises(ValueError, match="no such rule"):
        sandbox.faults.remove(second)


@pytest.mark.parametrize("bucket", ["gett", ("get", "gett"), "total"])
def test_a_rule_for_a_bucket_that_does_not_exist_is_refused(bucket: Any) -> None:
    """It would never meet anything, and a test that relies on it would pass for the wrong reason."""
    with pytest.raises(ValueError, match=r"no such bucket: (gett|total); there are create, get"):
        Fault(bucket, status=503)


async def test_chance_comes_from_the_seed() -> None:
    """The same seed meets the same requests, another seed others."""

    async def statuses(seed: int) -> list[int]:
        sandbox = Sandbox(rates=FREE, seed=seed)
        sandbox.faults.add(Fault(probability=0.5, status=500))
        async with in_process(sandbox) as client:
            return [(await client.get("/carriers")).status_code for _ in range(40)]

    assert await statuses(1) == await statuses(1) != await statuses(2)
    assert 5 < (await statuses(1)).count(500) < 35


async def test_delays_over_the_socket(sandbox: Sandbox) -> None:
    """A delay at work holds the answer back, and the request is stamped before it."""
    sandbox.faults.add(Fault("carriers", delay_work=0.2))
    async with over_socket(sandbox) as client:
        started = time.monotonic()
        await client.get("/carriers")
        assert time.monotonic() - started >= 0.2
    assert sandbox.clock.now() - sandbox.statistics().last_arrival["carriers"] >= 0.2


async def test_client_that_gives_up(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """A client that runs into its read timeout has nevertheless made the change."""
    sandbox.faults.add(Fault(delay_back=0.3))
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/trackings/post", json=PAIR, timeout=0.15)
    assert len(sandbox.trackings) == 1


def test_plan_takes_the_first_opinion() -> None:
    """Where several rules meet one request, delays add up and the first code wins."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault(delay_there=1.0), Fault(code=4012, delay_there=(1.0, 1.0)), Fault(code=4013))
    plan = sandbox.faults.plan("list", ())
    assert (plan.delay("there", Random(0)), plan.code, plan.performed) == (2.0, 4012, False)
