"""What a walk finds out on its way: how many trackings there are, and what it cannot vouch for."""

from __future__ import annotations

import attrs

__all__ = ["Gap", "Notes"]

LONGEST = 1000  # gaps that are kept; a server that is wrong on every page must not fill the memory


@attrs.frozen
class Gap:
    """Something that a walk could not guarantee.

    Args:
        page: The number of the page at which it was noticed, from 1.
        reason: What happened, and what it may mean.

    Example:
        >>> Gap(3, "The page was empty, twice, although rows were promised.").page
        3
    """

    page: int
    reason: str


@attrs.define
class Notes:
    """What is known of a list so far.

    Args:
        parts: How many lists it consists of: more than one where ``numbers`` or ``orders`` were split.
        gaps: What cannot be vouched for.
        totals: What the first page of each part said.
    """

    parts: int
    gaps: list[Gap] = attrs.field(factory=list[Gap])
    totals: dict[int, int] = attrs.field(factory=dict[int, int])

    @property
    def total(self) -> int | None:
        """How many trackings match, once the first page of every part was read."""
        return sum(self.totals.values()) if len(self.totals) == self.parts else None

    def count(self, part: int, total: int) -> None:
        """Note what the first page of a part said; what it said first stays."""
        self.totals.setdefault(part, total)

    def add(self, page: int, reason: str) -> Gap:
        """Note a gap, and return it."""
        gap = Gap(page, reason)
        if len(self.gaps) < LONGEST:
            self.gaps.append(gap)
        return gap

    def add_once(self, page: int, reason: str) -> None:
        """Note a gap that may be noted already, for a page is sometimes read again."""
        if Gap(page, reason) not in self.gaps:
            self.add(page, reason)

    def add_first(self, page: int, reason: str) -> None:
        """Note a gap where it is noticed first, and on no later page."""
        if all(gap.reason != reason for gap in self.gaps):
            self.add(page, reason)

    def withdraw(self, gap: Gap) -> None:
        """Strike a gap that turned out to be none."""
        if gap in self.gaps:
            self.gaps.remove(gap)
