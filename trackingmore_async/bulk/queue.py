"""Which entries may be sent now, and which wait for an earlier one of the same number."""

from __future__ import annotations

from collections import deque

import attrs

from trackingmore_async.answers import Verdict, number_key
from trackingmore_async.batches import Entry, can_fold, fold, same, unfold
from trackingmore_async.errors import AlreadyExistsError
from trackingmore_async.models import NewTracking, TrackingRef

__all__ = ["Queue"]

INPUTS_AT_MOST = 2000  # inputs that wait or are under way; then reading waits too


@attrs.define(eq=False)
class _Line:
    """The entry of a number that is under way, and those that wait behind it."""

    front: Entry
    behind: deque[Entry] = attrs.field(factory=deque[Entry])


@attrs.define
class Queue:
    """Lets one entry of a number go at a time.

    A number goes at most once into a batch, because answers may name the number only (DESIGN.md rule 6), and what
    comes later for a tracking waits for what came earlier, also while that is in doubt (rule 5).
    """

    _lines: dict[str, _Line] = attrs.field(factory=dict[str, _Line], init=False)
    _ready: deque[Entry] = attrs.field(factory=deque[Entry], init=False)
    _inputs: int = attrs.field(default=0, init=False)

    def put(self, entry: Entry) -> bool:
        """Take in an entry; True: it may go now. Else it was folded into an earlier one, or is held back."""
        self._inputs += len(entry.parts)
        key = number_key(entry.item.tracking_number)
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = _Line(entry)
            return True
        earlier = next((one for one in (*line.behind, line.front) if can_fold(one, entry)), None)
        if earlier is None:
            line.behind.append(entry)
        else:
            fold(earlier, entry)
        return False

    def take_ready(self, most: int) -> list[Entry]:
        """Return entries that were held back and may go now."""
        return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]

    def done(self, entry: Entry) -> list[Entry]:
        """Hear that an entry has its verdict; return those that have one by that, too."""
        key = number_key(entry.item.tracking_number)
        behind = self._lines[key].behind
        behind.extendleft(reversed(unfold(entry)))
        answered = [other for other in behind if _is_answered_by(other, entry)]
        for other in answered:
            behind.remove(other)
        self._inputs -= sum(len(one.parts) for one in (entry, *answered))
        if behind:
            self._lines[key].front = behind.popleft()
            self._ready.append(self._lines[key].front)
        else:
            del self._lines[key]
        return answered

    @property
    def is_full(self) -> bool:
        """True when so many inputs are in hand that reading on would only pile them up."""
        return self._inputs >= INPUTS_AT_MOST

    @property
    def has_ready(self) -> bool:
        """True while entries that were held back may go now."""
        return bool(self._ready)

    @property
    def has_held(self) -> bool:
        """True while entries wait, for an earlier one or for a place in a batch."""
        return bool(self._ready) or any(line.behind for line in self._lines.values())

    def drain(self) -> list[Entry]:
        """Hand out all that is held back, for a job that stops."""
        held = list(self._ready)
        for entry in self._ready:
            held += self._lines.pop(number_key(entry.item.tracking_number)).behind
        for line in self._lines.values():
            held += line.behind
            line.behind.clear()
        self._ready.clear()
        self._inputs -= sum(len(entry.parts) for entry in held)
        return sorted(held, key=lambda entry: entry.index)


def _is_answered_by(later: Entry, earlier: Entry) -> bool:
    """Tell whether an entry need not be sent, because an earlier one of the same tracking was; then close it."""
    verdict = earlier.verdict
    if verdict is None or verdict.state == "not_attempted" or not same(earlier, later):
        return False
    stands = verdict.state != "failed" or isinstance(verdict.error, AlreadyExistsError)
    if isinstance(later.item, TrackingRef):
        answer = verdict
    elif isinstance(later.item, NewTracking) and stands:
        answer = Verdict("superseded")
    else:
        return False
    later.attempts, later.timing = earlier.attempts, earlier.timing
    later.close(answer)
    return True
