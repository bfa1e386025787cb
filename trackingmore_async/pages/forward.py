"""The way from the first page on: the newest trackings first, and an early end (DESIGN.md rule 10)."""

from __future__ import annotations

import attrs

from trackingmore_async.models import TrackingFilter

from .notes import Notes
from .parts import upper_bound
from .repeats import Repeats
from .seen import Seen
from .sheet import Ask, Rows, Sheet
from .survey import created

__all__ = ["Forward"]

EMPTY = "The page was empty, twice, although rows were promised."
SHORT = "The page had fewer rows than the server's total promised."


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
        self._endless = sheet.is_endless
        if 0 < len(sheet.items) < min(self.size, expected - sheet.ask.start):
            self.notes.add(sheet.ask.page, SHORT)
        if sheet.items:
            self.seen.turn_page()
        self._page += 1
        return sheet.forwards()

    def _open(self, sheet: Sheet) -> None:
        self._total = sheet.total or 0
        self.notes.count(self.number, self._total)
        self._repeats.watch(sheet)
        self._ended = self._ended or (len(sheet.items) >= self._total and not sheet.understated)
        self.size = sheet.size_served(self.size)
        known = [moment for moment in (sheet.date, *map(created, sheet.items[:1])) if moment is not None]
        own = upper_bound(self.part)
        if known and (own is None or own > max(known)):
            self._until = int(max(known))

    def _compare(self, sheet: Sheet) -> None:
        if sheet.total is None or self._total is None:
            return
        missed = self._total - sheet.total
        self._repeats.watch(sheet, growing=missed < 0 and not sheet.is_endless)
        if missed > 0 and not (self._endless or sheet.understated):
            self.notes.add(
                sheet.ask.page,
                f"{missed} trackings left the list since the page before: as many others may have been passed over.",
            )
        self._total = sheet.total
