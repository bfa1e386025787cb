"""How the openings of a bucket will follow each other, if every request takes as long as usual."""

from __future__ import annotations

import heapq

import attrs

__all__ = ["Course"]


@attrs.define(eq=False)
class Course:
    """Openings to come. It is played through and thrown away; the bucket itself is not touched.

    Args:
        closed: When each slot that is closed will probably reopen (seconds, loop clock).
        vacant: How many slots nothing closes.
        metered: When the meter lets the next request pass.
        spacing: Seconds that the meter keeps between two requests.
        cycle: Seconds for which a request usually closes its slot.

    Example:
        >>> course = Course(closed=[3.0, 3.0], vacant=0, metered=0.0, spacing=0.25, cycle=2.0)
        >>> [course.take(course.opening()) for _ in range(4)]
        [3.0, 3.25, 5.0, 5.25]
    """

    closed: list[float]
    vacant: int
    metered: float
    spacing: float
    cycle: float

    def __attrs_post_init__(self) -> None:
        heapq.heapify(self.closed)

    def opening(self) -> float:
        """Tell when the next request may pass."""
        return self.metered if self.vacant else max(self.metered, self.closed[0])

    def take(self, when: float) -> float:
        """Let one request pass at this time, which is not before the opening, and return it."""
        if self.vacant:
            self.vacant -= 1
            heapq.heappush(self.closed, when + self.cycle)
        else:
            heapq.heapreplace(self.closed, when + self.cycle)
        self.metered = when + self.spacing
        return when

    def turn(self, place: int) -> float:
        """Tell when the request with so many others before it may pass; the course is used up by that."""
        number = self.vacant + len(self.closed)
        rounds, index = divmod(place, number)
        turns = [self.metered + count * self.spacing for count in range(self.vacant)]
        turn = self.metered - self.spacing if not turns else turns[-1]
        for opening in sorted(self.closed):
            turn = max(opening, turn + self.spacing)
            turns.append(turn)
        if turn + self.spacing <= turns[0] + self.cycle:  # each round repeats the first one
            return turns[index] + rounds * self.cycle
        spare = max(0, rounds - 2) * number
        for _ in range(place - spare):
            self.take(self.opening())
        return self.opening() + spare // number * self.cycle
