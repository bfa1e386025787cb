"""A store in one SQLite file: durable, all or nothing, for one process at a time, and never on the event loop."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from typing import Self, TypeVar

import anyio
import attrs

from trackingmore_async.errors import JournalError

from .database import NOT_OPEN, Database

__all__ = ["SqliteStore"]

T = TypeVar("T")


@attrs.define(eq=False)
class _Group:
    """Writes that go into one transaction."""

    rows: dict[str, bytes | None] = attrs.field(factory=dict[str, "bytes | None"])
    waiters: list[asyncio.Future[BaseException | None]] = attrs.field(
        factory=list["asyncio.Future[BaseException | None]"]
    )


class SqliteStore:
    """Keeps rows in one SQLite file, which nobody else may use meanwhile.

    Writes that come at the same moment, or while one is under way, go into one transaction: the disk is waited for
    once.

    Args:
        path: Where the file is; it is made when there is none.

    Example:
        >>> import asyncio, pathlib, tempfile
        >>> async def main(folder: str) -> bytes:
        ...     async with SqliteStore(pathlib.Path(folder, "job.sqlite3")) as store:
        ...         await store.write({"a/1": b"sent", "a/2": b"done"})
        ...         return (await store.scan("a/", after="a/1"))["a/2"]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     asyncio.run(main(folder))
        b'done'
    """

    __slots__ = ("_busy", "_database", "_next", "_thread")

    def __init__(self, path: str | PathLike[str]) -> None:
        self._database = Database(path)
        self._thread: ThreadPoolExecutor | None = None
        self._next = _Group()
        self._busy = False

    # Opening and closing

    async def open(self) -> Self:
        """Open the file, or make it, and keep everybody else out.

        Raises:
            JournalError: another process or job uses the file, it is damaged or none of this library's, or it cannot
                be written. It is left as it is.
        """
        if self._thread is not None:
            raise JournalError("The store is open already. Share it, or open another one on another path.")
        self._thread = ThreadPoolExecutor(1, "journal")
        try:
            await _see_out(self._call(self._database.open))
        except BaseException:
            await self.aclose()
            raise
        return self

    async def aclose(self) -> None:
        """Finish what is being written, and close the file. A second call does nothing."""
        if self._thread is None:
            return
        if self._next.waiters:
            self._begin()
        closing = self._call(self._database.close)  # behind the writes: the thread does one thing after the other
        self._thread.shutdown(wait=False)
        self._thread = None
        await _see_out(closing)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # The protocol

    async def read(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the values of those keys that are there; see `Store`.

        Args:
            keys: Some keys, a few hundred at most.

        Raises:
            JournalError: the file cannot be read.
        """
        return await self._call(self._database.read, keys)

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> Mapping[str, bytes]:
        """Return rows in the order of their keys; see `Store`.

        Args:
            prefix: What the keys begin with.
            after: Only keys behind this one; ``""``: from the first.
            limit: How many rows, at most.

        Raises:
            JournalError: the file cannot be read.
        """
        return await self._call(self._database.scan, prefix, after, limit)

    async def write(self, rows: Mapping[str, bytes | None]) -> None:
        """Write all rows or none; they are on the disk once this has returned. A cancelled write may still happen.

        Args:
            rows: Key -> value; None deletes.

        Raises:
            JournalError: the file cannot be written; nothing was changed.
        """
        if self._thread is None:
            raise JournalError(NOT_OPEN)
        _check_keys(rows)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[BaseException | None] = loop.create_future()
        self._next.rows.update(rows)
        self._next.waiters.append(waiter)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._begin)  # others who write just now shall come along
        error = await waiter
        if error is not None:
            raise copy.copy(error) from error.__cause__  # each waiter has an error of his own

    # Writing together

    def _begin(self) -> None:
        """Hand all that waits to the thread, as one transaction."""
        if not self._next.waiters:
            return  # closing was quicker
        group, self._next = self._next, _Group()
        self._busy = True
        writing = self._call(self._database.write, group.rows)
        writing.add_done_callback(lambda done: self._finish(group, done))

    def _finish(self, group: _Group, done: asyncio.Future[None]) -> None:
        """Tell the waiters what became of their rows, and begin with what came meanwhile."""
        error = done.exception()
        for waiter in group.waiters:
            if not waiter.done():  # else it was cancelled
                waiter.set_result(error)
        self._busy = False
        if self._next.waiters:
            self._begin()

    def _call(self, function: Callable[..., T], *args: object) -> asyncio.Future[T]:
        """Have the thread do something, after all that it was given before."""
        if self._thread is None:
            raise JournalError(NOT_OPEN)
        return asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


async def _see_out(future: asyncio.Future[T]) -> T:
    """Wait to the end for what the thread does; a cancellation comes after it, so that nothing is left behind."""
    with anyio.CancelScope(shield=True):
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            await asyncio.wait([future])
            future.exception()  # nobody else will look at it
            raise
    return future.result()


def _check_keys(rows: Mapping[str, bytes | None]) -> None:
    """Refuse keys that are no Unicode, before they spoil the transaction for others."""
    try:
        "".join(rows).encode()
    except UnicodeEncodeError as error:
        raise JournalError("A key holds half a surrogate pair, which is no character. Correct the data.") from error
