"""What is said to a request that will not have its turn in time."""

from __future__ import annotations

import asyncio

from trackingmore_async.errors import DeadlineExceededError

from .meter import TICK
from .protocol import Lane, RateLimiter
from .silence import Silence

__all__ = ["hopeless", "late_turn"]


def hopeless(bucket: str, *, wait: float, ban: float = 0.0, waited: float = 0.0) -> DeadlineExceededError:
    """Return the error for a request whose turn would come after its deadline.

    Args:
        bucket: The bucket that it waits in.
        wait: Seconds from now until its turn would probably come.
        ban: Seconds from now until a running ban ends; 0: there is none.
        waited: Seconds that it has waited already.

    Example:
        >>> hopeless("list", wait=125.0, ban=121.0).projected_wait
        125.0
    """
    before = f" after {waited:.1f} s of waiting" if waited else ""
    reason = f"; the account is silent after a 429 for another {ban:.1f} s" if ban else ""
    return DeadlineExceededError(
        f"No slot for {bucket!r} in time{before}: it is expected in {wait:.1f} s, too late{reason}. "
        "Allow more time (max_wait, deadline), or send less.",
        projected_wait=wait,
        operation=bucket,
    )


def late_turn(
    limiter: RateLimiter, bucket: str, silence: Silence, *, lane: Lane, latest: float | None, again: bool
) -> DeadlineExceededError | None:
    """Return the error for a request that would have its turn too late if it asked now; None for any other.

    Args:
        limiter: Whom it would ask.
        bucket: The bucket that it would wait in.
        silence: The bans of the account.
        lane: The lane in which it would wait.
        latest: When its turn has to come (loop clock); None: any time.
        again: True when it would wait at the head of its lane.
    """
    if latest is None:
        return None
    now, wait = asyncio.get_running_loop().time(), limiter.projected_wait(bucket, lane=lane, again=again)
    if now + wait <= latest + TICK:
        return None
    return hopeless(bucket, wait=wait, ban=max(0.0, silence.until - now))
