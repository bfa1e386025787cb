"""Writing the function that turns a JSON object into a model: one line for each field.

What cattrs would write calls a function for each value. Here the values that are right as they are, which is most of
them, are stored without a call: that is the difference between less and more than twice the speed of the obvious code
(benchmarks/decode.py). For a model with a text, a time and a model inside, the function reads::

    def hook(value, _=None):
        value = {**BLANK, **value}
        model = new(TWIN)
        v = value['title']
        model.title = v if v is None or v.__class__ is str else read_title(v)
        v = value['created_at']
        model.created_at = None if v is None else read_created_at(v)
        v = value['origin_info']
        model.origin = read_origin(v) if v else None
        model.extra = {key: value[key] for key in islice(value, SIZE, None)} if len(value) > SIZE else {}
        model.__class__ = MODEL
        return model

``BLANK`` names all known keys, so they come first in ``value``, and what the server added is the tail: ``extra``.
``TWIN`` has the slots of the model and is not frozen: attrs fills the slots of a frozen class at twice the price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

import attrs

from trackingmore_async.models import UNSET, Model

from . import values
from .fields import WireField, wire_fields

__all__ = ["written"]

Hook = Callable[..., Any]

_AS_IS: Final[Mapping[Hook, str]] = {
    values.text: "v if v.__class__ is str or v is None else {read}(v)",
    values.required_text: "v if v.__class__ is str else {read}(v)",
    values.number: "v if v.__class__ is int or v is None else {read}(v)",
    values.flag: "v if v.__class__ is bool or v is None else {read}(v)",
}
_EMPTY: Final[Mapping[Any, str]] = {None: "None if v is None else {read}(v)", (): "() if v is None else {read}(v)"}
_SHAPED: Final[Mapping[str, str]] = {
    "one": "{read}(v) if v else None",
    "many": "tuple(map({read}, v if v.__class__ is list else no_list(v))) if v else ()",
    "keyed": "{{key: {read}(item) for key, item in v.items()}} if v else {{}}",
}


def written(cls: type[Model], hook_of: Callable[[type[Model]], Hook]) -> Hook:
    """Write the function for a model.

    Args:
        cls: The model.
        hook_of: Gives the function of a model inside this one.

    Returns:
        A function of a JSON object. It raises `ValueError`, `TypeError` or `AttributeError` for what it cannot read.
    """
    fields = wire_fields(cls)
    names: dict[str, Any] = {f"read_{field.name}": _reader(field, hook_of) for field in fields}
    blank = {field.wire: UNSET if field.unset else None for field in fields}
    names.update(BLANK=blank, SIZE=len(blank), TWIN=_twin(cls), MODEL=cls)
    names.update(new=object.__new__, islice=islice, no_list=_no_list)
    exec(_source(fields), names)  # noqa: S102  our own models are all that is written into it
    hook: Hook = names["hook"]
    return hook


def _source(fields: tuple[WireField, ...]) -> str:
    lines = ["value = {**BLANK, **value}", "model = new(TWIN)"]
    for field in fields:
        lines.append(f"v = value[{field.wire!r}]")
        lines.append(f"model.{field.name} = {_expression(field).format(read=f'read_{field.name}')}")
    lines.append("model.extra = {key: value[key] for key in islice(value, SIZE, None)} if len(value) > SIZE else {}")
    lines += ["model.__class__ = MODEL", "return model"]
    return "def hook(value, _=None):\n" + "".join(f"    {line}\n" for line in lines)


def _expression(field: WireField) -> str:
    if field.shape != "value":
        return _SHAPED[field.shape]
    if field.unset:
        return "{read}(v)"
    return _AS_IS.get(field.reader) or _EMPTY.get(field.default, "{read}(v)")


def _reader(field: WireField, hook_of: Callable[[type[Model]], Hook]) -> Hook:
    if field.shape != "value":
        return hook_of(field.model)
    return _unless_unset(field.reader) if field.unset else field.reader


def _unless_unset(reader: Hook) -> Hook:
    def read(value: Any) -> Any:
        return UNSET if value is UNSET else reader(value)

    return read


def _no_list(_value: Any) -> list[Any]:
    raise TypeError("list")


def _twin(cls: type[Model]) -> type[Any]:
    """Make the class that is filled and then becomes the model, which wants equal slots.

    This is why the models of answers have no slot for weak references.
    """
    return type(cls.__name__, cls.__bases__, {"__slots__": [field.name for field in attrs.fields(cls)]})
