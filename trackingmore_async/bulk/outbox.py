"""Outcomes on their way to the caller: in order of arrival, and not too many."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

import anyio
import attrs

from trackingmore_async.models import Outcome

__all__ = ["UNTAKEN", "Outbox"]

ItemT = TypeVar("ItemT")

UNTAKEN = 800  # outcomes that the caller has not taken yet: of 20 batches, as many as there are connections


@attrs.define
class Outbox(Generic[ItemT]):
    """Holds outcomes until the caller takes them. Putting never waits; whoever makes new ones asks for room first.

    Args:
        under_way: How many more outcomes are to come of what was sent.
        most: How many may be untaken or under way.
    """

    under_way: int = 0
    most: int = UNTAKEN
    _waiting: deque[Outcome[ItemT]] = attrs.field(factory=deque[Outcome[ItemT]], init=False)
    _closed: bool = attrs.field(default=False, init=False)
    _wanted: int = attrs.field(default=0, init=False)
    _changed: anyio.Event = attrs.field(factory=anyio.Event, init=False)

    def put(self, outcomes: Iterable[Outcome[ItemT]]) -> None:
        """Add outcomes."""
        self._waiting.extend(outcomes)
        self._tell()

    def close(self) -> None:
        """Say that no more will come."""
        self._closed = True
        self._tell()

    async def take(self) -> Outcome[ItemT] | None:
        """Wait for the next outcome; None: there is none any more."""
        while not self._waiting:
            if self._closed:
                return None
            await self._changed.wait()
        outcome = self._waiting.popleft()
        if self._wanted:
            self._tell()
        return outcome

    async def room(self) -> None:
        """Wait until the caller has taken enough, given how many more outcomes are under way."""
        self._wanted += 1
        try:
            while len(self._waiting) + self.under_way >= self.most:
                await self._changed.wait()
        finally:
            self._wanted -= 1

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
