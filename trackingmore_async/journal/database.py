"""The SQLite file behind a store: opened for one process alone, checked before it is touched. Used on one thread."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from os import fspath
from pathlib import Path
from stat import S_ISREG
from typing import TypeVar

import attrs

from trackingmore_async.errors import JournalError

from .trouble import explain

__all__ = ["Database"]

T = TypeVar("T")

APPLICATION_ID = 0x746D6A31
"""What marks the file as ours ("tmj1"), in the header of every SQLite file."""

VERSION = 1
"""Of the layout, in the header as well."""

SETTINGS = (
    "PRAGMA locking_mode=EXCLUSIVE",  # the lock is kept until closing, and no shared memory beside the file is needed
    "PRAGMA synchronous=FULL",  # a commit waits for the disk
    "PRAGMA fullfsync=ON",  # where the system's fsync does not (macOS)
    "PRAGMA page_size=16384",  # bytes, of a new file: of 4096 the row of a batch, some 2 KiB, would take a page alone
    "PRAGMA cache_size=-4096",  # KiB
    "PRAGMA wal_autocheckpoint=250",  # pages: 4 MiB
)
MAKE = (
    f"PRAGMA application_id={APPLICATION_ID}",
    f"PRAGMA user_version={VERSION}",
    "CREATE TABLE rows (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
)
OTHERWISE = "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
AT_ONCE = 50
"""Rows or keys in a statement. Each statement lets go of the interpreter, and has to wait until it gets it back."""

NOT_OPEN = "The store is not open. Use it inside of its `async with` block."


@attrs.define(eq=False)
class Database:
    """One file with one table of rows. Every method belongs on the same thread, and raises nothing but `JournalError`.

    Args:
        path: Where the file is, or will be.
    """

    path: Path = attrs.field(converter=Path)
    _connection: sqlite3.Connection | None = attrs.field(default=None, init=False)

    def open(self) -> None:
        """Open the file, or make it; what is not ours is left as it is."""
        with self._explained():
            if size := self._size():
                self._inspect(size)
            self._connection = self._connect("mode=rwc")
            try:
                self._set_up(self._connection)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close the file; the next process may have it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._explained():
                connection.close()

    def read(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the rows with these keys."""
        with self._using() as connection:
            return dict(self._checked(chain.from_iterable(_select(connection, some) for some in _chunks(keys))))

    def scan(self, prefix: str, after: str, limit: int) -> dict[str, bytes]:
        """Return the next rows whose keys begin so. Python compares texts as SQLite does: by code points."""
        comparison, start = (">", after) if after and after >= prefix else (">=", prefix)
        statement = f"SELECT key, value FROM rows WHERE key {comparison} ? ORDER BY key LIMIT ?"  # noqa: S608
        found = dict[str, bytes]()
        with self._using() as connection, contextlib.closing(connection.execute(statement, (start, limit))) as rows:
            for key, value in self._checked(rows):
                if not key.startswith(prefix):
                    break
                found[key] = value
        return found

    def write(self, rows: Mapping[str, bytes | None]) -> None:
        """Write all rows in one transaction, on the disk when this returns; None deletes."""
        statements = [*_deletions(rows), *_insertions(rows)]
        with self._using() as connection:
            if len(statements) == 1:  # which is all or nothing by itself
                connection.execute(*statements[0])
            elif statements:
                with _transaction(connection, "IMMEDIATE"):
                    for statement in statements:
                        connection.execute(*statement)

    def _size(self) -> int:
        """Return the bytes in the file, 0 when there is none; refuse what is no file before it is opened."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return 0
        except ValueError as error:
            raise JournalError(f"{self._name} is no path ({error}). Give the path of a file.") from error
        if not S_ISREG(status.st_mode):
            raise JournalError(f"{self._name} is no file, but a folder or a device. Give the path of a file.")
        return status.st_size

    def _inspect(self, size: int) -> None:
        """Refuse a file that is not ours, without a lock, without its log, and without leaving anything beside it.

        Opened as immutable nothing of it changes. SQLite itself reads it, for a file that we opened and closed would
        lose the locks that a store of this process may have on it (POSIX). And the number of pages in the header may
        be ahead of the file, when a crash met the copying of the log: with a writable schema that is no damage. Nor is
        a last page that is half there, as long as a log lies beside the file, from which SQLite will mend it.
        """
        with contextlib.closing(self._connect("mode=ro&immutable=1")) as connection:
            connection.execute("PRAGMA writable_schema=ON")
            self._check_owner(connection)
            if size % _number(connection, "page_size") and not self._has_log():
                raise explain(self._name, sqlite3.DatabaseError("its end is missing"))  # SQLite would read zeros there

    def _has_log(self) -> bool:
        return any(self.path.with_name(f"{self.path.name}-{end}").exists() for end in ("wal", "journal"))

    def _set_up(self, connection: sqlite3.Connection) -> None:
        for setting in SETTINGS:
            connection.execute(setting)
        with _transaction(connection, "EXCLUSIVE"):  # the lock, and the proof that the file can be written
            if _is_new(connection):
                for statement in MAKE:  # in one transaction before the log begins: there is never half a file of ours
                    connection.execute(statement)
            self._check_owner(connection)
            connection.execute("SELECT key, value FROM rows LIMIT 1").fetchone()
        connection.execute("PRAGMA journal_mode=WAL").fetchone()

    def _check_owner(self, connection: sqlite3.Connection) -> None:
        owner, version = _number(connection, "application_id"), _number(connection, "user_version")
        if owner != APPLICATION_ID:
            raise JournalError(
                f"{self._name} is an SQLite database of another application. It was left as it is: give another path."
            )
        if version != VERSION:
            raise JournalError(
                f"{self._name} was written by another version of this library (layout {version}, not {VERSION}). "
                "Use that version, or give another path."
            )

    def _connect(self, options: str) -> sqlite3.Connection:
        # The module's own transactions are off, and nobody waits for a lock: whoever has it keeps it.
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?{options}", timeout=0, isolation_level=None, uri=True)

    @contextlib.contextmanager
    def _using(self) -> Generator[sqlite3.Connection]:
        if self._connection is None:
            raise JournalError(NOT_OPEN)
        with self._explained():
            yield self._connection

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise explain(self._name, error) from error

    def _checked(self, rows: Iterable[tuple[str, bytes]]) -> Iterable[tuple[str, bytes]]:
        """Pass on the rows; one that holds anything but a text and bytes was not written by us."""
        for row in rows:
            if type(row[0]) is not str or type(row[1]) is not bytes:
                raise explain(self._name, sqlite3.DatabaseError("a row holds what was never written"))
            yield row

    @property
    def _name(self) -> str:
        return f"The journal {fspath(self.path)!r}"


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Generator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors
            connection.execute("ROLLBACK")
        raise


def _deletions(rows: Mapping[str, bytes | None]) -> Iterator[tuple[str, Sequence[str]]]:
    for keys in _chunks([key for key, value in rows.items() if value is None]):
        yield f"DELETE FROM rows WHERE key IN ({_marks('?', keys)})", keys  # noqa: S608


def _insertions(rows: Mapping[str, bytes | None]) -> Iterator[tuple[str, Sequence[object]]]:
    for some in _chunks([row for row in rows.items() if row[1] is not None]):
        statement = f"INSERT INTO rows VALUES {_marks('(?, ?)', some)} {OTHERWISE}"  # noqa: S608
        yield statement, tuple(chain.from_iterable(some))


def _select(connection: sqlite3.Connection, keys: Sequence[str]) -> list[tuple[str, bytes]]:
    return connection.execute(f"SELECT key, value FROM rows WHERE key IN ({_marks('?', keys)})", keys).fetchall()  # noqa: S608


def _chunks(things: Sequence[T]) -> Iterator[Sequence[T]]:
    return (things[start : start + AT_ONCE] for start in range(0, len(things), AT_ONCE))


def _marks(mark: str, things: Sequence[object]) -> str:
    return ", ".join([mark] * len(things))


def _is_new(connection: sqlite3.Connection) -> bool:
    return not _number(connection, "application_id") and not _number(connection, "schema_version")


def _number(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
