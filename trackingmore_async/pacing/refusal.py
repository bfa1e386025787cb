"""What is said to a request that will not have its turn in time."""

from __future__ import annotations

from trackingmore_async.errors import DeadlineExceededError

__all__ = ["hopeless"]


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
        f"No slot for {bucket!r} in time{before}: it is expected in {wait:.1f} s, past the deadline{reason}. "
        "Allow more time (max_wait, deadline), or send less.",
        projected_wait=wait,
        operation=bucket,
    )
