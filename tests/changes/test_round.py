"""Clocks that differ, lists that change while they are walked, and walks that cannot vouch for everything."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from tests.changes.feeds import START, Shelf, changes, quiet_sandbox, refresh, take
from tests.pages.scene import scene
from trackingmore_async import PermissionDeniedError, TrackingMore
from trackingmore_async.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.anyio

HOUR = 3600
EARLY = START - 91 * 86400


@pytest.mark.parametrize("skew", [-30 * HOUR, -5 * HOUR, 0, 5 * HOUR])
@pytest.mark.parametrize("date_header", [True, False])
async def test_only_the_clock_of_the_server_counts(skew: int, date_header: bool) -> None:
    """However far the computer's clock is off, each creation and each refresh comes once."""
    sandbox = quiet_sandbox(epoch=time.time() + skew, switches=Switches(date_header=date_header))
    store, since, found = Shelf(), sandbox.clock.seconds(), list[Any]()
    async with scene(sandbox) as here:
        for index in range(30):
            sandbox.create("zto", f"NEW{index:06}")
            sandbox.clock.advance(50)
            refresh(sandbox, ("zto", f"NEW{index // 2:06}"), sandbox.clock.seconds())
            sandbox.clock.advance(150)
            found += await take(here.tm.trackings.changes(since=since, store=store))
    assert len(found) == 59  # the first one was created and refreshed before the first round
    assert set(found) == set(sandbox.trackings)


@pytest.mark.parametrize("date_header", [True, False])
@pytest.mark.parametrize("page_size", [20, 50])
async def test_what_happens_during_a_long_round_is_in_the_next(date_header: bool, page_size: int) -> None:
    """A tracking that is created while older pages are read is not lost, though hours pass until the round ends."""
    sandbox = quiet_sandbox(switches=Switches(date_header=date_header))
    store = Shelf()
    sandbox.seed_trackings(200)
    old = list(sandbox.trackings)
    made = 0

    def disturb() -> None:
        nonlocal made
        made += 1
        sandbox.create("zto", f"NEW{made:06}")
        sandbox.clock.advance(HOUR)
        refresh(sandbox, old[7 * made % 200], sandbox.clock.seconds())

    async with scene(sandbox, disturb) as here:
        found = await take(changes(here.tm, page_size, since=EARLY, store=store))
    refreshed = {one for one in old if (sandbox.find(*one) or {})["updated_at"] is not None}
    async with scene(sandbox) as here:
        for _ in range(2):
            found += await take(changes(here.tm, page_size, store=store))
        assert await take(changes(here.tm, page_size, store=store)) == []
    assert set(found) == set(sandbox.trackings)
    assert {one for one in refreshed if found.count(one) == 0} == set()
    assert made >= 200 / page_size


class Misdated(httpx.AsyncBaseTransport):
    """The sandbox behind a server whose clock is wrong by some seconds, and can be set."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.wrong_by = 0
        self._sandbox = sandbox
        self._inner = sandbox.transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer with a wrong date."""
        response = await self._inner.handle_async_request(request)
        moment = datetime.fromtimestamp(self._sandbox.clock.seconds(), UTC) + timedelta(seconds=self.wrong_by)
        response.headers["date"] = format_datetime(moment, usegmt=True)
        return response

    async def aclose(self) -> None:
        """Close the line."""
        await self._inner.aclose()


async def test_a_server_whose_clock_goes_back_is_told() -> None:
    """A clock that was an hour ahead and is set right leaves a gap that is told, and then the feed goes on."""
    sandbox, store = quiet_sandbox(), Shelf()
    line = Misdated(sandbox)
    async with (
        httpx.AsyncClient(transport=line) as http,
        TrackingMore(sandbox.key, base_url="http://sandbox/v2", http_client=http) as tm,
    ):
        line.wrong_by = HOUR
        assert await take(tm.trackings.changes(since=sandbox.clock.seconds(), store=store)) == []
        line.wrong_by = 0
        feed = tm.trackings.changes(store=store)
        assert await take(feed) == []
        assert ["went back" in gap.reason for gap in feed.gaps] == [True]
        sandbox.create("zto", "NEW000001")
        feed = tm.trackings.changes(store=store)
        assert await take(feed) == [("zto", "NEW000001")]
        assert feed.gaps == ()


async def test_a_round_with_a_gap_is_walked_again() -> None:
    """Where a page was lacking once, the window is read again; all comes once, and no gap is left to tell."""
    sandbox = quiet_sandbox()
    sandbox.seed_trackings(100)
    sandbox.faults.add(Fault("list", on={4, 5}, code=4031))
    async with scene(sandbox) as here:
        feed = changes(here.tm, 20, since=EARLY)
        found = await take(feed)
    assert sorted(found) == sorted(sandbox.trackings)
    assert feed.gaps == ()
    assert here.pages.count(3) == 3


async def test_the_checkpoint_waits_for_a_round_without_gaps() -> None:
    """A feed that dies after a round with gaps is followed by one that reads the same window, and repeats nothing."""
    sandbox, store = quiet_sandbox(), Shelf()
    sandbox.seed_trackings(100)
    sandbox.faults.add(Fault("list", on={4, 5}, code=4031), Fault("list", on=range(9, 99), code=403))
    found = list[Any]()
    async with scene(sandbox) as here:
        async with changes(here.tm, 20, since=EARLY, store=store) as feed:
            found += [await anext(feed) for _ in range(80)]
            with pytest.raises(PermissionDeniedError):
                await anext(feed)
        assert len(here.asked) == 9
        sandbox.faults.clear()
        second = await take(changes(here.tm, 20, store=store))
    assert len({one.tracking_number for one in found} | {number for _, number in second}) == 100
    assert len(second) == 20


@pytest.mark.parametrize("list_order", ["oldest", "id"])
async def test_a_list_in_another_order_is_read_three_times_and_told(list_order: Any) -> None:
    """Where no walk can vouch for everything, the feed goes on after three rounds, and tells."""
    sandbox, store = quiet_sandbox(switches=Switches(list_order=list_order)), Shelf()
    sandbox.seed_trackings(100)
    async with scene(sandbox) as here:
        feed = changes(here.tm, 20, since=0, store=store)
        found = await take(feed)
        assert feed.gaps
        assert sorted(found) == sorted(sandbox.trackings)
        assert here.pages.count(3) == 3 * 2 * 2  # rounds, windows, passes
        sandbox.clock.advance(9000)
        before = len(here.asked)
        feed = changes(here.tm, 20, store=store)
        assert await take(feed) == []
        assert len(here.asked) <= before + 2
        assert feed.gaps == ()


@pytest.mark.parametrize("list_order", ["oldest", "id"])
async def test_the_order_of_a_single_page_does_no_harm(list_order: Any) -> None:
    """A window that is one page is vouched for in any order."""
    sandbox = quiet_sandbox(switches=Switches(list_order=list_order))
    sandbox.seed_trackings(100)
    async with scene(sandbox) as here:
        feed = changes(here.tm, 100, since=0)
        assert sorted(await take(feed)) == sorted(sandbox.trackings)
    assert (feed.gaps, len(here.asked)) == ((), 2)
