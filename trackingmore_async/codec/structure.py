"""From JSON objects to models: the quick way first, the tolerant way for what the quick way refuses.

The quick way is a function written for each model on its first use (`written`), and handed to a cattrs converter.
It stops at the first odd value. The second way (`explain`) then keeps all that can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from trackingmore_async.models import AirWaybill, Model, TrackingEcho

from .explain import explain
from .shapes import is_object
from .writing import written

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
    if cls in _PREPARED and value.__class__ is dict:
        value = _PREPARED[cls](value)
    try:
        return cast("ModelT", quick(cast("Any", cls))(value, cls))
    except ODD:
        return explain(cls, value, path)


def _one_destination(echo: dict[str, Any]) -> dict[str, Any]:
    """Rename ``destination``, as a create calls what an edit calls ``destination_code`` (API.md 1.4)."""
    if "destination" not in echo or "destination_code" in echo:
        return echo
    return {"destination_code" if key == "destination" else key: value for key, value in echo.items()}


def _flat(waybill: dict[str, Any]) -> dict[str, Any]:
    """Lift what an air waybill tells about the freight from one level deeper (API.md 3.16)."""
    inner = waybill.get("return_data")
    if not is_object(inner):
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

    def factory(cls: type[Model]) -> Hook:
        return written(cls, made.get_structure_hook)

    made.register_structure_hook_factory(_is_answer, factory)
    return made


@cache
def quick(cls: Any) -> Hook:
    """Return the generated function for a model, made on first use."""
    return converter().get_structure_hook(cls)


def _is_answer(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)
