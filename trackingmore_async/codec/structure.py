"""From JSON objects to models: the quick way first, the tolerant way for what the quick way refuses.

The quick way is a function that cattrs generates for each model, on its first use. It is made for speed:

* the fields have no defaults, because cattrs then emits one call with positional arguments;
* each field brings its own reader, so nothing is looked up for a value;
* what the wire does not have is filled in beforehand, in the order of the fields: what is left over is ``extra``;
* a class with the same slots that is not frozen is filled, and becomes the model when it is full.

It stops at the first odd value. The second way (`explain`) then keeps all that can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs

from trackingmore_async.models import UNSET, AirWaybill, Model, TrackingEcho

from .explain import explain
from .fields import WireField, wire_fields

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["ODD", "converter", "quick", "structure"]

ModelT = TypeVar("ModelT", bound=Model)
Hook = Callable[[Any, Any], Any]

ODD: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What the quick way may raise for a value that it does not expect."""


def structure(cls: type[ModelT], value: Any, path: str = "$") -> ModelT:
    """Make a model of a JSON object.

    Args:
        cls: The model.
        value: The object, decoded.
        path: Where it stood, for the text of an error.

    Raises:
        DecodeError: It is no object, or a field is missing that must be there.
    """
    if cls in _PREPARED and isinstance(value, dict):
        value = _PREPARED[cls](value)
    try:
        return cast("ModelT", quick(cls)(value, cls))
    except ODD:
        return explain(cls, value, path)


def _one_destination(echo: dict[str, Any]) -> dict[str, Any]:
    """A create answers ``destination`` for what an edit calls ``destination_code`` (API.md 1.4)."""
    if "destination" not in echo or "destination_code" in echo:
        return echo
    return {"destination_code" if key == "destination" else key: value for key, value in echo.items()}


def _flat(waybill: dict[str, Any]) -> dict[str, Any]:
    """What an air waybill tells about the freight is one level deeper (API.md 3.16)."""
    inner = waybill.get("return_data")
    if not isinstance(inner, dict):
        return {key: value for key, value in waybill.items() if key != "return_data" or value}
    return {**inner, **{key: value for key, value in waybill.items() if key != "return_data"}}


_PREPARED: Final[Mapping[type[Model], Callable[[dict[str, Any]], dict[str, Any]]]] = {
    TrackingEcho: _one_destination,
    AirWaybill: _flat,
}


@cache
def converter() -> Converter:
    """Return the converter, built on first use: importing cattrs is a third of the package's import time."""
    from cattrs import Converter

    made = Converter(detailed_validation=False)
    made.register_structure_hook_factory(_is_answer, lambda cls: _hook(made, cls))
    return made


@cache
def quick(cls: type[Model]) -> Hook:
    """Return the generated function for a model, made on first use."""
    return converter().get_structure_hook(cls)


def _is_answer(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


def _hook(made: Converter, cls: type[Model]) -> Hook:
    fields = wire_fields(cls)
    blank = {field.wire: UNSET if field.unset else None for field in fields}
    size = len(blank)
    build = _generated(made, cls, fields)

    def hook(value: Mapping[str, Any], _type: Any = None) -> Any:
        full = {**blank, **value}
        model = build(full, cls)
        # The known keys come first, so what the server added is the tail.
        model.extra = {key: full[key] for key in islice(full, size, None)} if len(full) > size else {}
        model.__class__ = cls
        return model

    return hook


def _generated(made: Converter, cls: type[Model], fields: tuple[WireField, ...]) -> Hook:
    """Let cattrs write the function that makes the twin of a model."""
    from cattrs.gen import make_dict_structure_fn_from_attrs, override

    twin = _twin(cls)
    names: dict[str, Any] = {f.name: override(rename=f.wire, struct_hook=_reader(made, f)) for f in fields}
    return make_dict_structure_fn_from_attrs(
        list(attrs.fields(twin)), twin, made, _cattrs_forbid_extra_keys=False, _cattrs_use_linecache=False, **names
    )


def _twin(cls: type[Model]) -> type[Any]:
    """Make a class with the same slots that is not frozen: attrs sets the slots of a frozen one at twice the price.

    What was built as a twin becomes the model by its ``__class__``; that wants equal slots, so the models of answers
    have none for weak references.
    """
    names = {field.name: attrs.field(init=field.name != "extra") for field in attrs.fields(cls)}
    return attrs.make_class(cls.__name__, names, bases=(Model,), slots=True, weakref_slot=False, eq=False, repr=False)


def _reader(made: Converter, field: WireField) -> Hook:
    if field.shape == "value":
        return _unless_unset(field.reader) if field.unset else field.reader
    inner = made.get_structure_hook(field.model)
    return {"one": _one, "many": _many, "keyed": _keyed}[field.shape](inner, field.model)


def _unless_unset(reader: Hook) -> Hook:
    return lambda value, _: UNSET if value is UNSET else reader(value, _)


def _one(inner: Hook, cls: type[Model]) -> Hook:
    return lambda value, _: inner(value, cls) if value else None


def _many(inner: Hook, cls: type[Model]) -> Hook:
    def many(value: Any, _type: Any) -> Any:
        if not value:
            return ()
        if value.__class__ is not list:
            raise TypeError("list")
        return tuple([inner(item, cls) for item in value])

    return many


def _keyed(inner: Hook, cls: type[Model]) -> Hook:
    return lambda value, _: {key: inner(item, cls) for key, item in value.items()} if value else {}
