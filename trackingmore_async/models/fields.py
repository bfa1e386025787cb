"""The optional fields of single writes and of the list, as keyword arguments; a test holds them equal to the models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from .status import Status

__all__ = ["EditFields", "FilterFields", "NewFields", "RealtimeFields"]


class EditFields(TypedDict, total=False):
    """The fields of `TrackingUpdate` behind carrier and number."""

    title: str | None
    logistics_channel: str | None
    customer_name: str | None
    customer_email: str | None
    customer_phone: str | None
    order_id: str | None
    destination_code: str | None
    status: Status | str | int | None
    archived: bool | str | None


class NewFields(TypedDict, total=False):
    """The fields of `NewTracking` behind carrier and number."""

    destination_code: str | None
    title: str | None
    logistics_channel: str | None
    customer_name: str | None
    customer_email: str | None
    customer_phone: str | None
    order_id: str | None
    comment: str | None
    order_create_time: datetime | str | int | None
    tracking_ship_date: str | None
    tracking_postal_code: str | None
    tracking_account_number: str | None
    tracking_destination_country: str | None
    lang: str | None
    auto_correct: int | str | bool | None


class RealtimeFields(TypedDict, total=False):
    """The fields of `RealtimeQuery` behind carrier and number."""

    destination_code: str | None
    order_id: str | None
    order_create_time: datetime | str | int | None
    tracking_ship_date: str | None
    tracking_postal_code: str | None
    tracking_account_number: str | None
    tracking_destination_country: str | None
    lang: str | None


class FilterFields(TypedDict, total=False):
    """The fields of `TrackingFilter` that narrow the list: all but the page and its size."""

    status: Status | str | None
    created_at_min: datetime | int | None
    created_at_max: datetime | int | None
    update_time_min: datetime | int | None
    update_time_max: datetime | int | None
    order_created_time_min: datetime | int | None
    order_created_time_max: datetime | int | None
    lang: str | None
    numbers: str | Sequence[str]
    orders: str | Sequence[str]
    archived: bool | str | None
