"""How many requests may be under way at once: a permit of the limiter never waits for a connection."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
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
    called: anyio.Event = attrs.field(factory=anyio.Event)


class Connections:
    """A fixed number of connections.

    Only requests under way hold one. Would those hold it who wait for the turn of a crowded bucket, requests of all
    other buckets would wait with them.

    Args:
        size: How many requests may be under way at once; the pool of the HTTP client is as large.
    """

    def __init__(self, size: int) -> None:
        self.size: int = size
        self.in_use: int = 0  # how many are handed out
        self._waiting: OrderedDict[_Wait, None] = OrderedDict()

    @property
    def all_taken(self) -> bool:
        """True when there is no connection."""
        return self.in_use >= self.size

    @property
    def must_wait(self) -> bool:
        """True when a newcomer has to wait for a connection: there is none, or others came before."""
        return self.all_taken or bool(self._waiting)

    def take(self) -> bool:
        """Take a connection if there is one, and say whether there was."""
        if self.all_taken:
            return False
        self.in_use += 1
        return True

    async def wait(self, latest: float | None, refusal: Refusal) -> None:
        """Wait for a connection, where `must_wait` says so, but do not keep it: the caller has to wait for his turn.

        Args:
            latest: Until when (loop clock); None: for ever.
            refusal: Asked now, and whenever a ban begins.

        Raises:
            DeadlineExceededError: there was none in time, or that was certain beforehand.
        """
        wait = _Wait(anyio.CancelScope(deadline=math.inf if latest is None else latest), refusal, refusal())
        if wait.error is not None:
            raise wait.error
        self._waiting[wait] = None
        try:
            with wait.scope:
                while True:
                    await wait.called.wait()
                    if not self.all_taken:
                        return
                    wait.called = anyio.Event()
        finally:
            del self._waiting[wait]
            if self._waiting:  # the next one may have his turn before this one, who has yet to wait for it
                asyncio.get_running_loop().call_soon(self._call_next)
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
        self.in_use -= 1
        self._call_next()

    def _call_next(self) -> None:
        """Call who has waited longest, if there is still a connection."""
        if self._waiting and not self.all_taken:
            next(iter(self._waiting)).called.set()
