"""Whether a failed request is sent again, and after how long. Pure: no clock, no I/O, no randomness of its own."""

from __future__ import annotations

import attrs

from trackingmore_async.errors import ConfigurationError, DecodeError, ServerError, TrackingMoreError, TransportError
from trackingmore_async.operations import Operation, Safety
from trackingmore_async.settings import check_seconds

__all__ = ["RetryPolicy", "delay_before_retry", "is_transient", "may_replay"]


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how patiently a request is sent again after the server or the network failed.

    A 429 is not counted here: it costs no attempt (see `TrackingMore`, ``pause_after_429``).

    Args:
        attempts: Requests at most for one call, the first included. 1 switches retries off.
        base: Seconds: the longest pause before the second request; it doubles with each further one.
        cap: Seconds: no pause is longer than this.
        bans: Bans in a row after which `RateLimitedError` is raised.

    Raises:
        ConfigurationError: a number is out of its range.

    Example:
        >>> RetryPolicy(attempts=2).attempts
        2
    """

    attempts: int = 4
    base: float = 0.5
    cap: float = 20.0
    bans: int = 3

    def __attrs_post_init__(self) -> None:
        for name, count in (("attempts", self.attempts), ("bans", self.bans)):
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(f"{name} of RetryPolicy has to be a whole number, 1 or more, not {count!r}.")
        for name, seconds in (("base", self.base), ("cap", self.cap)):
            if check_seconds(f"{name} of RetryPolicy", seconds, zero=True) is None:
                raise ConfigurationError(
                    f"{name} of RetryPolicy has to be a number of seconds. Leave it out, or pass one."
                )


def is_transient(error: TrackingMoreError) -> bool:
    """Tell whether the network or the server failed, and the same request may succeed later."""
    if isinstance(error, DecodeError):
        redirected = error.http_status is not None and 300 <= error.http_status < 400
        return error.code is None and not redirected
    return isinstance(error, TransportError | ServerError)


def may_replay(operation: Operation, error: TrackingMoreError, attempt: int) -> bool:
    """Tell whether the request may be sent again after its `attempt`-th sending failed (DESIGN.md rule 3)."""
    if not is_transient(error):
        return False
    if operation.safety in {Safety.READ, Safety.KEYED}:
        return True
    unsent = isinstance(error, TransportError) and error.sent is False
    return unsent and (operation.safety is Safety.NEVER or attempt == 1)


def delay_before_retry(
    policy: RetryPolicy, operation: Operation, error: TrackingMoreError, attempt: int, draw: float
) -> float | None:
    """Return the seconds to wait before the next request, or None when there is to be no next one.

    Args:
        policy: The caller's policy.
        operation: The row of the table.
        error: What came of the last request.
        attempt: How many requests were sent for this call.
        draw: A random number from 0 to 1: full jitter, so that many callers do not come back together.
    """
    if attempt >= policy.attempts or not may_replay(operation, error, attempt):
        return None
    return draw * min(policy.cap, policy.base * 2.0 ** min(attempt - 1, 1000))  # beyond it floats overflow
