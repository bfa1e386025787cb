"""What all tests share: the event loops, real and virtual, and the guards against blocking and leaking."""

from __future__ import annotations

import asyncio
import functools
import gc
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import looptime
import pytest
from blockbuster import BlockBuster

VirtualLoop = looptime.make_event_loop_class(asyncio.SelectorEventLoop)
"""An event loop whose clock jumps to the next timer instead of sleeping, in whole microseconds."""


async def _join_threads(loop: asyncio.AbstractEventLoop, _timeout: float | None = None) -> None:
    """Wait for worker threads without a timer: on a clock that jumps it would be over before they have ended."""
    threads: ThreadPoolExecutor | None = vars(loop)["_default_executor"]
    if threads is not None:
        threads.shutdown(wait=True)


VirtualLoop.shutdown_default_executor = _join_threads  # type: ignore[method-assign,assignment]

virtual_loop = functools.partial(VirtualLoop, noop_cycles=2)
REAL: tuple[str, dict[str, Any]] = ("asyncio", {})
VIRTUAL: tuple[str, dict[str, Any]] = ("asyncio", {"loop_factory": virtual_loop})


@pytest.fixture(params=[pytest.param(REAL, id="real-clock")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Tests marked ``anyio`` run on asyncio with the real clock; a module may override this with VIRTUAL."""
    return request.param


STOP_WATCH = "trackingmore_async.transport.budget.perf_counter"
"""What tells how long answers took to decode, which no virtual clock can: there it stands still."""


@pytest.fixture
def decoding_takes_time(guard: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let that stop watch run on a virtual clock, too."""
    monkeypatch.setattr(STOP_WATCH, time.perf_counter)


@pytest.fixture(scope="session", autouse=True)
def quick_collections() -> Iterator[None]:
    """Take all that was imported out of the garbage collector's sight: the guards collect after each test."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def blocking() -> BlockBuster:
    """Turns calls that block the event loop, from within the library, into errors."""
    return BlockBuster("trackingmore_async", excluded_modules=["trackingmore_async.sandbox"])


@pytest.fixture(autouse=True)
def guard(request: pytest.FixtureRequest) -> None:
    """Set up the guards for each test that runs on an event loop, before its own fixtures."""
    if "anyio_backend" in request.fixturenames:
        request.getfixturevalue("loop_guard")


@pytest.fixture
async def loop_guard(anyio_backend: Any, blocking: BlockBuster, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Fail the test when it blocks the loop from the library, or leaves a task, an HTTP client or a socket behind."""
    clients = _watched_clients(monkeypatch)
    if isinstance(asyncio.get_running_loop(), VirtualLoop):  # else a busy machine would take from the waiting
        monkeypatch.setattr(STOP_WATCH, lambda: 0.0)
    before = asyncio.all_tasks()
    blocking.activate()
    yield
    blocking.deactivate()
    tasks = await _left_over(before)
    unclosed = [client for client in clients if not client.is_closed]
    clients.clear()
    gc.collect()  # a socket that nobody closed says so now, and pytest makes an error of it
    if tasks or unclosed:
        pytest.fail(f"The test left behind: {tasks or ''} {unclosed or ''}", pytrace=False)


def _watched_clients(monkeypatch: pytest.MonkeyPatch) -> list[httpx.AsyncClient]:
    clients: list[httpx.AsyncClient] = []
    make = httpx.AsyncClient.__init__

    def watched(self: httpx.AsyncClient, *args: Any, **settings: Any) -> None:
        make(self, *args, **settings)
        clients.append(self)

    monkeypatch.setattr(httpx.AsyncClient, "__init__", watched)
    return clients


async def _left_over(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Return the tasks that are new and do not end by themselves within a few turns of the loop; end them."""
    left = set[asyncio.Task[Any]]()
    for _ in range(20):
        left = {task for task in asyncio.all_tasks() - before if not _is_the_runner(task)}
        if not left:
            return set()
        await asyncio.sleep(0)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    return left


def _is_the_runner(task: asyncio.Task[Any]) -> bool:
    """Tell whether a task is anyio's own, which runs the test and its fixtures."""
    return str(getattr(task.get_coro(), "__qualname__", "")).startswith("TestRunner.")
