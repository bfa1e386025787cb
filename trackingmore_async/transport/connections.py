"""How many requests may be under way at once: a permit of the limiter never waits for a connection."""

from __future__ import annotations

import math

import anyio

from trackingmore_async.errors import DeadlineExceededError

__all__ = ["Connections"]


class Connections:
    """A fixed number of connections, handed out first come, first served.

    Args:
        size: How many requests may be under way at once; the pool of the HTTP client is as large.
    """

    def __init__(self, size: int) -> None:
        self.size: int = size
        self._free = anyio.Semaphore(size)

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

    async def take(self, latest: float | None) -> bool:
        """Wait for a connection until `latest` (loop clock; None: for ever), and take it; return True.

        Raises:
            DeadlineExceededError: there was none in time.
        """
        with anyio.CancelScope(deadline=math.inf if latest is None else latest):
            await self._free.acquire()
            return True
        raise DeadlineExceededError(
            f"All {self.size} connections were busy until it was too late. "
            "Allow more time (max_wait, deadline), or start fewer calls at once."
        )

    def give_back(self) -> None:
        """Return a connection."""
        self._free.release()
