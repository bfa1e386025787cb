"""The way from the first page on: the newest trackings first, and an early end (DESIGN.md rule 10)."""

from __future__ import annotations

import attrs

from trackingmore_async.models import TrackingFilter

from .notes import Notes
from .parts import moves, upper_bound
from .reasons import EMPTY, PASSING, SHORT
from .repeats import Repeats
from .seen import Seen
from .sheet import Ask, Rows, Sheet
from .survey import created
from .token import ForwardPlace, Token

__all__ = ["Forward"]


@attrs.define
class Forward:
    """Walks one list from its newest tracking to its oldest.

    A deletion moves rows from pages still to come into pages already read: that is noted, not repaired. Insertions do
    no harm: from page 2 on, only trackings are asked for that were created up to the moment of page 1.

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
    _page: int = 1
    _until: int | None = None
    _total: int | None = None
    _again: bool = False
    _ended: bool = False
    _endless: bool = False
    _left: int = 0
    _reread: bool = False
    _repeats: Repeats = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._repeats = Repeats(self.seen, self.notes)

    def ask(self) -> Ask | None:
        """Return the page to read now; None at the end."""
        self._ended = self._repeats.are_too_many() or self._ended
        return next(iter(self.forecast(1)), None)

    def forecast(self, count: int) -> list[Ask]:
        """Return the pages to read next, at most `count`, if nothing unexpected happens."""
        if self._ended:
            return []
        last = 1 if self._total is None else -(-self._total // self.size)
        if self._endless:
            last = max(last, self._page)
        pages = range(self._page, min(self._page + count, last + 1))
        return [Ask(self.part, page, self.size, self._until) for page in pages]

    async def take(self, sheet: Sheet) -> Rows:
        """Judge the page that was asked for; return its rows, none when it has to be read again."""
        first = self._total is None
        expected = self._total or 0 if sheet.total is None else sheet.total
        promised = expected > sheet.ask.start
        if promised and not sheet.items and not self._again:
            self._again = True
            return iter(())
        if promised and not sheet.items:
            self.notes.add(sheet.ask.page, EMPTY)
            self._ended = True
        self._again = False
        self._open(sheet) if first else self._compare(sheet)
        if sheet.ask.page == 1 and len(sheet.items) >= (self._total or 0) and not sheet.understated:
            self._ended = True
        self._endless = sheet.is_endless
        if 0 < len(sheet.items) < min(self.size, expected - sheet.ask.start):
            self.notes.add(sheet.ask.page, SHORT)
        if sheet.items:
            self.seen.turn_page()
        self._page += 1
        self._left = len(sheet.items)
        return self._hand_out(sheet)

    def _hand_out(self, sheet: Sheet) -> Rows:
        for row in sheet.forwards():
            self._left = len(sheet.items) - 1 - row[1]
            yield row

    def mark(self, token: Token) -> Token:
        """Return the token with the place of this walk in it."""
        return attrs.evolve(token, on=self.place())

    def resume(self, token: Token) -> None:
        """Go on where the walk stood that a token was taken of."""
        if token.on is not None:
            self.return_to(token.on)

    def place(self) -> ForwardPlace:
        """Return where the walk stands, behind the row that was taken last; a page that was begun is read again."""
        return ForwardPlace(
            page=self._page - bool(self._left),
            size=self.size,
            until=self._until,
            total=self._total,
            ended=self._ended and not self._left,
            endless=self._endless,
        )

    def return_to(self, place: ForwardPlace) -> None:
        """Go on at a place where another process stood."""
        self._page, self.size, self._until, self._total = place.page, place.size, place.until, place.total
        self._ended, self._endless, self._reread = place.ended, place.endless, True

    def _open(self, sheet: Sheet) -> None:
        self._total = sheet.total or 0
        self.notes.count(self.number, self._total)
        self._repeats.watch(sheet)
        if moves(self.part) and self._total > len(sheet.items):
            self.notes.add(sheet.ask.page, PASSING)
        self.size = sheet.size_served(self.size)
        known = [moment for moment in (sheet.date, *map(created, sheet.items[:1])) if moment is not None]
        own = upper_bound(self.part)
        if known and (own is None or own > max(known)):
            self._until = int(max(known))

    def _compare(self, sheet: Sheet) -> None:
        if sheet.total is None or self._total is None:
            return
        missed = self._total - sheet.total
        if not self._reread:
            self._repeats.watch(sheet, growing=missed < 0 and not sheet.is_endless)
        self._reread = False
        if missed > 0 and not (self._endless or sheet.understated):
            self.notes.add(
                sheet.ask.page,
                f"{missed} trackings left the list since the page before: as many others may have been passed over.",
            )
        self._total = sheet.total
