"""A journal is opened by its path, and closed; a store of the caller's is lent, and left open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trackingmore_async import ConfigurationError, JournalError, SqliteStore
from trackingmore_async.journal import open_store

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", [str, Path])
async def test_a_path_is_opened_and_closed(path: Path, kind: Any) -> None:
    """As text or as a path."""
    async with open_store(kind(path)) as store:
        await store.write({"a": b"1"})
    with pytest.raises(JournalError, match="not open"):
        await store.read(["a"])
    async with open_store(kind(path)) as store:
        assert await store.read(["a"]) == {"a": b"1"}


async def test_a_store_is_lent(path: Path) -> None:
    """It is the caller's: it stays open."""
    async with SqliteStore(path) as mine:
        for _ in range(2):
            async with open_store(mine) as store:
                assert store is mine
        await mine.write({"a": b"1"})


@pytest.mark.parametrize("place", [None, 3, b"job.sqlite3", object()])
async def test_anything_else_is_refused(place: Any) -> None:
    """With the name of its type."""
    with pytest.raises(ConfigurationError, match=f"not {type(place).__name__}"):
        async with open_store(place):
            pass
