"""One page of the list: what is asked for, and what came back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, repeat
from typing import Final

import anyio
import attrs
import msgspec

from trackingmore_async.calls import Caller, decoded
from trackingmore_async.codec import Wire, decode_tracking, encode
from trackingmore_async.errors import DecodeError, NotFoundError
from trackingmore_async.models import Page, Tracking, TrackingFilter, timed
from trackingmore_async.operations import LIST
from trackingmore_async.timing import Timing
from trackingmore_async.transport import Budget, Trail

__all__ = ["Ask", "Origin", "Row", "Rows", "Sheet", "decode_row", "read_sheet"]

NOTHING: Final = frozenset({4017, 4031, 4032})
"""Codes of a success without content (API.md 3.6, 6); 404 is none of them: it says that base_url is wrong."""


Row = tuple["Origin", int, msgspec.Raw]
"""An undecoded tracking, behind its page and its place there, from 0."""

Rows = Iterator[Row]


@attrs.frozen
class Origin:
    """What is to be said of each row of a page.

    Args:
        page: The number of the page.
        timing: Where the time of its request went.
        code: The ``meta.code`` of the answer.
        http_status: Its HTTP status.
    """

    page: int
    timing: Timing
    code: int | None = None
    http_status: int | None = None


@attrs.frozen
class Ask:
    """A page that is asked for.

    Args:
        filter: Which trackings.
        page: The number of the page, from 1.
        limit: Trackings a page.
        until: Unix seconds: the latest time of creation, instead of the filter's own; None: as the filter has it.
    """

    filter: TrackingFilter
    page: int
    limit: int
    until: int | None = None

    @property
    def start(self) -> int:
        """How many rows come before this page."""
        return (self.page - 1) * self.limit

    @property
    def end(self) -> int:
        """How many rows come before the next page."""
        return self.page * self.limit

    def wire(self) -> Wire:
        """Return the request."""
        query = attrs.evolve(self.filter, page=self.page, limit=self.limit)
        return encode(LIST, query if self.until is None else attrs.evolve(query, created_at_max=self.until))


@attrs.frozen
class Sheet:
    """A page as it was read. Its items stay undecoded: a prefetched page is bytes and slices, never objects.

    Args:
        ask: What was asked for.
        origin: What is to be said of each row.
        total: How many rows match in all; None when the server only said that there is nothing (4031).
        items: The rows, in the server's order.
        limit: How many rows a page holds, when the server said so.
        date: The server's clock in unix seconds, when it said so.
        asked_at: When the request left, at the earliest (seconds, loop clock).
        read_at: When the answer was complete.
        page: The number of the page, as the server said it; None when it did not.
        understated: Whether the server's own total ends before the last row of this page; `total` counts that row.
    """

    ask: Ask
    origin: Origin
    total: int | None
    items: tuple[msgspec.Raw, ...]
    limit: int | None
    date: int | None
    asked_at: float
    read_at: float
    page: int | None = None
    understated: bool = False

    @property
    def is_endless(self) -> bool:
        """Whether more pages may follow although the total denies it: it cannot be believed, and the page is full."""
        return self.understated and len(self.items) >= self._most(self.ask.limit)

    def size_served(self, size: int) -> int:
        """Return how many rows the server's pages really hold, when `size` was asked for: it may cut down the limit."""
        if not self.items or (not self.understated and (self.total or 0) <= len(self.items)):
            return size
        return min(self._most(size), len(self.items))

    def _most(self, size: int) -> int:
        return min(size, self.limit) if self.limit is not None and self.limit > 0 else size

    def forwards(self) -> Rows:
        """Return the rows in the server's order, newest first."""
        return zip(repeat(self.origin), count(), self.items, strict=False)

    def backwards(self) -> Rows:
        """Return the rows from the last to the first."""
        places = range(len(self.items) - 1, -1, -1)
        return zip(repeat(self.origin), places, reversed(self.items), strict=False)


def decode_row(row: Row) -> Tracking:
    """Decode a row, which says how long its page took; the error of a bad one says where it stood, too."""
    origin, index, raw = row
    try:
        return timed(decode_tracking(raw, f"$.data.items[{index}]"), origin.timing)
    except DecodeError as error:
        raise _broken(error, origin) from None


def _broken(error: DecodeError, origin: Origin) -> DecodeError:
    advice = "The walk goes on behind it when its iterator is asked again."
    broken = DecodeError(
        f"{error.message} It is on page {origin.page}. {advice}",
        path=error.path,
        operation=LIST.name,
        code=origin.code,
        http_status=origin.http_status,
        attempts=origin.timing.attempts,
    )
    broken.timing = origin.timing
    return broken


async def read_sheet(caller: Caller, budget: Budget, ask: Ask) -> Sheet:
    """Read one page; retries happen in here (rule 3 of DESIGN.md).

    Raises:
        TrackingMoreError: one of the tree in ``errors.py``; that there is nothing is no error.
    """
    wire, trail = ask.wire(), Trail()
    asked_at = anyio.current_time()

    def build() -> Wire:
        nonlocal asked_at
        asked_at = anyio.current_time()
        return wire

    with caller.transport.call(LIST, budget.lane, trail):
        try:
            reply = await caller.transport.send(LIST, build, budget, trail)
        except NotFoundError as error:
            if error.code not in NOTHING:
                raise
            return Sheet(ask, Origin(ask.page, trail.timing()), None, (), None, None, asked_at, anyio.current_time())
        page: Page = decoded(LIST, reply, trail)
    date = None if reply.date is None else int(reply.date.timestamp())
    rows = len(page.items) if ask.page == 1 else min(len(page.items), ask.limit)
    shown = ask.start + rows if rows else 0
    return Sheet(
        ask,
        Origin(ask.page, trail.timing(), reply.envelope.code, reply.http_status),
        max(page.total, shown),
        page.items,
        page.limit,
        date,
        asked_at,
        anyio.current_time(),
        page.page,
        page.total < shown,
    )
