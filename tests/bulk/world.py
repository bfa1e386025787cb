"""A sandbox that keeps a ledger of what was truly done, and a job that runs in it to its end on the virtual clock."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextvars import ContextVar
from random import Random
from typing import Any, Final

import anyio
import attrs
import httpx

from tests.bulk.items import Item, Name, stock
from tests.bulk.stories import Story
from tests.conftest import virtual_loop
from trackingmore_async import BulkReport, Outcome, Rate, TrackingMore
from trackingmore_async.calls import Caller
from trackingmore_async.sandbox import Sandbox

__all__ = [
    "AFTERMATH", "EPOCH", "LONG_BEFORE", "TOO_LONG", "Ending", "Ledger", "SourceBrokeError", "play", "seed_pauses",
]  # fmt: skip

EPOCH: Final = 1_710_468_000.0
LONG_BEFORE: Final = 60.0  # seconds between what was there already and the job; far more than any tolerance
AFTERMATH: Final = 3600.0  # seconds in which the server carries out what nobody waits for any more
TOO_LONG: Final = 30 * 86400.0  # a job that is not over by then never ends


class SourceBrokeError(Exception):
    """The caller's own source fails."""


@attrs.define(eq=False)
class Sending:
    """One request on its way."""

    given_up: bool = False


@attrs.frozen
class Write:
    """One value that an edit has set; `late` when nobody waited for the request any more."""

    value: object
    late: bool


SENDING: ContextVar[Sending | None] = ContextVar("SENDING", default=None)


@attrs.define(repr=False)
class Ledger:
    """What the server truly did since the ledger was opened.

    Args:
        case_sensitive: Whether the server tells trackings apart by case.
        writes: (identity, field) -> the values that it had, in order.
        created: Title -> identity of the tracking that was created with it.
        deleted: Identity -> how often it was deleted.
    """

    case_sensitive: bool
    writes: defaultdict[tuple[Name, str], list[Write]] = attrs.field(factory=lambda: defaultdict(list))
    created: dict[object, Name] = attrs.field(factory=dict[object, Name])
    deleted: Counter[Name] = attrs.field(factory=Counter[Name])

    def identity(self, name: Name) -> Name:
        """Return what the server tells a tracking apart by."""
        return name if self.case_sensitive else (name[0].lower(), name[1].upper())

    def watch(self, sandbox: Sandbox) -> None:
        """Write down from now on what happens to the trackings of a sandbox."""
        trackings = sandbox.trackings
        create, delete, set_fields = trackings.create, trackings.delete, trackings.set_fields

        def watched_create(carrier: str, tracking_number: str, created: int, fields: dict[str, object]) -> int:
            self.created[fields.get("title")] = self.identity((carrier, tracking_number))
            return create(carrier, tracking_number, created, fields)

        def watched_delete(carrier: str, tracking_number: str) -> bool:
            done = delete(carrier, tracking_number)
            self.deleted[self.identity((carrier, tracking_number))] += done
            return done

        def watched_set_fields(key: int, fields: dict[str, object]) -> None:
            identity, sending = self.identity(trackings.name(key)), SENDING.get()
            for name, value in fields.items():
                self.writes[identity, name].append(Write(value, late=sending is not None and sending.given_up))
            set_fields(key, fields)

        vars(trackings).update(create=watched_create, delete=watched_delete, set_fields=watched_set_fields)


class WatchedTransport(httpx.AsyncBaseTransport):
    """Passes requests on, and lets the ledger know which of them nobody waits for any more."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        sending = Sending()
        token = SENDING.set(sending)  # the task in which the sandbox works inherits it
        try:
            return await self._inner.handle_async_request(request)
        except (httpx.ReadTimeout, asyncio.CancelledError):
            sending.given_up = True
            raise
        finally:
            SENDING.reset(token)

    async def aclose(self) -> None:
        """Close the transport behind it."""
        await self._inner.aclose()


@attrs.define(repr=False)
class Ending:
    """How a story ended.

    Args:
        story: The story.
        items: The inputs that the job was given.
        sandbox: The server, an hour later.
        ledger: What it did.
        stocked: Identity -> name of what it held beforehand.
        outcomes: What the caller was told.
        report: The job's sum; None where the caller did not stay.
        left: Tasks that outlived the job.
    """

    story: Story
    items: list[Item]
    sandbox: Sandbox
    ledger: Ledger
    stocked: dict[Name, Name]
    outcomes: list[Outcome[Any]] = attrs.field(factory=list[Outcome[Any]])
    report: BulkReport | None = None
    left: set[asyncio.Task[Any]] = attrs.field(factory=set[asyncio.Task[Any]])


def play(story: Story) -> Ending:
    """Run a job in its world, on an event loop of its own with a virtual clock, and see how it ends."""
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        return runner.run(_play(story))


async def _play(story: Story) -> Ending:
    ending = _prepare(story)
    sandbox = ending.sandbox
    async with httpx.AsyncClient(transport=WatchedTransport(sandbox.transport()), trust_env=False) as http:
        rates = {"total": Rate(1, 1.0)} if story.total else None
        async with (
            asyncio.timeout(TOO_LONG),
            TrackingMore(sandbox.key, base_url=sandbox.url, http_client=http, rates=rates, retry=story.retry) as tm,
        ):
            seed_pauses(tm, story.seed)
            await _run(story, tm, ending)
        await asyncio.sleep(AFTERMATH)
        current = asyncio.current_task()
        ending.left = {task for task in asyncio.all_tasks() if task is not current}
    return ending


def seed_pauses(tm: TrackingMore, seed: int) -> None:
    """Make the random pauses between attempts the same each time, so that a story repeats itself."""
    caller: Caller = vars(tm)["_caller"]
    dice: Random = vars(caller.transport)["_random"]
    dice.seed(seed)


def _prepare(story: Story) -> Ending:
    quota = 1e6 if story.quota is None else story.quota
    sandbox = Sandbox(
        quota=quota,
        switches=story.switches,
        seed=story.seed,
        epoch=EPOCH + story.phase,
        rates={"total": (1, 1.0)} if story.total else None,
    )
    ledger = Ledger(story.switches.case_sensitive)
    items = story.items()
    stocked = stock(story.method, items, ledger.identity)
    for name in stocked.values():
        sandbox.create(*name)
    sandbox.clock.advance(LONG_BEFORE)
    ledger.watch(sandbox)
    sandbox.faults.add(*story.faults)
    return Ending(story, items, sandbox, ledger, stocked)


async def _run(story: Story, tm: TrackingMore, ending: Ending) -> None:
    view = tm.with_options(timeout=story.timeout, deadline=story.deadline)
    run: Any = getattr(view.trackings, story.method)(_source(story, ending.items))
    try:
        with anyio.move_on_after(story.cancel_after):
            await _take(story, run, ending.outcomes)
    except SourceBrokeError:
        if story.source != "broken generator":
            raise
    if story.is_whole:
        ending.report = run.report


async def _take(story: Story, run: Any, outcomes: list[Outcome[Any]]) -> None:
    async with run:
        if story.leave_after == 0:
            return
        async for outcome in run:
            outcomes.append(outcome)
            if len(outcomes) == story.leave_after:
                return
            if story.pause:
                await anyio.sleep(story.pause)


def _source(story: Story, items: Sequence[Item]) -> Any:
    values = [item.value for item in items]
    if story.source == "list":
        return values
    if story.source in {"generator", "broken generator"}:
        return _generate(values, breaks=story.source == "broken generator")
    return _generate_slowly(values, 0.3 if story.source == "slow async generator" else 0.0)


def _generate(values: Sequence[Any], *, breaks: bool) -> Iterator[Any]:
    yield from values
    if breaks:
        raise SourceBrokeError


async def _generate_slowly(values: Sequence[Any], pause: float) -> AsyncIterator[Any]:
    for index, value in enumerate(values):
        if pause and index % 7 == 6:
            await anyio.sleep(pause)
        yield value
