"""Whose turn it is among the buckets that one total rate keeps waiting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, TypeVar

from .protocol import Lane
from .share import Share

__all__ = ["Contender", "Decider", "choose", "in_all"]


class Contender(Protocol):
    """A bucket in which somebody waits."""

    @property
    def last(self) -> Mapping[Lane, float]:
        """When each lane last had a turn."""
        ...

    def counts(self) -> Mapping[Lane, int]:
        """Count who waits in each lane."""
        ...

    def next_lane(self) -> Lane:
        """Tell the lane whose turn it is, when the bucket may say so."""
        ...


Decider = Literal["bucket", "total", "nobody"]
"""Who said which lane has a turn: the share of the bucket, that of the total rate, or nobody, for only one waited."""

AnyContender = TypeVar("AnyContender", bound=Contender)


def choose(due: Sequence[AnyContender], share: Share) -> tuple[AnyContender, Lane, Decider]:
    """Choose among the buckets that could send at this moment.

    A bucket that is the only one is held up by its own rate, so its own share decides. Otherwise it is the total rate
    that holds them up: its share decides between the lanes, wherever they wait, and the bucket whose turn in this lane
    is longest ago comes first. If each bucket decided on its own as well, a call could wait until all others had had
    their turns, only because its bucket owes bulk one.

    Args:
        due: The buckets, one at least; somebody waits in each.
        share: The share of the total rate.
    """
    if len(due) == 1:
        return due[0], due[0].next_lane(), "bucket"
    waiting = [(one, one.counts()) for one in due]
    present = in_all(counts for _, counts in waiting)
    lane = share.next(present)
    first = min((one for one, counts in waiting if counts[lane]), key=lambda one: one.last[lane])
    return first, lane, "total" if all(present.values()) else "nobody"


def in_all(counts: Iterable[Mapping[Lane, int]]) -> dict[Lane, int]:
    """Count who waits in each lane of several buckets."""
    interactive = bulk = 0
    for waiting in counts:
        interactive += waiting["interactive"]
        bulk += waiting["bulk"]
    return {"interactive": interactive, "bulk": bulk}
