"""Where a feed remembers its point, and what it handed out in the window that comes next: in memory or in a store."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from os import PathLike
from typing import Protocol

import attrs
import msgspec
from anyio.lowlevel import checkpoint

from trackingmore_async.errors import ConfigurationError, JournalError
from trackingmore_async.journal import Store
from trackingmore_async.journal.place import open_store

from .point import Point

__all__ = ["Memory", "Notebook", "Stored"]

SLICE = 1000  # rows that are looked through, or deleted, at once
UNKNOWN = "There is no checkpoint yet, so nobody knows where to begin. Pass since=, an aware datetime or unix seconds."


class Notebook(Protocol):
    """Remembers a point, and contents by the keys of their notes."""

    @property
    def salt(self) -> bytes:
        """The salt of all digests, once it is open."""
        ...

    async def hold(self) -> None:
        """Keep everybody else out until it is released."""
        ...

    async def release(self) -> None:
        """End what `hold` began."""
        ...

    async def open(self, since: int | None) -> Point:
        """Return the point that is remembered, else the one that `since` names."""
        ...

    async def find(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the contents that are remembered under these keys."""
        ...

    async def write(self, contents: Mapping[str, bytes], point: Point | None = None) -> None:
        """Remember contents, and a new point."""
        ...

    async def forget(self, before: int) -> None:
        """Forget all contents whose mark is before a moment."""
        ...


@attrs.define
class Memory:
    """Remembers as long as the feed lives: some 200 bytes for each tracking of the window."""

    salt: bytes = b""
    _point: Point | None = None
    _contents: dict[str, bytes] = attrs.field(factory=dict[str, bytes])

    async def hold(self) -> None:
        """Do nothing: nobody else knows it."""

    async def release(self) -> None:
        """Do nothing."""

    async def open(self, since: int | None) -> Point:
        """Return the point that `since` names."""
        return self._point or _begin(since)

    async def find(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the contents that are remembered under these keys."""
        return {key: self._contents[key] for key in keys if key in self._contents}

    async def write(self, contents: Mapping[str, bytes], point: Point | None = None) -> None:
        """Remember contents, and a new point."""
        self._contents.update(contents)
        self._point = point or self._point

    async def forget(self, before: int) -> None:
        """Forget all contents whose mark is before a moment, in slices."""
        end = f"{before:012d}"
        for index, key in enumerate(tuple(self._contents)):
            if index % SLICE == 0:
                await checkpoint()
            if key < end:
                self._contents.pop(key, None)


class _Row(msgspec.Struct):
    """The row of the point."""

    since: int
    after: int
    newest: int | None
    salt: str


class Stored:
    """Remembers in a store, across restarts: one row for the point, and one for each tracking of the window.

    Without `hold` the store is opened anew for each use, so that a loop that is left leaves nothing open.

    Args:
        place: The store, or the path of its file.
        account: What tells this account from others: one store may serve several.
    """

    def __init__(self, place: str | PathLike[str] | Store, account: str) -> None:
        self.salt: bytes = b""
        self._place = place
        self._prefix = f"changes/{account}/"
        self._held: Store | None = None
        self._holding: AsyncExitStack = AsyncExitStack()

    async def hold(self) -> None:
        """Open the store until it is released."""
        self._held = await self._holding.enter_async_context(open_store(self._place))

    async def release(self) -> None:
        """Close what `hold` opened."""
        self._held = None
        await self._holding.aclose()

    @asynccontextmanager
    async def _store(self) -> AsyncGenerator[Store]:
        if self._held is not None:
            yield self._held
        else:
            async with open_store(self._place) as store:
                yield store

    async def open(self, since: int | None) -> Point:
        """Return the stored point, else store the one that `since` names."""
        async with self._store() as store:
            found = (await store.read([self._point_key])).get(self._point_key)
            if found is None:
                point, self.salt = _begin(since), secrets.token_bytes(16)
                await store.write(self._point_row(point))
                return point
        row = _read_row(found)
        self.salt = bytes.fromhex(row.salt)
        return Point(row.since, row.after, row.newest)

    async def find(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the contents that are remembered under these keys."""
        async with self._store() as store:
            rows = await store.read([self._seen + key for key in keys])
        return {key.removeprefix(self._seen): value for key, value in rows.items()}

    async def write(self, contents: Mapping[str, bytes], point: Point | None = None) -> None:
        """Write contents, and a new point, all or nothing."""
        rows: dict[str, bytes | None] = {self._seen + key: content for key, content in contents.items()}
        if point is not None:
            rows |= self._point_row(point)
        async with self._store() as store:
            await store.write(rows)

    async def forget(self, before: int) -> None:
        """Delete all contents whose mark is before a moment: those with the first keys."""
        end = f"{self._seen}{before:012d}"
        async with self._store() as store:
            while True:
                old = [key for key in await store.scan(self._seen, limit=SLICE) if key < end]
                if old:
                    await store.write(dict.fromkeys(old))
                if len(old) < SLICE:
                    return

    @property
    def _point_key(self) -> str:
        return f"{self._prefix}point"

    @property
    def _seen(self) -> str:
        return f"{self._prefix}seen/"

    def _point_row(self, point: Point) -> dict[str, bytes | None]:
        row = _Row(point.since, point.after, point.newest, self.salt.hex())
        return {self._point_key: msgspec.json.encode(row)}


def _begin(since: int | None) -> Point:
    if since is None:
        raise ConfigurationError(UNKNOWN)
    return Point(since, since)


def _read_row(value: bytes) -> _Row:
    try:
        row = msgspec.json.decode(value, type=_Row)
        bytes.fromhex(row.salt)
    except ValueError:
        raise JournalError(
            "The checkpoint in the store cannot be read: it is damaged, or of another version of this library. It was "
            "left as it is. Restore a copy of the store, or give another one and since=."
        ) from None
    return row
