"""Rate limiting: when a request may leave, so that no limit of the API is ever passed."""

from .keepers import Keeper
from .local import LocalLimiter
from .memory import Snapshot
from .protocol import Lane, Permit, RateLimiter
from .statistics import BucketStatistics, GateStatistics, LimiterStatistics

__all__ = [
    "BucketStatistics",
    "GateStatistics",
    "Keeper",
    "Lane",
    "LimiterStatistics",
    "LocalLimiter",
    "Permit",
    "RateLimiter",
    "Snapshot",
]
