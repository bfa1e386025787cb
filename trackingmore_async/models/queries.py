"""What is asked for, apart from single trackings: lists, counts, carriers, areas, times, air waybills."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from attrs import field, frozen

from .base import Model
from .moments import Moment, as_moment
from .status import Status
from .unset import UNSET, Text, UnsetType

__all__ = [
    "AirQuery",
    "CarriersQuery",
    "CountsQuery",
    "DetectQuery",
    "RemoteAreaQuery",
    "TrackingFilter",
    "TransitTimeQuery",
]


def _as_texts(value: str | Iterable[str] | None) -> tuple[str, ...]:
    """Make a tuple of one text, of many or of none; the letters of a text are not what anybody means."""
    return (value,) if isinstance(value, str) else tuple(value or ())


@frozen(repr=False, kw_only=True)
class TrackingFilter(Model):
    """Which trackings to list: GET /trackings/get. What is not given does not narrow the list.

    Args:
        page: Number of the page, from 1.
        limit: Trackings a page, 1 to 2000; the server's default is 100.
        status: A status word.
        created_at_min: Not created before: an aware datetime, or unix seconds.
        created_at_max: Not created after.
        update_time_min: Not updated before.
        update_time_max: Not updated after.
        order_created_time_min: The order not made before.
        order_created_time_max: The order not made after.
        lang: Two letters.
        numbers: Up to 40 tracking numbers.
        orders: Up to 40 order ids.
        archived: True: only archived ones; False: only others.

    Example:
        >>> TrackingFilter(status="transit", limit=2000)
        TrackingFilter(page=1, limit=2000, status='transit')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("page", "limit", "status")

    page: int = 1
    limit: int | UnsetType | None = UNSET
    status: Status | str | UnsetType | None = UNSET
    created_at_min: Moment = field(default=UNSET, converter=as_moment)
    created_at_max: Moment = field(default=UNSET, converter=as_moment)
    update_time_min: Moment = field(default=UNSET, converter=as_moment)
    update_time_max: Moment = field(default=UNSET, converter=as_moment)
    order_created_time_min: Moment = field(default=UNSET, converter=as_moment)
    order_created_time_max: Moment = field(default=UNSET, converter=as_moment)
    lang: Text = UNSET
    numbers: tuple[str, ...] = field(default=(), converter=_as_texts)
    orders: tuple[str, ...] = field(default=(), converter=_as_texts)
    archived: bool | str | UnsetType | None = UNSET


@frozen(repr=False, kw_only=True)
class CountsQuery(Model):
    """Which trackings to count: GET /trackings/getstatusnumber.

    Args:
        created_at_min: Not created before: an aware datetime, or unix seconds.
        created_at_max: Not created after.
        order_created_time_min: The order not made before.
        order_created_time_max: The order not made after.

    Example:
        >>> CountsQuery(created_at_min=1_700_000_000).created_at_min
        1700000000
    """

    created_at_min: Moment = field(default=UNSET, converter=as_moment)
    created_at_max: Moment = field(default=UNSET, converter=as_moment)
    order_created_time_min: Moment = field(default=UNSET, converter=as_moment)
    order_created_time_max: Moment = field(default=UNSET, converter=as_moment)


@frozen(repr=False)
class CarriersQuery(Model):
    """In which language to list the carriers: GET /carriers.

    Args:
        lang: ``en`` or ``cn``, sent as the header ``Lang``.

    Example:
        >>> CarriersQuery(lang="cn").lang
        'cn'
    """

    lang: Text = field(default=UNSET, kw_only=True)


@frozen(repr=False)
class DetectQuery(Model):
    """The number whose carrier is asked for: POST /carriers/detect. Costs 0.2 quota.

    Args:
        tracking_number: The number of the parcel.
        lang: Two letters.

    Example:
        >>> DetectQuery("LX900000017CN")
        DetectQuery(tracking_number='LX900000017CN')
    """

    tracking_number: str
    lang: Text = field(default=UNSET, kw_only=True)


@frozen(repr=False)
class RemoteAreaQuery(Model):
    """A place that may cost extra: POST /trackings/remote. Costs 0.2 quota.

    Args:
        country: The name of the country, or its two letters.
        postcode: The postcode, or the city where there are no postcodes.
        company: A carrier, such as ``DHL``; all that are known when not given.

    Example:
        >>> RemoteAreaQuery("JP", "9990001", company="ups")
        RemoteAreaQuery(country='JP', company='ups')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("country", "company")

    country: str
    postcode: str
    company: Text = UNSET


@frozen(repr=False)
class TransitTimeQuery(Model):
    """A route whose usual duration is asked for: POST /trackings/costtime.

    Args:
        carrier_code: The vendor's code of the carrier.
        original: Two letters of the country of departure.
        destination: Two letters of the country of arrival.

    Example:
        >>> TransitTimeQuery("dhl", "CN", "US")
        TransitTimeQuery(carrier_code='dhl', original='CN', destination='US')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("carrier_code", "original", "destination")

    carrier_code: str
    original: str
    destination: str


@frozen(repr=False)
class AirQuery(Model):
    """The air waybills to look up: POST /trackings/aircargo. Costs 20 quota each, or more.

    Args:
        awbs: One air waybill or several, such as ``172-00000000``.
        lang: Two letters.

    Example:
        >>> AirQuery("172-00000000")
        AirQuery(awbs=('172-00000000',))
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("awbs",)

    awbs: tuple[str, ...] = field(converter=_as_texts)
    lang: Text = field(default=UNSET, kw_only=True)
