"""A crowd of callers of whom many give up, at every moment at which a call can be given up; and what is told to them.

Who gives up, when and by which means is random, and repeats itself for one seed. Beside random moments there are aimed
ones: some turns of the event loop after a slot was granted, a request has left, an answer has come, or in the very turn
in which a caller was told its result.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from random import Random
from typing import Any, Final, Literal, TypeVar

import anyio
import attrs
import httpx
import pytest

from trackingmore_async import LocalLimiter, Permit, Tracking, TrackingEcho, TrackingMore
from trackingmore_async.coalesce.request import SharedRequest
from trackingmore_async.coalesce.sharing import Sharing
from trackingmore_async.coalesce.waiter import Waiter
from trackingmore_async.sandbox import Sandbox

__all__ = ["CARRIERS", "ELSEWHERE", "GRANTED", "IN_FLIGHT", "TOLD", "WAITING", "Call", "Crowd", "fill"]

CARRIERS: Final = ("zto", "china-ems", "dhl")
FIELDS: Final = ("title", "order_id", "customer_name", "logistics_channel")
KNOWN, EDITED = 150, 40  # numbers; each with all carriers
CALLS_A_SECOND: Final = 36.0

Means = Literal["stays", "struck", "cancelled", "timeout", "scope"]
WAITING, GRANTED, IN_FLIGHT, TOLD, ELSEWHERE = "waiting", "granted", "in flight", "told", "elsewhere"
ItemT = TypeVar("ItemT")


@attrs.define(eq=False)
class Call:
    """One call, and what became of it.

    Args:
        place: Which one it was, counted from 0.
        kind: The method.
        name: Carrier and number.
        fields: What it sets.
        means: How it gives up, if it does.
        after: Seconds after which it does, unless it is struck.
        options: Options of the client.
        result: What it returned.
        error: What it raised.
        stage: How far it was when it gave up; None: it did not.
    """

    place: int
    kind: str
    name: tuple[str, str]
    fields: dict[str, str]
    means: Means
    after: float
    options: dict[str, Any]
    result: Tracking | TrackingEcho | None = None
    error: Exception | None = None
    stage: str | None = None
    task: asyncio.Task[None] | None = None

    def give_up(self) -> None:
        """Cancel it now."""
        if self.task is not None:
            self.task.cancel()


CALL: ContextVar[Call] = ContextVar("CALL")


class Limiter(LocalLimiter):
    """Counts what it grants, and what becomes of that."""

    def __init__(self, granted: Callable[[], None]) -> None:
        super().__init__()
        self._granted = granted
        self.open: set[Permit] = set()
        self.sent = self.handed_back = 0

    async def acquire(self, bucket: str, **options: Any) -> Permit:
        """Grant one request."""
        permit = await super().acquire(bucket, **options)
        self.open.add(permit)
        self._granted()
        return permit

    async def release(self, permit: Permit, *, sent_at: float | None, **reports: Any) -> None:
        """Hear what became of it."""
        if permit in self.open:
            self.open.remove(permit)
            self.sent += sent_at is not None
            self.handed_back += sent_at is None
        await super().release(permit, sent_at=sent_at, **reports)


class Wire(httpx.AsyncBaseTransport):
    """Counts the requests, and says when one has left or was answered."""

    def __init__(self, inner: httpx.AsyncBaseTransport, moment: Callable[[], None]) -> None:
        self._inner, self._moment = inner, moment
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        self.requests += 1
        self._moment()
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._moment()

    async def aclose(self) -> None:
        """Close the transport behind it."""
        await self._inner.aclose()


@attrs.define(eq=False, repr=False)
class Crowd:
    """Callers on one client.

    Args:
        sandbox: The service, see `fill`.
        seed: Of all chance.
        calls: All calls that were made.
        written: Carrier, number and field -> the values that edits have set, in their order.
    """

    sandbox: Sandbox
    seed: int
    calls: list[Call] = attrs.field(factory=list[Call], init=False)
    written: dict[tuple[str, str, str], list[object]] = attrs.field(init=False)
    limiter: Limiter = attrs.field(init=False)
    wire: Wire = attrs.field(init=False)
    _random: Random = attrs.field(init=False)
    _waiters: dict[Waiter, Call] = attrs.field(factory=dict[Waiter, Call], init=False)

    def __attrs_post_init__(self) -> None:
        self._random = Random(self.seed)
        self.limiter = Limiter(self._strike)
        self.wire = Wire(self.sandbox.transport(), self._strike)
        self.written = _ledger(self.sandbox)

    def stages(self) -> Counter[str]:
        """Count how far those were who gave up."""
        return Counter(call.stage for call in self.calls if call.stage is not None)

    async def come(self, tm: TrackingMore, enough: int) -> None:
        """Let callers come until so many have given up, and wait for all who have come."""
        with pytest.MonkeyPatch.context() as patch:
            self._watch(patch)
            async with asyncio.TaskGroup() as tasks:
                for place in itertools.count():
                    if self.stages().total() >= enough:
                        break
                    await asyncio.sleep(self._random.expovariate(CALLS_A_SECOND))
                    call = self._draw(place)
                    self.calls.append(call)
                    call.task = tasks.create_task(self._make(tm, call))
                    if call.means == "cancelled":
                        asyncio.get_running_loop().call_later(call.after, call.give_up)

    # Who comes

    def _draw(self, place: int) -> Call:
        dice = self._random
        kind = dice.choices(("get", "update", "create", "delete"), (24, 6, 3, 3))[0]
        means: Means = dice.choices(("stays", "struck", "cancelled", "timeout", "scope"), (12, 12, 4, 4, 4))[0]
        after = dice.choice((0.0, dice.uniform(0.0, 0.3), dice.uniform(0.0, 3.0)))
        options: dict[str, Any] = {"timeout": dice.choice((None, None, 20.0)), "max_wait": None}
        if dice.random() < 0.1:
            options["deadline" if dice.random() < 0.5 else "max_wait"] = dice.choice((0.5, 1.5, 5.0))
        options["priority"] = dice.choice(("interactive", "interactive", "bulk"))
        fields = {dice.choice(FIELDS): f"{place}"} if kind == "update" else {}
        return Call(place, kind, self._name(kind, place), fields, means, after, options)

    def _name(self, kind: str, place: int) -> tuple[str, str]:
        dice, carrier = self._random, self._random.choice(CARRIERS)
        if kind == "get":
            missing = dice.random() < 0.01
            return carrier, f"NONE{place:07d}" if missing else f"READ{dice.randrange(KNOWN):07d}"
        if kind == "update":
            return carrier, f"EDIT{dice.randrange(EDITED):07d}"
        if kind == "delete":
            self.sandbox.create(carrier, f"GONE{place:07d}")
        return carrier, f"{'GONE' if kind == 'delete' else 'MADE'}{place:07d}"

    async def _make(self, tm: TrackingMore, call: Call) -> None:
        CALL.set(call)
        trackings = tm.with_options(coalesce="all", **call.options).trackings
        method: Callable[..., Awaitable[Any]] = getattr(trackings, call.kind)
        try:
            with anyio.move_on_after(call.after if call.means == "scope" else 1e6) as scope:
                async with asyncio.timeout(call.after if call.means == "timeout" else None):
                    call.result = await method(*call.name, **call.fields)
            if scope.cancelled_caught:
                call.stage = call.stage or ELSEWHERE
        except (TimeoutError, asyncio.CancelledError):
            call.stage = call.stage or ELSEWHERE
        except Exception as error:
            call.error = error

    # Who gives up

    def _strike(self) -> None:
        """Make some callers give up, now or some turns of the event loop later."""
        joined = self._random.random() < 0.9  # else they would all be struck while they wait
        waiters = [waiter for waiter in self._waiters if waiter.is_waiting and (waiter.request is not None) == joined]
        victims = [call for call in map(self._waiters.__getitem__, waiters) if call.means == "struck"]
        for victim in self._random.sample(victims, min(len(victims), self._random.choice((0, 1, 3)))):
            _after_turns(self._random.randrange(12), victim.give_up)

    def _watch(self, patch: pytest.MonkeyPatch) -> None:
        wait, settle = Sharing.wait, Waiter.settle

        async def watched_wait(sharing: Sharing, waiter: Waiter) -> Any:
            call = self._waiters[waiter] = CALL.get()
            try:
                return await wait(sharing, waiter)
            except asyncio.CancelledError:
                call.stage = _stage(waiter)
                raise
            finally:
                del self._waiters[waiter]

        def watched_settle(waiter: Waiter, answer: Any) -> None:
            settle(waiter, answer)
            call = self._waiters.get(waiter)
            if call is not None and call.means == "struck" and self._random.random() < 0.3:
                call.give_up()

        patch.setattr(Sharing, "wait", watched_wait)
        patch.setattr(Waiter, "settle", watched_settle)


def fill(sandbox: Sandbox) -> None:
    """Put into a sandbox what the crowd reads and edits."""
    for carrier in CARRIERS:
        for index in range(KNOWN):
            sandbox.create(carrier, f"READ{index:07d}", title=f"{carrier} {index}")
        for index in range(EDITED):
            sandbox.create(carrier, f"EDIT{index:07d}")


def _ledger(sandbox: Sandbox) -> dict[tuple[str, str, str], list[object]]:
    """Note from now on what edits set."""
    written: dict[tuple[str, str, str], list[object]] = {}
    trackings, set_fields = sandbox.trackings, sandbox.trackings.set_fields

    def noting(key: int, fields: dict[str, object]) -> None:
        carrier, number = trackings.name(key)
        for field, value in fields.items():
            written.setdefault((carrier, number, field), []).append(value)
        set_fields(key, fields)

    vars(trackings)["set_fields"] = noting
    return written


def _stage(waiter: Waiter) -> str:
    if waiter.answer.done() and not waiter.answer.cancelled():
        return TOLD
    if not isinstance(waiter.request, SharedRequest):
        return WAITING
    return IN_FLIGHT if attrs.asdict(waiter.request.trail, recurse=False)["_on_its_way"] else GRANTED


def _after_turns(turns: int, act: Callable[[], None]) -> None:
    if turns:
        asyncio.get_running_loop().call_soon(_after_turns, turns - 1, act)
    else:
        act()
