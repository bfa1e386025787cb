"""A source that is asynchronous: read by a task of its own, so that a pause in it holds up nothing else."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterable
from enum import Enum
from typing import Any

import anyio
import attrs

from trackingmore_async.errors import ClientStateError

__all__ = ["Silence", "Stream"]

READ_AHEAD = 10  # items; a fraction of a batch


class Silence(Enum):
    """Why there is no item."""

    END = "there is none any more"
    LATE = "none has come by now"


@attrs.define(eq=False)
class Stream:
    """Reads a few items ahead of whoever takes them.

    Args:
        items: What the caller gave.
    """

    items: AsyncIterable[Any]
    _read: deque[Any] = attrs.field(factory=deque[Any], init=False)
    _ended: bool = attrs.field(default=False, init=False)
    _error: Exception | None = attrs.field(default=None, init=False)
    _changed: anyio.Event = attrs.field(factory=anyio.Event, init=False)

    async def feed(self) -> None:
        """Read until the source ends or fails; what it raises is raised by `next`, behind its last item."""
        try:
            async for item in self.items:
                self._read.append(item)
                self._tell()
                while len(self._read) >= READ_AHEAD:
                    await self._changed.wait()
        except Exception as error:
            self._error = error
        except anyio.get_cancelled_exc_class():
            if anyio.current_effective_deadline() == -math.inf:
                raise  # the job itself is cancelled
            self._error = ClientStateError(
                "The source of the items was cancelled from within: it awaited a task that had been cancelled. "
                "What was read before was sent; look into the source."
            )
        finally:
            self._ended = True
            self._tell()

    async def next(self, until: float | None) -> Any:
        """Return the next item, or a `Silence`.

        Args:
            until: How long it may take (loop clock); None: for ever.
        """
        while not self._read:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._ended:
                return Silence.END
            with anyio.CancelScope(deadline=math.inf if until is None else until) as patience:
                await self._changed.wait()
            if patience.cancelled_caught:
                return Silence.LATE
        item = self._read.popleft()
        self._tell()
        return item

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
