"""Models as JSON documents: for journals, files and queues of the user's own."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar, cast

import attrs
import msgspec

from trackingmore_async.models import UNSET, Model, Page

from .explain import refuse
from .fields import wire_name
from .pages import decode_page
from .parsing import parse
from .shapes import is_object, is_tuple
from .structure import structure

__all__ = ["dumps", "loads"]

ModelT = TypeVar("ModelT", bound=Model)


def dumps(model: Model) -> bytes:
    """Write a model as JSON, with the names of the wire. Unset fields are left out.

    Args:
        model: Any model, of a request or of an answer.

    Returns:
        A JSON object in UTF-8. It holds all that the model holds: personal data too.

    Raises:
        TypeError: A field holds something that JSON cannot say.

    Example:
        >>> from trackingmore_async.models import TrackingRef
        >>> dumps(TrackingRef("zto", "500600700800"))
        b'{"carrier_code":"zto","tracking_number":"500600700800"}'
    """
    return msgspec.json.encode(_plain(model), enc_hook=_odd_value)


def _plain(model: Model) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for field in attrs.fields(type(model)):
        value = getattr(model, field.name)
        if value is not UNSET and field.name != "extra":
            several = field.name in ("customer_emails", "customer_phones")
            plain[wire_name(type(model), field.name)] = _contacts(value) if several else _plain_value(value)
    return {**plain, **getattr(model, "extra", {})}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Model):
        return _plain(value)
    if isinstance(value, datetime):
        return value.isoformat(" " if value.tzinfo is None else "T")
    if is_tuple(value):
        return [_plain_value(item) for item in value]
    if is_object(value):
        return {key: _plain_value(item) for key, item in value.items()}
    return value


def _contacts(values: tuple[str, ...]) -> str | list[str] | None:
    """One contact is a text as on the wire, unless that text would be read as none."""
    if not values:
        return None
    return values[0] if len(values) == 1 and values[0] not in ("", "null") else list(values)


def _odd_value(value: Any) -> Any:
    if isinstance(value, str):  # Status, and the user's own kinds of text
        return str.__str__(value)
    msg = f"JSON has no word for {type(value).__name__}"
    raise TypeError(msg)


def loads(cls: type[ModelT], document: bytes | str) -> ModelT:
    """Read a model from JSON: the inverse of `dumps`.

    Args:
        cls: The model, such as `Tracking`.
        document: What `dumps` returned, or an object as the server sends it.

    Raises:
        DecodeError: It is no JSON object, or no such model.

    Example:
        >>> from trackingmore_async.models import Tracking
        >>> loads(Tracking, b'{"carrier_code": "zto", "tracking_number": "500600700800", "status": "transit"}')
        Tracking(carrier_code='zto', tracking_number='500600700800', status=Status('transit'))
    """
    body = document.encode() if isinstance(document, str) else document
    if cls is Page:
        return cast("ModelT", decode_page(msgspec.Raw(body), "$"))
    value = parse(body, "$")
    if "extra" in attrs.fields_dict(cls):
        return structure(cls, value)
    return _request(cls, value)


def _request(cls: type[ModelT], value: Any) -> ModelT:
    """Build a model of a request: its fields have the same names on both sides, and it has no ``extra``."""
    if not is_object(value):
        raise refuse("no object", "$")
    try:
        return cls(**value)
    except TypeError:
        raise refuse(f"no {cls.__name__}", "$") from None
