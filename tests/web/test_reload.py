"""An application that starts again in the same process: its new client keeps the pace, and the ban, of the old one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.web.servers import load_example, served
from tests.web.test_gone import LOOK_UPS
from trackingmore_async import ClientStateError, TrackingMore
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

Run = Callable[[Coroutine[Any, Any, httpx.Response]], Coroutine[Any, Any, httpx.Response]]


async def here(life: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
    """Let the application live on this event loop."""
    return await life


async def elsewhere(life: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
    """Let it live on an event loop of its own, which is closed afterwards."""
    return await asyncio.to_thread(asyncio.run, life)


async def one_life(module: ModuleType) -> httpx.Response:
    """Start the application, ask once, and shut it down."""
    async with served(module) as site:
        return await site.get()


PLACES = pytest.mark.parametrize("place", [here, elsewhere])


@PLACES
async def test_the_next_life_keeps_the_pace(place: Run, sandbox: Sandbox) -> None:
    """Three lives with one question each: the requests keep their distance, and the server counts no violation."""
    module = load_example("web_starlette")
    answers = [await place(one_life(module)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    times = [arrival.time for arrival in sandbox.statistics().arrivals]
    assert len(times) == 3
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 1.0
    assert sandbox.statistics().total_violations == 0


@PLACES
@pytest.mark.parametrize("name", ["web_starlette", "web_aiohttp"])
async def test_the_next_life_keeps_silent_during_a_ban(name: str, place: Run, sandbox: Sandbox) -> None:
    """An application that is started anew during a ban asks nothing, and says when the ban is over."""
    sandbox.faults.add(Fault(LOOK_UPS, times=1, code=429))
    module = load_example(name)
    answers = [await place(one_life(module)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert 115 <= int(answers[1].headers["Retry-After"]) <= int(answers[0].headers["Retry-After"])
    assert sandbox.statistics().total_requests == 1


async def test_a_client_made_at_import_lives_once(sandbox: Sandbox) -> None:
    """A client belongs into the lifespan: one that was made outside cannot be opened a second time, and says so."""
    tm = TrackingMore()
    async with tm:
        await tm.account.info()
    with pytest.raises(ClientStateError, match=r"Make a new TrackingMore"):
        async with tm:
            pass
