"""The seconds for which an account had to be silent, so that whoever waited can tell how much of that was a ban."""

from __future__ import annotations

import math

import attrs

__all__ = ["Silence"]


@attrs.define(eq=False)
class Silence:
    """All bans of an account, one after the other. Times are seconds on the event loop's clock.

    Args:
        until: When the latest ban is over.
    """

    until: float = -math.inf
    _since: float = attrs.field(default=math.inf, init=False)
    _before: float = attrs.field(default=0.0, init=False)

    def begin(self, now: float, until: float) -> None:
        """Be silent from now on, or for longer than before."""
        if now >= self.until:
            self._before = self.seconds(now)
            self._since = now
        self.until = max(self.until, until)

    def seconds(self, now: float) -> float:
        """Return for how many seconds there was silence until now; the difference of two calls is what lay between."""
        return self._before + max(0.0, min(now, self.until) - self._since)
