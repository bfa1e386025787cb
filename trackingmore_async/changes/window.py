"""One walk of a round: through all that was created, or refreshed, since a moment."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trackingmore_async.calls import Caller
from trackingmore_async.models.fields import FilterFields
from trackingmore_async.pages import Gap, Walk
from trackingmore_async.pages.backward import Backward
from trackingmore_async.pages.notes import Notes
from trackingmore_async.pages.parts import make_parts
from trackingmore_async.pages.readers import InTurn
from trackingmore_async.pages.seen import Seen
from trackingmore_async.pages.sheet import Ask, Sheet
from trackingmore_async.pages.walk import DISORDER

__all__ = ["Window"]


@attrs.define
class FirstLook:
    """Reads pages one after the other, and keeps what the first one tells.

    Args:
        caller: Where the requests go.
        as_of: The server's clock when it was asked for the first page, in unix seconds; None: it shows none. What
            was visible then is in this walk.
        is_whole: Whether the first page was the whole list.
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
            moment = self.caller.transport.server_time(sheet.asked_at)
            self.as_of = None if moment is None else int(moment.timestamp())
            self.is_whole = len(sheet.items) >= (sheet.total or 0) and not sheet.understated
        return sheet

    def expect(self, asks: Sequence[Ask]) -> None:
        """Do nothing with it: nothing may be under way between two trackings."""


class Window:
    """All trackings that a filter shows, from the oldest to the newest: it misses none that was there all the time.

    Args:
        caller: Where the requests go.
        filters: Which trackings.
        page_size: Trackings a page.
    """

    def __init__(self, caller: Caller, filters: FilterFields, page_size: int) -> None:
        self._notes = Notes(1)
        self._first = FirstLook(caller)
        routes = [Backward(part, page_size, Seen(), self._notes) for part in make_parts(filters)]
        self.walk: Walk = Walk(routes, self._first, self._notes, None)

    @property
    def as_of(self) -> int | None:
        """The server's clock when the walk began, in unix seconds; None: it shows none, or was not asked yet."""
        return self._first.as_of

    @property
    def gaps(self) -> list[Gap]:
        """What the walk cannot vouch for. The order of a list that is one page does no harm: it is one moment."""
        return [gap for gap in self._notes.gaps if not (self._first.is_whole and gap.reason == DISORDER)]
