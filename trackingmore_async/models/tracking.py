"""A tracking as the server knows it: the parcel, its two legs, and the events of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from .base import Model, Result, extra_field
from .status import Status

__all__ = ["Checkpoint", "Leg", "Tracking"]


@frozen(repr=False, kw_only=True, weakref_slot=False)
class Checkpoint(Model):
    """One event of a parcel's journey (an entry of ``trackinfo``).

    Args:
        time: Local time of the event, naive as sent; to the minute or to the second.
        description: What happened, in the carrier's words.
        details: Where, usually.
        status: The status word that the vendor derived.
        substatus: A finer code, such as ``transit002``; rarely sent.
        item_node: The milestone that this event is, such as ``ItemReceived``.
        act_type: The carrier's own code of the event.
        extra: What else the server sent.

    Example:
        >>> Checkpoint(status=Status.TRANSIT, description="Posted").description
        'Posted'
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("time", "status")

    time: datetime | None = None
    description: str | None = None
    details: str | None = None
    status: Status | None = None
    substatus: str | None = None
    item_node: str | None = None
    act_type: str | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, kw_only=True, weakref_slot=False)
class Leg(Model):
    """One half of the journey, as one carrier saw it (``origin_info`` or ``destination_info``).

    All times are naive: local times of the events, as sent.

    Args:
        carrier_code: The vendor's code of the carrier of this leg.
        weblink: The carrier's site.
        phone: The carrier's phone number.
        reference_number: Another number of the same parcel.
        item_received: The carrier took the parcel.
        item_dispatched: It left the first hub.
        departed_from_airport: It left the airport (the vendor's ``DepartfromAirport``).
        arrived_from_abroad: It reached the country (``ArrivalfromAbroad``).
        customs_clearance: Customs let it pass.
        destination_arrived: It reached the destination.
        checkpoints: The events, newest first; empty when there are none yet.
        extra: What else the server sent.

    Example:
        >>> Leg(carrier_code="china-ems")
        Leg(carrier_code='china-ems')
    """

    carrier_code: str | None = None
    weblink: str | None = None
    phone: str | None = None
    reference_number: str | None = None
    item_received: datetime | None = None
    item_dispatched: datetime | None = None
    departed_from_airport: datetime | None = None
    arrived_from_abroad: datetime | None = None
    customs_clearance: datetime | None = None
    destination_arrived: datetime | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, weakref_slot=False)
class Tracking(Result):
    """A tracking, as GET /trackings/{c}/{n}, the list, realtime and the webhooks tell it.

    No answer holds all fields: what was missing or null is None.

    Args:
        carrier_code: The vendor's code of the carrier.
        tracking_number: The number of the parcel.
        id: 32 hex digits; the same again when the tracking is deleted and created anew.
        status: The status word; None only when the server sent none.
        substatus: A finer code, such as ``transit002``.
        created_at: When the tracking was created; aware.
        updated_at: When the vendor last refreshed it; aware, None for never. It may lie before ``created_at``.
        order_create_time: When the order was made: naive as sent, or aware where the server sent unix seconds.
        title: Free text.
        order_id: Your own number of the order.
        comment: Free text.
        customer_name: Free text.
        customer_emails: All addresses, for the server sends one, several or none; its word ``null`` is none.
        customer_phones: All phone numbers, likewise.
        logistics_channel: Free text.
        archived: Whether the tracking is put away.
        original_country: English name of the country of departure.
        destination_country: English name of the country of arrival.
        destination_code: Two letters of the country of arrival.
        item_time_length: Days under way, counted at the last refresh.
        stay_time_length: Days since the last event, counted at the last refresh.
        service_code: The carrier's code of the service.
        status_info: More about the status.
        package_status: Another word for the status, from realtime.
        weight: As sent.
        signed_by: Who took the parcel (the vendor's ``singed_by``).
        destination_track_number: The number at the carrier of the last mile.
        last_mile_tracking_supported: Whether the last mile can be followed.
        track_update: Whether the vendor still refreshes this tracking.
        origin: The leg of the first carrier; None when absent.
        destination: The leg of the last carrier; None when absent.
        last_event: The newest event of both legs in one line.
        last_update_time: Local time of that event, naive.
        extra: What else the server sent.

    Example:
        >>> Tracking("china-ems", "LX900000017CN", status=Status.TRANSIT, customer_name="Kim")
        Tracking(carrier_code='china-ems', tracking_number='LX900000017CN', status=Status('transit'))
    """

    carrier_code: str
    tracking_number: str
    id: str | None = field(default=None, kw_only=True)
    status: Status | None = field(default=None, kw_only=True)
    substatus: str | None = field(default=None, kw_only=True)
    created_at: datetime | None = field(default=None, kw_only=True)
    updated_at: datetime | None = field(default=None, kw_only=True)
    order_create_time: datetime | None = field(default=None, kw_only=True)
    title: str | None = field(default=None, kw_only=True)
    order_id: str | None = field(default=None, kw_only=True)
    comment: str | None = field(default=None, kw_only=True)
    customer_name: str | None = field(default=None, kw_only=True)
    customer_emails: tuple[str, ...] = field(default=(), kw_only=True)
    customer_phones: tuple[str, ...] = field(default=(), kw_only=True)
    logistics_channel: str | None = field(default=None, kw_only=True)
    archived: bool | None = field(default=None, kw_only=True)
    original_country: str | None = field(default=None, kw_only=True)
    destination_country: str | None = field(default=None, kw_only=True)
    destination_code: str | None = field(default=None, kw_only=True)
    item_time_length: int | None = field(default=None, kw_only=True)
    stay_time_length: int | None = field(default=None, kw_only=True)
    service_code: str | None = field(default=None, kw_only=True)
    status_info: str | None = field(default=None, kw_only=True)
    package_status: str | None = field(default=None, kw_only=True)
    weight: str | None = field(default=None, kw_only=True)
    signed_by: str | None = field(default=None, kw_only=True)
    destination_track_number: str | None = field(default=None, kw_only=True)
    last_mile_tracking_supported: bool | None = field(default=None, kw_only=True)
    track_update: bool | None = field(default=None, kw_only=True)
    origin: Leg | None = field(default=None, kw_only=True)
    destination: Leg | None = field(default=None, kw_only=True)
    last_event: str | None = field(default=None, kw_only=True)
    last_update_time: datetime | None = field(default=None, kw_only=True)
    extra: Mapping[str, Any] = extra_field()

    @property
    def customer_email(self) -> str | None:
        """The first of ``customer_emails``, or None."""
        return self.customer_emails[0] if self.customer_emails else None

    @property
    def customer_phone(self) -> str | None:
        """The first of ``customer_phones``, or None."""
        return self.customer_phones[0] if self.customer_phones else None
