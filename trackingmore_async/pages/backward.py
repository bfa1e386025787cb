"""The way from the last page to the first (DESIGN.md rule 10): decides which page is next, and which can be relied on.

Why it misses nothing. The walk looks only at trackings that were created before a second that is over (`_bound`):
none can be added to those any more, so a deletion, which moves rows into pages still to come, is all that can happen
to them. A row that was not read yet therefore always lies before the page that was read last. The newest rows, which
the bound leaves out, stand on page 1, which was read first; they are handed out last.

Filters by something that changes (`parts.moves`) break this: a row that enters the list pushes others back into pages
already read. Such lists are walked with pages that overlap: a page counts only if a row that was read before is found
in it, for then nothing has slipped past. The same is done as soon as ``total`` grows where it cannot.

Here nothing is sent: `ask` says what to read, `take` judges it.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import chain

import anyio
import attrs

from trackingmore_async.models import TrackingFilter
from trackingmore_async.pacing.backoff import back_off

from .doubts import Doubts
from .notes import Notes
from .parts import moves, upper_bound
from .reasons import CLOCKLESS, EMPTY, NARROW, RESTLESS, SHORT, UNORDERED
from .repeats import Repeats
from .seen import Seen
from .sheet import Ask, Row, Rows, Sheet
from .survey import Survey, created, peek, survey
from .token import Place
from .window import last_window

__all__ = ["Backward"]

SECOND = 1.0  # the grain of the Date header and of created_at
PATIENCE = 5  # readings of one page that cannot be relied on, in a row
SHARE = 20  # an overlap is one row in so many, at first


@attrs.define
class Backward:
    """Walks one list from its oldest tracking to its newest.

    Args:
        part: Which trackings.
        size: Trackings a page.
        seen: What was handed out already.
        notes: Where findings go.
        number: Which part of the list this is, from 0.
        is_open: Whether the first page was read.
    """

    part: TrackingFilter
    size: int
    seen: Seen
    notes: Notes
    number: int = 0
    is_open: bool = False
    _alone: bool = False
    _start: int = 0
    _left: int = 0
    _unread: int = 0
    _until: int | None = None
    _clock: int | None = None
    _clockless: bool = False
    _newest: float | None = None
    _held: deque[Row] = attrs.field(factory=deque[Row])
    _passes: int = 1
    _total: int | None = None
    _least: int = 0
    _blind: bool = False
    _known_from: int = 0
    _read_at: float = 0.0
    _overlap: int = 0
    _one_by_one: bool = False
    _again: bool = False
    _patience: int = PATIENCE
    _lowest: float = math.inf
    _doubts: Doubts = attrs.field(init=False)
    _repeats: Repeats = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._doubts = Doubts(self.notes)
        self._repeats = Repeats(self.seen, self.notes)

    def ask(self) -> Ask | None:
        """Return the page to read now; None at the end."""
        if self._repeats.are_too_many():
            self._unread = min(self._unread, self.size)  # page 1 is the end of the walk
        ask = next(iter(self.forecast(1)), None)
        if ask is None and self._clockless and not self.seen.is_proven:
            self.notes.add_once(1, CLOCKLESS)
        return ask

    def forecast(self, count: int) -> list[Ask]:
        """Return the pages to read next, at most `count`, if nothing unexpected happens."""
        if not self.is_open:
            return [Ask(self.part, 1, self.size)][:count]
        asks: list[Ask] = []
        unread = self._unread
        if self._overlap or self._one_by_one or not self.seen.in_order:
            count = min(count, 1)
        while unread > 0 and len(asks) < count:
            asks.append(Ask(self.part, *last_window(unread, self.size, self._overlap), self._until))
            unread = asks[-1].start
        return asks

    async def take(self, sheet: Sheet) -> Rows:
        """Judge the page that was asked for; return its rows, none when it has to be read again."""
        if not sheet.items and self._promised(sheet) and not self._again:
            self._again = True
            return iter(())
        self._again = False
        if not self.is_open:
            return await self._open(sheet)
        return iter(()) if await self._has_slipped(sheet) else self._turn(sheet)

    def _promised(self, sheet: Sheet) -> int:
        """How many rows this page should have had."""
        expected = self._unread if sheet.total is None else sheet.total
        return max(0, min(sheet.ask.limit, expected - sheet.ask.start))

    # The first page

    async def _open(self, sheet: Sheet) -> Rows:
        total = sheet.total or 0
        view = await survey(sheet.items) if total > len(sheet.items) > 0 else None
        self.notes.count(self.number, total)
        self.is_open = True
        if view is not None:
            await self._plan(sheet, view, total)
            return iter(())
        if total > 0 and not sheet.items:
            self.notes.add(1, EMPTY)
        self.seen.turn_page()
        self._alone, self._clock = True, sheet.date
        return self._hand_out(sheet)  # one page is one moment: nothing else needs to be read

    async def _plan(self, sheet: Sheet, view: Survey, total: int) -> None:
        """Choose the bound, and how to walk below it."""
        self.size = sheet.size_served(self.size)
        self._unread = self._known_from = total
        self._read_at, self._newest = sheet.read_at, view.newest
        clock = max((moment for moment in (sheet.date, view.newest) if moment is not None), default=None)
        if not view.in_order or not self.seen.in_order or clock is None:
            await self._distrust(sheet)
            return
        self.seen.steps += view.steps
        if moves(self.part):
            self._overlap = self._first_overlap()
            if not self._overlap:
                self.notes.add_first(1, NARROW)
        self._clock = int(clock)
        await self._bound(sheet, view, self._clock)

    async def _bound(self, sheet: Sheet, view: Survey, clock: int) -> None:
        own = upper_bound(self.part)
        if own is not None and own < clock:
            return  # that second is over already
        self._clockless = sheet.date is None
        if not self.seen.is_proven or not view.reaches(clock - 1):
            # The page is full of brand-new rows, and more of that second may follow it: wait until it is over.
            self._until = clock
            await self._let_second_pass()
            return
        # Rows of the bound's own second are kept too, in case the server takes "max" as "before".
        self._until = clock - 1
        self._unread -= view.count_after(self._until)
        self._held = deque(
            (page, index, raw.copy())  # a copy, because a slice would keep the whole page in memory
            for page, index, raw in sheet.backwards()
            if (view.marks[index] or 0.0) >= self._until
        )

    async def _let_second_pass(self) -> None:
        """Wait until the server's clock must have left the second that it showed; the limiter often waits as long."""
        await back_off(max(0.0, self._read_at + SECOND - anyio.current_time()))

    async def _distrust(self, sheet: Sheet) -> None:
        """Read everything twice, under the server's clock: the newest row may stand anywhere."""
        self.notes.add_once(1, UNORDERED)
        self.seen.distrust()
        bounds = [bound for bound in (sheet.date, upper_bound(self.part)) if bound is not None]
        self._until = min(bounds, default=None)
        self._passes, self._overlap, self._lowest = 2, 0, math.inf
        self._held.clear()
        await self._let_second_pass()

    def _first_overlap(self) -> int:
        return max(1, self.size // SHARE) if self.size > 1 else 0

    # All further pages

    async def _has_slipped(self, sheet: Sheet) -> bool:
        """Tell whether rows may have moved into pages that were read before; then arrange to read those again."""
        if not self.seen.in_order or sheet.total is None:
            return False
        if not self._is_suspect(sheet, sheet.total):
            return self._contradicts_order(sheet, sheet.total) and await self._lose_trust(sheet)
        if self._is_overtaken(sheet):
            # It was asked for before the page behind it had come, and may have been answered before it, too.
            self._one_by_one = True
            return True
        self._patience -= 1
        if self._patience <= 0:
            self.notes.add(sheet.ask.page, RESTLESS)
            return False
        await self._step_back(sheet, sheet.total)
        return True

    def _contradicts_order(self, sheet: Sheet, total: int) -> bool:
        """Tell whether this page cannot stand where it does in a list that begins with the newest."""
        if self._total is None:
            ends = (created(raw) for raw in (*sheet.items[:1], *sheet.items[-1:]))
            return total <= sheet.ask.end and any(end is not None and end > (self._newest or end) for end in ends)
        # Rows that were read may have come up into this page, but not above this one:
        new = self._known_from - (self._total - total) - sheet.ask.start - 1
        if self._overlap or total > self._total or not 0 <= new < len(sheet.items):
            return False
        row = peek(sheet.items[new])
        return row is not None and self.seen.has_passed_by_time(row)

    async def _lose_trust(self, sheet: Sheet) -> bool:
        """Begin anew where that is possible; tell whether it is."""
        if self.seen.pages > 2:
            self.seen.in_order = False
            return False
        await self._distrust(sheet)
        self._unread = max(self._unread, sheet.total or 0)
        return True

    def _is_suspect(self, sheet: Sheet, total: int) -> bool:
        if self._overlap:
            return self._is_overtaken(sheet) or (sheet.ask.end < total and not self._meets_known_rows(sheet))
        if self._total is None:
            return sheet.ask.end < total or not self._is_settled(sheet)
        return self._least < total or (self._blind and self._is_overtaken(sheet)) or not self._is_settled(sheet)

    def _is_overtaken(self, sheet: Sheet) -> bool:
        return sheet.asked_at < self._read_at

    def _is_settled(self, sheet: Sheet) -> bool:
        """Tell whether the server's clock has passed the bound, so that nothing can be added below it."""
        return self._until is None or sheet.date is None or sheet.date > self._until

    def _meets_known_rows(self, sheet: Sheet) -> bool:
        if sheet.ask.end <= self._unread:
            self.notes.add_first(sheet.ask.page, NARROW)
            return True
        last = filter(None, map(peek, sheet.items[-3:]))
        return any(self.seen.has_passed(row) for row in last)

    async def _step_back(self, sheet: Sheet, total: int) -> None:
        if self._overlap:
            self._overlap = min(2 * self._overlap, max(1, self.size // 2))
            self._unread = min(total, self._unread + self.size)
        elif self._total is None:
            self._unread = total
            if not self._is_settled(sheet):
                self._read_at = sheet.read_at
                await self._let_second_pass()
        else:
            self._unread = min(total, self._unread + max(0, total - self._least))
            self._overlap = self._first_overlap()

    def _turn(self, sheet: Sheet) -> Rows:
        """Rely on a page: go on before it."""
        total = 0 if sheet.total is None and sheet.ask.page == 1 else sheet.total
        self._doubt(sheet, total)
        if sheet.ask.start < self._lowest:
            self._patience, self._lowest = PATIENCE, sheet.ask.start  # only what gets on gives new patience
        self._unread = sheet.ask.start if total is None else min(sheet.ask.start, total)
        self._read_at, self._blind = sheet.read_at, total is None
        self._least = self._least if total is None else total
        if total is not None and sheet.items:
            self.seen.turn_page()
            gone = 0 if self._total is None else self._total - total
            if self._known_from - gone > sheet.ask.start and self._passes == 1 and self.seen.in_order:
                self._repeats.watch(sheet)  # something new has to be on it
            self._known_from, self._total = min(self._known_from - gone, sheet.ask.start), total
        if self._unread > 0:
            return self._hand_out(sheet)
        self._passes -= 1
        if self._passes > 0:
            self._unread, self._total, self._lowest = self._total or 0, None, math.inf
            return self._hand_out(sheet)
        return chain(self._hand_out(sheet), self._hand_out_held())

    def _hand_out(self, sheet: Sheet) -> Rows:
        self._start, self._left = sheet.ask.start, len(sheet.items)
        return self._count_down(sheet)

    def _count_down(self, sheet: Sheet) -> Rows:
        for row in sheet.backwards():
            self._left = row[1]
            yield row

    def _hand_out_held(self) -> Rows:
        while self._held:
            yield self._held.popleft()

    def _doubt(self, sheet: Sheet, total: int | None) -> None:
        if total is not None:
            self._doubts.settle(total)
        if len(sheet.items) < self._promised(sheet) and total != 0:
            self._doubts.add(sheet.ask.page, SHORT if sheet.items else EMPTY, sheet.ask.start + len(sheet.items))

    # Stopping, and going on in another process

    def place(self, floor: int | None, ceiling: int | None, *, tail: bool) -> Place:
        """Return where the walk stands, behind the row that was taken last.

        Below its bound nothing is added, so a walk can stop between two rows for as long as it likes, and go on at the
        same place. A list that trackings enter and leave is read anew, from the time that was passed.

        Args:
            floor: When the oldest tracking of this list can have been created; None: as the filter has it.
            ceiling: When the newest one can have been created.
            tail: Whether another list follows, with the newest rows.
        """
        has_ended = self.is_open and not (self._left or self._unread or self._held or tail)
        if not self.is_open or (self._alone and not has_ended):
            return Place(floor=floor, ceiling=self._last_second(ceiling))
        if moves(self.part) and self.seen.in_order and not self.seen.undated and not has_ended:
            # A second more, in case the server takes "min" as "after".
            passed = self.seen.edge - 1 if self.seen.is_proven and self.seen.edge is not None else 0
            return Place(floor=max(passed, floor or 0) or None, ceiling=self._last_second(ceiling))
        return attrs.evolve(self._stay(), floor=floor, ceiling=ceiling, tail=tail or bool(self._held))

    def newest_seconds(self, floor: int | None, ceiling: int | None) -> tuple[int | None, int | None]:
        """Return within which seconds the rows were created that this walk holds back until its end."""
        held_from = floor if self._until is None else max(self._until - 1, floor or 0)
        return held_from, self._last_second(ceiling)

    def _last_second(self, ceiling: int | None) -> int | None:
        """Return until when trackings can have been created for this walk; one more, if "max" should mean "before"."""
        ends = (ceiling, None if self._clock is None else self._clock + 1)
        return min((end for end in ends if end is not None), default=None)

    def _stay(self) -> Place:
        here = self._start + self._left
        between = self._left > 0 and here > self._unread
        return Place(
            opened=True,
            size=self.size,
            unread=here if between else self._unread,
            until=self._until,
            clock=self._clock,
            clockless=self._clockless,
            newest=self._newest,
            passes=self._passes,
            total=self._total,
            known_from=here if between else self._known_from,
            overlap=self._overlap,
        )

    def return_to(self, place: Place) -> None:
        """Go on at a place where another process stood."""
        self.is_open, self.size, self._unread, self._until = True, place.size, place.unread, place.until
        self._clock, self._clockless, self._newest = place.clock, place.clockless, place.newest
        self._passes, self._total, self._least = place.passes, place.total, place.total or 0
        self._known_from, self._overlap = place.known_from, place.overlap
