"""What all models share: a repr that shows no personal data, and the bag of unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from attrs import field

from trackingmore_async.timing import Timing

from .unset import UNSET

__all__ = ["Model", "Result", "extra_field", "timed"]


class Model:
    """The base of all models: attrs classes, frozen and slotted, that do no I/O and know no clock.

    They compare by value and pickle; `codec.dumps` and `codec.loads` convert them to and from JSON. Their repr
    shows carrier, number and status, and the names of the unknown keys: never what belongs to a customer.
    """

    __slots__ = ()
    __attrs_attrs__: ClassVar[Any]
    SHOWN: ClassVar[tuple[str, ...]] = ("carrier_code", "tracking_number", "status")

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in self.SHOWN if _is_telling(getattr(self, name, None))]
        extra: Mapping[str, Any] = getattr(self, "extra", {})
        if extra:
            shown.append(f"extra={sorted(map(str, extra))}")
        return f"{type(self).__name__}({', '.join(shown)})"


class Result(Model):
    """The base of the models that calls return: each can say where the time of its call went."""

    # No field of attrs: it is no part of the value, and decoding does not even fill it. Copies and pickles lack it.
    __slots__ = ("_timing",)
    _timing: Timing | None

    @property
    def timing(self) -> Timing | None:
        """Where the time of the call went that this is the answer to; None: of none, or it was copied or pickled."""
        return getattr(self, "_timing", None)


ResultT = TypeVar("ResultT", bound=Result)


def timed(result: ResultT, timing: Timing) -> ResultT:
    """Return the same object, which says from now on how long its call took."""
    object.__setattr__(result, "_timing", timing)
    return result


def _is_telling(value: object) -> bool:
    return value is not None and value is not UNSET


def extra_field() -> Any:
    """Return the attrs field for what the server sent and the model does not know: wire name -> value as sent.

    Left out of the hash, because a mapping has none.
    """
    return field(factory=dict[str, Any], kw_only=True, hash=False)
