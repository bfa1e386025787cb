"""The second pass over an object that the quick way refused: it loses nothing, and names what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from trackingmore_async.errors import DecodeError
from trackingmore_async.models import Model

from .fields import WireField, wire_fields
from .shapes import is_list, is_object, kind

__all__ = ["explain", "refuse"]

ModelT = TypeVar("ModelT", bound=Model)


def refuse(what: str, path: str) -> DecodeError:
    """Return the error for an answer that cannot be read; it never holds a value."""
    return DecodeError(f"The server's answer is not what the API promises: {what} at {path}.", path=path)


def explain(cls: type[ModelT], value: Any, path: str) -> ModelT:
    """Make a model of a JSON object, field by field.

    A value that its field cannot hold goes to ``extra`` as it was sent, and the field stays empty: one odd value
    must not lose a tracking.

    Args:
        cls: The model.
        value: The object, decoded.
        path: Where it stood.

    Raises:
        DecodeError: It is no object, or a field that must be there is missing or unreadable.
    """
    if not is_object(value):
        raise refuse(f"{kind(value)} instead of an object", path)
    fields = wire_fields(cls)
    known = {field.wire for field in fields}
    extra = {key: item for key, item in value.items() if key not in known}
    found: dict[str, Any] = {}
    for field in fields:
        if field.wire in value:
            _read(field, value[field.wire], path, found, extra)
        elif field.required:
            raise refuse(f"{field.wire} is missing", f"{path}.{field.wire}")
    return cast("ModelT", cast("Any", cls)(**found, extra=extra))


def _read(field: WireField, value: Any, path: str, found: dict[str, Any], extra: dict[str, Any]) -> None:
    """Read one value into ``found``; what is odd about it stays whole in ``extra``."""
    here = f"{path}.{field.wire}"
    try:
        if field.shape == "value":
            found[field.name] = field.reader(value)
        elif field.shape == "one":
            found[field.name] = explain(field.model, value, here) if value else None
        elif value:
            found[field.name] = _several(field, value, here, extra)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, DecodeError):
        if field.required:
            raise refuse(f"{field.wire} is unreadable", here) from None
        extra[field.wire] = value


def _several(field: WireField, value: Any, path: str, extra: dict[str, Any]) -> Any:
    """Read a list or an object of models; the odd ones among them are left out, and all stay in ``extra``."""
    pairs: Iterable[tuple[Any, Any]] = value.items() if field.shape == "keyed" else enumerate(_checked(value))
    found: dict[Any, Any] = {}
    for key, item in pairs:
        try:
            found[key] = explain(field.model, item, f"{path}[{key!r}]")
        except DecodeError:
            extra[field.wire] = value
    return found if field.shape == "keyed" else tuple(found.values())


def _checked(value: Any) -> list[Any]:
    if is_list(value):
        return value
    raise TypeError("list")
