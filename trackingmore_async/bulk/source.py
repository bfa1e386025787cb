"""Where the items of a job come from: any iterable, read no further ahead than what can be sent."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from typing import Any, cast

import attrs
from anyio.lowlevel import checkpoint

from trackingmore_async.batches import Entry, Part

from .duplicates import LOOKED_AT, Duplicates, can_be_read_twice
from .stream import Silence, Stream

__all__ = ["Source"]


@attrs.define
class Source:
    """Reads items one at a time, and numbers them.

    Args:
        items: What the caller gave.
        check: Raises `InvalidRequestError` for an item that cannot be sent.
        exhausted: Whether all was read.
        pauses: Whether the next item did not come in time.
        read: How many items were read.
    """

    items: Iterable[Any] | AsyncIterable[Any]
    check: Callable[[Any], None]
    exhausted: bool = False
    pauses: bool = False
    read: int = 0
    _iterator: Iterator[Any] | None = None
    _stream: Stream | None = None
    _duplicates: Duplicates = attrs.field(factory=Duplicates)

    def __attrs_post_init__(self) -> None:
        self._stream = Stream(self.items) if isinstance(self.items, AsyncIterable) else None

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

    async def feed(self) -> None:
        """Read an asynchronous source ahead, in a task of its own, until it ends; do nothing for another one."""
        if self._stream is not None:
            await self._stream.feed()

    async def next(self, until: float | None = None) -> Entry | None:
        """Read on to the next item that stands for itself; None: there is none, or none in time.

        Args:
            until: How long an asynchronous source may take (loop clock); None: for ever.
        """
        while True:
            part = await self._next_part(until)
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

    async def _next_part(self, until: float | None) -> Part | None:
        item = await self._next_item(until)
        self.exhausted, self.pauses = item is Silence.END, item is Silence.LATE
        if isinstance(item, Silence):
            return None
        index, self.read = self.read, self.read + 1
        return Part(index, item)

    async def _next_item(self, until: float | None) -> Any:
        if self._stream is not None:
            return await self._stream.next(until)
        if self._iterator is None:
            self._iterator = iter(cast("Iterable[Any]", self.items))
        return next(self._iterator, Silence.END)
