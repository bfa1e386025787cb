"""Several inputs of one tracking that one request can serve (DESIGN.md rule 5). Pure: no I/O, no clock.

Edits are partial, so they are merged field by field, and later values win. Of creates the first wins. Deletions, and
stops of the refreshing, are all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from trackingmore_async.answers import Verdict
from trackingmore_async.errors import InvalidRequestError
from trackingmore_async.models import UNSET, NewTracking, TrackingUpdate

from .entry import Entry, Part

__all__ = ["can_fold", "fold", "outcomes", "same", "unfold"]

NAMES = ("carrier_code", "tracking_number")


def same(one: Entry, other: Entry) -> bool:
    """Tell whether two entries are about one tracking, spelled alike."""
    return all(getattr(one.item, name) == getattr(other.item, name) for name in NAMES)


def can_fold(earlier: Entry, later: Entry) -> bool:
    """Tell whether a later entry can be folded into one that was not sent yet."""
    return earlier.is_open and not (earlier.alone or later.alone) and same(earlier, later)


def fold(earlier: Entry, later: Entry) -> None:
    """Fold a later entry into an earlier one, which then stands for the inputs of both."""
    earlier.parts += later.parts
    if isinstance(earlier.item, TrackingUpdate) and isinstance(later.item, TrackingUpdate):
        earlier.item = _merged(earlier.item, later.item)
        earlier.payload = earlier.digest = None
    earlier.in_doubt = earlier.in_doubt or later.in_doubt


def _merged(earlier: TrackingUpdate, later: TrackingUpdate) -> TrackingUpdate:
    return attrs.evolve(earlier, **{name: getattr(later, name) for name in _given(later)})


def _given(edit: object) -> set[str]:
    fields = attrs.fields(TrackingUpdate)
    return {field.name for field in fields if field.name not in NAMES and getattr(edit, field.name) is not UNSET}


def unfold(entry: Entry) -> list[Entry]:
    """Take apart an entry whose request was refused as invalid: one bad input sinks no other.

    Returns:
        What is to be sent now, in this order: the edits, each alone; or the creates behind the first, which failed.
    """
    verdict = entry.verdict
    invalid = verdict is not None and verdict.state == "failed" and isinstance(verdict.error, InvalidRequestError)
    if not invalid or len(entry.parts) == 1:
        return []
    if isinstance(entry.item, TrackingUpdate):
        parts, entry.parts = entry.parts, []
        return [_apart(entry, [part], alone=True) for part in parts]
    if isinstance(entry.item, NewTracking):
        rest = entry.parts[1:]
        del entry.parts[1:]
        return [_apart(entry, rest)]
    return []


def _apart(entry: Entry, parts: list[Part], *, alone: bool = False) -> Entry:
    """Return an entry for some of the inputs of another one, which went through the same so far."""
    return Entry(parts[0].item, parts, attempts=entry.attempts, timing=entry.timing, alone=alone)


def outcomes(entry: Entry) -> Iterator[tuple[Part, Verdict]]:
    """Say what became of each input of an entry that is closed."""
    verdict = entry.verdict or Verdict("unknown")
    replaced = Verdict("superseded") if verdict.state != "not_attempted" else verdict
    for part, survives in zip(entry.parts, _survivors(entry), strict=True):
        yield part, verdict if survives else replaced


def _survivors(entry: Entry) -> list[bool]:
    """Tell of which inputs something was sent."""
    if isinstance(entry.item, TrackingUpdate):
        return _surviving_edits(entry)
    first_alone = isinstance(entry.item, NewTracking)
    return [not first_alone or place == 0 for place in range(len(entry.parts))]


def _surviving_edits(entry: Entry) -> list[bool]:
    replaced = set[str]()
    survivors: list[bool] = []
    for part in reversed(entry.parts):
        fields = _given(part.item)
        survivors.append(not survivors or not fields <= replaced)
        replaced |= fields
    return survivors[::-1]
