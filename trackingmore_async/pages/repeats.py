"""What a server may do that no list should: answer another page, tell a wrong total, send the same rows for ever."""

from __future__ import annotations

import attrs

from .notes import Notes
from .reasons import REPEATED, UNBELIEVABLE
from .seen import Seen
from .sheet import Sheet

__all__ = ["Repeats", "note_oddities"]

IN_VAIN = 2  # pages in a row that brought nothing new, where something new had to come
IN_VAIN_WHILE_GROWING = 10  # the same, where new trackings may have pushed the others back


def note_oddities(notes: Notes, sheet: Sheet) -> None:
    """Note when a page is not the one that was asked for, or when its total cannot be true."""
    asked, page = sheet.ask.page, sheet.page
    if sheet.items and page is not None and page != asked:
        notes.add_once(asked, f"The server answered page {page} instead of {asked}: trackings may be missing.")
    if sheet.is_endless:
        notes.add_first(asked, UNBELIEVABLE)


@attrs.define
class Repeats:
    """Finds out when a server sends the same rows again and again, whatever it is asked for.

    Args:
        seen: What was handed out already.
        notes: Where findings go.
    """

    seen: Seen
    notes: Notes
    _page: int = 0
    _rows: int = 0
    _growing: bool = False
    _in_a_row: int = 0

    def watch(self, sheet: Sheet, *, growing: bool = False) -> None:
        """Hear of a page whose rows are handed out next, and whether new rows may have pushed back those before."""
        if not self.seen.fresh:
            return  # a walk that was taken up again may first meet what it knows
        self._page, self._rows, self._growing = sheet.ask.page, len(sheet.items), growing

    def are_too_many(self) -> bool:
        """Judge the page that was watched, now that its rows are handed out; tell whether going on is in vain."""
        rows, self._rows = self._rows, 0
        if not rows:
            return False
        self._in_a_row = self._in_a_row + 1 if self.seen.repeated >= rows else 0
        in_vain = self._in_a_row >= (IN_VAIN_WHILE_GROWING if self._growing else IN_VAIN)
        if in_vain or (self._in_a_row and not self._growing):
            self.notes.add_once(self._page, REPEATED)
        return in_vain
