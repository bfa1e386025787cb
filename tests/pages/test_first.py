"""The first page alone: ``await tm.trackings.list(...)``."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.pages.scene import pair, scene
from trackingmore_async.errors import ClientStateError, ConfigurationError, DeadlineExceededError, InvalidRequestError
from trackingmore_async.models import UNSET
from trackingmore_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_the_first_page_is_a_sequence_with_a_total() -> None:
    """It holds the newest trackings in the server's order, counts, indexes, slices, pickles, and knows the total."""
    sandbox = Sandbox()
    sandbox.seed_trackings(250)
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(page_size=30)
        page = await pages
    assert [pair(tracking) for tracking in page] == list(sandbox.trackings)[:30]
    assert (len(page), page.total, pages.total) == (30, 250, 250)
    assert (page[0], page[-1], page[1:3]) == (page.items[0], page.items[29], page.items[1:3])
    assert pickle.loads(pickle.dumps(page)) == page  # noqa: S301
    assert repr(page) == "<FirstPage: 30 of 250 trackings>"
    assert here.pages == [1]


async def test_without_a_page_size_it_holds_a_hundred() -> None:
    """page_size is 100 for the first page alone, 2000 for a walk; max_items makes the first page shorter."""
    sandbox = Sandbox()
    sandbox.seed_trackings(250)
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list()
        assert len(await pages) == 100
        assert len([1 async for _ in pages]) == 250
        assert len(await here.tm.trackings.list(max_items=7)) == 7
    assert [query["limit"] for query in here.asked] == ["100", "2000", "7"]


async def test_it_waits_as_long_as_a_single_call_does() -> None:
    """A first page does not wait for a slot longer than max_wait; a walk has no such end by itself."""
    sandbox = Sandbox()
    sandbox.seed_trackings(50)
    async with scene(sandbox) as here:
        await here.tm.trackings.list()
        with pytest.raises(DeadlineExceededError):
            await here.tm.with_options(max_wait=0.5).trackings.list()
        assert len([1 async for _ in here.tm.trackings.list(page_size=1)]) == 50


async def test_every_filter_arrives() -> None:
    """All filters of API.md 3.6 are sent as the server wants them, datetimes as unix seconds, on every page."""
    sandbox = Sandbox()
    sandbox.seed_trackings(30)
    east = timezone(timedelta(hours=8))
    filters: dict[str, Any] = {
        "status": "transit",
        "created_at_min": datetime(2020, 1, 1, tzinfo=UTC),
        "created_at_max": datetime(2021, 1, 1, 8, tzinfo=east),
        "update_time_min": 1_600_000_000,
        "update_time_max": datetime(2030, 1, 1, tzinfo=UTC),
        "order_created_time_min": 1_500_000_000,
        "order_created_time_max": 1_900_000_000,
        "lang": "en",
        "numbers": ["LX0000001CN", "LX0000002CN"],
        "orders": "A-77",
        "archived": True,
    }
    wanted = {
        "status": "transit",
        "created_at_min": "1577836800",
        "created_at_max": "1609459200",
        "update_time_min": "1600000000",
        "update_time_max": "1893456000",
        "order_created_time_min": "1500000000",
        "order_created_time_max": "1900000000",
        "lang": "en",
        "numbers": "LX0000001CN,LX0000002CN",
        "orders": "A-77",
        "archived": "true",
    }
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(page_size=10, **filters)
        await pages
        assert [1 async for _ in pages] == []
    assert here.asked == [{"page": "1", "limit": "10", **wanted}] * 2


async def test_filters_stay_on_all_pages() -> None:
    """What narrows the first page narrows all others, too."""
    sandbox = Sandbox()
    sandbox.seed_trackings(90)
    async with scene(sandbox) as here:
        found = [one async for one in here.tm.trackings.list(page_size=10, archived=False, lang="en", created_at_min=5)]
    assert len(found) == 90
    assert {(query["archived"], query["lang"], query["created_at_min"]) for query in here.asked} == {
        ("false", "en", "5")
    }


@pytest.mark.parametrize("value", [0, -1, 2001, True, 1.5, "20"])
async def test_a_page_size_out_of_range_is_refused_at_once(value: Any) -> None:
    """A page size is a whole number from 1 to 2000."""
    async with scene(Sandbox()) as here:
        with pytest.raises(ConfigurationError, match="page_size"):
            here.tm.trackings.list(page_size=value)


@pytest.mark.parametrize("value", [0, -5, False, 2.0, "all"])
async def test_a_max_items_that_cannot_work_is_refused_at_once(value: Any) -> None:
    """max_items is a whole number from 1 on."""
    async with scene(Sandbox()) as here:
        with pytest.raises(ConfigurationError, match="max_items"):
            here.tm.trackings.list(max_items=value)


@pytest.mark.parametrize(
    "filters",
    [{"numbers": []}, {"orders": ()}, {"numbers": [""]}, {"orders": ["A", " "]}, {"orders": [7]}, {"order": "up"}],
)
async def test_filters_that_cannot_work_are_refused_at_once(filters: dict[str, Any]) -> None:
    """Empty lists of numbers, empty entries and unknown orders are errors; nothing is sent."""
    async with scene(Sandbox()) as here:
        with pytest.raises(ConfigurationError):
            here.tm.trackings.list(**filters)
    assert here.asked == []


@pytest.mark.parametrize("filters", [{"numbers": ["a b"]}, {"orders": "A,B"}, {"created_at_min": datetime(2020, 1, 1)}])  # noqa: DTZ001
async def test_filters_that_cannot_be_sent_are_refused_at_once(filters: dict[str, Any]) -> None:
    """What no request can say is refused before anything is sent."""
    async with scene(Sandbox()) as here:
        with pytest.raises(InvalidRequestError):
            here.tm.trackings.list(**filters)
    assert here.asked == []


async def test_filters_that_are_not_given_do_not_narrow() -> None:
    """None and UNSET are as good as leaving a filter out."""
    sandbox = Sandbox()
    sandbox.seed_trackings(5)
    nothing: dict[str, Any] = {"status": None, "archived": UNSET, "created_at_max": None, "numbers": None}
    async with scene(sandbox) as here:
        assert len(await here.tm.trackings.list(**nothing)) == 5
    assert here.asked == [{"page": "1", "limit": "100"}]


async def test_a_closed_client_reads_no_page() -> None:
    """After the client was closed all three uses raise ClientStateError."""
    async with scene(Sandbox()) as here:
        pages = here.tm.trackings.list()
    assert repr(pages) == "<TrackingPages: oldest first, not read yet>"
    with pytest.raises(ClientStateError) as caught:
        await pages
    assert (caught.value.timing, caught.value.attempts) == (None, 0)
    with pytest.raises(ClientStateError):
        [1 async for _ in pages]
    with pytest.raises(ClientStateError):
        async with pages as walk:
            [1 async for _ in walk]
