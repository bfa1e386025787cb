"""How many requests may be under way at once: a permit of the limiter never waits for a connection."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import anyio
import attrs

from trackingmore_async.errors import DeadlineExceededError

__all__ = ["Connections", "Refusal"]

Refusal = Callable[[], DeadlineExceededError | None]
"""Says why a call need not wait for a connection; None: it may."""


@attrs.define(eq=False)
class _Wait:
    """One call that waits for a connection."""

    scope: anyio.CancelScope
    refusal: Refusal
    error: DeadlineExceededError | None = None


class Connections:
    """A fixed number of connections, handed out first come, first served.

    Args:
        size: How many requests may be under way at once; the pool of the HTTP client is as large.
    """

    def __init__(self, size: int) -> None:
        self.size: int = size
        self._free = anyio.Semaphore(size)
        self._waiting: set[_Wait] = set()

    @property
    def all_taken(self) -> bool:
        """True when a request would have to wait for a connection."""
        return self._free.value == 0

    @property
    def in_use(self) -> int:
        """How many connections are handed out."""
        return self.size - self._free.value

    def take_nowait(self) -> bool:
        """Take a connection if there is one, and say whether there was."""
        try:
            self._free.acquire_nowait()
        except anyio.WouldBlock:
            return False
        return True

    async def take(self, latest: float | None, refusal: Refusal) -> bool:
        """Wait for a connection, and take it; return True.

        Args:
            latest: Until when (loop clock); None: for ever.
            refusal: Asked now, and whenever a ban begins.

        Raises:
            DeadlineExceededError: there was none in time, or that was certain beforehand.
        """
        wait = _Wait(anyio.CancelScope(deadline=math.inf if latest is None else latest), refusal, refusal())
        if wait.error is not None:
            raise wait.error
        self._waiting.add(wait)
        try:
            with wait.scope:
                await self._free.acquire()
                return True
        finally:
            self._waiting.discard(wait)
        raise wait.error or DeadlineExceededError(
            f"All {self.size} connections were busy until it was too late. "
            "Allow more time (max_wait, deadline), or start fewer calls at once."
        )

    def silence_began(self) -> None:
        """Hear that a ban begins; when it has begun, refuse all for whom it lasts too long."""
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._dismiss)

    def _dismiss(self) -> None:
        for wait in self._waiting:
            wait.error = wait.refusal()
            if wait.error is not None:
                wait.scope.cancel()

    def give_back(self) -> None:
        """Return a connection."""
        self._free.release()
