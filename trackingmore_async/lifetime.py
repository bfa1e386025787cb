"""When a client may be used: after opening, before closing, on the loop that opened it."""

from __future__ import annotations

import asyncio
from typing import Literal

import attrs

from trackingmore_async.errors import ClientStateError

__all__ = ["Lifetime"]


@attrs.define
class Lifetime:
    """The state of a client: new, open or closed, and the event loop that it belongs to."""

    state: Literal["new", "open", "closed"] = "new"
    _loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """Open; raise `ClientStateError` unless new."""
        if self.state == "open":
            raise ClientStateError(
                "The client is open already. Enter `async with` once, and share the client from there."
            )
        if self.state == "closed":
            raise ClientStateError("The client was closed. Make a new TrackingMore(...) instead of opening it again.")
        self._loop = _running_loop()
        self.state = "open"

    def abandon(self) -> None:
        """Go back to new, when opening failed halfway."""
        if self.state == "open":
            self.state, self._loop = "new", None

    def end(self) -> bool:
        """Close; tell whether it was open."""
        was_open = self.state == "open"
        if was_open:
            self._check_loop()
        self.state = "closed"
        return was_open

    def check(self) -> None:
        """Raise `ClientStateError` unless open, and on the right loop."""
        if self.state == "new":
            raise ClientStateError(
                "The client is not open yet. Write `async with TrackingMore() as tm:`, or `await tm.open()` first."
            )
        if self.state == "closed":
            raise ClientStateError(
                "The client is closed. Make calls inside its `async with` block, or make a new TrackingMore(...)."
            )
        self._check_loop()

    def _check_loop(self) -> None:
        if self._loop is not _running_loop():
            raise ClientStateError(
                "The client was opened on another event loop. Make one TrackingMore(...) for each loop: "
                "inside the function given to asyncio.run, not at import."
            )


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ClientStateError(
            "No event loop of asyncio runs here. Use the client inside of async code, under asyncio and not trio."
        ) from None
