"""The gate above all buckets: shut after a 429, opened by one probe (LIMITS.md 4.2; API.md 7: silence for 120 s)."""

from __future__ import annotations

import math
from typing import Literal

import attrs

from .protocol import Permit
from .silence import Silence
from .statistics import GateStatistics

__all__ = ["GUARD", "PROBE_SECONDS", "Gate"]

GUARD = 1.0
"""Seconds added to each pause: for clocks that differ, and for the way to the server."""

PROBE_SECONDS = 15.0
"""How long a probe may take before the next one goes."""


@attrs.define(eq=False)
class Gate:
    """Open; shut during a ban; ajar afterwards, for one probe at a time, until one was answered and not refused.

    Args:
        epoch: The number of the latest ban; 0: there was none.
        row: How many bans came in a row.
        silence: When the latest ban is over, and how long all of them lasted.
    """

    epoch: int = 0
    row: int = 0
    silence: Silence = attrs.field(factory=Silence)
    _open: bool = attrs.field(default=True, init=False)
    _probe: Permit | None = attrs.field(default=None, init=False)
    _probe_until: float = attrs.field(default=-math.inf, init=False)

    @property
    def is_open(self) -> bool:
        """True when no ban runs and no probe is needed."""
        return self._open

    @property
    def wants_probe(self) -> bool:
        """True when the next request will be a probe, during a ban or after it."""
        return not self._open and self._probe is None

    @property
    def shut_until(self) -> float:
        """When the latest ban is over (seconds, loop clock)."""
        return self.silence.until

    def opening(self) -> float:
        """Tell when the next request may pass: minus infinity when open."""
        if self._open:
            return -math.inf
        return self.shut_until if self._probe is None else max(self.shut_until, self._probe_until)

    def stamp(self, permit: Permit, now: float) -> None:
        """Mark a permit that passes: with the epoch and, after a ban, as the probe."""
        permit.epoch = self.epoch
        permit.probe = not self._open
        if permit.probe:
            self._probe, self._probe_until = permit, now + PROBE_SECONDS

    def honours(self, permit: Permit) -> bool:
        """Tell whether no ban began since the permit was granted."""
        return permit.epoch == self.epoch and (self._open or self._probe is permit)

    def shut(self, permit: Permit, now: float, seconds: float) -> int:
        """Begin a ban of so many seconds, or extend the one that a refused permit belongs to; return the row."""
        # A permit granted since the latest ban was over is refused anew. An older one met the ban that runs already.
        if self._open or permit.epoch == self.epoch:
            self.epoch += 1
            self.row += 1
        self.silence.begin(now, now + seconds + GUARD)
        self._open, self._probe = False, None
        return self.row

    def restore(self, until: float, row: int, now: float) -> None:
        """Continue a ban of an earlier limiter; one that is over wants a probe, unless one is wanted already."""
        self.row = max(self.row, row)
        if self._open or until > max(now, self.shut_until):
            self._open, self.epoch = False, self.epoch + 1
            self.silence.begin(now, until)

    def doubt(self, now: float) -> None:
        """Have a probe go first, for there may be a ban that nobody could record; it counts in no row."""
        if self._open:
            self._open, self._probe = False, None
            self.silence.begin(now, now)

    def answered(self, permit: Permit, now: float) -> None:
        """Open the gate when the permit was a probe for the latest ban, and that ban was not extended since."""
        if permit.probe and permit.epoch == self.epoch and now >= self.shut_until:
            self._open, self._probe, self.row = True, None, 0
        else:
            self.dropped(permit)

    def statistics(self, now: float) -> GateStatistics:
        """Describe the gate."""
        to_go = 0.0 if self._open else max(0.0, self.shut_until - now)
        state: Literal["open", "shut", "ajar"] = "open" if self._open else "shut" if to_go else "ajar"
        return GateStatistics(state=state, seconds_to_go=to_go, bans=self.epoch, bans_in_a_row=self.row)

    def dropped(self, permit: Permit) -> None:
        """Let the next probe go when this one ended without an answer."""
        if self._probe is permit:
            self._probe = None
