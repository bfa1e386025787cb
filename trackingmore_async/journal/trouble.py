"""What is said about a file that SQLite cannot use: what happened, and what to do next."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from trackingmore_async.errors import JournalError

__all__ = ["explain"]

_USED = ("is in use by another process or job", "Wait until that one has ended, or give this one a path of its own.")
_DAMAGED = (
    "is damaged, or no journal at all",
    "It was left as it is: restore a copy of it, or give another path and begin anew.",
)
_UNWRITABLE = (
    "cannot be opened for writing",
    "Check that its folder exists, and that this program may write the file and in the folder.",
)
_FULL = ("cannot grow: the disk is full", "Nothing of this write was kept. Free some space, and run the job again.")
_FAILING = ("cannot be read or written", "Nothing of this write was kept. Check the disk, and run the job again.")

_MEANING: Mapping[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _USED,
    sqlite3.SQLITE_LOCKED: _USED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FAILING,
    sqlite3.SQLITE_NOMEM: _FAILING,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: _UNWRITABLE,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
    sqlite3.SQLITE_AUTH: _UNWRITABLE,
}


def explain(name: str, error: sqlite3.Error | OSError) -> JournalError:
    """Return the error for a file that SQLite, or the system, refused.

    Args:
        name: What the file is called.
        error: What was raised.

    Example:
        >>> import sqlite3
        >>> explain("The journal 'job.sqlite3'", sqlite3.DatabaseError("file is not a database")).message
        "The journal 'job.sqlite3' is damaged, or no journal at all (file is not a database). It was left as it is: ..."
    """
    if isinstance(error, OSError):
        happened, advice = _UNWRITABLE
        return JournalError(f"{name} {happened} ({error.strerror}). {advice}")
    # The low byte is the kind of error, the rest its details. What is not listed, a healthy file of ours never causes.
    happened, advice = _MEANING.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, _DAMAGED)
    return JournalError(f"{name} {happened} ({error}). {advice}")
