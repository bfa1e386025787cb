"""From the ``data`` of an answer to the model that its operation promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from trackingmore_async.models import (
    Account,
    AirWaybill,
    BatchAnswer,
    Carrier,
    CarrierGuess,
    Model,
    Page,
    RemoteAreas,
    StatusCounts,
    Tracking,
    TrackingEcho,
    TransitTime,
)
from trackingmore_async.operations import Operation

from .batches import batch_answer
from .explain import explain, refuse
from .pages import decode_page
from .parsing import decode_strictly, parse
from .shapes import is_list, is_object
from .structure import ODD, quick, structure

__all__ = ["decode", "decode_tracking"]

_DATA: Final = "$.data"


def decode(operation: Operation, data: msgspec.Raw | None) -> Any:
    """Decode the ``data`` of an envelope whose code is a success.

    Args:
        operation: The row of the table.
        data: `Envelope.data`.

    Returns:
        What ``operation.response`` says. ``{}``, ``[]``, null and missing data give the empty list, dict, page, answer
        or counts; None for operations that answer nothing.

    Raises:
        DecodeError: The data is not what the API promises, or there is nothing where one object must be.

    Example:
        >>> from trackingmore_async.operations import DETECT
        >>> decode(DETECT, msgspec.Raw(b'[{"name": "China EMS", "code": "china-ems"}]'))
        [CarrierGuess(code='china-ems', name='China EMS')]
    """
    if operation.response is None:
        return None
    if operation.response is Page:
        return decode_page(data)
    value = None if data is None else parse(data, _DATA)
    return _READERS[operation.response](value, operation)


def decode_tracking(raw: msgspec.Raw | bytes, path: str = "$") -> Tracking:
    """Decode one tracking, such as an item of a `Page` or the ``data`` of a webhook.

    Args:
        raw: The JSON object.
        path: Where it stood, for the text of an error, such as ``$.data.items[3]``.

    Raises:
        DecodeError: It is no JSON object, or it has no ``tracking_number`` or no ``carrier_code``.

    Example:
        >>> decode_tracking(b'{"tracking_number": "LX900000017CN", "carrier_code": "china-ems", "status": "transit"}')
        Tracking(carrier_code='china-ems', tracking_number='LX900000017CN', status=Status('transit'))
    """
    try:
        tracking: Tracking = quick(Tracking)(decode_strictly(raw), Tracking)
    except (*ODD, RecursionError):
        return explain(Tracking, parse(raw, path), path)
    return tracking


def _tracking(value: Any, operation: Operation) -> Tracking:
    """Read one tracking; realtime wraps it in a list of one (API.md 3.9)."""
    path = _DATA
    if is_object(value) and is_list(value.get("items")):
        value, path = (value["items"] or [None])[0], "$.data.items[0]"
    return structure(Tracking, _there(value, path, operation), path)


def _object(cls: type[Model]) -> Callable[[Any, Operation], Model]:
    return lambda value, operation: structure(cls, _there(value, _DATA, operation), _DATA)


def _there(value: Any, path: str, operation: Operation) -> Any:
    if not value:
        raise refuse(f"nothing where {operation.name} must answer an object", path)
    return value


def _counts(value: Any, _operation: Operation) -> StatusCounts:
    return structure(StatusCounts, value or {}, _DATA)


def _rows(cls: type[Model]) -> Callable[[Any, Operation], list[Model]]:
    def rows(value: Any, _operation: Operation) -> list[Model]:
        found, path = _list_in(value)
        return [structure(cls, item, f"{path}[{index}]") for index, item in enumerate(found)]

    return rows


def _list_in(value: Any) -> tuple[list[Any], str]:
    """Find the rows: the data itself, the one list in it, or the data as the only row (API.md 3.15: unknown)."""
    if not value:
        return [], _DATA
    if is_list(value):
        return value, _DATA
    lists = [key for key, item in value.items() if is_list(item)] if is_object(value) else []
    if len(lists) == 1:
        return value[lists[0]], f"{_DATA}.{lists[0]}"
    return [value], _DATA


def _remote_areas(value: Any, _operation: Operation) -> RemoteAreas:
    if is_list(value):
        value = {"remote": value}
    return structure(RemoteAreas, value or {}, _DATA)


def _waybills(value: Any, _operation: Operation) -> dict[str, AirWaybill]:
    if not value:
        return {}
    if not is_object(value):
        raise refuse("no object by air waybill", _DATA)
    return {
        awb: structure(AirWaybill, {**(item or {}), "awb": awb}, f"{_DATA}[{awb!r}]")
        for awb, item in value.items()
        if is_object(item) or not item
    }


_READERS: Final[Mapping[Any, Callable[[Any, Operation], Any]]] = {
    Tracking: _tracking,
    TrackingEcho: _object(TrackingEcho),
    Account: _object(Account),
    StatusCounts: _counts,
    BatchAnswer: batch_answer,
    RemoteAreas: _remote_areas,
    list[Carrier]: _rows(Carrier),
    list[CarrierGuess]: _rows(CarrierGuess),
    list[TransitTime]: _rows(TransitTime),
    dict[str, AirWaybill]: _waybills,
}
