"""The operations of the remote API, one function each: a `Call` in, an `Answer` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from trackingmore_async.sandbox.call import Call
from trackingmore_async.sandbox.codes import Answer
from trackingmore_async.sandbox.endpoints import batches, listing, questions, singles

__all__ = ["HANDLERS"]

HANDLERS: Mapping[str, Callable[[Call], Answer]] = MappingProxyType(
    {
        "create": singles.create,
        "get": singles.get,
        "update": singles.update,
        "delete": singles.delete,
        "create_many": batches.create_many,
        "update_many": batches.update_many,
        "delete_many": batches.delete_many,
        "stop_updating_many": batches.stop_updating_many,
        "list": listing.list_trackings,
        "realtime": singles.realtime,
        "change_carrier": singles.change_carrier,
        "account_info": questions.account_info,
        "status_counts": listing.status_counts,
        "carriers": questions.carriers,
        "detect": questions.detect,
        "remote_areas": questions.remote_areas,
        "transit_times": questions.transit_times,
        "air": questions.air,
    }
)
"""What answers each operation, by bucket."""
