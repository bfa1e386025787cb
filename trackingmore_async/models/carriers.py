"""Carriers, and what is known about the places and routes they serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from .base import Model, Result, extra_field

__all__ = ["Carrier", "CarrierGuess", "RemoteArea", "RemoteAreas", "TransitTime"]


@frozen(repr=False, weakref_slot=False)
class Carrier(Result):
    """A carrier that the vendor knows: GET /carriers.

    Args:
        code: The vendor's code, to be used as ``carrier_code``.
        name: The name in the language asked for.
        phone: May be empty.
        homepage: May be empty.
        type: ``express`` or ``globalpost``.
        picture: Address of a logo, without a scheme: ``//cdn...``.
        name_cn: The Chinese name, where there is one.
        extra: What else the server sent.

    Example:
        >>> Carrier("china-ems", "China EMS")
        Carrier(code='china-ems', name='China EMS')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("code", "name")

    code: str
    name: str | None = None
    phone: str | None = field(default=None, kw_only=True)
    homepage: str | None = field(default=None, kw_only=True)
    type: str | None = field(default=None, kw_only=True)
    picture: str | None = field(default=None, kw_only=True)
    name_cn: str | None = field(default=None, kw_only=True)
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, weakref_slot=False)
class CarrierGuess(Result):
    """A carrier to which a number may belong: POST /carriers/detect.

    Args:
        code: The vendor's code, to be used as ``carrier_code``.
        name: The name of the carrier.
        extra: What else the server sent.

    Example:
        >>> CarrierGuess("china-ems", "China EMS")
        CarrierGuess(code='china-ems', name='China EMS')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("code", "name")

    code: str
    name: str | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, kw_only=True, weakref_slot=False)
class RemoteArea(Model):
    """A carrier that calls a place remote (an entry of ``remote``).

    Args:
        company: The carrier (the vendor's ``far_express_company``).
        country_code: Two letters (``two_code``).
        country: The English name (``far_country``).
        postcode: The postcode or city (``far_city_postcode``).
        extra: What else the server sent.

    Example:
        >>> RemoteArea(company="ups", country_code="JP")
        RemoteArea(company='ups', country_code='JP')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("company", "country_code")

    company: str | None = None
    country_code: str | None = None
    country: str | None = None
    postcode: str | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, kw_only=True, weakref_slot=False)
class RemoteAreas(Result):
    """The answer of POST /trackings/remote.

    Args:
        submitted: How many places were asked for; None when the server did not say.
        remote: One entry for each place and carrier that calls it remote: may be longer than ``submitted``.
        other: The places that are not remote, presumably; their shape is not known, so they are as sent.
        extra: What else the server sent.

    Example:
        >>> RemoteAreas(submitted=2)
        RemoteAreas(submitted=2)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("submitted",)

    submitted: int | None = None
    remote: tuple[RemoteArea, ...] = ()
    other: tuple[Any, ...] = field(default=(), hash=False)
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, kw_only=True, weakref_slot=False)
class TransitTime(Result):
    """How long a carrier takes on a route: POST /trackings/costtime.

    The vendor documents no ``range2``; whether a share is a fraction or a percentage is not known.

    Args:
        carrier_code: The vendor's code of the carrier.
        original: Two letters of the country of departure.
        destination: Two letters of the country of arrival.
        total: How many parcels were counted.
        delivered: How many, or which share, arrived.
        range1: The share that took 0 to 7 days.
        range3: 7 to 15 days.
        range4: 16 to 30 days.
        range5: 31 to 60 days.
        extra: What else the server sent: probably a share for more than 60 days, and an average.

    Example:
        >>> TransitTime(carrier_code="dhl", original="CN", destination="US", total=56)
        TransitTime(carrier_code='dhl', original='CN', destination='US', total=56)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("carrier_code", "original", "destination", "total")

    carrier_code: str | None = None
    original: str | None = None
    destination: str | None = None
    total: float | None = None
    delivered: float | None = None
    range1: float | None = None
    range3: float | None = None
    range4: float | None = None
    range5: float | None = None
    extra: Mapping[str, Any] = extra_field()
