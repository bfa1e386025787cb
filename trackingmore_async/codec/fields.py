"""Which field of a model has which name on the wire, and how its value is read.

The vendor's names that differ from ours stand here, once (API.md 1.4 and section 2); every other field has the same
name on both sides. How a value is read follows from the type of the field, with the exceptions in `_READERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs
import msgspec

from trackingmore_async.models import (
    Account,
    AirWaybill,
    BatchEntry,
    Checkpoint,
    Leg,
    Model,
    RemoteArea,
    Status,
    Tracking,
    TrackingEcho,
    UnsetType,
)

from . import values

__all__ = ["WireField", "inner_model", "wire_fields"]

Reader = Callable[[Any, Any], Any]

_NAMES: Final[Mapping[type, Mapping[str, str]]] = {
    Tracking: {
        "item_time_length": "itemTimeLength",
        "stay_time_length": "stayTimeLength",
        "package_status": "packageStatus",
        "signed_by": "singed_by",
        "origin": "origin_info",
        "destination": "destination_info",
        "last_event": "lastEvent",
        "last_update_time": "lastUpdateTime",
        "customer_emails": "customer_email",
        "customer_phones": "customer_phone",
    },
    TrackingEcho: {"customer_emails": "customer_email", "customer_phones": "customer_phone"},
    Leg: {
        "reference_number": "ReferenceNumber",
        "item_received": "ItemReceived",
        "item_dispatched": "ItemDispatched",
        "departed_from_airport": "DepartfromAirport",
        "arrived_from_abroad": "ArrivalfromAbroad",
        "customs_clearance": "CustomsClearance",
        "destination_arrived": "DestinationArrived",
        "checkpoints": "trackinfo",
    },
    Checkpoint: {
        "time": "Date",
        "description": "StatusDescription",
        "details": "Details",
        "status": "checkpoint_status",
        "item_node": "ItemNode",
        "act_type": "ActType",
    },
    RemoteArea: {
        "company": "far_express_company",
        "country_code": "two_code",
        "country": "far_country",
        "postcode": "far_city_postcode",
    },
    AirWaybill: {"events": "track_info", "flights": "flight_info", "airline": "airline_info"},
}

_READERS: Final[Mapping[tuple[type, str], Reader]] = {
    (Tracking, "created_at"): values.aware_time,
    (Tracking, "updated_at"): values.aware_time,
    (Tracking, "order_create_time"): values.order_time,
    (TrackingEcho, "created_at"): values.aware_time,
    (TrackingEcho, "updated_at"): values.aware_time,
    (TrackingEcho, "order_create_time"): values.order_time,
    (Account, "regtime"): values.aware_time,
    (BatchEntry, "refused"): values.flag,
}

_SCALARS: Final[Mapping[Any, Reader]] = {
    str: values.required_text,
    int: values.required_number,
    frozenset({str}): values.text,
    frozenset({int}): values.number,
    frozenset({float}): values.fraction,
    frozenset({bool}): values.flag,
    frozenset({datetime}): values.local_time,
    frozenset({Status}): values.status,
}


@attrs.frozen
class WireField:
    """One field of a model, as the wire has it.

    Args:
        name: The name in the model.
        wire: The name on the wire.
        reader: Reads one value; None when the field holds a model or several.
        many: ``tuple`` or ``dict`` when the field holds several models; None otherwise.
        model: The model that the field holds.
        default: What the field is when the wire has nothing; `attrs.NOTHING` when there must be something.
    """

    name: str
    wire: str
    reader: Reader | None
    many: type | None
    model: type[Model] | None
    default: Any


@cache
def wire_fields(cls: type[Model]) -> tuple[WireField, ...]:
    """Return the fields of a model, ``extra`` apart. A pure function of the class; remembered."""
    hints = get_type_hints(cls)
    return tuple(_wire_field(cls, field, hints[field.name]) for field in attrs.fields(cls) if field.name != "extra")
