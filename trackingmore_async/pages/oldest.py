"""The way from the oldest tracking to the newest, with what may have to follow its main stretch."""

from __future__ import annotations

import attrs

from trackingmore_async.models import TrackingFilter

from .backward import Backward
from .forward import Forward
from .notes import Notes
from .parts import narrowed
from .seen import Seen
from .sheet import Ask, Rows, Sheet
from .token import Place, Token

__all__ = ["Oldest"]


@attrs.define
class Oldest:
    """Walks one list by way of `Backward`.

    Where nobody knows which page is the last, it goes forward instead. Where a walk is taken up again that had held
    back the newest rows of page 1, these are read again at the end, as a list of their own.

    Args:
        part: Which trackings.
        size: Trackings a page.
        seen: What was handed out already.
        notes: Where findings go.
        number: Which part of the list this is, from 0.
    """

    part: TrackingFilter
    size: int
    seen: Seen
    notes: Notes
    number: int = 0
    _floor: int | None = None
    _ceiling: int | None = None
    _tail: bool = False
    _way: Backward | Forward = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._way = self._backward(None, None)

    def _backward(self, floor: int | None, ceiling: int | None) -> Backward:
        """Walk what was created within these unix seconds; None leaves an end as the filter has it."""
        self._floor, self._ceiling = floor, ceiling
        return Backward(narrowed(self.part, floor, ceiling), self.size, self.seen, self.notes, self.number)

    def _forward(self) -> Forward:
        self.seen.distrust()
        part = narrowed(self.part, self._floor, self._ceiling)
        return Forward(part, self.size, self.seen, self.notes, self.number)

    def ask(self) -> Ask | None:
        """Return the page to read now; None at the end."""
        ask = self._way.ask()
        if ask is None and self._tail and isinstance(self._way, Backward):
            self._tail = self.seen.fresh = False
            self._way = self._backward(*self._way.newest_seconds(self._floor, self._ceiling))
            return self._way.ask()
        return ask

    def forecast(self, count: int) -> list[Ask]:
        """Return the pages to read next, at most `count`, if nothing unexpected happens."""
        return self._way.forecast(count)

    async def take(self, sheet: Sheet) -> Rows:
        """Judge the page that was asked for; return its rows, none when it has to be read again."""
        if isinstance(self._way, Backward) and not self._way.is_open and sheet.is_endless:
            self.seen.fresh = True
            self._way = self._forward()
        return await self._way.take(sheet)

    def mark(self, token: Token) -> Token:
        """Return the token with the place of this walk in it."""
        if isinstance(self._way, Forward):
            place = Place(floor=self._floor, ceiling=self._ceiling)
            return attrs.evolve(token, back=place, on=self._way.place())
        return attrs.evolve(token, back=self._way.place(self._floor, self._ceiling, tail=self._tail))

    def resume(self, token: Token) -> None:
        """Go on where the walk stood that a token was taken of."""
        if token.back is None:
            return
        self.seen.fresh = token.on is not None
        self._way = self._backward(token.back.floor, token.back.ceiling)
        self._tail = token.back.tail
        if token.on is not None:
            self._way = self._forward()
            self._way.return_to(token.on)
        elif token.back.opened:
            self._way.return_to(token.back)
