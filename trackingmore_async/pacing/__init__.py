"""Rate limiting: when a request may leave, so that no limit of the API is ever passed."""

from .local import LocalLimiter
from .protocol import Lane, Permit, RateLimiter
from .statistics import BucketStatistics, GateStatistics, LimiterStatistics

__all__ = [
    "BucketStatistics",
    "GateStatistics",
    "Lane",
    "LimiterStatistics",
    "LocalLimiter",
    "Permit",
    "RateLimiter",
]
