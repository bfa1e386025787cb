"""Where the items of a job come from: any iterable, read no further ahead than what can be sent."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any

import attrs

from trackingmore_async.answers import number_key
from trackingmore_async.batches import Entry

__all__ = ["Source"]

HELD_AT_MOST = 1000  # items that wait for an earlier one of the same number; then reading waits too


async def _from_iterable(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


@attrs.define
class Source:
    """Reads items one at a time and hands out those whose number is not under way.

    A number goes at most once into a batch, because answers may name the number only (DESIGN.md rule 6), and what
    comes later for a number waits for what came earlier (rule 5).

    Args:
        items: What the caller gave.
    """

    items: Iterable[Any] | AsyncIterable[Any]
    exhausted: bool = False
    _read: int = 0
    _iterator: AsyncIterator[Any] | None = None
    _busy: set[str] = attrs.field(factory=set[str])
    _held: dict[str, deque[Entry]] = attrs.field(factory=dict[str, deque[Entry]])
    _held_count: int = 0
    _ready: deque[Entry] = attrs.field(factory=deque[Entry])

    async def next_raw(self) -> Entry | None:
        """Read one item of the caller's, in order; None at the end."""
        if self._iterator is None:
            given = self.items
            self._iterator = aiter(given) if isinstance(given, AsyncIterable) else _from_iterable(given)
        try:
            item = await anext(self._iterator)
        except StopAsyncIteration:
            self.exhausted = True
            return None
        index, self._read = self._read, self._read + 1
        return Entry(index, item)

    def take_ready(self) -> Entry | None:
        """Return an item that was held back and whose turn it is now."""
        return self._ready.popleft() if self._ready else None

    def claim(self, entry: Entry) -> bool:
        """Reserve the number of an item; where it is under way hold the item back, and return False."""
        key = number_key(entry.item.tracking_number)
        if key not in self._busy:
            self._busy.add(key)
            return True
        self._held.setdefault(key, deque()).append(entry)
        self._held_count += 1
        return False

    def settled(self, entry: Entry) -> None:
        """Note that an item is done: the next one of its number may go."""
        key = number_key(entry.item.tracking_number)
        waiting = self._held.get(key)
        if not waiting:
            self._busy.discard(key)
            return
        self._ready.append(waiting.popleft())  # it keeps the number reserved
        self._held_count -= 1
        if not waiting:
            del self._held[key]

    @property
    def is_full(self) -> bool:
        """True when so many items are held back that reading on would only pile them up."""
        return self._held_count >= HELD_AT_MOST

    @property
    def has_held(self) -> bool:
        """True while items wait for an earlier one of the same number."""
        return self._held_count > 0 or bool(self._ready)

    def drain_held(self) -> list[Entry]:
        """Hand out all that is held back, for a job that stops."""
        held = [*self._ready, *(entry for waiting in self._held.values() for entry in waiting)]
        self._ready.clear()
        self._held.clear()
        self._held_count = 0
        return sorted(held, key=lambda entry: entry.index)
