"""Finds, beforehand, the inputs of one tracking in a source that can be read twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Any, TypeGuard

import attrs

from trackingmore_async.batches import Part
from trackingmore_async.errors import InvalidRequestError

__all__ = ["LOOKED_AT", "Duplicates", "can_be_read_twice"]

LOOKED_AT = 200_000  # items at most; what a tracking is called takes some 200 bytes each
SLICE = 500  # items between two looks at the event loop


def can_be_read_twice(items: object) -> TypeGuard[Collection[Any]]:
    """Tell whether a source has a length and is not used up by reading it."""
    return isinstance(items, Collection) and not isinstance(items, Iterator)


@attrs.define
class Duplicates:
    """Which inputs are about a tracking that an earlier input is about as well, spelled alike.

    Inputs that cannot be sent are none of them.

    Args:
        behind: Index of the first input of a tracking -> the further ones, in their order.
        indices: The indices of the further ones.
    """

    behind: dict[int, list[Part]] = attrs.field(factory=dict[int, "list[Part]"])
    indices: set[int] = attrs.field(factory=set[int])

    def search(self, items: Collection[Any], check: Callable[[Any], None]) -> Iterator[None]:
        """Look through the first 200,000 items; yields now and then, so that the caller can let others work.

        Args:
            items: What the caller gave.
            check: Raises `InvalidRequestError` for an item that cannot be sent.
        """
        firsts: dict[tuple[Any, Any], Part] = {}
        for index, item in enumerate(islice(items, LOOKED_AT)):
            if index % SLICE == 0:
                yield
            name = _name(item)
            if name is None:
                continue
            first = firsts.setdefault(name, Part(index, item))
            if first.index != index and _is_sound(item, check):
                if _is_sound(first.item, check):
                    self.behind.setdefault(first.index, []).append(Part(index, item))
                    self.indices.add(index)
                else:
                    firsts[name] = Part(index, item)


def _name(item: Any) -> tuple[Any, Any] | None:
    name = getattr(item, "carrier_code", None), getattr(item, "tracking_number", None)
    return name if all(isinstance(part, str) for part in name) else None


def _is_sound(item: Any, check: Callable[[Any], None]) -> bool:
    try:
        check(item)
    except InvalidRequestError:
        return False
    return True
