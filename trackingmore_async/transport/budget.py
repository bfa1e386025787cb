"""How much time one call has, and what it went through."""

from __future__ import annotations

import anyio
import attrs

from trackingmore_async.settings import Lane

__all__ = ["Budget", "Trail"]


@attrs.define
class Trail:
    """What one call went through, over all its attempts.

    Args:
        attempts: Requests sent.
        bans: Requests that were answered by a 429.
        asked_at: When the latest request was about to leave (seconds, loop clock).
        first_sent_at: When the first request may have left (seconds, loop clock); None: none did.
        in_doubt: True when a request may have been carried out although no answer said so.
        may_still_run: True when that is because we gave up waiting: the server may carry it out even later.
    """

    attempts: int = 0
    bans: int = 0
    asked_at: float = 0.0
    first_sent_at: float | None = None
    in_doubt: bool = False
    may_still_run: bool = False


@attrs.frozen
class Budget:
    """The time that one call has, in seconds of the loop's clock.

    Args:
        ends_at: When everything has to be over; None: never.
        max_wait: Seconds until a slot; None: any.
        timeout: Seconds for one attempt.
        lane: Where it waits.
    """

    ends_at: float | None
    max_wait: float | None
    timeout: float
    lane: Lane

    def latest_slot(self) -> float | None:
        """Return the latest time at which a slot is of use."""
        latest = None if self.max_wait is None else anyio.current_time() + self.max_wait
        known = [moment for moment in (latest, self.ends_at) if moment is not None]
        return min(known, default=None)

    def time_for_attempt(self) -> float:
        """Return the seconds that the next attempt may take."""
        if self.ends_at is None:
            return self.timeout
        return max(0.0, min(self.timeout, self.ends_at - anyio.current_time()))

    def allows(self, delay: float) -> bool:
        """Tell whether a pause of `delay` seconds leaves any time."""
        return self.ends_at is None or anyio.current_time() + delay < self.ends_at
