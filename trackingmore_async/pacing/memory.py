"""What a later limiter must know of this one: the last requests and a running ban; and the file that keeps it."""

from __future__ import annotations

import asyncio
import math
import threading
from pathlib import Path

import attrs
import msgspec

from trackingmore_async.errors import ConfigurationError, JournalError

from .slots import Slot

__all__ = ["Record", "Snapshot", "StateFile"]

UNREPORTED = 300.0
"""Seconds after its grant at which a request whose end was not recorded has left for certain, if it ever did."""


@attrs.frozen
class Record:
    """One request of the recent past. The times are seconds on one clock, whichever the snapshot is in.

    Args:
        granted_at: When it was granted.
        sent_at: When it was sent; None: it was not recorded, so it may have been sent at any time since.
        answered_at: When it was answered, if it was.
    """

    granted_at: float
    sent_at: float | None = None
    answered_at: float | None = None

    @classmethod
    def of(cls, slot: Slot) -> Record:
        """Make the record of a slot. Its round trip is left out: clocks that change in between earn no credit."""
        return cls(slot.granted_at, slot.sent_at, slot.answered_at)

    def slot(self, now: float) -> Slot:
        """Make the slot that this request closes, when nothing more will be heard of it.

        Clocks can be set back, so no time is taken to be later than now.
        """
        granted_at = min(self.granted_at, now)
        sent_at = granted_at + UNREPORTED if self.sent_at is None else self.sent_at
        answered_at = None if self.answered_at is None or self.sent_at is None else min(self.answered_at, now)
        return Slot(granted_at, 0.0, min(sent_at, now), answered_at, settled=True, inherited=True)

    def shifted(self, seconds: float) -> Record:
        """Return the same on a clock that shows so many seconds more."""
        sent_at = None if self.sent_at is None else self.sent_at + seconds
        answered_at = None if self.answered_at is None else self.answered_at + seconds
        return Record(self.granted_at + seconds, sent_at, answered_at)


@attrs.frozen
class Snapshot:
    """The state of a limiter that outlives it. No key is in it.

    Args:
        taken_at: When (seconds, on the clock of the snapshot).
        buckets: The requests that may still close slots, by bucket.
        total: The same of the rate over all buckets.
        ban_until: When the ban ends that runs or awaits its probe; None: there is none.
        row: How many bans came in a row.
        version: Of the layout.
    """

    taken_at: float
    buckets: dict[str, list[Record]]
    total: list[Record]
    ban_until: float | None = None
    row: int = 0
    version: int = 1

    def shifted(self, seconds: float) -> Snapshot:
        """Return the same on a clock that shows so many seconds more."""
        return Snapshot(
            taken_at=self.taken_at + seconds,
            buckets={name: [one.shifted(seconds) for one in records] for name, records in self.buckets.items()},
            total=[one.shifted(seconds) for one in self.total],
            ban_until=None if self.ban_until is None else self.ban_until + seconds,
            row=self.row,
        )

    def ban_end(self, now: float) -> float | None:
        """Tell when the ban ends: if the clock was set back, no later than it could when the snapshot was taken."""
        if self.ban_until is None:
            return None
        return min(self.ban_until, now + max(0.0, self.ban_until - self.taken_at))

    def encode(self) -> bytes:
        """Return it as JSON, for a file or a journal."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Snapshot:
        """Make it from JSON.

        Args:
            data: What `encode` returned.

        Raises:
            JournalError: this is something else.

        Example:
            >>> Snapshot.decode(Snapshot(1000.0, {"get": [Record(999.5)]}, []).encode()).buckets
            {'get': [Record(granted_at=999.5, sent_at=None, answered_at=None)]}
        """
        try:
            return _decode(data)
        except ValueError as error:
            raise JournalError(
                f"What the journal remembers of the last requests and of a running ban is damaged ({error}). "
                "Restore a copy of it, or begin anew with another path when nothing was sent for two minutes."
            ) from error


@attrs.define(eq=False)
class StateFile:
    """A small JSON file with a snapshot in wall-clock time, replaced as a whole, read and written off the event loop.

    One limiter at a time may use it: limits across processes need a shared limiter.

    Args:
        path: Where it is.
    """

    path: Path
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _asked: int = attrs.field(default=0, init=False)
    _written: int = attrs.field(default=0, init=False)

    async def load(self) -> Snapshot | None:
        """Read the snapshot; None when there is no file yet.

        Raises:
            ConfigurationError: the file cannot be read, or is damaged; it is left as it is.
        """
        return await asyncio.to_thread(self._load)

    async def save(self, snapshot: Snapshot) -> None:
        """Write the snapshot, unless a later one was written meanwhile.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        self._asked += 1
        await asyncio.to_thread(self._save, snapshot, self._asked)

    def _load(self) -> Snapshot | None:
        try:
            return _decode(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._trouble("cannot be read", error) from error
        except ValueError as error:
            raise self._trouble("is damaged", error) from error

    def _save(self, snapshot: Snapshot, number: int) -> None:
        fresh = self.path.with_name(f"{self.path.name}.new")
        with self._lock:
            if number <= self._written:
                return
            try:
                fresh.write_bytes(snapshot.encode())
                fresh.replace(self.path)
            except OSError as error:
                raise self._trouble("cannot be written", error) from error
            self._written = number

    def _trouble(self, what: str, why: object) -> ConfigurationError:
        return ConfigurationError(
            f"The limiter's state file {str(self.path)!r} {what} ({why}). It remembers the last requests and a running "
            "ban. Repair its permissions or, when nothing was sent for two minutes, delete it; or pass another path."
        )


def _decode(data: bytes) -> Snapshot:
    """Make a snapshot from JSON; a ValueError says what else this is."""
    snapshot = msgspec.json.decode(data, type=Snapshot)  # its errors, and those of UTF-8, are ValueErrors
    if snapshot.version != 1 or not math.isfinite(snapshot.taken_at):
        raise ValueError(f"it was written by another version, with layout {snapshot.version}")
    return snapshot
