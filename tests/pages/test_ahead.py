"""Reading pages ahead, inside ``async with``."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from tests.pages.scene import QUICK, Scene, assert_exactly_once, count, quick_sandbox, scene
from trackingmore_async.errors import ClientStateError, InvalidRequestError, ServerError, TransportError
from trackingmore_async.operations import Rate
from trackingmore_async.pages import TrackingPages
from trackingmore_async.retry import RetryPolicy
from trackingmore_async.sandbox import Fault, Path, Sandbox

pytestmark = pytest.mark.anyio


async def seconds_for(here: Scene, pages: TrackingPages, *, ahead: bool, work: float) -> float:
    """Walk with `work` seconds for each page of 10, and return how long it took from the second page on."""

    async def consume(walk: object) -> float:
        number, begun = 0, 0.0
        async for _ in walk:  # type: ignore[attr-defined]
            begun = begun or anyio.current_time()
            number += 1
            if number % 10 == 0:
                await anyio.sleep(work)
        return anyio.current_time() - begun

    if not ahead:
        return await consume(pages)
    async with pages as walk:
        return await consume(walk)


async def test_the_next_page_is_on_its_way_while_the_caller_works() -> None:
    """At 1 s for an answer and 0.5 s of work for each page, reading ahead hides the work."""
    sandbox = quick_sandbox(path=Path(back=1.0))
    sandbox.seed_trackings(100)
    async with scene(sandbox, rates=QUICK) as here:
        slow = await seconds_for(here, here.tm.trackings.list(page_size=10), ahead=False, work=0.5)
        quick = await seconds_for(here, here.tm.trackings.list(page_size=10), ahead=True, work=0.5)
    assert slow == pytest.approx(9 * 1.5 + 0.5, abs=0.1)
    assert quick <= 9 * 1.0 + 0.5 + 0.1


async def test_a_slow_network_gets_more_requests_under_way() -> None:
    """Where answers take longer than the rate asks for, more than one page is asked for ahead, within the rate."""
    sandbox = Sandbox(rates={"list": (1, 1.0)}, path=Path(there=1.5, back=1.5))
    sandbox.seed_trackings(300)
    async with scene(sandbox) as here:
        seconds = await seconds_for(here, here.tm.trackings.list(page_size=10), ahead=True, work=0.2)
    assert seconds < 30 * 3.0 * 0.7
    assert sandbox.statistics().total_violations == 0


async def test_a_slow_caller_has_one_page_waiting() -> None:
    """However slow the caller is, no more than the next page is asked for."""
    sandbox = quick_sandbox()
    sandbox.seed_trackings(100)
    async with scene(sandbox, rates=QUICK) as here, here.tm.trackings.list(page_size=10) as walk:
        await anext(walk)
        await anyio.sleep(100)
        assert here.pages == [1, 10, 9]


async def test_nothing_is_read_before_it_is_wanted_without_async_with() -> None:
    """The bare walk asks for a page when the one before is used up."""
    sandbox = quick_sandbox()
    sandbox.seed_trackings(100)
    async with scene(sandbox, rates=QUICK) as here:
        async for _ in here.tm.trackings.list(page_size=10):
            await anyio.sleep(100)
            assert here.pages == [1, 10]
            break


@pytest.mark.parametrize("moment", [0.5, 2.5, 30.0])
async def test_leaving_in_the_middle_leaves_no_task_behind(moment: float) -> None:
    """A break while a page is on its way, waits for its turn, or has come, ends everything at once."""
    sandbox = Sandbox(path=Path(back=2.0))
    sandbox.seed_trackings(100)
    async with scene(sandbox) as here:
        before = asyncio.all_tasks()
        async with here.tm.trackings.list(page_size=10) as walk:
            async for _ in walk:
                await anyio.sleep(moment)
                break
            begun = anyio.current_time()
        assert anyio.current_time() == begun
        await anyio.sleep(10)
        assert asyncio.all_tasks() == before


async def test_an_exception_inside_leaves_as_it_is() -> None:
    """What the caller raises inside is not wrapped in a group, though a page is on its way."""
    sandbox = Sandbox(path=Path(back=2.0))
    sandbox.seed_trackings(100)
    async with scene(sandbox) as here:
        with pytest.raises(ZeroDivisionError):
            async with here.tm.trackings.list(page_size=10) as walk:
                async for _ in walk:
                    raise ZeroDivisionError


async def test_a_cancelled_walk_ends() -> None:
    """A timeout around the walk ends it, and is an ordinary timeout; so does cancelling its task."""
    sandbox = Sandbox(path=Path(back=2.0))
    sandbox.seed_trackings(1000)
    async with scene(sandbox) as here:
        with pytest.raises(TimeoutError), anyio.fail_after(10):
            await _walk(here)
        task = asyncio.create_task(_walk(here))
        await anyio.sleep(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def _walk(here: Scene) -> None:
    async with here.tm.trackings.list(page_size=10) as walk:
        await count(walk)


async def test_the_error_of_a_page_read_ahead_comes_in_its_place() -> None:
    """All trackings before the broken page are handed out before its error is raised; asked again, the walk goes on."""
    sandbox = quick_sandbox()
    sandbox.seed_trackings(100)
    sandbox.faults.add(Fault("list", on={4}, status=503, body="html"))
    async with (
        scene(sandbox, rates=QUICK, retry=RetryPolicy(attempts=1)) as here,
        here.tm.trackings.list(page_size=10) as walk,
    ):
        found = 0
        with pytest.raises(ServerError):
            while True:
                await anext(walk)
                found += 1
        rest = await count(walk)
    assert (found, len(rest)) == (20, 80)


async def test_retries_happen_inside_a_page() -> None:
    """A page that fails is asked for again, and nothing else is."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100)
    sandbox.faults.add(Fault("list", on={3, 4}, reset="before"))
    async with scene(sandbox) as here, here.tm.trackings.list(page_size=20) as walk:
        assert_exactly_once(await count(walk), set(sandbox.trackings))
    assert here.pages == [1, 5, 4, 4, 4, 3, 2, 1]


async def test_a_list_is_entered_once_at_a_time() -> None:
    """Two async with on the same list at the same time are refused; one after the other is fine."""
    sandbox = Sandbox()
    sandbox.seed_trackings(5)
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list()
        async with pages:
            with pytest.raises(ClientStateError, match="once more"):
                await pages.__aenter__()
        async with pages as walk:
            assert len(await count(walk)) == 5


async def test_an_error_that_no_retry_helps_is_raised_at_once() -> None:
    """A refusal by the server is the error of the walk."""
    sandbox = Sandbox()
    async with scene(sandbox) as here:
        with pytest.raises(InvalidRequestError) as caught:
            async with here.tm.trackings.list(status="nonsense") as walk:
                await count(walk)
    assert caught.value.code == 4033


async def test_max_items_is_not_read_past() -> None:
    """Nothing is read ahead that max_items makes useless."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100)
    async with scene(sandbox) as here:
        for pages in (
            here.tm.trackings.list(page_size=10, max_items=10, order="newest"),
            here.tm.trackings.list(page_size=10, max_items=20),
        ):
            async with pages as walk:
                await count(walk)
                await anyio.sleep(10)
    assert here.pages == [1, 1, 10, 9]


async def test_a_lost_network_can_be_walked_on_from() -> None:
    """After an error the same iterator asks for the same page again."""
    sandbox = Sandbox(rates={"list": (1000, 1.0)})
    sandbox.seed_trackings(50)
    sandbox.faults.add(Fault("list", on={3}, refuse_connection=True))
    async with scene(sandbox, rates={"list": Rate(1000)}, retry=RetryPolicy(attempts=1)) as here:
        walk = aiter(here.tm.trackings.list(page_size=10))
        first = 0
        with pytest.raises(TransportError):
            while True:
                await anext(walk)
                first += 1
        assert first + len(await count(walk)) == 50


async def test_a_walk_ends_with_its_block() -> None:
    """Behind its block a walk raises ClientStateError, and so it does for another task that waits for a page."""
    sandbox = Sandbox(path=Path(back=2.0))
    sandbox.seed_trackings(100)
    async with scene(sandbox) as here:
        async with here.tm.trackings.list(page_size=10) as walk:
            for _ in range(10):
                await anext(walk)
            waiting = asyncio.create_task(walk.__anext__())
            await anyio.sleep(0.1)
        for late in (waiting, anext(walk)):
            with pytest.raises(ClientStateError, match="was left"):
                await late


async def test_pages_that_became_useless_are_given_up() -> None:
    """When the list shrinks, what was read ahead of its new end is cancelled and not waited for."""
    sandbox = quick_sandbox(path=Path(back=1.0))
    sandbox.seed_trackings(200)
    async with scene(sandbox, rates=QUICK) as here, here.tm.trackings.list(page_size=10) as walk:
        for _ in range(100):
            await anext(walk)
        for one in list(sandbox.trackings)[15:]:
            sandbox.delete(*one)
        begun = len(here.asked)
        found = await count(walk)
        assert set(found) >= set(sandbox.trackings)
        assert len(here.asked) - begun <= 14
