"""Who keeps what a limiter must not forget: its file, and those who watch it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import anyio
import attrs

from .memory import Snapshot, StateFile

__all__ = ["Keeper", "Keepers"]


class Keeper(Protocol):
    """Keeps a ban so that a crash does not forget it, as the journal of a job does."""

    async def keep(self, snapshot: Snapshot) -> None:
        """Make this durable before returning. What it raises, the call that met the ban raises.

        Args:
            snapshot: The state of the limiter in wall-clock time, with the ban.
        """
        ...


@attrs.define(eq=False)
class Keepers:
    """The file of a limiter, if it has one, and its watchers.

    Args:
        file: Knows the last grants and bans, of this limiter and the one before.
    """

    file: StateFile | None = None
    is_read: bool = attrs.field(init=False)
    _reading: asyncio.Lock | None = attrs.field(default=None, init=False)
    _watching: list[Keeper] = attrs.field(factory=list[Keeper], init=False)

    def __attrs_post_init__(self) -> None:
        self.is_read = self.file is None

    async def read(self, take_over: Callable[[Snapshot], None]) -> None:
        """Have taken over, once, what the file knows."""
        self._reading = self._reading or asyncio.Lock()
        async with self._reading:
            if self.is_read:
                return
            remembered = None if self.file is None else await self.file.load()
            if remembered is not None:
                take_over(remembered)
            self.is_read = True

    def add(self, keeper: Keeper) -> None:
        """Tell this one of bans from now on; once, however often it is added."""
        if all(one is not keeper for one in self._watching):
            self._watching.append(keeper)

    def remove(self, keeper: Keeper) -> None:
        """Tell this one nothing any more; nothing happens when it was told nothing before."""
        self._watching[:] = [one for one in self._watching if one is not keeper]

    async def tell(self, snapshot: Snapshot) -> None:
        """Have the file and every watcher keep this, cancelled or not; one that fails does not keep it from others."""
        failures: list[Exception] = []
        with anyio.CancelScope(shield=True):
            for keep in [*([self.file.save] if self.file else []), *(one.keep for one in self._watching)]:
                try:
                    await keep(snapshot)
                except Exception as failure:
                    failures.append(failure)
        if failures:
            raise failures[0]
