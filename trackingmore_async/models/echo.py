"""What the server echoes of a write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from .base import Result, extra_field
from .status import Status
from .unset import UNSET, Text, UnsetType

__all__ = ["TrackingEcho"]

MaybeTime = datetime | None | UnsetType
MaybeTexts = tuple[str, ...] | UnsetType


@frozen(repr=False, weakref_slot=False)
class TrackingEcho(Result):
    """The answer to a create or an edit: the names of `Tracking`; what was not echoed is ``UNSET``.

    Args:
        carrier_code: The vendor's code of the carrier.
        tracking_number: The number of the parcel.
        id: 32 hex digits.
        status: The status word; an edit's number is turned into its word.
        created_at: Aware.
        updated_at: Aware; None for never.
        order_create_time: Naive as sent, or aware where the server sent unix seconds; None for none.
        title: Free text.
        order_id: Your own number of the order.
        comment: Free text.
        customer_name: Free text.
        customer_emails: All addresses.
        customer_phones: All phone numbers.
        logistics_channel: Free text.
        destination_code: Two letters (a create answers it under another name); ``""`` for none.
        archived: Whether the tracking is put away.
        extra: What else the server sent.

    Example:
        >>> echo = TrackingEcho("zto", "500600700800", title="mug")
        >>> echo.title, echo.order_id
        ('mug', UNSET)
    """

    carrier_code: str
    tracking_number: str
    id: Text = field(default=UNSET, kw_only=True)
    status: Status | UnsetType | None = field(default=UNSET, kw_only=True)
    created_at: MaybeTime = field(default=UNSET, kw_only=True)
    updated_at: MaybeTime = field(default=UNSET, kw_only=True)
    order_create_time: MaybeTime = field(default=UNSET, kw_only=True)
    title: Text = field(default=UNSET, kw_only=True)
    order_id: Text = field(default=UNSET, kw_only=True)
    comment: Text = field(default=UNSET, kw_only=True)
    customer_name: Text = field(default=UNSET, kw_only=True)
    customer_emails: MaybeTexts = field(default=UNSET, kw_only=True)
    customer_phones: MaybeTexts = field(default=UNSET, kw_only=True)
    logistics_channel: Text = field(default=UNSET, kw_only=True)
    destination_code: Text = field(default=UNSET, kw_only=True)
    archived: bool | UnsetType | None = field(default=UNSET, kw_only=True)
    extra: Mapping[str, Any] = extra_field()

    @property
    def customer_email(self) -> Text:
        """The first of ``customer_emails``, None when there is none, ``UNSET`` when not echoed."""
        return _first(self.customer_emails)

    @property
    def customer_phone(self) -> Text:
        """The first of ``customer_phones``, None when there is none, ``UNSET`` when not echoed."""
        return _first(self.customer_phones)


def _first(texts: MaybeTexts) -> Text:
    if isinstance(texts, UnsetType):
        return UNSET
    return texts[0] if texts else None
