"""What a limiter may tell of its pace, beyond the protocol: what estimates of whole jobs stand on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from trackingmore_async.operations import Operation, Rate

from .protocol import RateLimiter

__all__ = ["Projecting", "expected_interval"]


@runtime_checkable
class Projecting(Protocol):
    """A limiter that knows its rates and what pace it reaches."""

    @property
    def rates(self) -> Mapping[str, Rate]:
        """Bucket -> `Rate`."""
        ...

    def expected_interval(self, bucket: str) -> float:
        """Seconds a request in the long run, by what was observed."""
        ...

    def longest_interval(self, bucket: str) -> float:
        """Seconds a request in the long run, if every answer came late."""
        ...


def expected_interval(limiter: RateLimiter, operation: Operation) -> float:
    """Seconds that are expected from one request of an operation to the next.

    Args:
        limiter: Whose pace it is; of one that does not tell, the rate in the table of operations is expected.
        operation: The row of the table.

    Example:
        >>> from trackingmore_async.operations import LIST
        >>> from trackingmore_async.pacing import LocalLimiter
        >>> expected_interval(LocalLimiter({"list": Rate(4)}), LIST)
        0.25
    """
    if isinstance(limiter, Projecting):
        return limiter.expected_interval(operation.bucket)
    return operation.rate.interval
