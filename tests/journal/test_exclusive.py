"""While a store has its file open nobody else gets it; a killed holder leaves it free."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.journal.files import open_elsewhere
from trackingmore_async import JournalError, SqliteStore

pytestmark = pytest.mark.anyio

HOLD = """
import asyncio, sys
from trackingmore_async import SqliteStore

async def main():
    async with SqliteStore(sys.argv[1]) as store:
        await store.write({"held": b"1"})
        print("open", flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


async def test_a_second_store_of_this_process_is_refused(path: Path) -> None:
    """It says that the file is in use, and the first store notices nothing."""
    async with SqliteStore(path) as store:
        for _ in range(2):
            with pytest.raises(JournalError, match=r"job\.sqlite3' is in use by another process or job.*of its own"):
                await SqliteStore(path).open()
        await store.write({"a": b"1"})
        assert await store.scan("") == {"a": b"1"}
    async with SqliteStore(path) as store:
        assert await store.scan("") == {"a": b"1"}


async def test_another_process_is_refused(path: Path) -> None:
    """Also after a store of this process was refused, which must not have freed the lock; afterwards it is let in."""
    async with SqliteStore(path) as store:
        assert "in use by another process" in await open_elsewhere(path)
        await store.write({"a": b"1"})
        with contextlib.suppress(JournalError):
            await SqliteStore(path).open()
        assert "in use by another process" in await open_elsewhere(path)
    assert await open_elsewhere(path) == ""


async def test_two_that_open_a_new_file_at_once_are_told_apart(path: Path) -> None:
    """At most one of them has it, whichever; who knocks in the same moment may be refused with all others."""
    for _ in range(10):
        stores = [SqliteStore(path) for _ in range(4)]
        results = await asyncio.gather(*(store.open() for store in stores), return_exceptions=True)
        refused = [result for result in results if isinstance(result, JournalError)]
        assert len(refused) >= 3
        assert all("in use" in str(error) for error in refused)
        for store in stores:
            await store.aclose()
        async with SqliteStore(path) as store:  # and what they left is whole
            assert await store.scan("") == {}
        await asyncio.to_thread(path.unlink)


async def test_a_killed_holder_leaves_the_file_free(path: Path) -> None:
    """The next one opens it at once, and finds what was written."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, str(path), stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    assert await child.stdout.readline() == b"open\n"
    with pytest.raises(JournalError, match="in use"):
        await SqliteStore(path).open()
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    async with SqliteStore(path) as store:
        assert await store.scan("") == {"held": b"1"}
