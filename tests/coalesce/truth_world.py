"""Plays a story: many calls on one client against a sandbox that keeps a ledger, on the virtual clock."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any

import attrs
import httpx

from tests.bulk.items import Name
from tests.bulk.world import AFTERMATH, EPOCH, LONG_BEFORE, TOO_LONG, seed_pauses
from tests.conftest import virtual_loop
from trackingmore_async import HookDetails, TrackingMore, TrackingUpdate
from trackingmore_async.calls import Caller
from trackingmore_async.coalesce import Shared
from trackingmore_async.coalesce.sharing import Sharing
from trackingmore_async.pacing import LocalLimiter
from trackingmore_async.sandbox import Sandbox
from trackingmore_async.sandbox.account import Account
from trackingmore_async.sandbox.codes import Answer
from trackingmore_async.sandbox.core import Core, Request
from trackingmore_async.sandbox.faults import Plan

from .truth_ledger import CALL, Ledger, Moment, WatchedTransport
from .truth_stories import BAD, NAMES, Step, Story

__all__ = ["Ending", "Told", "play"]

LOOKUPS, WRITES = attrgetter("lookups._listed", "lookups._single"), attrgetter("writes._sharings")
UNDER_WAY = attrgetter("_under_way", "_calling", "_tasks")


@attrs.define(eq=False)
class Told:
    """What one caller was told, and when.

    Args:
        index: The call.
        step: What it was.
        began: When it began.
        ended: When it ended; None: never.
        result: What it returned.
        error: What it raised.
        cancelled_at: When the caller was cancelled (seconds, loop clock), if the call was under way then.
    """

    index: int
    step: Step
    began: Moment | None = None
    ended: Moment | None = None
    result: Any = None
    error: BaseException | None = None
    cancelled_at: float | None = None

    @property
    def names(self) -> list[Name]:
        """The trackings that it may change."""
        carrier, number = self.step.name
        if self.step.kind == "change_carrier":
            return [(carrier, number), (new_carrier(carrier), number)]
        if self.step.kind == "update_many":
            return [NAMES[(self.step.about + place) % 6] for place in range(3)]
        return [(carrier, number)]


@attrs.define(repr=False)
class Ending:
    """How a story ended.

    Args:
        story: The story.
        sandbox: The server, an hour later.
        ledger: What it did.
        told: What each caller was told.
        left: What was left behind: tasks, lines, places in queues; and what the event loop complained of.
        silence: Seconds of bans.
        under_way: The calls of which hooks have heard the begin, and not the end.
    """

    story: Story
    sandbox: Sandbox
    ledger: Ledger
    told: list[Told]
    left: list[str] = attrs.field(factory=list[str])
    silence: float = 0.0
    under_way: set[int] = attrs.field(factory=set[int])

    def hear(self, details: HookDetails) -> None:
        """Hear of the begin and the end of each call, which come once, and of nothing outside of them."""
        if (details.event == "call") == (details.call in self.under_way):
            self.left.append(f"heard out of order: {details}")
        elif details.event == "call":
            self.under_way.add(details.call)
        elif details.event == "end":
            self.under_way.remove(details.call)


def play(story: Story) -> Ending:
    """Run all calls of a story, on an event loop of its own with a virtual clock, and see how they end."""
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        return runner.run(_play(story))


async def _play(story: Story) -> Ending:
    ending = _prepare(story)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: ending.left.append(f"complaint: {context}"))
    sandbox = ending.sandbox
    transport = WatchedTransport(sandbox.transport(), ending.ledger)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as http, asyncio.timeout(TOO_LONG):
        async with TrackingMore(
            sandbox.key, base_url=sandbox.url, http_client=http, retry=story.retry, hooks=[ending.hear]
        ) as tm:
            seed_pauses(tm, story.seed)
            calls = loop.create_task(_make_calls(tm, ending))
            if story.close_after is None:
                await calls
                await asyncio.sleep(AFTERMATH)
                ending.left += _left_in(tm)
            else:
                await asyncio.sleep(story.close_after)
            ending.silence = _caller(tm).transport.silence.seconds(loop.time())
        await calls
        await asyncio.sleep(AFTERMATH)
        current = asyncio.current_task()
        ending.left += [f"a call that did not end: {call}" for call in ending.under_way]
        ending.left += [f"a task: {task}" for task in asyncio.all_tasks() if task is not current]
    return ending


def _prepare(story: Story) -> Ending:
    sandbox = Sandbox(
        quota=1e6 if story.quota is None else story.quota,
        switches=story.switches,
        seed=story.seed,
        epoch=EPOCH + story.phase,
        path=story.path,
    )
    ledger = Ledger(story.switches.case_sensitive)
    for name in {ledger.identity(name): name for name in story.stock()}.values():
        sandbox.create(*name)
    sandbox.clock.advance(LONG_BEFORE)
    ledger.watch(sandbox)
    _supervise(sandbox, strict_batches=story.strict_batches)
    sandbox.faults.add(*story.faults)
    return Ending(story, sandbox, ledger, [Told(index, step) for index, step in enumerate(story.calls())])


def _supervise(sandbox: Sandbox, *, strict_batches: bool) -> None:
    """Let the server refuse edits with a bad value; and a batch whole where an item is missing, or exists already."""
    core: Core = vars(sandbox)["_core"]
    perform = core.perform

    def supervised(request: Request, account: Account, plan: Plan) -> Answer:
        rows: Any = request.body
        if isinstance(rows, dict) and request.route.bucket == "update":
            request = attrs.evolve(request, body=_spoilt(rows))
        elif isinstance(rows, list) and request.route.bucket == "update_many":
            request = attrs.evolve(request, body=list(map(_spoilt, rows)))
        whole = _refusal(request, account) if strict_batches and isinstance(rows, list) else None
        return whole or perform(request, account, plan)

    vars(core)["perform"] = supervised


def _spoilt(row: dict[str, Any]) -> dict[str, Any]:
    """Return an edit with a status that the sandbox refuses, if its title is a bad one."""
    return {**row, "status": "9"} if str(row.get("title", "")).startswith(BAD) else row


def _refusal(request: Request, account: Account) -> Answer | None:
    rows: Any = request.body
    there = [(row["carrier_code"], row["tracking_number"]) in account.trackings for row in rows]
    if request.route.bucket == "create_many":
        return Answer(4016) if any(there) else None
    return None if all(there) else Answer(4017)


async def _make_calls(tm: TrackingMore, ending: Ending) -> None:
    """Begin each call when its time comes; wait until all have ended."""
    loop = asyncio.get_running_loop()
    begun, tasks = loop.time(), list[asyncio.Task[None]]()
    for at, group in groupby(ending.told, key=lambda told: told.step.at):
        await asyncio.sleep(begun + at - loop.time())
        for told in group:
            if told.step.kind == "edit by others":
                _edit(ending, told)
            else:
                tasks.append(_begin(tm, ending, told))
    if tasks:
        await asyncio.wait(tasks)


def _edit(ending: Ending, told: Told) -> None:
    """Edit a tracking behind the client's back."""
    trackings = ending.sandbox.trackings
    key = trackings.find(*told.step.name)
    told.began = ending.ledger.now()
    if key is not None:
        trackings.set_fields(key, dict(told.step.values(told.index)))
    told.ended = ending.ledger.now()


def _begin(tm: TrackingMore, ending: Ending, told: Told) -> asyncio.Task[None]:
    loop = asyncio.get_running_loop()
    task = loop.create_task(_call(tm, ending, told))

    def cancel() -> None:
        if told.ended is None:
            told.cancelled_at = loop.time()
            task.cancel()

    if told.step.cancel_after is not None:
        loop.call_later(told.step.cancel_after, cancel)
    return task


async def _call(tm: TrackingMore, ending: Ending, told: Told) -> None:
    CALL.set(told.index)
    told.began = ending.ledger.now()
    try:
        told.result = await _method(tm.with_options(**told.step.options), told)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        told.error = error
    told.ended = ending.ledger.now()


def _method(tm: TrackingMore, told: Told) -> Awaitable[Any]:
    step, trackings = told.step, tm.trackings
    carrier, number = step.name
    values: Mapping[str, Any] = step.values(told.index)
    match step.kind:
        case "get":
            return trackings.get(carrier, number, max_age=step.max_age)
        case "update":
            return trackings.update(carrier, number, **values)
        case "create":
            return trackings.create(carrier, number, **values)
        case "delete":
            return trackings.delete(carrier, number)
        case "change_carrier":
            return trackings.change_carrier(carrier, number, new_carrier(carrier))
        case _:
            return _job(tm, told, values)


async def _job(tm: TrackingMore, told: Told, values: Mapping[str, Any]) -> Any:
    return await tm.trackings.update_many([TrackingUpdate(*name, **values) for name in told.names])


def new_carrier(carrier: str) -> str:
    """Return the carrier to which a tracking of this one is moved."""
    return "dhl" if carrier == "zto" else "zto"


def _caller(tm: TrackingMore) -> Caller:
    caller: Caller = vars(tm)["_caller"]
    return caller


def _left_in(tm: TrackingMore) -> list[str]:
    """Return what is left in a client that has nothing to do."""
    caller = _caller(tm)
    shared: Shared = vars(tm)["_shared"]
    sharings: list[Sharing] = [*LOOKUPS(shared), *WRITES(shared).values()]
    left = [f"waiting for {one.operation.name}: {len(list(one.line))}" for one in sharings if list(one.line)]
    left += [f"under way: {one.operation.name}" for one in sharings if any(UNDER_WAY(one))]
    limiter = caller.transport.limiter
    if isinstance(limiter, LocalLimiter):
        buckets = limiter.statistics().buckets
        left += [f"the lane of {name}: {one}" for name, one in buckets.items() if one.waiting or one.in_flight]
    counted = tm.stats().buckets.items()
    left += [f"counted: {name}: {one}" for name, one in counted if one.waiting or one.in_flight or one.items_waiting]
    pools = vars(caller.transport)["_pools"]
    return left + [f"connections: {pool}" for pool in (pools.quick, pools.slow) if pool.connections.in_use]
