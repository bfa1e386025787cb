"""The seconds for which an account had to be silent, so that whoever waited can tell how much of that was a ban."""

from __future__ import annotations

import math
from typing import Protocol
from weakref import WeakSet

import attrs

__all__ = ["Listener", "Silence"]


class Listener(Protocol):
    """Who has to know at once that a ban begins, for it makes waiting hopeless."""

    def silence_began(self) -> None:
        """Hear that the account has to be silent, or for longer than before; what was projected counts no more."""
        ...


@attrs.define(eq=False)
class Silence:
    """All bans of an account, one after the other. Times are seconds on the event loop's clock.

    Args:
        until: When the latest ban is over.
    """

    until: float = -math.inf
    _since: float = attrs.field(default=math.inf, init=False)
    _before: float = attrs.field(default=0.0, init=False)
    # Weak, for the bans of an account outlive the clients that meet them.
    _listeners: WeakSet[Listener] = attrs.field(factory=WeakSet[Listener], init=False)

    def tell(self, listener: Listener) -> None:
        """Tell somebody, from now on, when a ban begins."""
        self._listeners.add(listener)

    def begin(self, now: float, until: float) -> None:
        """Be silent from now on, or for longer than before."""
        if now >= self.until:
            self._before = self.seconds(now)
            self._since = now
        self.until = max(self.until, until)
        for listener in list(self._listeners):
            listener.silence_began()

    def seconds(self, now: float) -> float:
        """Return for how many seconds there was silence until now; the difference of two calls is what lay between."""
        return self._before + max(0.0, min(now, self.until) - self._since)
