"""One caller that waits to share a request."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import attrs

from trackingmore_async.pacing.silence import Silence
from trackingmore_async.settings import Lane
from trackingmore_async.timing import Timing
from trackingmore_async.transport import Budget

if TYPE_CHECKING:
    from .request import SharedRequest

__all__ = ["Waiter"]


@attrs.define(eq=False)
class Waiter:
    """One caller that waits to share a request.

    Args:
        item: What it asks for, or wants written.
        budget: The time that it has.
        answer: Becomes what the caller gets, or the error that it is told.
        since: When it came (seconds, loop clock).
        latest: When its request has to be granted (seconds, loop clock); infinite: any time.
        silence: Knows the bans of the account.
        attempts_before: How many times the request that it joined had been sent before.
        request: The request that it joined; None: it waits for one.
    """

    item: Any
    budget: Budget
    answer: asyncio.Future[Any]
    since: float
    latest: float
    silence: Silence
    attempts_before: int = 0
    request: SharedRequest | None = None
    _silent: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._silent = self.silence.seconds(self.since)

    @classmethod
    def of(cls, item: Any, budget: Budget, silence: Silence) -> Waiter:
        """Make the waiter of a call that begins now."""
        loop, latest = asyncio.get_running_loop(), budget.latest_slot()
        return cls(item, budget, loop.create_future(), loop.time(), math.inf if latest is None else latest, silence)

    @property
    def lane(self) -> Lane:
        """Where it waits."""
        return self.budget.lane

    @property
    def name(self) -> tuple[str, str]:
        """Carrier code and number of the tracking that it is about, as they were spelled."""
        return self.item.carrier_code, self.item.tracking_number

    @property
    def is_waiting(self) -> bool:
        """True until it was answered, or gave up."""
        return not self.answer.done()

    def patience(self) -> float:
        """Return when a further attempt has to be granted (seconds, loop clock); infinite: any time."""
        latest = self.budget.latest_slot()
        return math.inf if latest is None else latest

    def timing(self) -> Timing:
        """Divide the time spent until now; the request may have been under way for some time when it was joined."""
        now = asyncio.get_running_loop().time()
        total, pause = now - self.since, self.silence.seconds(now) - self._silent
        if self.request is None:
            return Timing(waiting=total - pause, pause=pause)
        trail, decode = self.request.trail, self.request.decode
        network = min(trail.network, total - pause)
        waiting = max(0.0, total - pause - network - decode)
        attempts = trail.attempts - self.attempts_before
        return Timing(waiting=waiting, pause=pause, network=network, decode=decode, attempts=attempts)

    def settle(self, answer: Any) -> None:
        """Answer it, or tell it an error, unless that was done.

        An error is a result of the future, too: one that nobody fetches any more would be reported as lost.
        """
        if not self.answer.done():
            self.answer.set_result(answer)
