"""Odd items and odd pages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from anyio.lowlevel import checkpoint

from tests.pages.scene import count
from trackingmore_async import TrackingMore
from trackingmore_async.errors import DecodeError
from trackingmore_async.models import Tracking

pytestmark = pytest.mark.anyio


def item(index: int, **changes: Any) -> dict[str, Any]:
    """Return one item; a field that is None is missing."""
    full = {
        "id": f"{index:032x}",
        "tracking_number": f"ZZ{index:05}",
        "carrier_code": "zto",
        "created_at": f"2024-01-01T{index // 3600:02}:{index // 60 % 60:02}:{index % 60:02}+08:00",
        **changes,
    }
    return {name: value for name, value in full.items() if value is not None}


class Shelf(httpx.AsyncBaseTransport):
    """A server of a few lines, for what the sandbox never sends.

    Args:
        items: The list, newest first.
        largest: The most rows that a page holds, whatever is asked for.
        says_limit: Whether pages tell how many rows they hold at most.
    """

    def __init__(self, items: list[dict[str, Any]], *, largest: int = 2000, says_limit: bool = True) -> None:
        self.items = items
        self.asked: list[tuple[int, int]] = []
        self._largest = largest
        self._says_limit = says_limit

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request for a page."""
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        self.asked.append((page, limit))
        limit = min(limit, self._largest)
        rows = self.items[(page - 1) * limit : page * limit]
        data: dict[str, Any] = {"page": page, "total": str(len(self.items)), "count": len(rows), "items": rows}
        data |= {"limit": limit} if self._says_limit else {}
        body = {"meta": {"code": 200, "type": "Success", "message": "Success"}, "data": data}
        return httpx.Response(200, content=json.dumps(body))


async def opened(shelf: Shelf) -> AsyncIterator[TrackingMore]:
    """Open a client on a shelf."""
    async with (
        httpx.AsyncClient(transport=shelf) as http,
        TrackingMore("key", base_url="http://shelf/v2", http_client=http) as tm,
    ):
        yield tm


async def take_all(shelf: Shelf, **options: Any) -> tuple[list[Tracking], tuple[Any, ...]]:
    """Walk a shelf; return the trackings and the gaps."""
    found: list[Tracking] = []
    gaps: tuple[Any, ...] = ()
    async for tm in opened(shelf):
        pages = tm.trackings.list(**options)
        found = [tracking async for tracking in pages]
        gaps = pages.gaps
    return found, gaps


async def test_a_broken_item_is_told_after_the_good_ones_before_it() -> None:
    """The items before a broken one are handed out, its error says where it is, and the iterator goes on behind it."""
    shelf = Shelf([item(index, **({"tracking_number": None} if index == 4 else {})) for index in range(9, -1, -1)])
    async for tm in opened(shelf):
        walk = aiter(tm.trackings.list())
        good = [(await anext(walk)).tracking_number for _ in range(4)]
        with pytest.raises(DecodeError) as caught:
            await anext(walk)
        assert good == ["ZZ00000", "ZZ00001", "ZZ00002", "ZZ00003"]
        assert (caught.value.path or "").startswith("$.data.items[5]")
        assert "page 1" in str(caught.value)
        assert len(await count(walk)) == 5


async def test_a_broken_item_on_the_first_page_does_not_stop_the_walk_before_its_turn() -> None:
    """Page 1 is looked at first, but its broken item is told when its turn has come."""
    shelf = Shelf([item(index, **({"tracking_number": None} if index == 99 else {})) for index in range(99, -1, -1)])
    async for tm in opened(shelf):
        walk = aiter(tm.trackings.list(page_size=10))
        found = 0
        with pytest.raises(DecodeError):
            while True:
                await anext(walk)
                found += 1
        assert found == 99


async def test_ids_may_be_missing() -> None:
    """Without ids a tracking is known by its carrier and number."""
    shelf = Shelf([item(index, id=None) for index in range(99, -1, -1)])
    found, gaps = await take_all(shelf, page_size=10)
    assert len({tracking.tracking_number for tracking in found}) == len(found) == 100
    assert gaps == ()


async def test_without_times_of_creation_everything_is_read_twice() -> None:
    """Where nothing tells the order, each tracking still comes once, and the walk says that it cannot vouch for it."""
    shelf = Shelf([item(index, created_at=None) for index in range(99, -1, -1)])
    found, gaps = await take_all(shelf, page_size=10)
    assert len({tracking.tracking_number for tracking in found}) == len(found) == 100
    assert len(gaps) == 1
    assert len(shelf.asked) == 21


async def test_some_missing_times_do_no_harm() -> None:
    """A few trackings without a time of creation are handed out like all others."""
    shelf = Shelf([item(index, **({"created_at": None} if index % 7 == 0 else {})) for index in range(99, -1, -1)])
    found, gaps = await take_all(shelf, page_size=10)
    assert len({tracking.tracking_number for tracking in found}) == len(found) == 100
    assert gaps == ()


@pytest.mark.parametrize("late", [False, True])
async def test_pages_in_a_wrong_order_are_found_out(late: bool) -> None:
    """Where each page is sorted but the pages are not, nothing is taken for seen that was not."""
    blocks = [[item(index) for index in range(last, last - 10, -1)] for last in range(99, 0, -10)]
    place = 4 if late else 8
    blocks[place], blocks[place + 1] = blocks[place + 1], blocks[place]
    found, gaps = await take_all(Shelf([one for block in blocks for one in block]), page_size=10)
    assert len({tracking.tracking_number for tracking in found}) == len(found) == 100
    assert len(gaps) == 1


@pytest.mark.parametrize("says_limit", [True, False])
@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_server_with_smaller_pages_is_understood(says_limit: bool, order: str) -> None:
    """When the server's pages hold fewer rows than were asked for, its size counts."""
    shelf = Shelf([item(index) for index in range(99, -1, -1)], largest=30, says_limit=says_limit)
    found, gaps = await take_all(shelf, page_size=50, order=order)
    assert len({tracking.tracking_number for tracking in found}) == len(found) == 100
    assert gaps == ()
    assert {limit for _, limit in shelf.asked[1:]} == {30}


async def test_a_total_that_promises_too_much_is_a_gap() -> None:
    """Rows that the total counts and no page holds are noted."""
    shelf = Shelf([item(index) for index in range(99, -1, -1)])
    whole = shelf.items
    shelf.items = [*whole[:45], *whole[50:]]

    class Boasting(Shelf):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            return httpx.Response(200, content=(await response.aread()).replace(b'"total": "95"', b'"total": "100"'))

    boasting = Boasting(shelf.items)
    found, gaps = await take_all(boasting, page_size=10)
    assert len(found) == 95
    assert [gap.page for gap in gaps] == [10]


async def test_a_long_page_does_not_hold_up_the_loop() -> None:
    """Between two looks at the event loop, at most 25 items are decoded."""
    shelf = Shelf([item(index) for index in range(999, -1, -1)])
    ticks = [0]
    runs: Counter[int] = Counter()

    async def tick() -> None:
        while True:
            await checkpoint()
            ticks[0] += 1

    async for tm in opened(shelf):
        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            async for _ in tm.trackings.list():
                runs[ticks[0]] += 1
            group.cancel_scope.cancel()
    assert runs.total() == 1000
    assert max(runs.values()) <= 25
