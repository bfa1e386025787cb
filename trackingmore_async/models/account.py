"""The account: whose it is, what is left of it, and how its trackings stand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import frozen

from .base import Result, extra_field

__all__ = ["Account", "StatusCounts"]


@frozen(repr=False, kw_only=True, weakref_slot=False)
class Account(Result):
    """The answer of GET /trackings/getuserinfo.

    Args:
        email: The owner's e-mail address; never in the repr.
        regtime: When the account was opened; aware.
        phone: The owner's phone number; never in the repr.
        money: The balance.
        track_number: The quota that is left: how many trackings can still be created.
        extra: What else the server sent.

    Example:
        >>> Account(email="owner@shop.example", track_number=4800)
        Account(track_number=4800)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("track_number",)

    email: str | None = None
    regtime: datetime | None = None
    phone: str | None = None
    money: float | None = None
    track_number: float | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, kw_only=True, weakref_slot=False)
class StatusCounts(Result):
    """How many trackings have each status: GET /trackings/getstatusnumber.

    A status word that is not known here stands in ``extra`` with its number.

    Args:
        pending: Added, not looked up yet.
        notfound: No data yet.
        transit: Moving.
        pickup: Out for delivery, or waiting for collection.
        delivered: Delivered.
        undelivered: An attempt to deliver failed.
        exception: Returned, refused, lost, damaged, in customs.
        expired: Not delivered within the vendor's time.
        extra: What else the server sent.

    Example:
        >>> StatusCounts(transit=3).transit
        3
    """

    SHOWN: ClassVar[tuple[str, ...]] = (
        "pending",
        "notfound",
        "transit",
        "pickup",
        "delivered",
        "undelivered",
        "exception",
        "expired",
    )

    pending: int = 0
    notfound: int = 0
    transit: int = 0
    pickup: int = 0
    delivered: int = 0
    undelivered: int = 0
    exception: int = 0
    expired: int = 0
    extra: Mapping[str, Any] = extra_field()
