"""Whose turn it is while both lanes wait: interactive overtakes, and bulk keeps its part of the turns."""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs

from .protocol import Lane

__all__ = ["BURST", "Share"]

BURST = 8
"""So many turns in a row at most are interactive although bulk waits, and only those that bulk had to itself before.

With none, strict alternation, a lane of single calls holds one turn in two and no more: at 0.3 calls a second and one
turn a second, 95 in 100 calls wait up to 6.4 s; with 8 turns 1.8 s; with any number 1.7 s. On the whole bulk has no
less: what it had alone is counted."""

_WHOLE = 1 << 20  # parts of one turn: counting in whole numbers keeps the projection exact


def _parts(share: float) -> int:
    """Return the share of bulk in parts of a turn: rounded up, so that bulk has no less, but some of it is left."""
    return min(_WHOLE - 1, max(1, math.ceil(share * _WHOLE)))


@attrs.define(eq=False)
class Share:
    """Decides between the lanes, remembers what bulk is owed, and foretells its own decisions.

    Args:
        bulk: The part of the turns that bulk gets while both lanes wait, more than 0 and less than 1.

    Example:
        >>> share, both = Share(0.5), {"interactive": 9, "bulk": 9}
        >>> [(lane := share.next(both), share.note(lane, both))[0] for _ in range(4)]
        ['interactive', 'bulk', 'interactive', 'bulk']
    """

    bulk: float = 0.5
    _part: int = attrs.field(init=False)
    _owed: int = attrs.field(default=0, init=False)  # what bulk has earned and not had; below 0: had beforehand

    def __attrs_post_init__(self) -> None:
        self._part = _parts(self.bulk)

    def twin(self) -> Share:
        """Return another one that stands where this one stands."""
        twin = Share(self.bulk)
        twin._owed = self._owed
        return twin

    def next(self, waiting: Mapping[Lane, int]) -> Lane:
        """Tell the lane whose turn it is, when so many wait in each (one at least)."""
        if not waiting["interactive"]:
            return "bulk"
        return "bulk" if waiting["bulk"] and self._owed + self._part >= _WHOLE else "interactive"

    def note(self, lane: Lane, waiting: Mapping[Lane, int], *, decided: bool = True) -> None:
        """Note that a lane had its turn.

        Args:
            lane: The lane.
            waiting: How many waited in each, when the turn was given.
            decided: False when it was not for this share to say whose turn it was; then neither lane owes the other.
        """
        if waiting["interactive"] and waiting["bulk"]:
            if decided:
                self._owed += self._part - (_WHOLE if lane == "bulk" else 0)
        elif lane == "bulk":
            # A time to itself is credited, up to some turns; what bulk was kept from before is made up by it.
            self._owed = max(-BURST * self._part, min(0, self._owed - (_WHOLE - self._part)))
        else:
            self._owed = 0

    def before(self, lane: Lane, ahead: int, others: int) -> int:
        """Count the turns that come before mine, if nobody comes.

        Args:
            lane: The lane in which I wait.
            ahead: How many wait in it before me.
            others: How many wait in the other one.
        """
        if lane == "bulk":
            turns = -((self._owed - (ahead + 1) * _WHOLE) // self._part)  # those up to mine, mine among them
            overtaking = turns - (ahead + 1)
        else:
            overtaking = max(0, (ahead * _WHOLE + self._owed) // (_WHOLE - self._part) - ahead)
        return ahead + min(others, overtaking)
