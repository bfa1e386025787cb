"""A store in memory, and what the tests of feeds ask of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from anyio.lowlevel import checkpoint

from tests.pages.scene import Pair, pair
from trackingmore_async import TrackingChanges, TrackingMore
from trackingmore_async.sandbox import Sandbox

__all__ = ["START", "Shelf", "changes", "quiet_sandbox", "refresh", "take"]

START = 1_790_000_000
"""Unix seconds: when quiet sandboxes begin."""


@attrs.define
class Shelf:
    """A store in memory, as the protocol wants it.

    Args:
        rows: What is in it.
        most: The most rows that there ever were.
    """

    rows: dict[str, bytes] = attrs.field(factory=dict[str, bytes])
    most: int = 0

    async def read(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the rows with these keys."""
        await checkpoint()
        return {key: self.rows[key] for key in keys if key in self.rows}

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> Mapping[str, bytes]:
        """Return rows in the order of their keys."""
        await checkpoint()
        found = sorted(key for key in self.rows if key.startswith(prefix) and key > after)
        return {key: self.rows[key] for key in found[:limit]}

    async def write(self, rows: Mapping[str, bytes | None]) -> None:
        """Write all rows; None deletes."""
        await checkpoint()
        for key, value in rows.items():
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value
        self.most = max(self.most, len(self.rows))


def quiet_sandbox(epoch: float = START, **settings: Any) -> Sandbox:
    """Return a sandbox whose life cycle is so slow that nothing is refreshed by itself."""
    return Sandbox(epoch=epoch, life_speed=1e-6, **settings)


def changes(tm: TrackingMore, page_size: int, **arguments: Any) -> TrackingChanges:
    """Return a feed whose pages are small enough for a test."""
    return TrackingChanges(tm.trackings._caller, page_size=page_size, **arguments)  # pyright: ignore[reportPrivateUsage]


async def take(feed: TrackingChanges) -> list[Pair]:
    """Go through a feed to its end; return what names its trackings."""
    return [pair(tracking) async for tracking in feed]


def refresh(sandbox: Sandbox, one: Pair, moment: float) -> None:
    """Have a tracking refreshed at a moment (unix seconds), which may be over or before its creation."""
    key = sandbox.trackings.find(*one)
    if key is not None:
        sandbox.trackings.record(key).touched_at = int(moment)
        sandbox.trackings.version += 1
