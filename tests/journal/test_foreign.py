"""What is no journal, or none of this version, or damaged, is refused with its reason, and not a byte of it changes."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.journal.files import around, change, overwrite, read, write
from trackingmore_async import JournalError, SqliteStore

pytestmark = pytest.mark.anyio

NOT_OURS = "SQLite database of another application.*give another path"
PAGE = 16_384
DAMAGED = "is damaged, or no journal at all.*give another path"


def of_another_application(path: Path) -> None:
    """Make a small database, as many programs do without naming themselves."""
    change(path, "CREATE TABLE rows (key TEXT PRIMARY KEY, value BLOB)", "INSERT INTO rows VALUES ('a', 'b')")


def with_a_log(path: Path) -> None:
    """Make a database of another application that crashed and left its log behind."""
    change(path, "PRAGMA journal_mode=WAL", "CREATE TABLE t (x)")
    origin = path.with_name("origin")
    path.rename(origin)
    connection = sqlite3.connect(origin)
    connection.execute("INSERT INTO t VALUES (1)")
    connection.commit()
    shutil.copy(origin, path)
    shutil.copy(f"{origin}-wal", f"{path}-wal")
    connection.close()
    origin.unlink()


def empty_of_another_application(path: Path) -> None:
    """Make a database without tables, which is a file of one page."""
    change(path, "PRAGMA user_version=3")


def with_another_name(path: Path) -> None:
    """Make a database that says whose it is."""
    change(path, "PRAGMA application_id=1196444487", "CREATE TABLE t (x)")


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("carrier,number\n" * 500), DAMAGED),
    "a letter": (lambda path: path.write_text("x"), "."),
    "zeros": (lambda path: path.write_bytes(bytes(8192)), DAMAGED),
    "a header alone": (lambda path: path.write_bytes(b"SQLite format 3\0"), DAMAGED),
    "a folder": (Path.mkdir, "is no file, but a folder"),
    "a pipe": (os.mkfifo, "is no file, but a folder or a device"),
    "another application": (of_another_application, NOT_OURS),
    "another application, crashed": (with_a_log, NOT_OURS),
    "another application, empty": (empty_of_another_application, NOT_OURS),
    "another application, named": (with_another_name, NOT_OURS),
}


async def refuse(path: Path, reason: str) -> None:
    """Try to open it; see that it is refused for this reason, under its name, and left as it was."""
    before = around(path)
    with pytest.raises(JournalError, match=reason) as caught:
        async with SqliteStore(path):
            pass
    assert repr(str(path)) in str(caught.value)
    assert around(path) == before


@pytest.mark.parametrize("case", CASES)
async def test_what_is_not_ours_is_left_as_it_is(path: Path, case: str) -> None:
    """The same bytes, and nothing new beside it."""
    make, reason = CASES[case]
    make(path)
    await refuse(path, reason)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("no/such/folder/job.sqlite3", "cannot be opened for writing.*folder exists"),
        ("file/job.sqlite3", "cannot be opened for writing"),
        ("x" * 300, "cannot be opened for writing"),
        ("a\0b", "is no path"),
    ],
)
async def test_an_impossible_place_is_named(tmp_path: Path, place: str, reason: str) -> None:
    """A folder that is missing, a file where a folder should be, a name that is too long."""
    (tmp_path / "file").touch()
    await refuse(tmp_path / place, reason)
    assert [*around(tmp_path / "x")] == ["file"]


async def test_an_empty_file_is_taken(path: Path) -> None:
    """There is nothing in it to lose."""
    write(path, b"")
    async with SqliteStore(path) as store:
        await store.write({"a": b"1"})
    async with SqliteStore(path) as store:
        assert await store.scan("") == {"a": b"1"}


async def filled(path: Path, count: int = 3000) -> None:
    """Make a journal with so many rows, and close it."""
    async with SqliteStore(path) as store:
        await store.write({f"k/{index:06d}": b"%d" % index * 8 for index in range(count)})


async def test_a_journal_of_a_later_version_is_left_as_it_is(path: Path) -> None:
    """It says which layout it has."""
    await filled(path)
    change(path, "PRAGMA user_version=2")
    await refuse(path, r"another version of this library \(layout 2, not 1\)")


async def test_a_journal_that_lost_its_end_is_refused(path: Path) -> None:
    """Wherever it was cut off."""
    await filled(path)
    whole = read(path)
    for length in (1, 99, 5000, PAGE - 1, PAGE, PAGE + 1000, len(whole) // 2, len(whole) - 1):
        write(path, whole[:length])
        await refuse(path, ".")
    write(path, whole)
    async with SqliteStore(path) as store:
        assert len(await store.scan("", limit=5000)) == 3000


async def test_a_crash_while_the_file_was_made_is_no_damage(path: Path) -> None:
    """Where a part of the first page is on the disk, SQLite's own log undoes it, and the file is new."""
    await filled(path, count=1)
    whole = read(path)
    undo = bytes.fromhex("d9d505f920a163d7") + struct.pack(">5I", 0, 1, 0, 512, PAGE)  # the file had no pages before
    for length in (4096, 8192, PAGE - 1, PAGE):
        write(path, whole[:length])
        write(path.with_name(f"{path.name}-journal"), undo.ljust(512, b"\0"))
        async with SqliteStore(path) as store:
            assert not await store.scan("")
            await store.write({"k": b"1"})
        assert around(path).keys() == {path.name}


async def test_a_journal_without_its_table_is_refused(path: Path) -> None:
    """The header alone does not make a journal."""
    await filled(path)
    change(path, "DROP TABLE rows")
    await refuse(path, DAMAGED)


async def attempt(path: Path) -> list[str]:
    """Read and write everywhere in a journal; return what the error of the journal said, if there was one."""
    try:
        async with SqliteStore(path) as store:
            after = ""
            while page := await store.scan("", after=after):
                after = max(page)
            await store.read([f"k/{index:06d}" for index in range(0, 3000, 50)])
            await store.write({f"k/{index:06d}": b"new" for index in range(0, 3000, 50)})
    except JournalError as error:
        return [str(error)]
    return []


async def test_damage_anywhere_is_an_error_of_the_journal(path: Path) -> None:
    """Pages of nonsense are met at opening or later: never with an error of SQLite."""
    await filled(path)
    whole, random, refusals = read(path), Random(1), list[str]()
    for _ in range(40):
        write(path, whole)
        start = random.randrange(len(whole) - PAGE)
        overwrite(path, start, random.choice([random.randbytes(PAGE), bytes(PAGE), b"\xff" * 800]))
        refusals += await attempt(path)
    assert len(refusals) > 30
    assert all(repr(str(path)) in refusal for refusal in refusals)


async def test_a_crash_while_the_log_was_copied_is_no_damage(path: Path) -> None:
    """The header may name more pages than the file has yet: the rest is in the log."""
    async with SqliteStore(path) as store:
        await store.write({f"k/{index:06d}": b"x" * 40 for index in range(2000)})
        crashed = path.with_name("crashed.sqlite3")
        shutil.copy(f"{path}-wal", f"{crashed}-wal")
        shutil.copy(path, crashed)  # this frees the lock: nobody else is here
    content = bytearray(crashed.read_bytes())
    content[28:32] = (10**6).to_bytes(4, "big")  # the number of pages,
    content[92:96] = content[24:28]  # and the mark that it is valid
    crashed.write_bytes(content)
    async with SqliteStore(crashed) as store:
        assert len(await store.scan("", limit=5000)) == 2000
