"""Servers that answer another page, tell a wrong total, or never stop: walks end, and say what may be missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import httpx
import pytest

from tests.pages.test_items import item
from trackingmore_async import TrackingMore
from trackingmore_async.errors import ConfigurationError
from trackingmore_async.models import Tracking

pytestmark = pytest.mark.anyio

Data = dict[str, Any]
Answer = Callable[[int, int], Data]
"""What is answered to a page and a limit."""

ITEMS = [item(index) for index in range(999, -1, -1)]
ENOUGH = 60  # requests, with which every walk must have ended

FORMS = pytest.mark.parametrize("ahead", [False, True], ids=["in turn", "ahead"])
ORDERS = pytest.mark.parametrize("order", ["oldest", "newest"])


def page_of(items: list[Data], page: int, limit: int) -> Data:
    """Return the page that a good server answers."""
    rows = items[(page - 1) * limit : page * limit]
    return {"page": page, "limit": limit, "total": str(len(items)), "count": len(rows), "items": rows}


@attrs.define
class Outcome:
    """What came of a walk."""

    found: list[Tracking]
    reasons: list[str]
    requests: int

    @property
    def numbers(self) -> list[str]:
        """The tracking numbers, in the order of the walk."""
        return [tracking.tracking_number for tracking in self.found]


async def walk(answer: Answer, *, ahead: bool = False, **options: Any) -> Outcome:
    """Walk the list of an odd server."""
    asked: list[int] = []
    settings: dict[str, Any] = {"page_size": 200, **options}

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(int(request.url.params["page"]))
        assert len(asked) <= ENOUGH, "this walk does not end"
        data = answer(asked[-1], int(request.url.params["limit"]))
        return httpx.Response(
            200, content=json.dumps({"meta": {"code": 200, "type": "Success", "message": "Success"}, "data": data})
        )

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http,
        TrackingMore("key", base_url="http://odd/v2", http_client=http) as tm,
    ):
        pages = tm.trackings.list(**settings)
        if not ahead:
            found = [tracking async for tracking in pages]
        else:
            async with pages as walking:
                found = [tracking async for tracking in walking]
    return Outcome(found, [gap.reason for gap in pages.gaps], len(asked))


def assert_all_once(outcome: Outcome) -> None:
    """Check that every tracking came, and none twice."""
    assert len(outcome.found) == len(set(outcome.numbers)) == 1000


@FORMS
@ORDERS
@pytest.mark.parametrize("filters", [{}, {"status": "transit"}])
async def test_a_server_that_ignores_the_page_is_found_out(order: str, ahead: bool, filters: dict[str, Any]) -> None:
    """Where page 1 comes whatever is asked for, the gaps say which pages were wanted and did not come."""
    outcome = await walk(lambda _, limit: page_of(ITEMS, 1, limit), ahead=ahead, order=order, **filters)
    assert 150 <= len(set(outcome.numbers)) == len(outcome.found) <= 200
    page = 6 if filters and order == "oldest" else 3
    assert f"The server answered page 1 instead of {page}: trackings may be missing." in outcome.reasons
    assert outcome.requests <= 7


@ORDERS
@pytest.mark.parametrize("says", ["nothing", "what was asked for"])
@pytest.mark.parametrize("filters", [{}, {"status": "transit"}])
async def test_repeated_pages_are_found_out_without_their_number(
    order: str, says: str, filters: dict[str, Any]
) -> None:
    """Where page 1 always comes under another name, or under none, the repeated rows give it away."""
    outcome = await walk(
        lambda page, limit: {**page_of(ITEMS, 1, limit), "page": None if says == "nothing" else page},
        order=order,
        **filters,
    )
    assert 150 <= len(set(outcome.numbers)) == len(outcome.found) <= 200
    assert any("had come before" in reason for reason in outcome.reasons)


@ORDERS
async def test_a_boundless_total_does_not_keep_a_walk_going(order: str) -> None:
    """A server that ignores the page and promises millions is given up after a few requests."""
    outcome = await walk(lambda page, limit: {**page_of(ITEMS, 1, limit), "page": page, "total": 10**9}, order=order)
    assert len(outcome.found) == 200
    assert any("had come before" in reason for reason in outcome.reasons)
    assert outcome.requests <= 6


@ORDERS
async def test_pages_that_are_counted_from_zero_lose_nothing(order: str) -> None:
    """Where only the number of the page is wrong, all trackings come, and the gaps tell of the doubt."""
    outcome = await walk(lambda page, limit: {**page_of(ITEMS, page, limit), "page": page - 1}, order=order)
    assert_all_once(outcome)
    assert "The server answered page 1 instead of 2: trackings may be missing." in outcome.reasons


@ORDERS
async def test_one_page_that_comes_twice_does_not_end_a_walk(order: str) -> None:
    """A single page in the place of another is a gap, and all other pages are still read."""
    outcome = await walk(
        lambda page, limit: page_of(ITEMS, (4 if order == "oldest" else 2) if page == 3 else page, limit), order=order
    )
    assert len(outcome.found) == 800
    assert any("instead of 3" in reason for reason in outcome.reasons)


@FORMS
@ORDERS
@pytest.mark.parametrize("total", [0, -1, 150, "0"])
async def test_a_total_that_a_full_page_disproves_is_not_believed(order: str, ahead: bool, total: int | str) -> None:
    """Where the total is too low for page 1 alone, the walk goes on from page to page, and says so."""
    outcome = await walk(
        lambda page, limit: {**page_of(ITEMS, page, limit), "total": total}, ahead=ahead, order=order, page_size=300
    )
    assert_all_once(outcome)
    assert outcome.requests == 4
    assert ["is not believed" in reason for reason in outcome.reasons] == [True]


@ORDERS
async def test_a_last_page_that_is_full_ends_a_walk_without_a_total(order: str) -> None:
    """Where the total is always 0 and the last page is full, an empty page is the end."""
    outcome = await walk(lambda page, limit: {**page_of(ITEMS, page, limit), "total": 0}, order=order)
    assert_all_once(outcome)
    assert (outcome.requests, len(outcome.reasons)) == (6, 1)


@ORDERS
async def test_smaller_pages_without_a_total_are_understood(order: str) -> None:
    """Where the total is 0 and the server cuts down the limit, its own limit tells which page is full."""
    outcome = await walk(lambda page, limit: {**page_of(ITEMS, page, min(limit, 100)), "total": 0}, order=order)
    assert_all_once(outcome)
    assert len(outcome.reasons) == 1


@ORDERS
async def test_a_total_that_breaks_off_in_the_middle_loses_nothing(order: str) -> None:
    """Where only later pages tell a total of 0, the walk goes on, and says that it did not believe it."""
    outcome = await walk(
        lambda page, limit: {**page_of(ITEMS, page, limit), "total": 1000 if page == 1 else 0}, order=order
    )
    assert_all_once(outcome)
    assert any("is not believed" in reason for reason in outcome.reasons)


@ORDERS
async def test_a_server_without_page_and_total_is_given_up(order: str) -> None:
    """A server that always answers page 1 with a total of 0 does not keep a walk going."""
    outcome = await walk(lambda _, limit: {**page_of(ITEMS, 1, limit), "page": None, "total": 0}, order=order)
    assert len(outcome.found) == 200
    assert any("had come before" in reason for reason in outcome.reasons)
    assert outcome.requests <= 4


@ORDERS
async def test_a_total_too_low_for_a_short_page_ends_there(order: str) -> None:
    """A page that is not full is the last one, whatever the total says."""
    outcome = await walk(lambda page, limit: {**page_of(ITEMS[:50], page, limit), "total": 0}, order=order)
    assert (len(outcome.found), outcome.requests, outcome.reasons) == (50, 1, [])


@ORDERS
async def test_pages_that_are_a_row_short_are_a_gap(order: str) -> None:
    """Where each page is one row short of what the total promises, both directions note it."""

    def answer(page: int, limit: int) -> Data:
        data = page_of(ITEMS, page, limit)
        return {**data, "items": data["items"][:-1], "count": data["count"] - 1}

    outcome = await walk(answer, order=order)
    assert len(outcome.found) < 1000
    assert any("fewer rows" in reason for reason in outcome.reasons)


@FORMS
@ORDERS
@pytest.mark.parametrize("says_limit", [True, False])
async def test_a_server_that_sends_everything_is_asked_once(order: str, ahead: bool, says_limit: bool) -> None:
    """Where page 1 holds as many rows as the total, nothing else is read, and nothing is missing."""
    everything = {**page_of(ITEMS, 1, 1000), "limit": 1000 if says_limit else None}
    outcome = await walk(lambda _page, _limit: everything, ahead=ahead, order=order)
    assert_all_once(outcome)
    assert (outcome.requests, outcome.reasons) == (1, [])


@ORDERS
@pytest.mark.parametrize("total", [0, 1500])
async def test_a_server_that_sends_everything_with_a_wrong_total_is_given_up(order: str, total: int) -> None:
    """Where each page holds all rows, whatever the total says, they come once, the walk ends, and there is a gap."""
    outcome = await walk(lambda page, _: {**page_of(ITEMS, 1, 1000), "page": page, "total": total}, order=order)
    assert_all_once(outcome)
    assert outcome.reasons
    assert outcome.requests <= 12


async def test_a_total_that_grows_with_each_page_is_given_up() -> None:
    """A walk from the newest ends when ten pages in a row bring nothing new, though the total grows meanwhile."""
    outcome = await walk(
        lambda page, limit: {**page_of(ITEMS, 1, limit), "page": page, "total": (page + 1) * limit}, order="newest"
    )
    assert (len(outcome.found), outcome.requests) == (200, 11)
    assert any("had come before" in reason for reason in outcome.reasons)


async def test_the_first_page_alone_tells_of_oddities() -> None:
    """Awaiting the first page notes another page's number and a total that cannot be true."""

    def handle(_: httpx.Request) -> httpx.Response:
        data = {**page_of(ITEMS, 2, 100), "total": 0}
        return httpx.Response(200, content=json.dumps({"meta": {"code": 200}, "data": data}))

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http,
        TrackingMore("key", base_url="http://odd/v2", http_client=http) as tm,
    ):
        pages = tm.trackings.list()
        assert len(await pages) == 100
    assert [gap.page for gap in pages.gaps] == [1, 1]
    assert pages.gaps[0].reason == "The server answered page 2 instead of 1: trackings may be missing."


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"numbers": 5}, "numbers has to be a text or several, not 5"),
        ({"orders": 7.5}, "orders has to be a text or several, not 7.5"),
        ({"page": 3}, "page cannot be chosen"),
        ({"limit": 50}, "limit cannot be chosen"),
    ],
)
async def test_arguments_that_no_list_takes_are_refused_at_once(filters: dict[str, Any], words: str) -> None:
    """Numbers that are no text, and a page or limit of one's own, are errors before anything is sent."""
    async with TrackingMore("key") as tm:
        with pytest.raises(ConfigurationError, match=words):
            tm.trackings.list(**filters)
