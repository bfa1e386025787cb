"""The iterator: page after page, tracking after tracking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import attrs
from anyio.lowlevel import checkpoint

from trackingmore_async.errors import ClientStateError
from trackingmore_async.models import Tracking, TrackingFilter

from .notes import Gap, Notes
from .readers import Reader
from .reasons import AGAIN, DISORDER, SPLIT
from .repeats import note_oddities
from .seen import WIDTH, Seen
from .sheet import Ask, Rows, Sheet, decode_row
from .survey import SLICE
from .token import MOST_IDS, Token, write_token

__all__ = ["Route", "Walk"]

SHARED = (
    "Another task is waiting for the next page of this walk. Only one task can iterate over a walk: let it pass the "
    "trackings on to the others, through a queue."
)


class Route(Protocol):
    """Decides which pages of one list are read, and judges them."""

    @property
    def part(self) -> TrackingFilter:
        """Which trackings."""
        ...

    @property
    def seen(self) -> Seen:
        """What was handed out already."""
        ...

    @property
    def size(self) -> int:
        """Trackings a page."""
        ...

    def ask(self) -> Ask | None:
        """Return the page to read now; None at the end."""
        ...

    def forecast(self, count: int) -> list[Ask]:
        """Return the pages to read next, at most `count`, if nothing unexpected happens."""
        ...

    async def take(self, sheet: Sheet) -> Rows:
        """Judge the page that was asked for; return its rows, none when it has to be read again."""
        ...

    def mark(self, token: Token) -> Token:
        """Return the token with the place of this walk in it."""
        ...

    def resume(self, token: Token) -> None:
        """Go on where the walk stood that a token was taken of."""
        ...


@attrs.define(repr=False)
class Walk:
    """Iterates over all trackings of a list, each exactly once: ``async for tracking in walk``.

    It is made by `TrackingPages`. It is an iterator, not a generator: leaving it in the middle leaves nothing behind,
    and after an error (a broken item, a lost network) it goes on where it stood when it is asked again. It is for one
    task.

    Only the page in hand is decoded, tracking by tracking; pages read ahead wait as bytes.

    Args:
        routes: The way through each part of the list.
        reader: Reads the pages.
        notes: Where findings go.
        max_items: Ends after as many trackings; None: after the last.
        token: Where to begin: the place in its part, and what was noted before.

    Example:
        >>> async def first_ten(tm: TrackingMore) -> list[Tracking]:
        ...     return [tracking async for tracking in tm.trackings.list(order="newest", max_items=10)]
    """

    _routes: Sequence[Route]
    _reader: Reader
    _notes: Notes
    _max_items: int | None
    _token: Token
    _part: int = attrs.field(init=False)
    _rows: Rows = attrs.field(factory=lambda: iter(()), init=False)
    _admits: Callable[[Tracking], bool] = attrs.field(default=lambda _: True, init=False)
    _looked_at: int = attrs.field(default=0, init=False)
    _handed_out: int = attrs.field(default=0, init=False)
    _turning: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._part = self._token.part
        self._notes.totals.update(self._token.totals)
        self._notes.gaps += [Gap(*gap) for gap in self._token.gaps]
        if self._token.memory is not None:
            self._routes[self._part].seen.recall(self._token.memory)
            self._routes[self._part].resume(self._token)
        elif self._token.again:
            self._notes.add_once(1, AGAIN)

    @property
    def token(self) -> str:
        """Where the walk stands now, as a text: ``tm.trackings.list(resume=token)`` goes on there.

        See `TrackingPages.token`.
        """
        here = Token(
            order=self._token.order,
            page_size=self._token.page_size,
            filters=self._token.filters,
            part=self._part,
            totals=self._notes.totals,
            gaps=[(gap.page, gap.reason) for gap in self._notes.gaps],
        )
        if self._part == len(self._routes):
            return write_token(here)
        route = self._routes[self._part]
        memory = route.seen.memory()
        if len(memory.ids) > MOST_IDS * WIDTH:
            return write_token(attrs.evolve(here, again=True))
        return write_token(route.mark(attrs.evolve(here, memory=memory)))

    def __aiter__(self) -> Walk:
        return self

    async def __anext__(self) -> Tracking:
        """Return the next tracking.

        Raises:
            DecodeError: an item is broken; the next call goes on behind it.
            TrackingMoreError: a page could not be read; the next call tries it again.
            ClientStateError: another task is waiting for the next page already.
        """
        while self._handed_out != self._max_items:
            if self._looked_at % SLICE == 0:
                await checkpoint()
            row = next(self._rows, None)
            if row is None:
                if not await self._turn_page():
                    break
                continue
            self._looked_at += 1
            tracking = decode_row(row)
            if self._admits(tracking):
                self._handed_out += 1
                return tracking
        for route in self._routes[self._part : self._part + 1]:
            self._note_disorder(route)
        raise StopAsyncIteration

    async def _turn_page(self) -> bool:
        """Read until there are rows; False at the end."""
        if self._turning:
            raise ClientStateError(SHARED)
        self._turning = True
        try:
            return await self._read_on()
        finally:
            self._turning = False

    async def _read_on(self) -> bool:
        while self._part < len(self._routes):
            route = self._routes[self._part]
            self._note_disorder(route)
            ask = route.ask()
            if ask is None:
                self._part += 1
                self._note_split()
                continue
            sheet = await self._reader.read(ask)
            note_oddities(self._notes, sheet)
            rows = await route.take(sheet)
            self._reader.expect(self._forecast(len(sheet.items)))
            self._rows, self._admits = rows, route.seen.admits
            return True
        return False

    def _note_split(self) -> None:
        """Say what several requests cannot see: an order id changes for another one that was asked for before."""
        for route in self._routes[self._part : self._part + 1]:
            if route.part.orders:
                self._notes.add_once(1, SPLIT)

    def _note_disorder(self, route: Route) -> None:
        if not route.seen.in_order and route.seen.everything is None:
            route.seen.distrust()
            self._notes.add(1, DISORDER)

    def _forecast(self, in_hand: int) -> list[Ask]:
        """Return what will probably be read next: never more than the caller may still take."""
        route, wanted = self._routes[self._part], self._reader.depth
        if self._max_items is not None:
            wanted = min(wanted, -((self._handed_out + in_hand - self._max_items) // route.size))
        asks: list[Ask] = []
        for later in self._routes[self._part :]:
            if len(asks) >= wanted:
                break
            asks += later.forecast(wanted - len(asks))
        return asks

    def __repr__(self) -> str:
        return f"<Walk: {self._handed_out} handed out>"
