"""Which field of a model has which name on the wire, and how its value is read.

The vendor's names that differ from ours stand here, once (API.md 1.4 and section 2); every other field has the same
name on both sides. How a value is read follows from the type of the field, with the exceptions in `_READERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

import attrs

from trackingmore_async.models import (
    UNSET,
    Account,
    AirWaybill,
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

__all__ = ["WireField", "wire_fields", "wire_name"]

Reader = Callable[[Any], Any]

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
}

_SCALARS: Final[Mapping[Any, Reader]] = {
    str: values.required_text,
    int: values.required_number,
    bool: values.required_flag,
    tuple[str, ...]: values.texts,
    frozenset({tuple[str, ...]}): values.texts,
    tuple[Any, ...]: values.items,
    frozenset({str}): values.text,
    frozenset({int}): values.number,
    frozenset({float}): values.fraction,
    frozenset({bool}): values.flag,
    frozenset({datetime}): values.local_time,
    frozenset({Status}): values.status,
}


Shape = Literal["value", "one", "many", "keyed"]


@attrs.frozen
class WireField:
    """One field of a model, as the wire has it.

    Args:
        name: The name in the model.
        wire: The name on the wire.
        default: What it is when the wire does not have it: `attrs.NOTHING` when the wire must.
        shape: A single value, one model, a list of models, or an object of models.
        reader: Reads a single value.
        model: The model, unless it is a single value.
    """

    name: str
    wire: str
    default: Any
    shape: Shape
    reader: Reader = values.anything
    model: type[Model] = Model

    @property
    def required(self) -> bool:
        """Whether the wire must have it."""
        return self.default is attrs.NOTHING

    @property
    def unset(self) -> bool:
        """Whether it is `UNSET`, and not None or empty, when the wire does not have it."""
        return self.default is UNSET


def wire_name(cls: type[Model], name: str) -> str:
    """Return what the wire calls a field of a model."""
    return _NAMES.get(cls, {}).get(name, name)


def wire_fields(cls: type[Model]) -> tuple[WireField, ...]:
    """Return the fields of a model of an answer, ``extra`` apart. A pure function of the class, remembered."""
    return _wire_fields(cast("Any", cls))


@cache
def _wire_fields(cls: Any) -> tuple[WireField, ...]:
    hints = get_type_hints(cls)
    return tuple(_wire_field(cls, field, hints[field.name]) for field in attrs.fields(cls) if field.name != "extra")


def _wire_field(cls: type[Model], field: attrs.Attribute[Any], hint: Any) -> WireField:
    shape, kind = _shape(hint)
    return WireField(
        name=field.name,
        wire=wire_name(cls, field.name),
        default=field.default,
        shape=shape,
        reader=_READERS.get((cls, field.name)) or _SCALARS[kind] if shape == "value" else values.anything,
        model=Model if shape == "value" else kind,
    )


def _shape(hint: Any) -> tuple[Shape, Any]:
    """Tell one model, a tuple of them and a mapping of them from single values."""
    members = _members(hint)
    inner = members[0] if len(members) == 1 else None
    last = (get_args(inner) or (None,))[0 if get_origin(inner) is tuple else -1]
    if _is_model(inner):
        return "one", inner
    if _is_model(last):
        return ("many" if get_origin(inner) is tuple else "keyed"), last
    return "value", hint if len(members) == 1 and hint == inner else frozenset(members)


def _members(hint: Any) -> tuple[Any, ...]:
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(member for member in members if member not in (NoneType, UnsetType))


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)
