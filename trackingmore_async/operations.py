"""THE TABLE: every endpoint of the API once, with all that the client knows about it.

The facts come from API.md: methods and paths from section 3, rates, batch sizes and prices from section 7, and all
of them are defaults, for nothing of it was checked against the live service. Transport, bulk jobs, documentation and
tests read this table; a new endpoint is one row here, one method of the client, and two models.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from .errors import ConfigurationError
from .models import (
    Account,
    AirQuery,
    AirWaybill,
    BatchAnswer,
    Carrier,
    CarrierChange,
    CarrierGuess,
    CarriersQuery,
    CountsQuery,
    DetectQuery,
    GetQuery,
    NewTracking,
    Page,
    RealtimeQuery,
    RemoteAreaQuery,
    RemoteAreas,
    StatusCounts,
    Tracking,
    TrackingEcho,
    TrackingFilter,
    TrackingRef,
    TrackingUpdate,
    TransitTime,
    TransitTimeQuery,
)

__all__ = [
    "ACCOUNT_INFO",
    "AIR",
    "CARRIERS",
    "CHANGE_CARRIER",
    "CREATE",
    "CREATE_MANY",
    "DELETE",
    "DELETE_MANY",
    "DETECT",
    "GET",
    "LIST",
    "MAX_NUMBERS",
    "MAX_PAGE_SIZE",
    "OPERATIONS",
    "REALTIME",
    "REMOTE_AREAS",
    "STATUS_COUNTS",
    "STOP_UPDATING_MANY",
    "TRANSIT_TIMES",
    "UPDATE",
    "UPDATE_MANY",
    "Operation",
    "Rate",
    "Safety",
]

MAX_PAGE_SIZE: Final = 2000
"""The most trackings that one page of the list can hold (API.md 3.6)."""

MAX_NUMBERS: Final = 40
"""The most tracking numbers, and the most order ids, that one list request can name (API.md 3.6)."""


MOST: Final = 1_000_000
"""The largest numbers that make sense in a `Rate`."""

SHORTEST: Final = 0.001
"""The shortest period of a `Rate`, in seconds: event loops keep no shorter one."""


@frozen
class Rate:
    """How many requests may be sent in how many seconds.

    Args:
        requests: How many; at least 1.
        seconds: In how many seconds; more than 0.

    Raises:
        ConfigurationError: One of the two cannot work.

    Example:
        >>> Rate(3), Rate(1, 2.5).interval
        (Rate(requests=3, seconds=1.0), 2.5)
    """

    requests: int
    seconds: float = 1.0

    def __attrs_post_init__(self) -> None:
        if type(self.requests) is not int or not 1 <= self.requests <= MOST:
            msg = (
                f"Rate(requests={self.requests!r}) cannot work: pass a whole number of at least 1. "
                "For less than one request a second make seconds larger."
            )
            raise ConfigurationError(msg)
        if not _is_number(self.seconds) or not SHORTEST <= self.seconds <= MOST:
            msg = f"Rate(seconds={self.seconds!r}) cannot work: pass a finite number above 0, {SHORTEST} at least."
            raise ConfigurationError(msg)

    @property
    def interval(self) -> float:
        """Seconds from one request to the next, when they are spread evenly."""
        return self.seconds / self.requests


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Safety(Enum):
    """What a second sending of the same request may do."""

    READ = "read"
    """Nothing: it only reads."""
    KEYED = "keyed"
    """A write that names its tracking: it may be sent again, and its effect can be looked up."""
    PAID = "paid"
    """A question that costs quota each time: sent again only if it certainly did not leave."""
    NEVER = "never"
    """Once sent, never again."""


@frozen
class Operation:
    """One row of the table.

    Args:
        name: The name of the operation, and of its bucket.
        method: The HTTP method.
        path: The path behind the base URL; ``{...}`` are fields of the request, percent-encoded.
        client_method: The method of the client that sends it, such as ``trackings.create``.
        request: The model of the request, or of each item of a batch; None when there is nothing to say.
        response: What `codec.decode` returns: a model, ``list[...]`` or ``dict[...]`` of one, or None.
        safety: What a second sending may do.
        rate: How often it may be sent, by default.
        batch_size: Items of one request, at most; 1 where the request is a single object.
        timeout: Seconds for one attempt, by default.
        quota: The price of one item, in units of the account's quota.
        counter: What a batch answer calls the number of items that it carried out; None when it is no such batch.

    Example:
        >>> OPERATIONS["create_many"].batch_size, CREATE_MANY.bucket
        (40, 'create_many')
    """

    name: str
    method: str
    path: str
    client_method: str
    request: Any
    response: Any
    safety: Safety
    rate: Rate = Rate(1)
    batch_size: int = 1
    timeout: float = 30.0
    quota: float = 0.0
    counter: str | None = None

    @property
    def bucket(self) -> str:
        """The name of the bucket that meters this operation: its own name."""
        return self.name

    @property
    def is_batch(self) -> bool:
        """Whether a request is an array of items."""
        return self.batch_size > 1


_ONE: Final = "/trackings/{carrier_code}/{tracking_number}"

CREATE: Final = Operation(
    "create", "POST", "/trackings/post", "trackings.create", NewTracking, TrackingEcho, Safety.KEYED, quota=1.0
)
"""Create one tracking (API.md 3.1)."""

GET: Final = Operation("get", "GET", _ONE, "trackings.get", GetQuery, Tracking, Safety.READ)
"""Read one tracking; a language is a third part of the path (API.md 3.2)."""

UPDATE: Final = Operation("update", "PUT", _ONE, "trackings.update", TrackingUpdate, TrackingEcho, Safety.KEYED)
"""Edit one tracking (API.md 3.3)."""

DELETE: Final = Operation("delete", "DELETE", _ONE, "trackings.delete", TrackingRef, None, Safety.KEYED)
"""Delete one tracking (API.md 3.4)."""

CREATE_MANY: Final = Operation(
    "create_many",
    "POST",
    "/trackings/batch",
    "trackings.create_many",
    NewTracking,
    BatchAnswer,
    Safety.KEYED,
    batch_size=40,
    quota=1.0,
    counter="added",
)
"""Create many trackings (API.md 3.5)."""

UPDATE_MANY: Final = Operation(
    "update_many",
    "POST",
    "/trackings/updatemore",
    "trackings.update_many",
    TrackingUpdate,
    BatchAnswer,
    Safety.KEYED,
    batch_size=40,
    counter="updated",
)
"""Edit many trackings; the batch size is not documented (API.md 3.7)."""

DELETE_MANY: Final = Operation(
    "delete_many",
    "POST",
    "/trackings/delete",
    "trackings.delete_many",
    TrackingRef,
    BatchAnswer,
    Safety.KEYED,
    batch_size=40,
    counter="delete",
)
"""Delete many trackings; the batch size is not documented (API.md 3.8)."""

STOP_UPDATING_MANY: Final = Operation(
    "stop_updating_many",
    "POST",
    "/trackings/notupdate",
    "trackings.stop_updating_many",
    TrackingRef,
    BatchAnswer,
    Safety.KEYED,
    batch_size=40,
    counter="change",
)
"""Stop the refreshing of many trackings; the batch size is not documented (API.md 3.13)."""

LIST: Final = Operation("list", "GET", "/trackings/get", "trackings.list", TrackingFilter, Page, Safety.READ)
"""Read one page of the trackings (API.md 3.6)."""

REALTIME: Final = Operation(
    "realtime",
    "POST",
    "/trackings/realtime",
    "trackings.realtime",
    RealtimeQuery,
    Tracking,
    Safety.NEVER,
    rate=Rate(3),
    timeout=120.0,
)
"""Ask the carrier now; slow, and once in two hours for one shipment (API.md 3.9)."""

CHANGE_CARRIER: Final = Operation(
    "change_carrier", "POST", "/trackings/update", "trackings.change_carrier", CarrierChange, None, Safety.KEYED
)
"""Move a tracking to another carrier (API.md 3.10)."""

ACCOUNT_INFO: Final = Operation(
    "account_info", "GET", "/trackings/getuserinfo", "account.info", None, Account, Safety.READ
)
"""Read the account (API.md 3.11)."""

STATUS_COUNTS: Final = Operation(
    "status_counts",
    "GET",
    "/trackings/getstatusnumber",
    "account.status_counts",
    CountsQuery,
    StatusCounts,
    Safety.READ,
)
"""Count the trackings by status (API.md 3.12)."""

CARRIERS: Final = Operation("carriers", "GET", "/carriers", "carriers.list", CarriersQuery, list[Carrier], Safety.READ)
"""List the carriers (API.md 3.17)."""

DETECT: Final = Operation(
    "detect",
    "POST",
    "/carriers/detect",
    "carriers.detect",
    DetectQuery,
    list[CarrierGuess],
    Safety.PAID,
    quota=0.2,
)
"""Guess the carrier of a number (API.md 3.18)."""

REMOTE_AREAS: Final = Operation(
    "remote_areas",
    "POST",
    "/trackings/remote",
    "carriers.remote_areas",
    RemoteAreaQuery,
    RemoteAreas,
    Safety.PAID,
    batch_size=40,
    quota=0.2,
)
"""Ask which places are remote; the batch size is not documented (API.md 3.14)."""

TRANSIT_TIMES: Final = Operation(
    "transit_times",
    "POST",
    "/trackings/costtime",
    "carriers.transit_times",
    TransitTimeQuery,
    list[TransitTime],
    Safety.READ,
    batch_size=40,
)
"""Ask how long routes take; the batch size is not documented (API.md 3.15)."""

AIR: Final = Operation(
    "air",
    "POST",
    "/trackings/aircargo",
    "air.track",
    AirQuery,
    dict[str, AirWaybill],
    Safety.NEVER,
    timeout=120.0,
    quota=20.0,
)
"""Look up air waybills, several in one request object; the price is for each (API.md 3.16)."""

_SINGLE: Final = (CREATE, GET, UPDATE, DELETE)
_MANY: Final = (CREATE_MANY, UPDATE_MANY, DELETE_MANY, STOP_UPDATING_MANY)
_READS: Final = (LIST, REALTIME, ACCOUNT_INFO, STATUS_COUNTS, CARRIERS, TRANSIT_TIMES)
_OTHERS: Final = (CHANGE_CARRIER, DETECT, REMOTE_AREAS, AIR)

OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {row.name: row for row in (*_SINGLE, *_MANY, *_READS, *_OTHERS)}
)
"""All rows by name."""
