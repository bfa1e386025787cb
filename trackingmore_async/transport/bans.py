"""What a 429 does: the account falls silent, or it is an error (API.md 7, DESIGN.md rule 2)."""

from __future__ import annotations

import math

import attrs

from trackingmore_async.pacing.silence import Silence
from trackingmore_async.transport.budget import clock
from trackingmore_async.transport.counters import Counters
from trackingmore_async.transport.exchange import Exchange
from trackingmore_async.transport.headers import read_retry_after
from trackingmore_async.transport.http import Answer
from trackingmore_async.transport.telling import LONGEST_PAUSE, too_fast

__all__ = ["Bans"]


@attrs.define(eq=False)
class Bans:
    """The bans that one client met.

    Args:
        counters: Where they are counted.
        pause: Seconds of silence that a 429 costs.
        most: How many in a row are an error.
    """

    counters: Counters
    pause: float
    most: int
    _silent_until: float = attrs.field(default=-math.inf, init=False)

    async def hold_still(self, answer: Answer, exchange: Exchange, silence: Silence) -> None:
        """Close the gate for the whole account; raise `RateLimitedError` when that does not help.

        Args:
            answer: The 429.
            exchange: Takes note of it.
            silence: All bans of the account, as far as the limiter knows.
        """
        asked = read_retry_after(answer.headers)
        seconds = max(self.pause, min(asked, LONGEST_PAUSE))
        exchange.refused = True
        exchange.trail.bans += 1
        self.counters.of(exchange.permit.bucket).bans += 1
        now = clock()
        first = now >= self._silent_until  # several requests on their way meet the same ban
        self.counters.pauses += first
        self._silent_until = now + seconds
        silence.begin(now, self._silent_until)
        try:
            row = await exchange.limiter.penalise(exchange.permit, seconds)
        finally:
            exchange.silenced = silence.until - now if first else None
        if asked > LONGEST_PAUSE or row >= self.most:
            raise too_fast(row, asked, self.pause, answer.status)
