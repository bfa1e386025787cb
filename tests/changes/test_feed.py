"""What a feed hands out, when, and how often."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from tests.changes.feeds import Shelf, changes, quiet_sandbox, refresh, take
from tests.pages.scene import quick_sandbox, scene
from trackingmore_async import ConfigurationError, JournalError, ServerError
from trackingmore_async.changes.notebook import Memory
from trackingmore_async.changes.round import CHUNK
from trackingmore_async.errors import ClientStateError, DeadlineExceededError
from trackingmore_async.sandbox import Fault, Switches

pytestmark = pytest.mark.anyio

OLD = ("zto", "OLD000001")


@pytest.mark.parametrize("never_updated", ["null", "epoch"])
async def test_what_was_created_or_refreshed_since_comes_once(never_updated: Any) -> None:
    """New trackings, refreshed old ones, both at once, and those refreshed before their creation; no others."""
    sandbox = quiet_sandbox(switches=Switches(never_updated=never_updated))
    for name in ("UNTOUCHED", "REFRESHED"):
        sandbox.create("zto", name)
    sandbox.clock.advance(5000)
    since = sandbox.clock.seconds()
    for name in ("NEW", "NEWREFRESHED", "BACKDATED"):
        sandbox.create("zto", name)
    refresh(sandbox, ("zto", "REFRESHED"), since + 10)
    refresh(sandbox, ("zto", "NEWREFRESHED"), since + 10)
    refresh(sandbox, ("zto", "BACKDATED"), since - 4000)
    sandbox.clock.advance(50)
    async with scene(sandbox) as here:
        found = await take(here.tm.trackings.changes(since=since))
    assert sorted(number for _, number in found) == ["BACKDATED", "NEW", "NEWREFRESHED", "REFRESHED"]
    assert len(here.asked) == 2


async def test_since_may_be_a_datetime() -> None:
    """An aware datetime names the same moment as its unix seconds."""
    sandbox = quiet_sandbox()
    sandbox.create(*OLD)
    since = datetime.fromtimestamp(sandbox.clock.seconds(), UTC)
    async with scene(sandbox) as here:
        assert await take(here.tm.trackings.changes(since=since)) == [OLD]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"since": datetime(2024, 1, 1)},  # noqa: DTZ001
        {"since": -1},
        {"since": float("nan")},
        {"since": 1_790_000_000_000},
        {"since": True},
        {"since": "yesterday"},
        {"since": 0, "overlap": 0.5},
        {"since": 0, "overlap": None},
        {"since": 0, "interval": -1},
    ],
    ids=str,
)
async def test_what_cannot_work_is_refused_at_once(arguments: Any) -> None:
    """A missing or naive point, and numbers out of range, are refused before anything is sent."""
    sandbox = quiet_sandbox()
    async with scene(sandbox) as here:
        with pytest.raises(ConfigurationError):
            here.tm.trackings.changes(**arguments)
    assert here.asked == []


async def test_an_empty_store_without_a_point_is_refused() -> None:
    """Where the store holds no checkpoint and since is not given, the error says so; nothing is sent or stored."""
    store = Shelf()
    async with scene(quiet_sandbox()) as here:
        with pytest.raises(ConfigurationError, match="since="):
            await take(here.tm.trackings.changes(store=store))
    assert (here.asked, store.rows) == ([], {})


async def test_the_checkpoint_of_the_store_counts() -> None:
    """A later feed goes on where the earlier one ended, whatever its since, and repeats nothing."""
    sandbox, store = quiet_sandbox(), Shelf()
    sandbox.create(*OLD)
    since = sandbox.clock.seconds()
    async with scene(sandbox) as here:
        assert await take(here.tm.trackings.changes(since=since, store=store)) == [OLD]
        sandbox.clock.advance(30)
        assert await take(here.tm.trackings.changes(since=since, store=store)) == []
        sandbox.create("zto", "NEW000001")
        assert await take(here.tm.trackings.changes(store=store)) == [("zto", "NEW000001")]
        sandbox.clock.advance(9000)
        assert await take(here.tm.trackings.changes(since=0, store=store)) == []
        assert len(store.rows) == 1


async def test_one_store_serves_several_accounts() -> None:
    """The checkpoint belongs to the account: that of another key is not taken for it."""
    sandbox, store = quiet_sandbox(keys=("first", "second")), Shelf()
    since = sandbox.clock.seconds()
    sandbox.create(*OLD)
    async with scene(sandbox) as here:
        assert await take(here.tm.trackings.changes(since=since, store=store)) == [OLD]
    other = quiet_sandbox(keys=("second",))
    other.create("zto", "OTHER0001")
    async with scene(other) as there:
        assert await take(there.tm.trackings.changes(since=since, store=store)) == [("zto", "OTHER0001")]


async def test_a_store_holds_no_names_and_no_data() -> None:
    """Rows hold digests and times: neither number, id, key of the account nor anything of the customer's."""
    sandbox, store = quiet_sandbox(), Shelf()
    sandbox.create(*OLD, customer_name="Kim Sample", customer_email="kim@shop.example")
    item = sandbox.find(*OLD) or {}
    async with scene(sandbox) as here:
        await take(here.tm.trackings.changes(since=sandbox.clock.seconds(), store=store))
    written = repr(store.rows)
    assert len(store.rows) == 2
    assert not [word for word in (*OLD, str(item["id"]), sandbox.key, "Kim", "kim@") if word in written]


async def test_a_damaged_checkpoint_is_left_as_it_is() -> None:
    """A point that cannot be read is an error, and is not overwritten."""
    sandbox, store = quiet_sandbox(), Shelf()
    async with scene(sandbox) as here:
        await take(here.tm.trackings.changes(since=0, store=store))
        (key,) = store.rows
        for damage in (b"", b"\xff", b"{}", b'{"since":0,"after":0,"newest":0,"salt":"xx"}'):
            store.rows[key] = damage
            with pytest.raises(JournalError, match="checkpoint"):
                await take(here.tm.trackings.changes(since=0, store=store))
            assert store.rows == {key: damage}


@pytest.mark.parametrize("moves", [True, False])
async def test_an_edit_comes_when_it_moves_the_time_of_refresh(moves: bool) -> None:
    """Whether an edit of an old tracking is seen depends on the server; a refresh shows it in any case."""
    sandbox, store = quiet_sandbox(switches=Switches(edit_moves_updated_at=moves)), Shelf()
    sandbox.create(*OLD)
    async with scene(sandbox) as here:
        for _ in range(2):
            await take(here.tm.trackings.changes(since=sandbox.clock.seconds(), store=store))
            sandbox.clock.advance(5000)
        await here.tm.trackings.update(*OLD, title="mug")
        titles = [tracking.title async for tracking in here.tm.trackings.changes(store=store)]
        assert titles == (["mug"] if moves else [])
        sandbox.clock.advance(5000)
        refresh(sandbox, OLD, sandbox.clock.seconds())
        assert [tracking.title async for tracking in here.tm.trackings.changes(store=store)] == ["mug"]


async def test_a_content_that_comes_back_is_told_again() -> None:
    """Within one overlap, a title that is changed and changed back comes three times, in this order."""
    sandbox, store = quiet_sandbox(), Shelf()
    sandbox.create(*OLD, title="mug")
    titles: list[str | None] = []
    async with scene(sandbox) as here:
        for title in ("mug", "cup", "mug", "mug"):
            await here.tm.trackings.update(*OLD, title=title)
            titles += [one.title async for one in here.tm.trackings.changes(since=0, store=store)]
    assert titles == ["mug", "cup", "mug"]


@pytest.mark.parametrize("late", [0, 60, 119])
async def test_what_becomes_visible_late_comes(late: int) -> None:
    """Creations and refreshes that the server shows only after the round that they belong to, are in the next one."""
    sandbox, store = quiet_sandbox(), Shelf()
    sandbox.create(*OLD)
    sandbox.clock.advance(9000)
    async with scene(sandbox) as here:
        assert await take(here.tm.trackings.changes(since=sandbox.clock.seconds() - 500, store=store)) == []
        moment = sandbox.clock.seconds() - late
        refresh(sandbox, OLD, moment)
        sandbox.trackings.create("zto", "LATE00001", moment)
        found = await take(here.tm.trackings.changes(store=store))
        assert sorted(found) == [("zto", "LATE00001"), OLD]


async def test_since_is_not_overlapped() -> None:
    """Rounds look back, but never behind since."""
    sandbox, store = quiet_sandbox(), Shelf()
    sandbox.create(*OLD)
    sandbox.clock.advance(10)
    async with scene(sandbox) as here:
        for _ in range(2):
            assert await take(here.tm.trackings.changes(since=sandbox.clock.seconds(), store=store)) == []


async def test_a_point_in_the_future_is_waited_for() -> None:
    """With since in the future nothing comes that is older."""
    sandbox, store = quiet_sandbox(), Shelf()
    since = sandbox.clock.seconds() + 1000
    async with scene(sandbox) as here:
        for name in ("EARLY0001", "EARLY0002"):
            sandbox.create("zto", name)
            assert await take(here.tm.trackings.changes(since=since, store=store)) == []
        sandbox.clock.advance(1000)
        sandbox.create("zto", "LATER0001")
        feed = here.tm.trackings.changes(since=since, store=store)
        assert await take(feed) == [("zto", "LATER0001")]
        assert feed.gaps == ()


async def test_rows_are_kept_for_the_overlap_only() -> None:
    """However long a feed runs, its store holds little more than what lies within the overlap."""
    sandbox, store = quiet_sandbox(), Shelf()
    async with scene(sandbox) as here:
        for index in range(40):
            sandbox.create("zto", f"NEW{index:06}")
            sandbox.clock.advance(57)
            assert len(await take(here.tm.trackings.changes(since=0, store=store, overlap=300))) == 1
    assert store.most <= 1 + 300 / 57 + 2


async def test_no_memory_grows_without_a_store() -> None:
    """Without a store, a feed that follows forgets what lies behind the overlap, too."""
    sandbox = quiet_sandbox()
    async with scene(sandbox) as here:
        feed = here.tm.trackings.changes(since=0, follow=True, interval=60)
        for index in range(40):
            sandbox.create("zto", f"NEW{index:06}")
            assert (await anext(feed)).tracking_number == f"NEW{index:06}"
        assert isinstance(feed._notebook, Memory)  # pyright: ignore[reportPrivateUsage]
        assert len(feed._notebook._contents) <= 5  # pyright: ignore[reportPrivateUsage]
        await feed.aclose()


async def test_a_crash_repeats_no_more_than_the_last_hundred() -> None:
    """A feed that is dropped in a large window is followed by one that begins less than 100 trackings before."""
    sandbox, store = quiet_sandbox(), Shelf()
    sandbox.seed_trackings(3000)
    async with scene(sandbox) as here:
        feed = changes(here.tm, 250, since=0, store=store)
        first = [await anext(feed) for _ in range(1234)]
    async with scene(sandbox) as here:
        second = await take(changes(here.tm, 250, store=store))
    names = {(one.carrier_code, one.tracking_number) for one in first}
    assert names | set(second) == set(sandbox.trackings)
    assert 1 <= len(names & set(second)) <= 100
    assert len(second) == len(set(second))


async def test_a_slow_caller_loses_a_second_of_progress_at_most() -> None:
    """Where the caller takes its time, each tracking is written down before the next but one is handed out."""
    sandbox, store = quiet_sandbox(), Shelf()
    for index in range(20):
        sandbox.create("zto", f"NEW{index:06}")
    async with scene(sandbox) as here:
        feed = here.tm.trackings.changes(since=0, store=store)
        for _ in range(10):
            await anext(feed)
            await anyio.sleep(2)
        assert len(await take(here.tm.trackings.changes(store=store))) == 11


async def test_leaving_the_block_writes_down_what_was_handled() -> None:
    """After `async with` only the tracking that was handed out last comes again."""
    sandbox, store = quiet_sandbox(), Shelf()
    for index in range(20):
        sandbox.create("zto", f"NEW{index:06}")
    async with scene(sandbox) as here:
        async with here.tm.trackings.changes(since=0, store=store) as feed:
            first = [(await anext(feed)).tracking_number for _ in range(8)]
        with pytest.raises(StopAsyncIteration):
            await anext(feed)
        second = await take(here.tm.trackings.changes(store=store))
        assert {number for _, number in second} & set(first) == {first[-1]}
        assert len(second) == 13


async def test_a_cancellation_leaves_the_block_as_any_other_end_does() -> None:
    """What was handled is written down although the scope around the block is cancelled, and the store is released."""
    sandbox, store = quiet_sandbox(), Shelf()
    sandbox.seed_trackings(90)
    async with scene(sandbox) as here:
        with anyio.CancelScope() as scope:
            async with here.tm.trackings.changes(since=0, store=store) as feed:
                for _ in range(80):
                    await anext(feed)
                scope.cancel()
                await anyio.sleep(1)
        assert len(await take(here.tm.trackings.changes(store=store))) == 11


@pytest.mark.parametrize("empty_list", [4031, 4017, 200])
async def test_following_meets_what_comes_within_the_interval(empty_list: Any) -> None:
    """A feed that follows goes on by itself, at two requests a minute while nothing happens."""
    sandbox = quiet_sandbox(switches=Switches(empty_list=empty_list))
    met: dict[str, float] = {}
    async with scene(sandbox) as here, anyio.create_task_group() as group:

        async def follow() -> None:
            async for tracking in here.tm.trackings.changes(since=sandbox.clock.seconds(), follow=True):
                met[tracking.tracking_number] = sandbox.clock.now()

        group.start_soon(follow)
        for index in range(10):
            await anyio.sleep(333)
            sandbox.create("zto", f"NEW{index:06}")
            made = sandbox.clock.now()
            await anyio.sleep(65)
            assert [number for number, moment in met.items() if made <= moment <= made + 63] == [f"NEW{index:06}"]
        assert len(here.asked) <= 2 * (3980 / 60 + 2)
        group.cancel_scope.cancel()
    assert len(met) == 10


async def test_a_feed_can_be_left_and_cancelled_anywhere() -> None:
    """Whenever a feed is cancelled, the next one on the same store hands out what is missing."""
    for delay in [0.0, 0.05, 0.2, 0.9, 1.0, 1.1, 2.0, 2.5, 3.3, 61.0]:
        sandbox, store = quick_sandbox(), Shelf()
        sandbox.seed_trackings(400)
        found: set[Any] = set()
        async with scene(sandbox) as here:
            with anyio.move_on_after(delay):
                async for tracking in changes(here.tm, 50, since=0, store=store, follow=True):
                    found.add((tracking.carrier_code, tracking.tracking_number))
                    await anyio.sleep(0.003)
            found |= set(await take(changes(here.tm, 50, since=0, store=store)))
        assert found == set(sandbox.trackings)


@pytest.mark.parametrize("delay", [0.0, 0.01, 1.0, 1.5, 30.0, 61.0, 3000.0])
async def test_closing_a_feed_ends_it_for_the_task_that_waits(delay: float) -> None:
    """A feed that follows, closed by another task, ends at once for that one, and asks for nothing more."""
    sandbox = quiet_sandbox()
    sandbox.create(*OLD)
    async with scene(sandbox) as here:
        feed = here.tm.trackings.changes(since=0, follow=True)
        taking = asyncio.create_task(take(feed))
        await anyio.sleep(delay)
        await feed.aclose()
        with anyio.fail_after(0.1):
            await taking
        before = len(here.asked)
        await anyio.sleep(600)
        assert len(here.asked) == before


async def test_a_feed_is_for_one_task() -> None:
    """A second task that asks meanwhile is refused, and takes nothing away from the first."""
    sandbox = quiet_sandbox()
    sandbox.seed_trackings(400)
    async with scene(sandbox) as here:
        feed = changes(here.tm, 50, since=0)
        taking = asyncio.create_task(take(feed))
        for _ in range(5):
            await anyio.sleep(0.7)
            with pytest.raises(ClientStateError, match="queue"):
                await anext(feed)
        assert sorted(await taking) == sorted(sandbox.trackings)


async def test_after_an_error_the_feed_goes_on() -> None:
    """The error of a page comes out, behind all that was read before it; asking again reads that page once more."""
    sandbox = quiet_sandbox()
    sandbox.seed_trackings(500)
    sandbox.faults.add(Fault("list", on={3, 4, 5, 6, 9, 10, 11, 12}, status=503, body="html"))
    errors, found = 0, list[Any]()
    async with scene(sandbox) as here:
        feed = changes(here.tm, 100, since=0)
        while True:
            try:
                one = await anext(feed)
                found.append((one.carrier_code, one.tracking_number))
            except ServerError:
                errors += 1
            except StopAsyncIteration:
                break
    assert errors == 2
    assert sorted(found) == sorted(sandbox.trackings)


async def test_a_deadline_that_is_over_does_not_end_the_feed() -> None:
    """A round that ran out of time is begun anew when the feed is asked again, and repeats nothing."""
    sandbox, store = quiet_sandbox(), Shelf()
    sandbox.seed_trackings(500)
    found = list[Any]()
    async with scene(sandbox) as here:
        feed = changes(here.tm.with_options(deadline=4.5), 100, since=0, store=store)
        with pytest.raises(DeadlineExceededError):
            while True:
                one = await anext(feed)
                found.append((one.carrier_code, one.tracking_number))
        known = len(found)
        feed._caller = here.tm.trackings._caller  # pyright: ignore[reportPrivateUsage]
        found += await take(feed)
    assert 0 < known < len(found) == len(set(found))


async def test_a_closed_client_is_told() -> None:
    """A feed of a client that is not open says so, and touches no store."""
    sandbox, store = quiet_sandbox(), Shelf()
    async with scene(sandbox) as here:
        feed = here.tm.trackings.changes(since=0, store=store)
    with pytest.raises(ClientStateError):
        await anext(feed)
    assert store.rows == {}


async def test_a_batch_is_no_larger_than_a_store_reads() -> None:
    """The store is asked for a few hundred keys at once."""
    assert CHUNK <= 300
