"""Where a journal is kept, as callers say it: the path of a file, or a store of their own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from os import PathLike

from trackingmore_async.errors import ConfigurationError

from .sqlite import SqliteStore
from .store import Store

__all__ = ["open_store"]


@asynccontextmanager
async def open_store(place: str | PathLike[str] | Store) -> AsyncGenerator[Store]:
    """Open the store at a path, and close it in the end; or lend a store that is open, and leave it so.

    Args:
        place: The path of an SQLite file, which is made when there is none; or a `Store`.

    Raises:
        JournalError: the file cannot be used, see `SqliteStore.open`.
        ConfigurationError: it is neither.

    Example:
        >>> import asyncio, tempfile
        >>> async def main(folder: str) -> int:
        ...     async with open_store(f"{folder}/job.sqlite3") as store:
        ...         return len(await store.scan(""))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     asyncio.run(main(folder))
        0
    """
    if isinstance(place, str | PathLike):
        async with SqliteStore(place) as store:
            yield store
    elif all(callable(getattr(place, name, None)) for name in ("read", "scan", "write")):
        yield place
    else:
        raise ConfigurationError(f"A journal is the path of a file or a Store, not {type(place).__name__}.")
