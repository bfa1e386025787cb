"""Who waits to share a request: in two lanes, by tracking."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import get_args

import attrs

from trackingmore_async.settings import Lane

from .waiter import Waiter

__all__ = ["LANES", "Group", "Line"]

Name = tuple[str, str]
Group = list[Waiter]
"""Those who wait for the same tracking, in the order in which they came."""

LANES: tuple[Lane, ...] = get_args(Lane)


@attrs.define(eq=False)
class Line:
    """First come, first served in each lane; all who wait for one tracking stand where the first of their lane stands.

    A tracking for which callers of both lanes wait stands in both, and all are served when its turn comes in either.

    Args:
        name: Tells trackings apart.
        together: Whether those who wait for one tracking are served at once, as far as they agree on its spelling and
            on the timeout; else one after another.
    """

    name: Callable[[Waiter], Name]
    together: bool
    # Thousands may wait for one tracking, and leave in any order: so these are dictionaries, too.
    _groups: dict[Name, dict[Waiter, None]] = attrs.field(factory=dict[Name, dict[Waiter, None]], init=False)
    _lanes: dict[Lane, OrderedDict[Name, int]] = attrs.field(init=False)  # how many of its own wait

    def __attrs_post_init__(self) -> None:
        self._lanes = {lane: OrderedDict() for lane in LANES}

    def __iter__(self) -> Iterator[Waiter]:
        for group in self._groups.values():
            yield from group

    def join(self, waiter: Waiter, *, first: bool = False) -> None:
        """Queue up; with `first` at the head, for one that had its turn before."""
        name = self.name(waiter)
        group = self._groups.setdefault(name, {})
        if first:
            self._groups[name] = {waiter: None, **group}
        else:
            group[waiter] = None
        lane = self._lanes[waiter.lane]
        lane[name] = lane.get(name, 0) + 1
        if first:
            lane.move_to_end(name, last=False)

    def stands(self, waiter: Waiter) -> bool:
        """Tell whether a waiter stands here."""
        return waiter in self._groups.get(self.name(waiter), ())

    def leave(self, waiter: Waiter) -> None:
        """Leave without having been served; nothing happens when it is not there."""
        if not self.stands(waiter):
            return
        name, lane = self.name(waiter), self._lanes[waiter.lane]
        del self._groups[name][waiter]
        if not self._groups[name]:
            del self._groups[name]
        lane[name] -= 1
        if not lane[name]:
            del lane[name]

    def heads(self, lane: Lane) -> Iterator[Waiter]:
        """Go through the first waiter of each tracking, those of a lane before those of the other."""
        for one in sorted(LANES, key=lambda other: other != lane):
            yield from tuple(self.firsts(one))

    def pop(self, first: Waiter) -> Group:
        """Take out the first who waits for a tracking, and those after him whom one request can serve as well."""
        name = self.name(first)
        group = self._groups[name]
        taken = list(takewhile(first.agrees, group)) if self.together else [first]
        for waiter in taken:
            self.leave(waiter)
        return taken

    def firsts(self, lane: Lane) -> Iterator[Waiter]:
        """Go through the first waiter of each tracking of one lane."""
        return (next(iter(self._groups[name])) for name in self._lanes[lane])

    def ahead_of(self, waiter: Waiter, lane: Lane) -> int:
        """Count the trackings in a lane before that of a waiter; before a new one if nobody waits for it."""
        name, names = self.name(waiter), self._lanes[lane]
        if name not in names:
            return len(names)
        return next(place for place, other in enumerate(names) if other == name)

    def lanes(self, waiter: Waiter) -> list[Lane]:
        """Return the lanes in which the tracking of a waiter stands, once that waiter has joined."""
        return [lane for lane in LANES if lane == waiter.lane or self.name(waiter) in self._lanes[lane]]

    def gone(self) -> list[Waiter]:
        """Return those who wait no longer and had no time to leave yet."""
        return [waiter for waiter in self if not waiter.is_waiting]

    def groups(self, lane: Lane) -> list[Group]:
        """Return all who stand in a lane, by tracking, in their order; not those of the other lane."""
        return [[waiter for waiter in self._groups[name] if waiter.lane == lane] for name in self._lanes[lane]]

    def of_lane(self, lane: Lane) -> list[Waiter]:
        """Return all who stand in a lane, in their order."""
        return [waiter for group in self.groups(lane) for waiter in group]
