"""The event loop that a limiter belongs to: the one of its first use."""

from __future__ import annotations

import asyncio
import weakref

from trackingmore_async.errors import ClientStateError

__all__ = ["Home"]


class Home:
    """Remembers the event loop of the first use, without keeping it alive."""

    __slots__ = ("_loop",)

    def __init__(self) -> None:
        self._loop: weakref.ref[asyncio.AbstractEventLoop] | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running event loop, which has to be the one of the first use.

        Raises:
            ClientStateError: no event loop runs, or another one.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ClientStateError("No event loop runs here. Use the limiter inside of async code.") from None
        if self._loop is None:
            self._loop = weakref.ref(loop)
        elif self._loop() is not loop:
            raise ClientStateError(
                "This limiter belongs to another event loop, the one of its first use. "
                "Make one LocalLimiter inside each asyncio.run(), or let the client make it."
            )
        return loop
