"""Look-ups of single trackings that share requests to the list (API.md 3.6)."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Final

import anyio.lowlevel
import attrs
import msgspec

from trackingmore_async.answers import number_key
from trackingmore_async.batches import halves
from trackingmore_async.calls import Caller
from trackingmore_async.codec import Wire, check_ref, decode, decode_tracking, encode
from trackingmore_async.errors import DecodeError, InvalidRequestError, NotFoundError, TrackingMoreError
from trackingmore_async.models import UNSET, GetQuery, Page, Tracking, TrackingFilter, timed
from trackingmore_async.operations import GET, LIST, MAX_NUMBERS, MAX_PAGE_SIZE
from trackingmore_async.timing import Timing
from trackingmore_async.transport import Budget, Trail, Transport

from .line import Group, Line
from .request import SharedRequest
from .sharing import Sharing
from .waiter import Waiter

__all__ = ["Lookups"]

ORDINARY: Final = re.compile(r"[0-9A-Za-z_-]{5,50}")
"""Numbers that look like one (API.md 1.5). Others travel alone: a comma would become two numbers, and what the server
refuses would be refused for all."""

NOTHING: Final = frozenset({4017, 4031, 4032})
"""Codes of a success without content (API.md 3.6, 6)."""

SLICE: Final = 50  # trackings decoded between two looks at the event loop
Found = dict[tuple[str, str], list[Tracking]]
"""What a list held, by carrier and number, both without regard to case."""

MISSED: Final = None
"""What a waiter is answered whose tracking is not in the list: the single look-up has the last word."""


@attrs.define(eq=False)
class Lookups:
    """Look-ups that share requests: all that wait when the slot is granted, up to 40 numbers.

    What is not in the list, or was refused, is confirmed by a request of its own before the caller hears of it.

    Args:
        transport: Where the requests go.
    """

    transport: Transport
    _sharing: Sharing = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._sharing = Sharing(
            self.transport,
            LIST,
            GET,
            MAX_NUMBERS,
            Line(lambda waiter: waiter.name, together=True),
            _send,
            alone=False,
            advice="Look it up again, with more time.",
        )

    async def get(self, caller: Caller, query: GetQuery, *, max_age: float | None = None) -> Tracking:
        """Read one tracking: from memory if it is recent enough, else together with others, else by itself."""
        self.transport.lifetime.check()
        _check(query)
        if max_age is not None and (known := caller.memory.recall(query, max_age, anyio.current_time())) is not None:
            return self._remembered(caller, *known)
        if not (caller.options.coalesce and is_shareable(query)):
            return await caller.read(query)
        budget = caller.budget(LIST)
        waiter = Waiter.of(query, budget, self.transport.silence)
        found: tuple[Tracking, float] | None = await self._sharing.ask(waiter)
        if found is None:
            return await _confirm(caller, query, budget, waiter.timing())
        tracking, asked_at = found
        caller.memory.keep(query, tracking, asked_at)
        return tracking

    async def aclose(self) -> None:
        """Wait until all that was under way has ended; the transport is closed."""
        await self._sharing.aclose()

    def _remembered(self, caller: Caller, tracking: Tracking, age: float) -> Tracking:
        """Give out an answer from memory; for hooks it is a call that ends as soon as it begins."""
        timing, herald = Timing(age=age), self.transport.herald
        if herald.hooks:
            trail = Trail(call=herald.next_number(), lane=caller.options.priority or "interactive")
            herald.tell("call", GET, trail)
            herald.tell("end", GET, trail, timing=timing)
        return timed(copy.copy(tracking), timing)


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


async def _confirm(caller: Caller, query: GetQuery, budget: Budget, before: Timing) -> Tracking:
    """Ask for a single tracking that the list did not hold: only then it does not exist."""
    try:
        tracking = await caller.read(query, attrs.evolve(budget, timeout=caller.budget(GET).timeout))
    except TrackingMoreError as error:
        error.timing = before + (error.timing or Timing())
        raise
    return timed(tracking, before + (tracking.timing or Timing()))


async def _send(sharing: Sharing, request: SharedRequest) -> None:
    """Read the trackings of one request, and answer those whom it serves."""

    def build() -> Wire:
        sharing.form(request)
        sharing.transport.tell_batch(LIST, request.trail, len(request.numbers), MAX_NUMBERS, request.calls())
        return _wire(request, page=1)

    try:
        found = await _read(sharing, request, build)
    except NotFoundError:
        found = {}
    except InvalidRequestError:
        if len(request.groups) > 1:
            await _divide(sharing, request)
            return
        found = {}
    for group in request.groups:
        _answer(request, group, _match(request, group[0].item, found))


async def _read(sharing: Sharing, request: SharedRequest, build: Callable[[], Wire]) -> Found:
    """Read page after page until the list ends, or everything that was asked for is found."""
    budget, found, rows, number = sharing.budget(request), Found(), 0, 1
    with sharing.transport.call(LIST, request.lane, request.trail):
        while True:
            reply = await sharing.transport.send(LIST, build, budget, request.trail)
            page: Page = decode(LIST, reply.envelope.data)
            begun = perf_counter()
            await _sort(page.items, found)
            request.decode += perf_counter() - begun
            rows, number = rows + len(page.items), number + 1
            if rows >= page.total or not page.items or _is_complete(request, found):
                return found
            build = partial(_wire, request, page=number)


def _wire(request: SharedRequest, *, page: int) -> Wire:
    numbers = dict.fromkeys(group[0].item.tracking_number for group in request.groups)
    return encode(LIST, TrackingFilter(numbers=tuple(numbers), limit=MAX_PAGE_SIZE, page=page))


async def _sort(items: Sequence[msgspec.Raw], found: Found) -> None:
    """Decode the rows of a page; one that cannot be read is left out, and its caller told by a request of its own."""
    for index, raw in enumerate(items):
        if index % SLICE == SLICE - 1:
            await anyio.lowlevel.checkpoint()
        try:
            tracking = decode_tracking(raw)
        except DecodeError:
            continue
        found.setdefault(_key(tracking), []).append(tracking)


def _is_complete(request: SharedRequest, found: Found) -> bool:
    queries = (group[0].item for group in request.groups)
    return all(any(map(partial(_is_spelled_as, query), found.get(_key(query), ()))) for query in queries)


def _match(request: SharedRequest, query: GetQuery, found: Found) -> Tracking | None:
    """Return the tracking that was asked for; one whose number differs in case only if nobody asked for that one.

    Such a number stands in the list only where the server ignores case. Of carriers the list tells nothing: all those
    of a number stand in it, so what stands under one that differs in case is asked for by itself.
    """
    alike = found.get(_key(query), [])
    for tracking in alike:
        if _is_spelled_as(query, tracking):
            return tracking
    asked = request.numbers - {query.tracking_number}
    return next(
        (one for one in alike if one.carrier_code == query.carrier_code and one.tracking_number not in asked), None
    )


def _key(name: GetQuery | Tracking) -> tuple[str, str]:
    return number_key(name.carrier_code), number_key(name.tracking_number)


def _is_spelled_as(query: GetQuery, tracking: Tracking) -> bool:
    return (query.carrier_code, query.tracking_number) == (tracking.carrier_code, tracking.tracking_number)


def _answer(request: SharedRequest, group: Group, tracking: Tracking | None) -> None:
    """Give each of a group a result of its own: they waited differently long."""
    for place, waiter in enumerate(group):
        if tracking is None:
            waiter.settle(MISSED)
        else:
            mine = copy.copy(tracking) if place else tracking
            waiter.settle((timed(mine, waiter.timing()), request.asked_at))


async def _divide(sharing: Sharing, request: SharedRequest) -> None:
    """Ask in two halves what was refused together: one bad number sinks no other."""
    for half in halves(request.groups):
        part = request.part(half)
        await sharing.carry_out(part)
