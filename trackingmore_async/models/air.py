"""Air waybills: freight by plane."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from .base import Model, Result, extra_field

__all__ = ["AirEvent", "AirWaybill", "Airline", "Flight"]


@frozen(repr=False, kw_only=True, weakref_slot=False)
class AirEvent(Model):
    """One event of an air waybill (an entry of ``track_info``). Times are naive: local, as sent.

    Args:
        event: What happened.
        status: The airline's code, such as ``DEP``.
        station: The airport.
        flight_number: The flight.
        plan_date: When it was planned.
        actual_date: When it happened.
        piece: How many pieces, as sent.
        weight: Their weight, as sent.
        extra: What else the server sent.

    Example:
        >>> AirEvent(status="DEP", station="HKG")
        AirEvent(status='DEP', station='HKG')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("status", "station", "flight_number")

    event: str | None = None
    status: str | None = None
    station: str | None = None
    flight_number: str | None = None
    plan_date: datetime | None = None
    actual_date: datetime | None = None
    piece: str | None = None
    weight: str | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, kw_only=True, weakref_slot=False)
class Flight(Model):
    """One flight of an air waybill (an entry of ``flight_info``). Times are naive: local, as sent.

    Args:
        depart_station: Airport of departure.
        arrival_station: Airport of arrival.
        plan_depart_time: Planned departure.
        depart_time: Departure.
        plan_arrival_time: Planned arrival.
        arrival_time: Arrival.
        extra: What else the server sent.

    Example:
        >>> Flight(depart_station="HKG", arrival_station="LUX")
        Flight(depart_station='HKG', arrival_station='LUX')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("depart_station", "arrival_station")

    depart_station: str | None = None
    arrival_station: str | None = None
    plan_depart_time: datetime | None = None
    depart_time: datetime | None = None
    plan_arrival_time: datetime | None = None
    arrival_time: datetime | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, kw_only=True, weakref_slot=False)
class Airline(Model):
    """The airline of an air waybill (``airline_info``).

    Args:
        name: Its name.
        url: Its site.
        track_url: Its own tracking page.
        extra: What else the server sent.

    Example:
        >>> Airline(name="Sample Air")
        Airline(name='Sample Air')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("name",)

    name: str | None = None
    url: str | None = None
    track_url: str | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, weakref_slot=False)
class AirWaybill(Result):
    """One air waybill: POST /trackings/aircargo.

    Args:
        awb: The number with its dash, such as ``172-00000000``.
        weight: As sent, with its unit.
        piece: How many pieces.
        origin: Airport of departure.
        destination: Airport of arrival.
        status_number: The vendor's code of the status; its values are not documented.
        last_event: The newest event in one line.
        events: The events, in the order sent.
        flights: The flights by flight number.
        airline: The airline; None when absent.
        extra: What else the server sent.

    Example:
        >>> AirWaybill("172-00000000", origin="HKG", destination="LUX")
        AirWaybill(awb='172-00000000', origin='HKG', destination='LUX')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("awb", "origin", "destination", "status_number")

    awb: str
    weight: str | None = field(default=None, kw_only=True)
    piece: int | None = field(default=None, kw_only=True)
    origin: str | None = field(default=None, kw_only=True)
    destination: str | None = field(default=None, kw_only=True)
    status_number: str | None = field(default=None, kw_only=True)
    last_event: str | None = field(default=None, kw_only=True)
    events: tuple[AirEvent, ...] = field(default=(), kw_only=True)
    flights: Mapping[str, Flight] = field(factory=dict[str, Flight], kw_only=True, hash=False)
    airline: Airline | None = field(default=None, kw_only=True)
    extra: Mapping[str, Any] = extra_field()

    @property
    def found(self) -> bool:
        """Whether the answer told anything about the freight itself."""
        told = (self.weight, self.piece, self.origin, self.destination, self.status_number, self.last_event)
        return bool(self.events or self.flights or any(told))
