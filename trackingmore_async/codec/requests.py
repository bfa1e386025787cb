"""From models of requests to what goes over the wire: path, query, headers and body."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import Any, Final
from urllib.parse import quote

import attrs
import msgspec
from attrs import frozen

from trackingmore_async.models import UNSET, CountsQuery, Model, TrackingFilter
from trackingmore_async.operations import AIR, CARRIERS, CHANGE_CARRIER, CREATE_MANY, GET, LIST, REALTIME, Operation

from .checks import check_fields, check_part, refuse_field
from .shapes import is_tuple
from .values import STATUS_NUMBERS

__all__ = ["Wire", "check", "encode", "encode_batch", "encode_item"]

_SPECIAL: Final[Mapping[str, str]] = {"tracking_destination_country": "specialNumberDestination"}
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    CREATE_MANY.name: _SPECIAL,  # API.md 3.5
    REALTIME.name: {**_SPECIAL, "order_id": "order"},  # API.md 3.9
    CHANGE_CARRIER.name: {"new_carrier_code": "update_carrier_code"},  # API.md 3.10
    AIR.name: {"awbs": "track_number"},  # API.md 3.16
}
"""What an operation calls a field, where it has a name of its own."""


@frozen(repr=False)
class Wire:
    """What is sent: all of a request but the method, the base URL and the key.

    Args:
        path: The path behind the base URL, with the query, percent-encoded.
        content: The JSON body; None for none.
        headers: Headers of this request alone.

    Example:
        >>> from trackingmore_async.models import TrackingRef
        >>> from trackingmore_async.operations import DELETE
        >>> encode(DELETE, TrackingRef("zto", "500600700800")).path
        '/trackings/zto/500600700800'
    """

    path: str
    content: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        size = "None" if self.content is None else f"<{len(self.content)} bytes>"
        return f"Wire(path={self.path.partition('?')[0]!r}, content={size})"


def encode(operation: Operation, request: Model | Sequence[Model] | None) -> Wire:
    """Encode a request: for a batch a bare list of its items (API.md 1.1).

    Args:
        operation: The row of the table.
        request: The model that ``operation.request`` names; a sequence of them for a batch; None for none.

    Raises:
        InvalidRequestError: The request certainly cannot be sent (see `check`). Its ``code`` is None.

    Example:
        >>> from trackingmore_async.models import TrackingUpdate
        >>> from trackingmore_async.operations import UPDATE
        >>> encode(UPDATE, TrackingUpdate("zto", "500600700800", archived=True)).content
        b'{"archived":"true"}'
    """
    if operation.is_batch:
        items = (request,) if isinstance(request, Model) else request or ()
        return encode_batch(operation, [encode_item(operation, item) for item in items])
    return Wire(operation.path) if request is None else _single(operation, request)


def encode_item(operation: Operation, item: object) -> bytes:
    """Encode one item of a batch: a JSON object, for `encode_batch`.

    Args:
        operation: The row of the table.
        item: The model that ``operation.request`` names.

    Raises:
        InvalidRequestError: The item certainly cannot be sent (see `check`).

    Example:
        >>> from trackingmore_async.models import TrackingRef
        >>> from trackingmore_async.operations import DELETE_MANY
        >>> encode_item(DELETE_MANY, TrackingRef("zto", "500600700800"))
        b'{"carrier_code":"zto","tracking_number":"500600700800"}'
    """
    return _json(_body(operation, _fields(operation, item)))


def encode_batch(operation: Operation, items: Sequence[bytes]) -> Wire:
    """Put encoded items together: a bare list, without any object around it (API.md 1.1).

    Args:
        operation: The row of the table.
        items: What `encode_item` returned.

    Example:
        >>> from trackingmore_async.operations import DELETE_MANY
        >>> encode_batch(DELETE_MANY, [b"{}", b"{}"]).content
        b'[{},{}]'
    """
    return Wire(operation.path, b"[%b]" % b",".join(items))


def check(request: object) -> None:
    """Refuse a request, or one item of a batch, that certainly cannot be sent. `encode` refuses the same.

    Args:
        request: A model of a request.

    Raises:
        InvalidRequestError: It is no model, `check_ref` refuses its carrier or number, or a field holds what cannot
            be sent. Its ``code`` is None.

    Example:
        >>> from trackingmore_async.models import TrackingRef
        >>> check(TrackingRef("china-ems", "LX900000017CN"))
    """
    model = check_fields(request)
    write = _query_value if isinstance(model, TrackingFilter | CountsQuery) else _body_value
    for name, value in _given(model).items():
        if value is not None and value != "":
            write(name, value)


def _single(operation: Operation, request: object) -> Wire:
    given = _fields(operation, request)
    named = [name for _, name, _, _ in Formatter().parse(operation.path) if name]
    path = operation.path.format_map({name: quote(given[name], safe="") for name in named})
    rest = {name: value for name, value in given.items() if name not in named}
    if operation.method == "GET":
        return _READS.get(operation.name, _query)(path, rest)
    if operation.method == "DELETE":
        return Wire(path)
    return Wire(path, _json(_body(operation, rest)))


def _fields(operation: Operation, request: object) -> dict[str, Any]:
    """Check a request and return the fields that were given."""
    model = check_fields(request)
    if operation.request is None or not isinstance(model, operation.request):
        wanted = getattr(operation.request, "__name__", "nothing")
        raise refuse_field("The request", f"of {operation.name} cannot be {type(model).__name__}: pass {wanted}.")
    return _given(model)


def _given(model: Model) -> dict[str, Any]:
    values = {field.name: getattr(model, field.name) for field in attrs.fields(type(model))}
    return {name: value for name, value in values.items() if value is not UNSET}


def _body(operation: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
    names = _NAMES.get(operation.name, {})
    return {names.get(name, name): _body_value(name, value) for name, value in given.items()}


def _body_value(name: str, value: Any) -> Any:
    return _SENT.get(name, _as_is)(name, value)


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


def _as_is(field: str, value: Any) -> Any:
    if isinstance(value, datetime):
        raise refuse_field(field, "cannot be sent as a datetime: pass a text.")
    return str.__str__(value) if isinstance(value, str) else value


def _word(_field: str, value: Any) -> Any:
    """Write true and false as texts (API.md 1.4)."""
    return ("true" if value else "false") if isinstance(value, bool) else value


def _bit(_field: str, value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _order_time(_field: str, value: Any) -> Any:
    """Write an order's time as the shop's clock showed it (API.md 1.4)."""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value


def _status_number(field: str, value: Any) -> Any:
    """Write a status as the number that edits take (API.md section 5)."""
    if value is None or value == "":
        return value
    if value in STATUS_NUMBERS:
        return STATUS_NUMBERS[value]
    if isinstance(value, int | str) and str(value) in map(str, STATUS_NUMBERS.values()):
        return int(value)
    raise refuse_field(field, "of an edit must be delivered, exception or automatic: pass one of these words.")


_SENT: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "archived": _word,
    "auto_correct": _bit,
    "order_create_time": _order_time,
    "status": _status_number,
}
"""How a field of a body is written; the others are sent as they are."""


def _query(path: str, given: Mapping[str, Any]) -> Wire:
    """Append what narrows a list; empty values narrow nothing (API.md 3.6)."""
    pairs = [f"{name}={_query_value(name, value)}" for name, value in given.items() if value not in (None, "", ())]
    return Wire(f"{path}?{'&'.join(pairs)}" if pairs else path)


def _query_value(name: str, value: Any) -> str:
    if is_tuple(value):
        return ",".join(quote(item, safe="") for item in value)
    if name.endswith(("_min", "_max")):
        value = _unix_seconds(name, value)
    return quote(str(_word(name, value)), safe="")


def _unix_seconds(name: str, value: Any) -> int:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise refuse_field(name, "must be an aware datetime: pass one with a tzinfo, or unix seconds.")
        return int(value.timestamp())
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    if isinstance(value, bool) or not str(value).isdecimal():
        raise refuse_field(name, "must be an aware datetime or unix seconds: pass one of these.")
    return int(value)


def _get(path: str, given: Mapping[str, Any]) -> Wire:
    """Append the language as a third part of the path (API.md 3.2)."""
    lang = given.get("lang")
    return Wire(f"{path}/{quote(check_part('lang', lang), safe='')}" if lang else path)


def _carriers(path: str, given: Mapping[str, Any]) -> Wire:
    """Name the language in a header (API.md 3.17)."""
    lang = given.get("lang")
    if not lang:
        return Wire(path)
    if not check_part("lang", lang).isascii():
        raise refuse_field("lang", "must be two letters: pass en or cn.")
    return Wire(path, headers=(("Lang", lang),))


_READS: Final[Mapping[str, Callable[[str, Mapping[str, Any]], Wire]]] = {
    GET.name: _get,
    LIST.name: _query,
    CARRIERS.name: _carriers,
}
