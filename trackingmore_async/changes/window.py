"""One walk of a round: through all that was created, or refreshed, since a moment."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trackingmore_async.calls import Caller
from trackingmore_async.models.fields import FilterFields
from trackingmore_async.pages import Gap, TrackingPages, Walk
from trackingmore_async.pages.readers import InTurn
from trackingmore_async.pages.sheet import Ask, Sheet

__all__ = ["Window"]


@attrs.define
class FirstLook:
    """Reads pages one after the other, and keeps what the first one tells.

    Args:
        caller: Where the requests go.
        as_of: The server's clock when it was asked for the first page, in unix seconds; None: it shows none. What
            was visible then is in this walk.
        is_whole: Whether the first page was the whole list.
        depth: Nothing is under way between two trackings.
    """

    caller: Caller
    as_of: int | None = None
    is_whole: bool = False
    depth: int = 0
    _in_turn: InTurn = attrs.field(init=False)
    _looked: bool = False

    def __attrs_post_init__(self) -> None:
        self._in_turn = InTurn(self.caller)

    async def read(self, ask: Ask) -> Sheet:
        """Read one page."""
        sheet = await self._in_turn.read(ask)
        if not self._looked:
            self._looked = True
            self._look(sheet)
        return sheet

    def _look(self, sheet: Sheet) -> None:
        moment = self.caller.transport.server_time(sheet.asked_at)
        self.as_of = None if moment is None else int(moment.timestamp())
        is_first = sheet.page in (None, sheet.ask.page)
        self.is_whole = is_first and len(sheet.items) >= (sheet.total or 0) and not sheet.understated

    def expect(self, asks: Sequence[Ask]) -> None:
        """Do nothing with it."""


class Window(TrackingPages):
    """A list that is walked once, from the oldest tracking to the newest, and says at which moment that began.

    Args:
        caller: Where the requests go.
        filters: Which trackings.
        page_size: Trackings a page.
    """

    def __init__(self, caller: Caller, filters: FilterFields, page_size: int) -> None:
        super().__init__(caller, filters, page_size=page_size)
        self._first = FirstLook(caller)
        self.walk: Walk = self._walk(self._first)

    @property
    def as_of(self) -> int | None:
        """The server's clock when the walk began, in unix seconds; None: it shows none, or was not asked yet."""
        return self._first.as_of

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What the walk cannot vouch for; a list that is one page is one moment, in whatever order it is."""
        return () if self._first.is_whole else super().gaps
