"""What the first page tells about the whole list: its order, and the clock that it is sorted by."""

from __future__ import annotations

from itertools import pairwise

import attrs
import msgspec
from anyio.lowlevel import checkpoint

from trackingmore_async.codec import decode_tracking
from trackingmore_async.errors import DecodeError
from trackingmore_async.models import Tracking

__all__ = ["SLICE", "Survey", "created", "peek", "survey"]

SLICE = 25  # rows between two looks at the event loop (SPEED.md A6)


@attrs.frozen
class Survey:
    """When the rows of a page were created.

    Args:
        marks: Unix seconds of each row; None where it did not say.
    """

    marks: tuple[float | None, ...]

    @property
    def newest(self) -> float | None:
        """The latest time of creation."""
        return max((mark for mark in self.marks if mark is not None), default=None)

    @property
    def in_order(self) -> bool:
        """Whether the rows are known to come newest first (API.md 12, item 15)."""
        known = [mark for mark in self.marks if mark is not None]
        return bool(known) and all(one >= other for one, other in pairwise(known))

    @property
    def steps(self) -> int:
        """In how many places the order shows: rows that are older than the one before them."""
        known = [mark for mark in self.marks if mark is not None]
        return sum(one > other for one, other in pairwise(known))

    def reaches(self, moment: float) -> bool:
        """Whether everything that was created at `moment` or later is on this page, in what is known of it."""
        return None not in self.marks and any(mark is not None and mark < moment for mark in self.marks)

    def count_after(self, moment: float) -> int:
        """How many rows were created after `moment`."""
        return sum(mark is not None and mark > moment for mark in self.marks)


async def survey(items: tuple[msgspec.Raw, ...]) -> Survey:
    """Look at all rows of a page, in slices, so that the event loop is not held up (DESIGN.md rule 13)."""
    marks: list[float | None] = []
    for index, raw in enumerate(items):
        if index % SLICE == 0:
            await checkpoint()
        marks.append(created(raw))
    return Survey(tuple(marks))


def created(raw: msgspec.Raw) -> float | None:
    """Return when a row was created, in unix seconds; None where it does not say, or cannot be read."""
    tracking = peek(raw)
    return None if tracking is None or tracking.created_at is None else tracking.created_at.timestamp()


def peek(raw: msgspec.Raw) -> Tracking | None:
    """Decode a row out of turn; None where it cannot be read, for its turn to complain comes when it is handed out."""
    try:
        return decode_tracking(raw)
    except DecodeError:
        return None
