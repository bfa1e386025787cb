"""What the transport asks of a rate limiter: the protocol that the local and any shared limiter implement."""

from __future__ import annotations

from typing import Protocol

import attrs

from trackingmore_async.settings import Lane

__all__ = ["Lane", "Permit", "RateLimiter"]


@attrs.define(eq=False, kw_only=True)
class Permit:
    """The right to send one request now. Hand it back with `RateLimiter.release`, whatever happened.

    Args:
        bucket: The name of the bucket that granted it.
        probe: True for the single request that tries whether a ban is over.
        epoch: The number of the ban that was over when this was granted; later bans have higher numbers.
        round_trip: Seconds: the shortest network round trip that the sender vouches for; 0 when unknown.
        granted_at: Seconds on the event loop's clock.
    """

    bucket: str
    probe: bool = False
    epoch: int = 0
    round_trip: float = 0.0
    granted_at: float = 0.0


class RateLimiter(Protocol):
    """Decides when a request may leave. All times are seconds on the running event loop's clock."""

    async def acquire(
        self,
        bucket: str,
        *,
        lane: Lane = "interactive",
        deadline: float | None = None,
        round_trip: float = 0.0,
        again: bool = False,
    ) -> Permit:
        """Wait for the turn of one request.

        Args:
            bucket: The name of the bucket, which is the name of the operation.
            lane: "interactive" overtakes "bulk", which keeps a guaranteed share.
            deadline: The latest time (loop clock) at which the permit is of use; None: any time.
            round_trip: Seconds: the shortest network round trip to the server that is known for certain, else 0.
            again: True for a request that had its turn before (a retry): it goes to the head of its lane.

        Raises:
            DeadlineExceededError: at once when the projected wait passes the deadline, with that wait; the
                same when a ban begins that makes it hopeless.
        """
        ...

    async def release(
        self, permit: Permit, *, sent_at: float | None, answered_at: float | None = None, refused: bool = False
    ) -> None:
        """Say what became of a permit. May be called twice: when the request left, and when its answer came.

        Args:
            permit: The permit.
            sent_at: When the request's headers were written; None: it was never sent, the slot is free at once.
            answered_at: When the head of the answer arrived; None: no answer (yet).
            refused: True when the answer was a 429 (`penalise` is called as well).
        """
        ...

    async def penalise(self, permit: Permit, seconds: float) -> int:
        """Close the gate for all buckets for `seconds` after a 429; return how many bans came in a row."""
        ...

    def projected_wait(self, bucket: str, *, lane: Lane = "interactive", again: bool = False) -> float:
        """Seconds until a request that asked now would probably get its turn.

        Args:
            bucket: The name of the bucket.
            lane: The lane in which it would wait.
            again: True when it would wait at the head of its lane, or waits there already: nobody of its lane who
                waits now comes before it.
        """
        ...
