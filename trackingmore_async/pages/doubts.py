"""Doubts about rows that a page should have had: missing for good, or deleted meanwhile."""

from __future__ import annotations

import attrs

from .notes import Gap, Notes

__all__ = ["Doubts"]


@attrs.define
class Doubts:
    """Notes missing rows, until a later ``total`` shows that they are really gone.

    Args:
        notes: Where findings go.
    """

    notes: Notes
    _open: list[tuple[Gap, int]] = attrs.field(factory=list[tuple[Gap, int]], init=False)

    def add(self, page: int, reason: str, rows: int) -> None:
        """Note that rows were missing behind the first `rows` ones of the list."""
        self._open.append((self.notes.add(page, reason), rows))

    def settle(self, total: int) -> None:
        """Strike the doubts about rows behind the end that the list has now."""
        for gap, _ in [doubt for doubt in self._open if total <= doubt[1]]:
            self.notes.withdraw(gap)
        self._open = [doubt for doubt in self._open if total > doubt[1]]
