"""Those who share requests at this moment; of who is done, nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs

from trackingmore_async.operations import Operation

from .sharing import Sharing
from .waiter import Waiter

__all__ = ["Sharings"]

Key = tuple[str, float]


@attrs.define(eq=False)
class Sharings:
    """The sharings of a client, by operation and time limit: whose attempts may take equally long, share requests.

    Args:
        make: Makes the sharing of an operation and a time limit in seconds.
    """

    make: Callable[[Operation, float], Sharing]
    _busy: dict[Key, Sharing] = attrs.field(factory=dict[Key, Sharing], init=False)

    def __len__(self) -> int:
        return len(self._busy)

    async def ask(self, operation: Operation, waiter: Waiter) -> Any:
        """Wait for a place in a request of this operation, and for its answer."""
        key = operation.name, waiter.budget.timeout
        sharing = self._busy.get(key)
        if sharing is None:
            sharing = self._busy[key] = self.make(operation, waiter.budget.timeout)
            sharing.when_idle = partial(self._drop, key, sharing)
        return await sharing.ask(waiter)

    def _drop(self, key: Key, sharing: Sharing) -> None:
        if self._busy.get(key) is sharing:
            del self._busy[key]

    async def aclose(self) -> None:
        """Wait until all that was under way has ended; the transport is closed."""
        for sharing in list(self._busy.values()):
            await sharing.aclose()
