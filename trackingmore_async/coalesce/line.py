"""Who waits to share a request: in two lanes, by tracking."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
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
    """First come, first served in each lane; all who wait for one tracking stand where the first of them stands.

    A tracking for which anybody interactive waits is interactive.

    Args:
        together: Whether all who wait for one tracking are served at once; else one after another.
    """

    together: bool
    # Thousands may wait for one tracking, and leave in any order: so these are dictionaries, too.
    _groups: dict[Name, dict[Waiter, None]] = attrs.field(factory=dict[Name, dict[Waiter, None]], init=False)
    _lanes: dict[Lane, OrderedDict[Name, None]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._lanes = {lane: OrderedDict() for lane in LANES}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def __iter__(self) -> Iterator[Waiter]:
        for group in self._groups.values():
            yield from group

    def join(self, waiter: Waiter, *, first: bool = False) -> None:
        """Queue up; with `first` at the head, for one that had its turn before."""
        group = self._groups.setdefault(waiter.name, {})
        if first:
            self._groups[waiter.name] = {waiter: None, **group}
        else:
            group[waiter] = None
        if waiter.lane == "interactive":
            self._lanes["bulk"].pop(waiter.name, None)
        elif waiter.name in self._lanes["interactive"]:
            return
        lane = self._lanes[waiter.lane]
        lane.setdefault(waiter.name)
        if first:
            lane.move_to_end(waiter.name, last=False)

    def stands(self, waiter: Waiter) -> bool:
        """Tell whether a waiter stands here."""
        return waiter in self._groups.get(waiter.name, ())

    def leave(self, waiter: Waiter) -> None:
        """Leave without having been served; nothing happens when it is not there."""
        group = self._groups.get(waiter.name, {})
        if waiter in group:
            del group[waiter]
            if not group:
                self._remove(waiter.name)

    def heads(self, lane: Lane) -> Iterator[Waiter]:
        """Go through the first waiter of each tracking, those of a lane before those of the other."""
        for one in sorted(LANES, key=lambda other: other != lane):
            yield from tuple(self.firsts(one))

    def pop(self, name: Name) -> Group:
        """Take out those who wait for a tracking: all of them, or the first one."""
        group = self._groups[name]
        taken = list(group) if self.together else [next(iter(group))]
        for waiter in taken:
            self.leave(waiter)
        return taken

    def firsts(self, lane: Lane) -> Iterator[Waiter]:
        """Go through the first waiter of each tracking of one lane."""
        return (next(iter(self._groups[name])) for name in self._lanes[lane])

    def ahead_of(self, name: Name, lane: Lane) -> int:
        """Count the trackings in a lane before this one; before a new one if nobody waits for it."""
        names = self._lanes[lane]
        if name not in names:
            return len(names)
        return next(place for place, other in enumerate(names) if other == name)

    def of_lane(self, lane: Lane) -> list[Waiter]:
        """Return all who stand in a lane, in their order."""
        return [waiter for name in self._lanes[lane] for waiter in self._groups[name]]

    def _remove(self, name: Name) -> None:
        del self._groups[name]
        for lane in self._lanes.values():
            lane.pop(name, None)
