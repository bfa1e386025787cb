"""What tests do with a journal behind the back of its store."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from trackingmore_async import SqliteStore

OPEN_AND_LEAVE = """
import asyncio, sys
from trackingmore_async import JournalError, SqliteStore

async def main():
    async with SqliteStore(sys.argv[1]):
        pass

try:
    asyncio.run(main())
except JournalError as error:
    print(error)
"""


def around(path: Path) -> dict[str, str]:
    """Return the checksum of each file in the folder of a journal."""
    return {
        str(one.relative_to(path.parent)): hashlib.sha256(one.read_bytes()).hexdigest()
        for one in sorted(path.parent.rglob("*"))
        if one.is_file()
    }


def change(path: Path, *statements: str) -> None:
    """Do something to an SQLite file as any program may."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def read(path: Path) -> bytes:
    """Return what is in a file. Not while a store has it open: to close it here would free the lock."""
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    """Put this into a file."""
    path.write_bytes(content)


def overwrite(path: Path, offset: int, content: bytes) -> None:
    """Put these bytes into a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


async def inside(store: SqliteStore, act: Callable[[sqlite3.Connection], object]) -> None:
    """Do something with the connection of an open store, on its thread."""

    def on_the_thread() -> None:
        connection = store._database._connection  # pyright: ignore[reportPrivateUsage]
        assert connection is not None
        act(connection)

    await store._call(on_the_thread)  # pyright: ignore[reportPrivateUsage]


async def open_elsewhere(path: Path) -> str:
    """Open the journal in another process, and close it again; return what its error says, or nothing."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN_AND_LEAVE, str(path), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    assert child.returncode == 0
    return said.decode()
