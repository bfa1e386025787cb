"""Look-ups of single trackings that share requests to the list (API.md 3.6)."""

from __future__ import annotations

import copy
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import anyio.lowlevel
import attrs
import msgspec

from trackingmore_async.answers import number_key
from trackingmore_async.calls import Caller, decoded, only
from trackingmore_async.codec import Wire, check_ref, decode_tracking, encode
from trackingmore_async.errors import DeadlineExceededError, DecodeError, InvalidRequestError, NotFoundError
from trackingmore_async.models import UNSET, GetQuery, Page, Tracking, TrackingFilter, timed
from trackingmore_async.operations import GET, LIST, MAX_NUMBERS, MAX_PAGE_SIZE, Operation
from trackingmore_async.timing import Timing
from trackingmore_async.transport import Trail, Transport

from .line import Line
from .request import SharedRequest
from .sharing import Sharing
from .waiter import SharedCall, Waiter, own

__all__ = ["Lookups"]

ORDINARY: Final = re.compile(r"[0-9A-Za-z_-]{5,50}")
"""Numbers that look like one (API.md 1.5). Others travel alone: a comma would become two numbers, and what the server
refuses would be refused for all."""

NO_RESOURCE: Final = frozenset({404, None})
"""Codes of a "not found" that speaks of base_url, and of no tracking (API.md 6); None: there was no envelope."""

REFUSALS: Final = 7
"""In a row: so many requests let one bad number of 40 stand alone. A server that refuses more need not be asked in ever
smaller pieces: the single look-up has the last word at once."""

SLICE: Final = 50  # trackings decoded, or callers answered, between two looks at the event loop
Found = dict[tuple[str, str], list[Tracking]]
"""What a list held, by carrier and number, both without regard to case."""

Answer = tuple[Tracking, float]
"""What a waiter is answered: the tracking, and when it was asked for (loop clock). None: it was not in the list."""


@attrs.define(eq=False)
class Lookups:
    """Look-ups that share requests: all that wait when the slot is granted, up to 40 numbers.

    What is not in the list, or was refused, is confirmed by a request of its own before the caller hears of it.

    Args:
        transport: Where the requests go.
    """

    transport: Transport
    _listed: Sharing = attrs.field(init=False)
    _single: Sharing = attrs.field(init=False)
    _refused: int = attrs.field(default=0, init=False)  # requests in a row

    def __attrs_post_init__(self) -> None:
        self._listed = self._make(LIST, MAX_NUMBERS, self._send)
        self._single = self._make(GET, 1, _confirm)

    def _make(
        self, operation: Operation, capacity: int, send: Callable[[Sharing, SharedRequest], Awaitable[None]]
    ) -> Sharing:
        line = Line(lambda waiter: waiter.name, together=True)
        advice = "Look it up again, with more time."
        return Sharing(self.transport, operation, capacity, line, send, alone=False, advice=advice)

    async def get(self, caller: Caller, query: GetQuery, *, max_age: float | None = None) -> Tracking:
        """Read one tracking: from memory if it is recent enough, else together with others, else by itself."""
        self.transport.lifetime.check()
        _check(query)
        if max_age is not None and (known := caller.memory.recall(query, max_age, anyio.current_time())) is not None:
            return self._remembered(caller, *known)
        begun_at = anyio.current_time()
        try:
            if not (caller.options.coalesce and is_shareable(query)):
                return await caller.read(query)
            tracking, asked_at = await self._look_up(caller, query)
        except NotFoundError as error:
            if error.code not in NO_RESOURCE:
                caller.memory.keep(query, own(error), begun_at)
            raise
        caller.memory.keep(query, tracking, asked_at)
        return tracking

    async def _look_up(self, caller: Caller, query: GetQuery) -> Answer:
        """Ask the list, and where that says nothing the single look-up, which has the last word."""
        budget = caller.budget(LIST)
        with SharedCall(self.transport.herald, GET, Waiter.of(query, budget, self.transport.silence)) as call:
            listed = await self._ask_list(call.waiter)
            if listed is not None:
                return listed
            call.waiter = call.waiter.again(attrs.evolve(budget, timeout=caller.budget(GET).timeout))
            single: Answer = await self._single.ask(call.waiter)
            return single

    async def _ask_list(self, waiter: Waiter) -> Answer | None:
        """Ask the list; where its slot comes too late say nothing, too, if that of a single look-up is in time."""
        try:
            self._listed.admit(waiter)
        except DeadlineExceededError:
            if self._single.outlook.has_time_for(waiter):
                return None
            raise
        listed: Answer | None = await self._listed.wait(waiter)
        return listed

    async def _send(self, sharing: Sharing, request: SharedRequest) -> None:
        """Read the trackings of one request, and answer those whom it serves."""

        def build() -> Wire:
            sharing.form(request)
            sharing.transport.tell_batch(LIST, request.trail, len(request.numbers), MAX_NUMBERS, request.calls())
            return _wire(request, page=1)

        found, refused = Found(), False
        try:
            await _read(sharing, request, build, found)
        except NotFoundError:  # there is no list at this address: the single look-up has the last word
            pass
        except InvalidRequestError:
            refused = True
        self._refused = self._refused + 1 if refused else 0
        if refused and len(request.groups) > 1 and self._refused <= REFUSALS:
            await _divide(sharing, request)
        else:
            await _answer(request, partial(_match, request, found))

    async def aclose(self) -> None:
        """Wait until all that was under way has ended; the transport is closed."""
        await self._listed.aclose()
        await self._single.aclose()

    def _remembered(self, caller: Caller, found: Tracking | NotFoundError, age: float) -> Tracking:
        """Give out an answer from memory; for hooks it is a call that ends as soon as it begins."""
        timing, herald = Timing(age=age), self.transport.herald
        if herald.hooks:
            trail = Trail(call=herald.next_number(), lane=caller.options.priority or "interactive")
            herald.tell("call", GET, trail)
            name = None if isinstance(found, Tracking) else type(found).__name__
            herald.tell("end", GET, trail, error=name, code=getattr(found, "code", None), timing=timing)
        if isinstance(found, Tracking):
            return timed(copy.copy(found), timing)
        missing = own(found)
        missing.timing, missing.attempts = timing, timing.attempts
        raise missing


def _check(query: GetQuery) -> None:
    """Refuse what cannot be sent; the rest of what is not shared is checked when it is encoded."""
    try:
        check_ref(query.carrier_code, query.tracking_number)
    except InvalidRequestError as error:
        error.operation = GET.name
        raise


def is_shareable(query: GetQuery) -> bool:
    """Tell whether the list gives the same answer as a request of its own: in no language, and no odd number."""
    return query.lang is UNSET and ORDINARY.fullmatch(query.tracking_number) is not None


async def _confirm(sharing: Sharing, request: SharedRequest) -> None:
    """Ask for a single tracking that a list did not hold, for all who want it: only then it does not exist."""

    def build() -> Wire:
        sharing.form(request)
        sharing.transport.tell_batch(GET, request.trail, 1, 1, request.calls())
        return encode(GET, request.groups[0][0].item)

    with sharing.transport.call(GET, request.lane, request.trail):
        reply = await sharing.transport.send(GET, build, sharing.budget(request), request.trail)
        tracking = only(reply, request.trail)
    await _answer(request, lambda _: tracking)


async def _read(sharing: Sharing, request: SharedRequest, build: Callable[[], Wire], found: Found) -> None:
    """Read page after page until the list ends, or nobody waits any more.

    Who asked for what a page shows is answered at once: the next one takes another slot, and may fail.
    """
    budget, rows, number = sharing.budget(request), 0, 1
    with sharing.transport.call(LIST, request.lane, request.trail):
        while True:
            try:
                reply = await sharing.transport.send(LIST, build, budget, request.trail)
            except NotFoundError as error:  # the list holds none of them, or no more
                if error.code in NO_RESOURCE:
                    raise
                return
            page: Page = decoded(LIST, reply, request.trail)
            with request.trail.decoding():
                is_news = await _sort(page.items, found)
            rows, number = rows + len(page.items), number + 1
            if rows >= page.total or not is_news:
                return
            await _answer(request, partial(_spelled, found), last=False)
            if not any(request.waiters()):
                return
            build = partial(_wire, request, page=number)


def _wire(request: SharedRequest, *, page: int) -> Wire:
    numbers = dict.fromkeys(group[0].item.tracking_number for group in request.groups)
    return encode(LIST, TrackingFilter(numbers=tuple(numbers), limit=MAX_PAGE_SIZE, page=page))


async def _sort(items: Sequence[msgspec.Raw], found: Found) -> bool:
    """Decode the rows of a page, and tell whether there is anything new among them.

    A row that cannot be read is left out, and its caller told by a request of its own.
    """
    is_news = False
    for index, raw in enumerate(items):
        if index % SLICE == SLICE - 1:
            await anyio.lowlevel.checkpoint()
        try:
            tracking = decode_tracking(raw)
        except DecodeError:
            continue
        alike = found.setdefault(_key(tracking), [])
        if not any(_is_spelled_as(other, tracking) for other in alike):
            alike.append(tracking)
            is_news = True
    return is_news


def _spelled(found: Found, query: GetQuery) -> Tracking | None:
    """Return the tracking that was asked for, spelled as it was."""
    return next((one for one in found.get(_key(query), ()) if _is_spelled_as(query, one)), None)


def _match(request: SharedRequest, found: Found, query: GetQuery) -> Tracking | None:
    """Return the tracking that was asked for; one whose number differs in case only if nobody asked for that one.

    Such a number stands in the list only where the server ignores case. Of carriers the list tells nothing: all those
    of a number stand in it, so what stands under one that differs in case is asked for by itself.
    """
    alike = (one for one in found.get(_key(query), ()) if one.carrier_code == query.carrier_code)
    unasked = (one for one in alike if one.tracking_number not in request.numbers)
    return _spelled(found, query) or next(unasked, None)


def _key(name: GetQuery | Tracking) -> tuple[str, str]:
    return number_key(name.carrier_code), number_key(name.tracking_number)


def _is_spelled_as(query: GetQuery | Tracking, tracking: Tracking) -> bool:
    return (query.carrier_code, query.tracking_number) == (tracking.carrier_code, tracking.tracking_number)


async def _answer(request: SharedRequest, find: Callable[[GetQuery], Tracking | None], *, last: bool = True) -> None:
    """Give each caller a result of its own, for they waited differently long; the last time also those without one."""
    told, given = 0, set[int]()
    for waiter in list(request.waiters()):
        tracking = find(waiter.item)
        if tracking is None:
            if last:  # all in one turn, for they will share a request of its own
                waiter.settle(None)
            continue
        mine = copy.copy(tracking) if id(tracking) in given else tracking
        given.add(id(tracking))
        waiter.settle((timed(mine, waiter.timing()), request.asked_at))
        told += 1
        if told % SLICE == 0:
            await anyio.lowlevel.checkpoint()


async def _divide(sharing: Sharing, request: SharedRequest) -> None:
    """Ask in two halves what was refused together: one bad number sinks no other."""
    for part in sharing.divide(request):
        part.next_trail()
        await sharing.carry_out(part)
