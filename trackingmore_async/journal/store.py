"""What a journal asks of the place where its rows are kept: the protocol that SQLite and any other store implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

__all__ = ["Store"]


class Store(Protocol):
    """Keeps rows across crashes: a key is a text, a value is bytes. No two programs use one store at the same time.

    Rows hold what names trackings (carrier and number), salted hashes, and states: no data of customers, no API key.
    """

    async def read(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the values of those keys that are there.

        Args:
            keys: Some keys, a few hundred at most.

        Raises:
            JournalError: the store cannot be read.
        """
        ...

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> Mapping[str, bytes]:
        """Return rows in the order of their keys, compared code point by code point.

        Args:
            prefix: What the keys begin with.
            after: Only keys behind this one; ``""``: from the first.
            limit: How many rows, at most.

        Raises:
            JournalError: the store cannot be read.
        """
        ...

    async def write(self, rows: Mapping[str, bytes | None]) -> None:
        """Write all rows or none; what was there before is replaced. They outlive a crash once this has returned.

        Args:
            rows: Key -> value; None deletes.

        Raises:
            JournalError: the store cannot be written; nothing was changed.
        """
        ...
