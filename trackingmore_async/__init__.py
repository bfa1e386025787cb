"""The asyncio client for the TrackingMore parcel tracking API, version 2: paced, batched, and true about every item.

Begin with `TrackingMore`. Importing this package is cheap: what stands behind a name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .bulk import BulkRun, JobOptions, OnError, Plan, Progress, ProgressListener
    from .changes import TrackingChanges
    from .client import TrackingMore
    from .errors import (
        AlreadyExistsError,
        ApiError,
        AuthenticationError,
        BulkError,
        ClientStateError,
        ConfigurationError,
        DeadlineExceededError,
        DecodeError,
        InvalidRequestError,
        JournalError,
        NotFoundError,
        PermissionDeniedError,
        QuotaExceededError,
        RateLimitedError,
        ServerError,
        TrackingMoreError,
        TransportError,
    )
    from .hooks import Hook, HookDetails, HookEvent
    from .journal import SqliteStore, Store
    from .models import (
        UNSET,
        Account,
        AirWaybill,
        BulkReport,
        Carrier,
        CarrierGuess,
        Checkpoint,
        Leg,
        NewTracking,
        Outcome,
        RemoteArea,
        RemoteAreaQuery,
        RemoteAreas,
        Status,
        StatusCounts,
        Tracking,
        TrackingEcho,
        TrackingRef,
        TrackingUpdate,
        TransitTime,
        TransitTimeQuery,
        UnsetType,
    )
    from .operations import OPERATIONS, Operation, Rate
    from .pacing import LocalLimiter, Permit, RateLimiter
    from .pages import FirstPage, Gap, Order, TrackingPages, Walk
    from .retry import RetryPolicy
    from .settings import Coalesce, Lane
    from .stats import BucketStats, GateState, Statistics
    from .timing import Timing
    from .transport import HttpClient

__all__ = [
    "OPERATIONS",
    "UNSET",
    "Account",
    "AirWaybill",
    "AlreadyExistsError",
    "ApiError",
    "AuthenticationError",
    "BucketStats",
    "BulkError",
    "BulkReport",
    "BulkRun",
    "Carrier",
    "CarrierGuess",
    "Checkpoint",
    "ClientStateError",
    "Coalesce",
    "ConfigurationError",
    "DeadlineExceededError",
    "DecodeError",
    "FirstPage",
    "Gap",
    "GateState",
    "Hook",
    "HookDetails",
    "HookEvent",
    "HttpClient",
    "InvalidRequestError",
    "JobOptions",
    "JournalError",
    "Lane",
    "Leg",
    "LocalLimiter",
    "NewTracking",
    "NotFoundError",
    "OnError",
    "Operation",
    "Order",
    "Outcome",
    "PermissionDeniedError",
    "Permit",
    "Plan",
    "Progress",
    "ProgressListener",
    "QuotaExceededError",
    "Rate",
    "RateLimitedError",
    "RateLimiter",
    "RemoteArea",
    "RemoteAreaQuery",
    "RemoteAreas",
    "RetryPolicy",
    "ServerError",
    "SqliteStore",
    "Statistics",
    "Status",
    "StatusCounts",
    "Store",
    "Timing",
    "Tracking",
    "TrackingChanges",
    "TrackingEcho",
    "TrackingMore",
    "TrackingMoreError",
    "TrackingPages",
    "TrackingRef",
    "TrackingUpdate",
    "TransitTime",
    "TransitTimeQuery",
    "TransportError",
    "UnsetType",
    "Walk",
    "__version__",
]

_ROOMS = (
    "errors",
    "settings",
    "timing",
    "hooks",
    "models",
    "operations",
    "stats",
    "journal",
    "pacing",
    "retry",
    "transport",
    "bulk",
    "pages",
    "changes",
    "client",
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for room in _ROOMS:
            module = import_module(f".{room}", __name__)
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
