"""One round of a feed: what was created since a moment, then what was refreshed since."""

from __future__ import annotations

from trackingmore_async.calls import Caller
from trackingmore_async.errors import TrackingMoreError
from trackingmore_async.pages import Gap

from .note import Note, take_note
from .point import Point
from .window import Window

__all__ = ["CHUNK", "Round"]

CHUNK = 200  # trackings that are compared with the notebook at once

BACKWARDS = (
    "The server's clock went back by more than the overlap. What was created or refreshed meanwhile may be missing."
)


class Round:
    """Walks two windows that begin at the same moment and have no end (API.md 3.6, 8).

    By creation, for a tracking that was never refreshed has no time of refresh, and one that was refreshed before it
    was created has an older one. By refresh, for the others. What is created or refreshed after the round began may
    be in it or not: the next one begins before that.

    Args:
        caller: Where the requests go.
        point: Up to where everything was handed out.
        start: Where the windows begin, in unix seconds.
        page_size: Trackings a page.
        salt: For the digests.
    """

    def __init__(self, caller: Caller, point: Point, start: int, page_size: int, salt: bytes) -> None:
        self._point = point
        self._start = start
        self._salt = salt
        self._windows = (
            Window(caller, {"created_at_min": start}, page_size),
            Window(caller, {"update_time_min": start}, page_size),
        )
        self._place = 0
        self._newest: int | None = None
        self._trouble: TrackingMoreError | None = None

    async def read(self, batch: list[Note]) -> None:
        """Fill a batch; it stays empty at the end. What comes after an error is read by the next call.

        Args:
            batch: Where the trackings go, one by one, so that a cancellation loses none.

        Raises:
            TrackingMoreError: a page or a tracking could not be read. What was read before is handed out before.
        """
        while self._trouble is None and len(batch) < CHUNK and self._place < len(self._windows):
            try:
                tracking = await anext(self._windows[self._place].walk)
            except StopAsyncIteration:
                self._place += 1
            except TrackingMoreError as error:
                self._trouble = error
            else:
                self._add(batch, take_note(tracking, self._salt))
        if self._trouble is not None and not batch:
            trouble, self._trouble = self._trouble, None
            raise trouble

    def _add(self, batch: list[Note], note: Note) -> None:
        self._newest = note.mark if self._newest is None else max(self._newest, note.mark)
        batch.append(note)

    @property
    def end(self) -> Point:
        """The point behind this round, when it is over and has no gaps."""
        return self._point.advance(self._windows[0].as_of, self._newest)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What it may have missed."""
        gaps = [gap for window in self._windows for gap in window.gaps]
        as_of = self._windows[0].as_of
        if as_of is not None and self._point.since < self._start and as_of < self._start:
            gaps.append(Gap(1, BACKWARDS))
        return tuple(gaps)
