"""`TrackingChanges`: what ``tm.trackings.changes(...)`` returns."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Self

import anyio

from trackingmore_async.calls import Caller
from trackingmore_async.errors import ClientStateError, ConfigurationError, DeadlineExceededError
from trackingmore_async.journal import Store
from trackingmore_async.models import Tracking
from trackingmore_async.operations import MAX_PAGE_SIZE
from trackingmore_async.pacing.backoff import back_off
from trackingmore_async.pages import Gap
from trackingmore_async.settings import check_seconds

from .note import Note
from .notebook import Memory, Notebook, Stored
from .point import Point, read_since
from .round import Round

__all__ = ["TrackingChanges"]

UNWRITTEN = 100  # trackings handed out since the last write, at most: a crash repeats no more than these
WRITE_EVERY = 1.0  # seconds; a slow caller's progress is not kept waiting for a full batch
ROUNDS = 3  # through one window that has gaps each time; then the feed goes on, and says so
LONGEST = 1000  # gaps that are kept

SHARED = (
    "Another task is waiting for the next tracking of this feed. As asking for the next one says that the one before "
    "was handled, only one task can: let it pass the trackings on to the others, through a queue, and ask again when "
    "they are handled."
)


class TrackingChanges:
    """Everything created or refreshed since a point: ``async for tracking in tm.trackings.changes(...)``.

    Each tracking is handed out at least once with each content that a round meets, and not again while it stays the
    same. When the next one is asked for, the one before counts as handled; with a store this outlives the program: a
    crash repeats what was handled within the last second, 100 trackings at most, and the one in hand. It loses none.

    It is an iterator, for one task. Breaking off leaves nothing open; after an error, asking again goes on where it
    stood. With ``async with`` around the loop, the store stays locked for this feed alone, and all progress is written
    at the end.

    Args:
        caller: Where the requests go.
        since: An aware datetime, or unix seconds. Where the store holds a checkpoint, that one counts.
        store: A `Store`, or the path of an SQLite file; None: nothing is remembered when the feed is gone.
        follow: Whether it goes on when it has caught up.
        interval: Seconds from the beginning of one round to that of the next, at least, when following.
        overlap: Seconds by which windows overlap; 1 or more.
        page_size: Trackings a page.

    Raises:
        ConfigurationError: an argument cannot work. Nothing was sent.

    Example:
        >>> async def news(tm: TrackingMore) -> list[str]:
        ...     return [tracking.tracking_number async for tracking in tm.trackings.changes(since=1_700_000_000)]
    """

    def __init__(
        self,
        caller: Caller,
        *,
        since: datetime | float | None = None,
        store: str | PathLike[str] | Store | None = None,
        follow: bool = False,
        interval: float = 60.0,
        overlap: float = 120.0,
        page_size: int = MAX_PAGE_SIZE,
    ) -> None:
        self._caller = caller
        self._since = read_since(since)
        if self._since is None and store is None:
            raise ConfigurationError("Pass since=, an aware datetime or unix seconds, or a store= with a checkpoint.")
        self._follow = follow
        self._interval = check_seconds("interval", interval) or 0.0
        self._overlap = _check_overlap(overlap)
        self._page_size = page_size
        self._notebook: Notebook = Memory() if store is None else Stored(store, caller.transport.account)
        self._point: Point | None = None
        self._round: Round | None = None
        self._began_at: float | None = None
        self._batch: list[Note] = []
        self._waiting: deque[Note] = deque()
        self._handed_out: Note | None = None
        self._handled: dict[str, bytes] = {}
        self._written_at = 0.0
        self._rounds_in_vain = 0
        self._gaps: list[Gap] = []
        self._ended = False
        self._asking: anyio.CancelScope | None = None

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be guaranteed: findings of windows that had some in three rounds running; the first 1000."""
        return tuple(self._gaps)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Tracking:
        """Return the next tracking; the one before counts as handled from now on.

        Raises:
            TrackingMoreError: a page or a tracking could not be read, or the store not be used; the next call goes on.
            ClientStateError: another task is waiting for it already.
        """
        if self._asking is not None:
            raise ClientStateError(SHARED)
        with anyio.CancelScope() as scope:
            self._asking = scope
            try:
                return await self._next()
            finally:
                self._asking = None
        raise StopAsyncIteration  # it was closed meanwhile

    async def _next(self) -> Tracking:
        self._count_as_handled()
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            await self._read_on()
        if len(self._handled) >= UNWRITTEN or anyio.current_time() >= self._written_at + WRITE_EVERY:
            await self._write()
        self._handed_out = self._waiting.popleft()
        return self._handed_out.tracking

    async def __aenter__(self) -> Self:
        await self._notebook.hold()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the feed, and write down what was handled: not the tracking that was handed out last.

        Another task that waits for the next tracking is told that there is none.
        """
        self._ended, self._handed_out = True, None
        self._waiting.clear()
        if self._asking is not None:
            self._asking.cancel()
        with anyio.CancelScope(shield=True):  # a cancellation is what often leads here
            try:
                await self._write()
            finally:
                await self._notebook.release()

    def _count_as_handled(self) -> None:
        note, self._handed_out = self._handed_out, None
        if note is not None:
            self._handled[note.key] = note.content

    async def _write(self) -> None:
        """Write down what was handled. Cancelled in the middle, it is written again."""
        if self._handled:
            await self._notebook.write(self._handled)
            self._handled = {}
        self._written_at = anyio.current_time()

    async def _read_on(self) -> None:
        """Read a batch and choose what is new in it; behind the last one of a round, move the point."""
        self._caller.transport.lifetime.check()
        await self._write()
        if self._point is None:
            self._point = await self._notebook.open(self._since)
        if self._round is None:
            self._round = await self._begin_round(self._point)
        try:
            await self._round.read(self._batch)
        except DeadlineExceededError:
            self._round = None  # its walks have no time left, a new one has
            raise
        if self._batch:
            await self._choose()
        else:
            await self._end_round(self._round)

    async def _begin_round(self, point: Point) -> Round:
        if self._follow and self._began_at is not None:
            await back_off(max(0.0, self._began_at + self._interval - anyio.current_time()))
        self._began_at = anyio.current_time()
        return Round(self._caller, point, point.start(self._overlap), self._page_size, self._notebook.salt)

    async def _choose(self) -> None:
        """Hand on what is not known with this content."""
        known = dict(await self._notebook.find([note.key for note in self._batch]))
        for note in self._batch:
            if known.get(note.key) != note.content:
                self._waiting.append(note)
                known[note.key] = note.content
        self._batch = []

    async def _end_round(self, ended: Round) -> None:
        """Move the point behind a round without gaps; else the same window is walked again, some times."""
        in_vain = self._rounds_in_vain + 1 if ended.gaps else 0
        if 0 < in_vain < ROUNDS:
            self._round, self._rounds_in_vain = None, in_vain
            return
        point = ended.end
        await self._notebook.write({}, point)
        self._point, self._round, self._rounds_in_vain = point, None, 0
        self._gaps = [*self._gaps, *ended.gaps][:LONGEST]
        self._ended = self._ended or not self._follow
        await self._notebook.forget(point.start(self._overlap))

    def __repr__(self) -> str:
        state = "ended" if self._ended else "following" if self._follow else "catching up"
        return f"<TrackingChanges: {state}, {len(self._gaps)} gaps>"


def _check_overlap(overlap: float) -> float:
    seconds = check_seconds("overlap", overlap)
    if seconds is None or seconds < 1:
        raise ConfigurationError(f"overlap has to be at least one second, not {overlap!r}. Leave it out for 120.")
    return seconds
