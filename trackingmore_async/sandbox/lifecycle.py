"""What happens to a parcel after it was added, and when the server gets to know of it (API.md 2, 5, 8)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from random import Random

import attrs

__all__ = ["COURSES", "TWO_CODES", "Course", "Step", "View", "make_courses"]

COURSES = 60
"""How many different courses there are; a tracking follows the one that its number falls to."""

HOUR = 3600
DAY = 86400

TWO_CODES = (("Canada", "CA"), ("Germany", "DE"), ("Japan", "JP"), ("Brazil", "BR"), ("Norway", "NO"))
"""Countries of destination: English name and two-letter code."""

_PLANS: Mapping[str, tuple[tuple[str, str | None, float], ...]] = {
    "delivered": (("transit", None, 2), ("transit", None, 2), ("pickup", None, 1), ("delivered", "delivered001", 0)),
    "late": (("notfound", "notfound001", 1), ("transit", None, 3), ("pickup", None, 1), ("delivered", None, 0)),
    "twice": (("transit", None, 2), ("undelivered", None, 1), ("pickup", None, 1), ("delivered", "delivered003", 0)),
    "returned": (("transit", None, 4), ("exception", "exception005", 0)),
    "lost": (("notfound", "notfound002", 30), ("expired", None, 0)),
    "waiting": (("transit", "transit001", 6), ("pickup", None, 0)),
    "moving": (("transit", "", 3), ("transit", "", 4), ("transit", None, 0)),
}
_MIX = ("delivered", "late", "delivered", "twice", "moving", "delivered", "returned", "delivered", "lost", "waiting")
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "transit": ("Arrived at sorting hub", "Departed from facility", "Übergabe an Zustellbasis", "到达【深圳】处理中心"),
    "pickup": ("Out for delivery", "Ready for collection"),
    "delivered": ("Delivered", "Delivered, signed by the recipient"),
    "undelivered": ("Delivery attempt failed: nobody at home",),
    "exception": ("Returned to sender",),
}
_PLACES = ("Sample City", "", "Zürich 1/2", "Sampleville")
_ENDS = frozenset({"delivered", "expired", "exception"})


@attrs.frozen
class Step:
    """One thing that happens to a parcel.

    Args:
        offset: Seconds after the tracking was created.
        visible: Seconds after creation at which a refresh finds it.
        status: Main status from then on.
        substatus: Substatus from then on, or None.
        text: Description of the event; None where only the status changes.
        place: Where it happened; may be empty.
        posted: Whether this is the hand-over to the carrier (``ItemNode``).
        abroad: Whether the destination's carrier reports it.
        precise: Whether the time has seconds (API.md 1.4: both precisions are mixed).

    Example:
        >>> Step(3600, 7200, "transit", None, "Posted", "", posted=True)
    """

    offset: int
    visible: int
    status: str
    substatus: str | None
    text: str | None
    place: str
    posted: bool = False
    abroad: bool = False
    precise: bool = True


@attrs.frozen
class View:
    """What the server knows of a parcel at one moment.

    Args:
        status: Main status.
        substatus: Substatus, or None.
        origin: Events of the origin's carrier, newest first.
        destination: Events of the destination's carrier, newest first.
        last: The newest event of both, or None.
        posted: The hand-over to the carrier, or None.

    Example:
        >>> course.views[0].status
        'pending'
    """

    status: str
    substatus: str | None
    origin: tuple[Step, ...]
    destination: tuple[Step, ...]
    last: Step | None
    posted: Step | None


@attrs.frozen
class Course:
    """One way a parcel can go. All times are seconds after the tracking was created.

    Args:
        steps: What happens, in order.
        visible: When a refresh finds each step.
        words: Main status before the first step and after each.
        views: What is known before the first step and after each.
        first: When the server looks for the first time.
        every: Seconds between later refreshes (API.md 8: three or six hours).
        ends: When the last refresh happened; None where refreshing goes on.
        messy: Whether the text has tabs and control characters that only ``lastEvent`` keeps (API.md 1.4).

    Example:
        >>> course.status_at(0)
        'pending'
    """

    steps: tuple[Step, ...]
    visible: tuple[int, ...]
    words: tuple[str, ...]
    views: tuple[View, ...]
    first: int
    every: int
    ends: int | None
    messy: bool

    def status_at(self, age: int) -> str:
        """Return the main status of a tracking that is ``age`` seconds old.

        Example:
            >>> course.status_at(0)
            'pending'
        """
        return self.words[bisect_right(self.visible, age)]

    def view_at(self, age: int) -> View:
        """Return what the server's last refresh knew of a tracking that is ``age`` seconds old.

        Example:
            >>> course.view_at(3 * 86400).last.text
            'Arrived at sorting hub'
        """
        return self.views[bisect_right(self.visible, age)]

    def live_view_at(self, age: int) -> View:
        """Return what the carrier knows now, without waiting for a refresh (realtime, API.md 3.9).

        Example:
            >>> course.live_view_at(3 * 86400).status
            'transit'
        """
        return self.views[sum(step.offset <= age for step in self.steps)]

    def refreshed_at(self, age: int) -> int | None:
        """Return the age at the last refresh, in seconds, or None before the first one.

        Example:
            >>> course.refreshed_at(0)
        """
        if age < self.first:
            return None
        last = self.first + (age - self.first) // self.every * self.every
        return last if self.ends is None else min(last, self.ends)


def make_courses(random: Random, speed: float) -> tuple[Course, ...]:
    """Make the courses of a sandbox: every status occurs, only times and texts are random.

    Args:
        random: The source of randomness.
        speed: How many times faster than usual parcels move.

    Example:
        >>> len(make_courses(Random(0), 1.0))
        60
    """
    return tuple(_make_course(_MIX[index % len(_MIX)], index, random, speed) for index in range(COURSES))


def _make_course(name: str, index: int, random: Random, speed: float) -> Course:
    first = max(1, round(random.uniform(60, 600) / speed))
    every = max(1, round((3 if index % 2 else 6) * HOUR / speed))
    steps = _make_steps(name, random, speed, (first, every))
    last = steps[-1]
    return Course(
        steps=steps,
        visible=tuple(step.visible for step in steps),
        words=("pending", *(step.status for step in steps)),
        views=tuple(_make_view(steps[:count]) for count in range(len(steps) + 1)),
        first=first,
        every=every,
        ends=last.visible if last.status in _ENDS else None,
        messy=index % 15 == 5,
    )


def _make_steps(name: str, random: Random, speed: float, grid: tuple[int, int]) -> tuple[Step, ...]:
    steps: list[Step] = []
    offset, posted = 0.0, False
    for status, substatus, days in _PLANS[name]:
        offset += random.uniform(0.02, 0.2) * DAY
        has_event = status in _TEXTS
        steps.append(
            _make_step(round(offset / speed), grid, random, (status, substatus), first=has_event and not posted)
        )
        posted = posted or has_event
        offset += days * random.uniform(0.6, 1.4) * DAY
    return tuple(steps)


def _make_step(
    offset: int, grid: tuple[int, int], random: Random, kind: tuple[str, str | None], *, first: bool
) -> Step:
    status, substatus = kind
    abroad = status in {"pickup", "delivered", "undelivered"}
    text = "Posted" if first else random.choice(_TEXTS.get(status, ("",)))
    return Step(
        offset,
        _next_refresh(offset, grid),
        status,
        substatus,
        text if status in _TEXTS else None,
        random.choice(_PLACES),
        posted=first,
        abroad=abroad,
        precise=random.random() < (0.04 if abroad else 0.995),
    )


def _next_refresh(offset: int, grid: tuple[int, int]) -> int:
    first, every = grid
    return first + max(0, -(-(offset - first) // every)) * every


def _make_view(steps: tuple[Step, ...]) -> View:
    events = [step for step in reversed(steps) if step.text is not None]
    return View(
        status=steps[-1].status if steps else "pending",
        substatus=steps[-1].substatus if steps else None,
        origin=tuple(step for step in events if not step.abroad),
        destination=tuple(step for step in events if step.abroad),
        last=events[0] if events else None,
        posted=next((step for step in events if step.posted), None),
    )
