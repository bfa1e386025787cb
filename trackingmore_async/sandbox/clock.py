"""The sandbox's own time: the running event loop's clock, moved to a date and pushed forward on demand."""

from __future__ import annotations

import asyncio
import threading
import time
from email.utils import formatdate

__all__ = ["Clock"]

MICROSECOND = 1_000_000


class Clock:
    """The time that the sandbox lives by: ``epoch`` at the beginning, then as the running loop's clock goes.

    It begins when it is made inside a running event loop, else at its first reading. Under a virtual event loop
    everything in the sandbox follows virtual time. Readings are whole microseconds inside, so that the sliding
    windows of the rate police are exact.

    Args:
        epoch: Unix seconds at the beginning; None means the computer's wall clock.

    Example:
        >>> sandbox.clock.advance(3 * 86400)  # three days later, at once
    """

    def __init__(self, epoch: float | None = None) -> None:
        self._lock = threading.Lock()
        self._source: object = None
        self._last: int | None = None if epoch is None else round(epoch * MICROSECOND)
        self._offset = 0
        if _running_loop() is not None:
            self.microseconds()

    def microseconds(self) -> int:
        """Return the time now, in whole microseconds of unix time.

        Example:
            >>> sandbox.clock.microseconds()
            1710468478123456
        """
        source, reading = _read_loop()
        with self._lock:
            if source is not self._source:
                last = round(time.time() * MICROSECOND) if self._last is None else self._last
                self._source, self._offset = source, last - reading
            self._last = reading + self._offset
            return self._last

    def now(self) -> float:
        """Return the time now, in unix seconds.

        Example:
            >>> sandbox.clock.now()
            1710468478.123456
        """
        return self.microseconds() / MICROSECOND

    def seconds(self) -> int:
        """Return the time now, in whole unix seconds, rounded down.

        Example:
            >>> sandbox.clock.seconds()
            1710468478
        """
        return self.microseconds() // MICROSECOND

    def advance(self, seconds: float) -> None:
        """Push the sandbox's time forward at once; delays that are already running do not get shorter.

        Args:
            seconds: How far, in seconds; not negative.

        Example:
            >>> sandbox.clock.advance(7200)
        """
        if seconds < 0:
            raise ValueError("the sandbox's clock only goes forward")
        now = self.microseconds()
        with self._lock:
            self._offset += round(seconds * MICROSECOND)
            self._last = now + round(seconds * MICROSECOND)

    def http_date(self) -> str:
        """Return the time now as the HTTP ``Date`` header prints it.

        Example:
            >>> sandbox.clock.http_date()
            'Fri, 15 Mar 2024 02:07:58 GMT'
        """
        return formatdate(self.seconds(), usegmt=True)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _read_loop() -> tuple[object, int]:
    """Return who tells the time and what it says: loops on the computer's clock count as one teller, in any thread."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return time, round(time.monotonic() * MICROSECOND)
    return time if _is_real(loop) else loop, round(loop.time() * MICROSECOND)


def _is_real(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell by the kind of loop, never by its reading: a virtual clock passes the computer's one sooner or later."""
    kind = type(loop)
    return getattr(kind, "time", None) is asyncio.BaseEventLoop.time or kind.__module__.startswith("uvloop")
