"""Tokens: a walk goes on in another process where it stood, however much later."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import Any

import anyio
import attrs
import pytest

from tests.pages.scene import QUICK, Crowd, Pair, assert_exactly_once, count, pair, quick_sandbox, scene
from trackingmore_async.errors import ConfigurationError, InvalidRequestError
from trackingmore_async.pages import TrackingPages, token
from trackingmore_async.pages.reasons import AGAIN, CLOCKLESS, UNORDERED
from trackingmore_async.pages.token import MOST_IDS, read_token, write_token
from trackingmore_async.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.anyio

PAST = (-5000, -500)
"""Created over an hour, some time ago."""


def account(rows: int, seed: int, age: tuple[int, int] = PAST, **switches: Any) -> Sandbox:
    """Return a sandbox with trackings created between two moments, seconds from now."""
    sandbox = quick_sandbox(seed, switches=Switches(**switches))
    now = sandbox.clock.seconds()
    sandbox.seed_trackings(rows, created_between=(now + age[0], now + age[1]))
    return sandbox


async def some(lists: TrackingPages, wanted: int, found: Counter[Pair]) -> str:
    """Take some trackings, and return the token that the loop's body sees."""
    walk = aiter(lists)
    for _ in range(wanted):
        found[pair(await anext(walk))] += 1
    assert walk.token == lists.token
    return walk.token


async def stop_and_go(sandbox: Sandbox, stop: int, crowd: Crowd, pause: float, **options: Any) -> TrackingPages:
    """Walk to a stop, let time pass and the crowd act, walk on in a new client; check what came."""
    found: Counter[Pair] = Counter()
    async with scene(sandbox, crowd.act, rates=QUICK) as here:
        text = await some(here.tm.trackings.list(**options), stop, found)
    await anyio.sleep(pause)
    for _ in range(8):
        crowd.act()
    async with scene(sandbox, crowd.act, rates=QUICK) as here:
        rest = here.tm.trackings.list(resume=text)
        found += await count(aiter(rest))
    assert_exactly_once(found, crowd.throughout())
    return rest


@pytest.mark.parametrize("pause", [0.0, 30_000.0])
@pytest.mark.parametrize("age", [PAST, (-400, -400), (-40, 0), (0, 0)])
@pytest.mark.parametrize("page_size", [7, 100])
async def test_a_stop_behind_any_tracking_loses_and_repeats_nothing(
    page_size: int, age: tuple[int, int], pause: float
) -> None:
    """Wherever a walk stops, whatever is deleted and created until it goes on, all that stayed comes exactly once."""
    for stop in range(1, 40, 2):
        sandbox = account(60, stop, age)
        crowd = Crowd(sandbox, stop, deletes=1, creates=3)
        rest = await stop_and_go(sandbox, stop, crowd, pause, page_size=page_size)
        assert rest.gaps == ()


@pytest.mark.parametrize("pause", [0.0, 30_000.0])
@pytest.mark.parametrize("age", [PAST, (-500, -485)])
async def test_a_list_that_trackings_enter_and_leave_goes_on(age: tuple[int, int], pause: float) -> None:
    """Also where dozens enter and leave a filtered list between stop and start, those that stayed come exactly once."""
    for stop in range(1, 70, 3):
        sandbox = account(140, stop, age)
        for one in list(sandbox.trackings)[::3]:
            sandbox.trackings.set_archived(sandbox.trackings.find(*one) or 0, True)
        crowd = Crowd(sandbox, stop, deletes=1, creates=2, moves=6)
        crowd.act()
        archived = {one for one in sandbox.trackings if sandbox.trackings.find(*one) in sandbox.trackings.archived}
        crowd.at_first -= archived
        rest = await stop_and_go(sandbox, stop, crowd, pause, page_size=20, archived=False)
        assert rest.gaps == ()


@pytest.mark.parametrize("page_size", [7, 60, 100])
async def test_a_walk_from_the_newest_on_goes_on(page_size: int) -> None:
    """Where nothing is deleted, a walk from the newest on that stops and goes on hands out all, in order."""
    for stop in range(1, 60):
        sandbox = account(60, stop)
        crowd = Crowd(sandbox, stop, creates=3)
        rest = await stop_and_go(sandbox, stop, crowd, 30_000.0, page_size=page_size, order="newest")
        assert rest.gaps == ()


async def test_deletions_between_are_noted_by_a_walk_from_the_newest_on() -> None:
    """What left the list while a walk from the newest on stood still may have moved others past it: that is a gap."""
    sandbox = account(60, 1)
    async with scene(sandbox) as here:
        text = await some(here.tm.trackings.list(page_size=10, order="newest"), 15, Counter())
        for one in list(sandbox.trackings)[:5]:
            sandbox.delete(*one)
        rest = here.tm.trackings.list(resume=text)
        await count(aiter(rest))
    assert ["5 trackings left the list" in gap.reason for gap in rest.gaps] == [True]


@pytest.mark.parametrize(("list_order", "date_header"), [("oldest", True), ("oldest", False), ("id", True)])
@pytest.mark.parametrize("page_size", [4, 30])
async def test_in_another_order_nothing_comes_twice(list_order: Any, date_header: bool, page_size: int) -> None:
    """Where the order cannot be trusted, the token holds all ids: nothing is lost or repeated, and gaps say so."""
    for stop in range(1, 50, 4):
        sandbox = account(70, stop, list_order=list_order, date_header=date_header)
        crowd = Crowd(sandbox, stop, deletes=1, creates=2)
        rest = await stop_and_go(sandbox, stop, crowd, 300.0, page_size=page_size)
        assert {gap.reason for gap in rest.gaps} <= {UNORDERED, CLOCKLESS}
        assert rest.gaps


async def test_both_passes_over_an_unordered_list_outlive_a_stop() -> None:
    """A walk that reads everything twice finishes its first pass after the restart, and then makes the second one."""
    sandbox = account(100, 3, list_order="id")
    async with scene(sandbox, rates=QUICK) as here:
        text = await some(here.tm.trackings.list(page_size=20), 30, Counter())
        assert here.pages == [1, 5, 4]
        assert sum((await count(aiter(here.tm.trackings.list(resume=text)))).values()) == 70
    assert here.pages == [1, 5, 4, 4, 3, 2, 1, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("date_header", [True, False])
async def test_all_in_one_second_in_any_order(date_header: bool) -> None:
    """Where all rows of page 1 share a second, the order is not known: newer rows on later pages come all the same."""
    for rows in (3, 4, 5):
        sandbox = quick_sandbox(switches=Switches(list_order="oldest", date_header=date_header))
        now = sandbox.clock.seconds()
        sandbox.seed_trackings(2, created_between=(now - 50, now - 50))
        sandbox.seed_trackings(rows, prefix="RR", created_between=(now, now))
        async with scene(sandbox, rates=QUICK) as here:
            pages = here.tm.trackings.list(page_size=2)
            found = await count(aiter(pages))
        if date_header:
            assert_exactly_once(found, set(sandbox.trackings))
        assert pages.gaps or date_header


async def test_a_split_list_goes_on_in_its_part() -> None:
    """Of 100 numbers in three requests each is handed out once, wherever the walk stops."""
    numbers = [f"LX{index:07}CN" for index in range(100)]
    for stop in (1, 39, 40, 41, 80, 99, 100):
        sandbox = account(100, stop)
        rest = await stop_and_go(sandbox, stop, Crowd(sandbox, 1), 5.0, numbers=numbers)
        assert (rest.total, rest.gaps) == (100, ())


async def test_a_tracking_that_changes_its_part_during_a_stop_comes_once() -> None:
    """An order id that is edited while the walk stands still does not bring its tracking twice."""
    sandbox = Sandbox()
    for index in (0, 44):
        sandbox.create("zto", f"ZZ000000{index:02}", order_id=f"A-{index}")
    found: Counter[Pair] = Counter()
    async with scene(sandbox) as here:
        text = await some(here.tm.trackings.list(orders=[f"A-{index}" for index in range(45)]), 1, found)
        sandbox.trackings.set_fields(sandbox.trackings.find("zto", "ZZ00000000") or 0, {"order_id": "A-44"})
        found += await count(aiter(here.tm.trackings.list(resume=text)))
    assert found == {("zto", "ZZ00000000"): 1, ("zto", "ZZ00000044"): 1}


async def test_a_token_costs_nothing_and_the_last_one_leads_nowhere() -> None:
    """No request is sent for tokens, and from the end of the list on nothing is handed out, with no request either."""
    kinds: list[dict[str, Any]] = [
        {"page_size": 20},
        {"page_size": 20, "order": "newest"},
        {"page_size": 100},
        {"archived": False, "page_size": 20},
    ]
    for options in kinds:
        sandbox = account(60, 3)
        async with scene(sandbox) as here:
            pages = here.tm.trackings.list(**options)
            assert pages.token is None
            last = ""
            async for _ in pages:
                before = len(here.asked)
                last = pages.token or ""
                assert len(here.asked) == before
            before = len(here.asked)
            sandbox.create("zto", "LATER0001")
            for text in (last, pages.token):
                assert await count(aiter(here.tm.trackings.list(resume=text))) == {}
            assert len(here.asked) == before


async def test_the_present_tracking_counts_as_handled() -> None:
    """A token that is taken in the body of the loop leads to the next tracking, not to this one."""
    sandbox = account(10, 3)
    async with scene(sandbox) as here:
        async with here.tm.trackings.list(page_size=3) as walk:
            first, second = [await anext(walk), await anext(walk)]
            text = walk.token
            third = await anext(walk)
        again = await anext(aiter(here.tm.trackings.list(resume=text)))
    assert again == third
    assert again not in (first, second)


async def test_a_resumed_list_begins_at_its_token_each_time() -> None:
    """A resumed list can be walked twice, has its token before it is walked, and takes a maximum of its own."""
    sandbox = account(50, 3)
    async with scene(sandbox) as here:
        text = await some(here.tm.trackings.list(page_size=20, max_items=30), 10, Counter())
        rest = here.tm.trackings.list(resume=text, max_items=25)
        assert (rest.token, rest.page_size) == (text, 20)
        first, second = await count(aiter(rest)), await count(aiter(rest))
        assert (first, sum(first.values())) == (second, 25)
        with pytest.raises(ConfigurationError, match="only be walked"):
            await rest


async def test_pages_that_are_read_ahead_do_not_move_the_token() -> None:
    """With async with, a page that has come and was not handed out yet is read again after the restart."""
    sandbox = account(60, 3)
    async with scene(sandbox, rates=QUICK) as here:
        found: Counter[Pair] = Counter()
        async with here.tm.trackings.list(page_size=10) as walk:
            for _ in range(15):
                found[pair(await anext(walk))] += 1
            await anyio.sleep(5)
            text = walk.token
        async with here.tm.trackings.list(resume=text) as walk:
            found += await count(walk)
    assert_exactly_once(found, set(sandbox.trackings))


async def test_what_was_noted_before_stays_noted() -> None:
    """The gaps of the first process are those of the second one, too."""
    sandbox = account(100, 3)
    sandbox.faults.add(Fault("list", on={3, 4}, code=4031))
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(page_size=20)
        text = await some(pages, 30, Counter())
        rest = here.tm.trackings.list(resume=text)
        await count(aiter(rest))
    assert [gap.page for gap in pages.gaps] == [4]
    assert rest.gaps == pages.gaps


@pytest.mark.parametrize("options", [{"status": "transit"}, {"page_size": 10}, {"order": "newest"}, {"numbers": "A1"}])
async def test_nothing_but_a_maximum_goes_with_a_token(options: dict[str, Any]) -> None:
    """What the token brings cannot be given besides."""
    sandbox = account(10, 3)
    async with scene(sandbox) as here:
        text = await some(here.tm.trackings.list(), 5, Counter())
        with pytest.raises(ConfigurationError, match=f"cannot be combined with {next(iter(options))}"):
            here.tm.trackings.list(resume=text, **options)


DAMAGE: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[:-9],
    "changed": lambda text: text[:30] + ("A" if text[30] != "A" else "B") + text[31:],
    "in capitals": str.upper,
    "with a mark": lambda text: text + "!",
    "not ascii": lambda text: text + "ä",
    "empty": lambda _: "",
    "without its beginning": lambda text: text[3:],
    "of something else": lambda _: token.VERSION + urlsafe_b64encode(zlib.compress(b"something else")).decode(),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_token_is_refused(damage: str) -> None:
    """A token that was cut, changed, or never was one is an error that says what to do; nothing is sent."""
    sandbox = account(10, 3)
    async with scene(sandbox) as here:
        text = await some(here.tm.trackings.list(archived=False, page_size=3), 1, Counter())
        with pytest.raises(ConfigurationError, match="begin a new walk"):
            here.tm.trackings.list(resume=DAMAGE[damage](text))


async def test_a_token_holds_nothing_of_a_tracking() -> None:
    """It brings back the filters; ids are digests; numbers and customers of trackings are not in it."""
    sandbox = Sandbox()
    for index in range(30):
        sandbox.create("zto", f"ZZ{index:07}", customer_name="Kim Secretname", customer_email="kim@example.com")
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(page_size=20, created_at_max=1_900_000_000)
        found = [tracking async for tracking in pages]
        inside = repr(attrs.asdict(read_token(pages.token or "")))
    for tracking in found:
        assert (tracking.tracking_number in inside, (tracking.id or "?") in inside) == (False, False)
    assert "Secretname" not in inside
    assert "1900000000" in inside


async def test_tokens_stay_small() -> None:
    """Of a list in order a token is some hundred characters, and does not grow with the walk."""
    sandbox = account(20_000, 3, (-5_000_000, -500))
    async with scene(sandbox, rates=QUICK) as here:
        pages = here.tm.trackings.list(page_size=2000)
        sizes = [len(pages.token or "") async for tracking in pages if int(tracking.tracking_number[2:9]) % 100 == 0]
    assert len(sizes) == 200
    assert max(sizes) < 700
    assert all(character.isalnum() or character in "-_.=" for character in pages.token or "")


async def test_too_many_ids_for_a_token_are_handed_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the token would be too long, the walk begins the part anew, loses nothing, and says so."""
    monkeypatch.setattr("trackingmore_async.pages.walk.MOST_IDS", 30)
    sandbox = account(70, 3, list_order="id")
    found: Counter[Pair] = Counter()
    async with scene(sandbox, rates=QUICK) as here:
        text = await some(here.tm.trackings.list(page_size=10), 40, found)
        rest = here.tm.trackings.list(resume=text)
        assert set(await count(aiter(rest))) == set(sandbox.trackings)
    assert AGAIN in {gap.reason for gap in rest.gaps}
    assert MOST_IDS == 50_000


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": "before"}, {"reset": "after"}, {"body": "truncated"}])
async def test_a_retry_happens_inside_a_page(fault: dict[str, Any]) -> None:
    """A page that fails is asked for again, and no page before it: six requests and one more, also after a restart."""
    for on in range(1, 7):
        sandbox = account(100, 3)
        sandbox.faults.add(Fault("list", on={on}, **fault))
        found: Counter[Pair] = Counter()
        async with scene(sandbox) as here:
            text = await some(here.tm.trackings.list(page_size=20), 50, found)
            assert [page for page, _ in groupby(here.pages)] == [1, 5, 4, 3]
            found += await count(aiter(here.tm.trackings.list(resume=text)))
        assert_exactly_once(found, set(sandbox.trackings))
        assert len(here.asked) == 8


async def test_a_token_outlives_what_the_filters_are_made_of() -> None:
    """Filters come back as they were given: times, texts, several numbers."""
    sandbox = account(50, 3)
    now = sandbox.clock.seconds()
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(
            created_at_min=now - 9000, archived="false", lang="en", numbers=["LX0000001CN", "A2"]
        )
        text = await some(pages, 1, Counter())
        await count(aiter(here.tm.trackings.list(resume=text)))
        with pytest.raises(InvalidRequestError):
            here.tm.trackings.list(created_at_min="soon")  # type: ignore[arg-type]
    assert write_token(read_token(text)) == text
    assert token.VERSION == "w1."
