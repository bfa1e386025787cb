"""When a request will be granted to those who wait for one, and who need not wait for that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import attrs

from trackingmore_async.errors import DeadlineExceededError
from trackingmore_async.operations import Operation
from trackingmore_async.pacing.meter import TICK
from trackingmore_async.pacing.projecting import expected_interval
from trackingmore_async.pacing.refusal import hopeless
from trackingmore_async.settings import Lane
from trackingmore_async.transport import Transport, count_in

from .line import Line
from .request import SHARED, SharedRequest
from .waiter import Waiter

__all__ = ["Outlook", "is_late"]


@attrs.define(eq=False)
class Outlook:
    """Foretells the waits in a line.

    Args:
        transport: Where the requests go.
        operation: The row of the table that they follow.
        capacity: How many trackings one request can carry.
        line: Who waits.
        calling: Lane -> the request that waits for its slot.
    """

    transport: Transport
    operation: Operation
    capacity: int
    line: Line
    calling: Mapping[Lane, SharedRequest]

    def network(self) -> float:
        """Return the seconds that an answer usually takes."""
        return self.transport.latency.usual(self.operation.bucket, SHARED)

    def ban_left(self) -> float:
        """Return the seconds until a running ban ends; 0.0: there is none."""
        return max(0.0, self.transport.silence.until - asyncio.get_running_loop().time())

    def wait_of(self, waiter: Waiter) -> float:
        """Return the seconds until a request would probably be granted that has a place for this waiter."""
        return min(self.wait_behind(self.line.ahead_of(waiter, lane), lane) for lane in self.line.lanes(waiter))

    def wait_behind(self, trackings: int, lane: Lane) -> float:
        """Return the seconds until the request for whoever stands behind so many trackings in a lane."""
        limiter, bucket = self.transport.limiter, self.operation.bucket
        requests_before = trackings // self.capacity
        calling = self.calling.get(lane)
        if calling is None:
            wait = limiter.projected_wait(bucket, lane=lane)
        else:
            now = asyncio.get_running_loop().time()
            wait = max(limiter.projected_wait(bucket, lane=lane, again=True), calling.expected_at - now)
        if requests_before:
            wait += requests_before * expected_interval(limiter, self.operation)
        return wait

    def wait_after_ban(self, lane: Lane) -> float:
        """Return the seconds until a request would be granted once more whose answer was a ban."""
        wait = self.transport.limiter.projected_wait(self.operation.bucket, lane=lane, again=True)
        return max(self.ban_left(), wait)

    def has_time_for(self, waiter: Waiter) -> bool:
        """Tell whether a waiter whom another line refused would probably be granted a request of this one in time.

        What it has no time for because of answers that are as slow there, it has no time for here.
        """
        latest = min(waiter.latest, waiter.patience(self.network()))
        return not is_late(self.wait_of(waiter), latest)

    def refusal(self, waiter: Waiter, wait: float, waited: float = 0.0) -> DeadlineExceededError:
        """Return the error for a waiter whose request would come too late.

        Args:
            waiter: Who waits.
            wait: Seconds from now until that request.
            waited: Seconds that it has waited already.
        """
        error = hopeless(self.operation.bucket, wait=wait, ban=self.ban_left(), waited=waited)
        return error if waiter.budget.ends_at is None else count_in(error, self.network())


def is_late(wait: float, latest: float) -> bool:
    """Tell whether a wait of so many seconds from now ends too late (loop clock)."""
    return asyncio.get_running_loop().time() + wait > latest + TICK
