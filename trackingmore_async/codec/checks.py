"""What is refused before anything is sent: only what certainly cannot work.

The server knows best what is a carrier and what is a number, so little is refused here: what cannot stand in a path,
and what JSON or a header cannot carry. No text of an error holds what the caller passed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from trackingmore_async.errors import InvalidRequestError
from trackingmore_async.models import UNSET, Model

__all__ = ["check_fields", "check_part", "check_ref", "refuse_field"]

_PARTS: Final = ("carrier_code", "tracking_number", "new_carrier_code")
_SEVERAL: Final = ("numbers", "orders", "awbs")


def refuse_field(field: str, problem: str) -> InvalidRequestError:
    """Return the error for a field that cannot be sent."""
    return InvalidRequestError(f"{field} {problem}")


def check_ref(carrier_code: object, tracking_number: object) -> None:
    """Refuse what cannot be a carrier code or a tracking number.

    Args:
        carrier_code: Such as ``china-ems``.
        tracking_number: Such as ``LX900000017CN``.

    Raises:
        InvalidRequestError: One of them is no text, is empty, is ``.`` or ``..``, or holds blanks, control characters
            or ``/``. The ``code`` of the error is None: the server was not asked.

    Example:
        >>> check_ref("china-ems", "LX900000017CN")
    """
    check_part("carrier_code", carrier_code)
    check_part("tracking_number", tracking_number)


def check_part(field: str, value: object) -> str:
    """Return a text that can stand in a path; refuse anything else, as `check_ref` does."""
    if not isinstance(value, str):
        raise refuse_field(field, f"must be a text, not {type(value).__name__}: pass a str.")
    if not value.strip():
        raise refuse_field(field, "is empty: pass one.")
    if " " in value or not value.isprintable():  # the space is the only blank that is printable
        raise refuse_field(field, "holds blanks or control characters: remove them.")
    if "/" in value or value in (".", ".."):
        raise refuse_field(
            field, "holds a slash, or dots only: pass the code or number alone, not a path or an address."
        )
    return value


def check_fields(request: object) -> Model:
    """Return a model whose fields are of types that can be sent; refuse anything else."""
    if not isinstance(request, Model):
        raise refuse_field("The item", f"is {type(request).__name__}: pass a model, such as NewTracking.")
    for field in attrs.fields(type(request)):
        value = getattr(request, field.name)
        if field.name in _PARTS:
            check_part(field.name, value)
        elif field.name in _SEVERAL:
            _check_several(field.name, value)
        elif value is not UNSET and field.name != "extra":
            _check_value(field.name, value)
    return request


def _check_several(field: str, values: tuple[object, ...]) -> None:
    for value in values:
        if field == "numbers":
            check_part(field, value)
        if not isinstance(value, str) or not value.strip():
            raise refuse_field(field, "holds something that is no text, or empty: pass texts.")
        _check_value(field, value)
        if "," in value and field != "awbs":
            raise refuse_field(field, "are separated by commas, so none can hold one: leave it out.")


def _check_value(field: str, value: object) -> None:
    if value is not None and not isinstance(value, str | int | float | datetime):
        raise refuse_field(field, f"cannot be sent as {type(value).__name__}: pass a text.")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise refuse_field(field, "holds half a surrogate pair: pass proper Unicode.") from None
