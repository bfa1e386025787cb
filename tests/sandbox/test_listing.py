"""The list: filters, order, pages."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.helpers import DAY, FREE, call, in_process
from trackingmore_async.sandbox import Sandbox, Switches

pytestmark = pytest.mark.anyio

NOW = 1_710_000_000


@pytest.fixture
async def sandbox() -> Sandbox:
    """Hold a hundred trackings, one a day."""
    sandbox = Sandbox(rates=FREE, epoch=NOW)
    sandbox.seed_trackings(100, created_between=(NOW - 99 * DAY, NOW))
    return sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Speak to it in process."""
    async with in_process(sandbox) as client:
        yield client


async def numbers(client: httpx.AsyncClient, **params: Any) -> list[int]:
    """Return the running numbers of what a list answers; nothing for 4031."""
    code, data = await call(client, "GET", "/trackings/get", params={"limit": 2000, **params})
    assert code == 4031 or int(data["total"]) >= data["count"] == len(data["items"])
    return [] if code == 4031 else [int(item["tracking_number"][2:9]) for item in data["items"]]


async def test_newest_first_in_pages(client: httpx.AsyncClient) -> None:
    """Pages hold the newest first; ``total`` is a string, ``count`` an integer of this page."""
    _, data = await call(client, "GET", "/trackings/get", params={"page": 2, "limit": 30})
    assert [data[name] for name in ("page", "limit", "total", "count")] == [2, 30, "100", 30]
    assert [item["tracking_number"] for item in data["items"]] == [f"LX{n:07}CN" for n in range(69, 39, -1)]
    _, data = await call(client, "GET", "/trackings/get", params={"page": 4, "limit": 30})
    assert (data["count"], data["total"]) == (10, "100")
    assert await call(client, "GET", "/trackings/get", params={"page": 5, "limit": 30}) == (4031, [])


async def test_defaults(client: httpx.AsyncClient) -> None:
    """Without parameters it is page 1 of 100; empty values are ignored; the limit is cut to 2000."""
    _, data = await call(client, "GET", "/trackings/get?created_at_min=&orders=&page=&status=")
    assert (data["page"], data["limit"], data["count"]) == (1, 100, 100)
    assert (await call(client, "GET", "/trackings/get", params={"limit": 9999}))[1]["limit"] == 2000


async def test_creation_bounds_are_inclusive(client: httpx.AsyncClient) -> None:
    """``created_at_min`` and ``created_at_max`` include their own second."""
    low, high = NOW - 20 * DAY, NOW - 10 * DAY
    assert await numbers(client, created_at_min=low, created_at_max=high) == list(range(89, 78, -1))
    assert await numbers(client, created_at_max=high - 1, created_at_min=low + 1) == list(range(88, 79, -1))
    assert await numbers(client, created_at_min=NOW + 1) == []


async def test_post_with_a_body(client: httpx.AsyncClient) -> None:
    """The filters may come as JSON, with POST or even with GET, as old classes of the vendor send them."""
    for method in ("POST", "GET"):
        _, data = await call(client, method, "/trackings/get", json={"created_at_min": NOW - DAY, "limit": 7})
        assert (data["total"], data["limit"]) == ("2", 7)


async def test_status_and_counters_agree(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """A status filter finds what reads show, at any time."""
    for _ in range(3):
        _, data = await call(client, "GET", "/trackings/get", params={"limit": 2000})
        by_status: dict[str, list[int]] = {}
        for item in data["items"]:
            by_status.setdefault(item["status"], []).append(int(item["tracking_number"][2:9]))
        for status, expected in by_status.items():
            assert await numbers(client, status=status) == expected
        sandbox.clock.advance(2 * DAY)
    assert await call(client, "GET", "/trackings/get", params={"status": "nonsense"}) == (4033, [])


async def test_a_repeated_search_follows_time(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """The same status filter, asked again later, finds what has the status then."""
    before = await numbers(client, status="transit")
    sandbox.clock.advance(3 * DAY)
    after = await numbers(client, status="transit")
    _, data = await call(client, "GET", "/trackings/get", params={"limit": 2000})
    assert after == [int(item["tracking_number"][2:9]) for item in data["items"] if item["status"] == "transit"]
    assert after != before


async def test_numbers_and_orders(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """Up to forty numbers or order ids select trackings, whatever their carrier."""
    sandbox.create("zto", "LX0000007CN", order_id="A-77")
    assert await numbers(client, numbers="LX0000003CN, LX0000007CN,LX9999999CN") == [7, 7, 3]
    assert await numbers(client, orders="A-77,B-1") == [7]
    assert await numbers(client, orders="A-77", created_at_max=NOW - 1) == []
    assert (await call(client, "GET", "/trackings/get", params={"numbers": ",".join(["LX0000003CN"] * 41)}))[0] == 4020


async def test_archived(client: httpx.AsyncClient) -> None:
    """``true`` selects the archived, ``false`` the others, anything else both."""
    for number in (3, 50):
        await call(client, "PUT", f"/trackings/china-ems/LX{number:07}CN", json={"archived": "true"})
    assert await numbers(client, archived="true") == [50, 3]
    assert len(await numbers(client, archived="false")) == 98
    assert len(await numbers(client, archived="perhaps")) == 100
    await call(client, "PUT", "/trackings/china-ems/LX0000003CN", json={"archived": "false"})
    assert await numbers(client, archived="true") == [50]


async def test_update_time(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """``update_time_min`` selects what was refreshed since, which those delivered long ago were not."""
    sandbox.clock.advance(DAY)
    recent = await numbers(client, update_time_min=NOW)
    _, data = await call(client, "GET", "/trackings/get", params={"limit": 2000})
    refreshed = [int(item["tracking_number"][2:9]) for item in data["items"] if item["track_update"]]
    assert set(refreshed) <= set(recent)
    assert len(recent) < 100


async def test_order_time(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """``order_created_time_min`` and ``_max`` select by the time of the order."""
    order = {"tracking_number": "LX0000500CN", "carrier_code": "zto", "order_create_time": "2017/8/27 16:51"}
    await call(client, "POST", "/trackings/post", json=order)
    assert await numbers(client, order_created_time_min=1503823860, order_created_time_max=1503823860) == [500]
    assert await numbers(client, order_created_time_min=1503823861) == []


@pytest.mark.parametrize("order", ["newest", "oldest", "id"])
async def test_sort_order(order: Any) -> None:
    """The order is a switch; every order shows every tracking once, page by page."""
    sandbox = Sandbox(rates=FREE, epoch=NOW, switches=Switches(list_order=order))
    sandbox.seed_trackings(50, created_between=(NOW - 5, NOW))
    async with in_process(sandbox) as client:
        found: list[dict[str, Any]] = []
        for page in range(1, 6):
            _, data = await call(client, "GET", "/trackings/get", params={"page": page, "limit": 11})
            found += data["items"]
    names = [item["tracking_number"] for item in found]
    expected = {"newest": sorted(names, reverse=True), "oldest": sorted(names)}
    by_id = [item["tracking_number"] for item in sorted(found, key=lambda item: str(item["id"]))]
    assert names == expected.get(order, by_id)
    assert len(set(names)) == 50


async def test_a_deletion_moves_rows_forward(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """Deleting a row of page 1 shifts the first row of page 2 into page 1, so that a walk misses it."""
    _, before = await call(client, "GET", "/trackings/get", params={"page": 2, "limit": 10})
    sandbox.delete("china-ems", "LX0000095CN")
    _, after = await call(client, "GET", "/trackings/get", params={"page": 2, "limit": 10})
    assert [item["id"] for item in after["items"][:-1]] == [item["id"] for item in before["items"][1:]]
    assert after["total"] == "99"


async def test_a_million_is_paged_quickly() -> None:
    """The first, a middle and the last page of a million take about the same time, also under a time filter."""
    sandbox = Sandbox(rates=FREE)
    sandbox.seed_trackings(1_000_000)
    async with in_process(sandbox) as client:
        latest = sandbox.clock.seconds() - 30 * DAY
        for params in ({"page": 1}, {"page": 250}, {"page": 500}, {"page": 100, "created_at_max": latest}):
            started = time.process_time()
            _, data = await call(client, "GET", "/trackings/get", params={"limit": 2000, **params})
            assert time.process_time() - started < 1.0
            assert data["count"] == 2000
