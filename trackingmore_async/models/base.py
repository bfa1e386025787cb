"""What all models share: a repr that shows no personal data, and the bag of unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field

from .unset import UNSET

__all__ = ["Model", "extra_field"]


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


def _is_telling(value: object) -> bool:
    return value is not None and value is not UNSET


def extra_field() -> Any:
    """Return the attrs field for what the server sent and the model does not know: wire name -> value as sent.

    Left out of the hash, because a mapping has none.
    """
    return field(factory=dict[str, Any], kw_only=True, hash=False)
