"""Which trackings a job created in the last seconds.

Whether an existing tracking is our own work is told by when it was created, to a few seconds. In these seconds a second
create of the same tracking, its answer lost, would take the first one's tracking for its own.
"""

from __future__ import annotations

from collections import OrderedDict

import attrs

from trackingmore_async.answers import Verdict
from trackingmore_async.batches import Entry
from trackingmore_async.errors import AlreadyExistsError

__all__ = ["Lately"]

SECONDS = 10.0  # more than the tolerance of dating, and what clocks may be wrong
NAMES = 20_000  # at most


@attrs.define
class Lately:
    """Remembers the names of trackings for a while."""

    _names: OrderedDict[tuple[str, str], float] = attrs.field(factory=OrderedDict[tuple[str, str], float], init=False)

    def note(self, entry: Entry, now: float) -> None:
        """Remember a create that has its verdict, if it stands for later ones of the same tracking."""
        verdict = entry.verdict
        if verdict is None or verdict.state not in {"succeeded", "unknown", "failed"}:
            return
        if verdict.state == "failed" and not isinstance(verdict.error, AlreadyExistsError):
            return
        self._names[_name(entry)] = now
        self._names.move_to_end(_name(entry))
        if len(self._names) > NAMES:
            self._names.popitem(last=False)

    def answers(self, entry: Entry, now: float) -> bool:
        """Close a create whose tracking was dealt with a moment ago, and tell whether that is so."""
        while self._names and next(iter(self._names.values())) < now - SECONDS:
            self._names.popitem(last=False)
        if _name(entry) not in self._names:
            return False
        entry.close(Verdict("superseded"))
        return True


def _name(entry: Entry) -> tuple[str, str]:
    return entry.item.carrier_code, entry.item.tracking_number
