"""Where a journal is: a path that is opened here, or a store that is borrowed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from os import PathLike

from trackingmore_async.errors import JournalError

from .store import Store

__all__ = ["open_store"]


@asynccontextmanager
async def open_store(place: str | PathLike[str] | Store) -> AsyncGenerator[Store]:
    """Yield the store at a place.

    Args:
        place: A store, which is borrowed.

    Raises:
        JournalError: it is a path: files are not there yet.
    """
    if isinstance(place, str | PathLike):
        raise JournalError("Journals in files are not there yet. Pass a store of your own.")
    yield place
