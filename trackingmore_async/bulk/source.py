"""Where the items of a job come from: any iterable, read no further ahead than what can be sent."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Any

import attrs
from anyio.lowlevel import checkpoint

from trackingmore_async.batches import Entry, Part

from .duplicates import LOOKED_AT, Duplicates, can_be_read_twice

__all__ = ["Source"]


async def _from_iterable(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


@attrs.define
class Source:
    """Reads items one at a time, and numbers them.

    Args:
        items: What the caller gave.
        check: Raises `InvalidRequestError` for an item that cannot be sent.
        exhausted: Whether all was read.
        read: How many items were read.
    """

    items: Iterable[Any] | AsyncIterable[Any]
    check: Callable[[Any], None]
    exhausted: bool = False
    read: int = 0
    _iterator: AsyncIterator[Any] | None = None
    _duplicates: Duplicates = attrs.field(factory=Duplicates)

    @property
    def length(self) -> int | None:
        """How many items there are, when that is known."""
        return len(self.items) if can_be_read_twice(self.items) else None

    @property
    def is_searched(self) -> bool:
        """Whether all its duplicates are found before anything is sent."""
        return can_be_read_twice(self.items) and len(self.items) <= LOOKED_AT

    async def search(self) -> None:
        """Look for duplicates beforehand, where that is possible."""
        if can_be_read_twice(self.items) and self.is_searched:
            for _ in self._duplicates.search(self.items, self.check):
                await checkpoint()

    async def next(self) -> Entry | None:
        """Read on to the next item that stands for itself, with those that are about the same tracking; None: end."""
        while True:
            part = await self._next_part()
            if part is None:
                return None
            if part.index in self._duplicates.indices:
                self._duplicates.indices.discard(part.index)
                continue
            return Entry(part.item, [part])

    def behind(self, entry: Entry) -> list[Entry]:
        """Return the entries of the further inputs of the same tracking, each once."""
        parts = self._duplicates.behind.pop(entry.index, [])
        return [Entry(part.item, [part]) for part in parts]

    async def _next_part(self) -> Part | None:
        if self._iterator is None:
            given = self.items
            self._iterator = aiter(given) if isinstance(given, AsyncIterable) else _from_iterable(given)
        try:
            item = await anext(self._iterator)
        except StopAsyncIteration:
            self.exhausted = True
            return None
        index, self.read = self.read, self.read + 1
        return Part(index, item)
