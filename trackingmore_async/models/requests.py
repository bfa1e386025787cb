"""What is sent to create, edit, name or ask for trackings."""

from __future__ import annotations

from attrs import field, frozen

from .base import Model
from .moments import Moment, as_moment
from .status import Status
from .unset import UNSET, Text, UnsetType

__all__ = ["CarrierChange", "GetQuery", "NewTracking", "RealtimeQuery", "TrackingRef", "TrackingUpdate"]


@frozen(repr=False)
class NewTracking(Model):
    """A tracking to create: POST /trackings/post and POST /trackings/batch.

    Only the fields that you pass are sent; None and ``""`` are sent as they are.

    Args:
        carrier_code: The vendor's code of the carrier, such as ``china-ems``.
        tracking_number: The number of the parcel.
        destination_code: Two-letter country code.
        title: Free text.
        logistics_channel: Free text.
        customer_name: Free text.
        customer_email: An e-mail address.
        customer_phone: A phone number, ``+<country><number>``.
        order_id: Your own number of the order.
        comment: Free text.
        order_create_time: When the order was made. A datetime is sent as ``YYYY-MM-DD HH:MM``, its offset dropped;
            an int (unix seconds) or any other text as it is.
        tracking_ship_date: ``YYYYMMDD``; some carriers need it.
        tracking_postal_code: Some carriers need it.
        tracking_account_number: Some carriers need it.
        tracking_destination_country: Some carriers need it.
        lang: Two letters, for carriers with sites in several languages.
        auto_correct: 1 takes the carrier as given, without correcting it from the number.

    Example:
        >>> NewTracking("china-ems", "LX900000017CN", order_id="A-77")
        NewTracking(carrier_code='china-ems', tracking_number='LX900000017CN')
    """

    carrier_code: str
    tracking_number: str
    destination_code: Text = field(default=UNSET, kw_only=True)
    title: Text = field(default=UNSET, kw_only=True)
    logistics_channel: Text = field(default=UNSET, kw_only=True)
    customer_name: Text = field(default=UNSET, kw_only=True)
    customer_email: Text = field(default=UNSET, kw_only=True)
    customer_phone: Text = field(default=UNSET, kw_only=True)
    order_id: Text = field(default=UNSET, kw_only=True)
    comment: Text = field(default=UNSET, kw_only=True)
    order_create_time: Moment = field(default=UNSET, kw_only=True, converter=as_moment)
    tracking_ship_date: Text = field(default=UNSET, kw_only=True)
    tracking_postal_code: Text = field(default=UNSET, kw_only=True)
    tracking_account_number: Text = field(default=UNSET, kw_only=True)
    tracking_destination_country: Text = field(default=UNSET, kw_only=True)
    lang: Text = field(default=UNSET, kw_only=True)
    auto_correct: int | str | bool | UnsetType | None = field(default=UNSET, kw_only=True)


@frozen(repr=False)
class TrackingUpdate(Model):
    """An edit of one tracking: PUT /trackings/{c}/{n} and POST /trackings/updatemore.

    Edits are partial: only the fields that you pass are sent; None and ``""`` are sent as they are.

    Args:
        carrier_code: The vendor's code of the carrier.
        tracking_number: The number of the parcel.
        title: Free text.
        logistics_channel: Free text.
        customer_name: Free text.
        customer_email: An e-mail address.
        customer_phone: A phone number.
        order_id: Your own number of the order.
        destination_code: Two-letter country code.
        status: ``delivered`` (4), ``exception`` (7) or ``automatic`` (8): the word or the number.
        archived: Whether the tracking is put away.

    Example:
        >>> TrackingUpdate("zto", "500600700800", title="mug", status="exception")
        TrackingUpdate(carrier_code='zto', tracking_number='500600700800', status='exception')
    """

    carrier_code: str
    tracking_number: str
    title: Text = field(default=UNSET, kw_only=True)
    logistics_channel: Text = field(default=UNSET, kw_only=True)
    customer_name: Text = field(default=UNSET, kw_only=True)
    customer_email: Text = field(default=UNSET, kw_only=True)
    customer_phone: Text = field(default=UNSET, kw_only=True)
    order_id: Text = field(default=UNSET, kw_only=True)
    destination_code: Text = field(default=UNSET, kw_only=True)
    status: Status | str | int | UnsetType | None = field(default=UNSET, kw_only=True)
    archived: bool | str | UnsetType | None = field(default=UNSET, kw_only=True)


@frozen(repr=False)
class TrackingRef(Model):
    """The name of one tracking: for deleting it, or for stopping its updates.

    Args:
        carrier_code: The vendor's code of the carrier.
        tracking_number: The number of the parcel.

    Example:
        >>> TrackingRef("zto", "500600700800")
        TrackingRef(carrier_code='zto', tracking_number='500600700800')
    """

    carrier_code: str
    tracking_number: str


@frozen(repr=False)
class GetQuery(Model):
    """Which tracking to read: GET /trackings/{c}/{n}[/{lang}].

    Args:
        carrier_code: The vendor's code of the carrier.
        tracking_number: The number of the parcel.
        lang: Two letters; None for the default language.

    Example:
        >>> GetQuery("zto", "500600700800", lang="en").lang
        'en'
    """

    carrier_code: str
    tracking_number: str
    lang: Text = field(default=UNSET, kw_only=True)


@frozen(repr=False)
class RealtimeQuery(Model):
    """A question put to the carrier at once: POST /trackings/realtime.

    Args:
        carrier_code: The vendor's code of the carrier.
        tracking_number: The number of the parcel.
        destination_code: Two-letter country code.
        order_id: Your own number of the order.
        order_create_time: As in `NewTracking`.
        tracking_ship_date: ``YYYYMMDD``; some carriers need it.
        tracking_postal_code: Some carriers need it.
        tracking_account_number: Some carriers need it.
        tracking_destination_country: Some carriers need it.
        lang: Two letters.

    Example:
        >>> RealtimeQuery("zto", "500600700800", tracking_postal_code="10115")
        RealtimeQuery(carrier_code='zto', tracking_number='500600700800')
    """

    carrier_code: str
    tracking_number: str
    destination_code: Text = field(default=UNSET, kw_only=True)
    order_id: Text = field(default=UNSET, kw_only=True)
    order_create_time: Moment = field(default=UNSET, kw_only=True, converter=as_moment)
    tracking_ship_date: Text = field(default=UNSET, kw_only=True)
    tracking_postal_code: Text = field(default=UNSET, kw_only=True)
    tracking_account_number: Text = field(default=UNSET, kw_only=True)
    tracking_destination_country: Text = field(default=UNSET, kw_only=True)
    lang: Text = field(default=UNSET, kw_only=True)


@frozen(repr=False)
class CarrierChange(Model):
    """A tracking that moves to another carrier: POST /trackings/update.

    Args:
        carrier_code: The code under which the tracking stands now.
        tracking_number: The number of the parcel.
        new_carrier_code: The code under which it shall stand.

    Example:
        >>> CarrierChange("zto", "500600700800", "china-ems").new_carrier_code
        'china-ems'
    """

    carrier_code: str
    tracking_number: str
    new_carrier_code: str
