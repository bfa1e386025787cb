"""A store of the tests' own: rows in a dict, and a crash after as many writes as wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio
import anyio.lowlevel
import attrs


@attrs.define
class MemoryStore:
    """A `Store` whose process dies after some writes: what comes later is lost.

    Args:
        rows: What is kept.
        lasts: How many writes are kept; None: all.
        crashed: Set when the process is dead.
        writes: How many writes were kept.
    """

    rows: dict[str, bytes] = attrs.field(factory=dict[str, bytes])
    lasts: int | None = None
    crashed: anyio.Event = attrs.field(factory=anyio.Event)
    writes: int = 0

    async def read(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return those that are there."""
        return {key: self.rows[key] for key in keys if key in self.rows}

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> Mapping[str, bytes]:
        """Return rows in the order of their keys."""
        keys = sorted(key for key in self.rows if key.startswith(prefix) and key > after)
        return {key: self.rows[key] for key in keys[:limit]}

    async def write(self, rows: Mapping[str, bytes | None]) -> None:
        """Keep all, or die for good."""
        await anyio.lowlevel.checkpoint()
        if self.crashed.is_set():
            return  # the end of the run that is torn down here, which no dead process has
        if self.writes == self.lasts:
            self.crashed.set()
            await anyio.sleep(1)  # in which whoever can be cancelled is
            return
        self.writes += 1
        for key, value in rows.items():
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value
