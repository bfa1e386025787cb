"""The answers of the last look-ups, for callers that can do with one some seconds old."""

from __future__ import annotations

import math
from collections import OrderedDict

import attrs

from trackingmore_async.errors import ConfigurationError, NotFoundError
from trackingmore_async.models import GetQuery, Tracking

__all__ = ["MEMORY_SIZE", "Memory"]

MEMORY_SIZE = 1000  # trackings; some kilobytes each

Key = tuple[str, str]


@attrs.frozen
class _Answer:
    query: GetQuery
    found: Tracking | NotFoundError
    asked_at: float


@attrs.define(eq=False)
class Memory:
    """Keeps the latest answer for each of the trackings that were looked up last, and nothing older than a write.

    Nothing is kept before anybody asks for an answer from memory.

    Args:
        size: Trackings at most.
    """

    size: int = attrs.field(default=MEMORY_SIZE)
    in_use: bool = attrs.field(default=False, init=False)
    _answers: OrderedDict[Key, _Answer] = attrs.field(factory=OrderedDict[Key, _Answer], init=False)
    _written: OrderedDict[Key, float] = attrs.field(factory=OrderedDict[Key, float], init=False)
    _written_before: float = attrs.field(default=-math.inf, init=False)

    def __attrs_post_init__(self) -> None:
        if type(self.size) is not int or self.size < 1:
            raise ConfigurationError(
                f"memory_size has to be a whole number of trackings, at least 1, not {self.size!r}."
            )

    def __len__(self) -> int:
        return len(self._answers)

    def recall(self, query: GetQuery, max_age: float, now: float) -> tuple[Tracking | NotFoundError, float] | None:
        """Return the answer to a look-up and its age in seconds, if that is `max_age` at most; a miss is one, too."""
        if not self.in_use:  # writes were not noted before: what was asked for earlier cannot be trusted
            self.in_use, self._written_before = True, math.nextafter(now, -math.inf)
        key = _key(query.carrier_code, query.tracking_number)
        answer = self._answers.get(key)
        if answer is None or answer.query != query or now - answer.asked_at > max_age:
            return None
        self._answers.move_to_end(key)
        return answer.found, now - answer.asked_at

    def keep(self, query: GetQuery, found: Tracking | NotFoundError, asked_at: float) -> None:
        """Keep an answer, unless a newer one is kept or the tracking was written since it was asked for (loop time)."""
        if not self.in_use:
            return
        key = _key(query.carrier_code, query.tracking_number)
        if asked_at <= max(self._written.get(key, -math.inf), self._written_before):
            return
        newest = self._answers.get(key)
        if newest is not None and newest.asked_at > asked_at:
            return
        self._answers[key] = _Answer(query, found, asked_at)
        self._answers.move_to_end(key)
        if len(self._answers) > self.size:
            self._answers.popitem(last=False)

    def forget(self, carrier_code: str, tracking_number: str, now: float) -> None:
        """Note that a tracking was written, or may have been: what was read before is out of date."""
        if not self.in_use:
            return
        key = _key(carrier_code, tracking_number)
        self._answers.pop(key, None)
        self._written[key] = now
        self._written.move_to_end(key)
        if len(self._written) > self.size:
            self._written_before = self._written.popitem(last=False)[1]


def _key(carrier_code: str, tracking_number: str) -> Key:
    return carrier_code.casefold(), tracking_number.casefold()
