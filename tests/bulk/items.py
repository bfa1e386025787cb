"""The items of a random job, each with values of its own, so that the server's state tells whose they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal, cast

import attrs

from tests.bulk.conftest import number
from trackingmore_async import NewTracking, TrackingRef, TrackingUpdate

__all__ = ["KINDS", "METHODS", "Item", "Kind", "Method", "Name", "Odd", "author", "is_stray", "make_items", "stock"]

Method = Literal["create_many", "update_many", "delete_many", "stop_updating_many"]
METHODS: Final[tuple[Method, ...]] = ("create_many", "update_many", "delete_many", "stop_updating_many")

Kind = Literal[
    "plain", "twin", "other carrier", "known other carrier", "other case", "known other case", "other carrier case",
    "stray", "bad number", "bad carrier", "bad status", "empty", "blank", "slash", "no text", "wrong type",
    "wrong model",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = (
    "twin", "other carrier", "known other carrier", "other case", "known other case", "other carrier case", "stray",
    "bad number", "bad carrier", "bad status", "empty", "blank", "slash", "no text", "wrong type", "wrong model",
)  # fmt: skip

FIELDS: Final = ("title", "order_id", "customer_name", "logistics_channel")
CARRIER: Final = "zto"
STRAY: Final = "STRAY"

Name = tuple[str, str]
"""Carrier and number."""


@attrs.frozen
class Odd:
    """An item that is not ordinary.

    Args:
        kind: A second item of one tracking ("twin"), or of one that is easily confused with it (by carrier or case);
            one that is there and should not be, or the other way round ("stray"); one that the server refuses
            ("bad"); one that the client refuses.
        at: Where it stands among the items.
        about: The index of the item whose tracking it is about, for the first kinds.
        fields: Which fields it sets, as a bit mask.
    """

    kind: Kind
    at: int = 0
    about: int = 0
    fields: int = 0


@attrs.frozen
class Item:
    """One input.

    Args:
        kind: Its kind.
        name: Carrier and number as passed; None where it is something else altogether.
        value: What is passed to the job.
        fields: What it sets.
    """

    kind: Kind
    name: Name | None
    value: Any
    fields: dict[str, str]

    @property
    def is_sendable(self) -> bool:
        """Whether the client has no reason to refuse it."""
        return self.kind not in {"empty", "blank", "slash", "no text", "wrong type", "wrong model"}


def make_items(method: Method, plain: int, odd: Sequence[Odd]) -> list[Item]:
    """Return the items of a job: the ordinary ones, with the others put in between."""
    kinds: list[Odd | None] = [None] * plain
    for one in odd:
        kinds.insert(one.at % (len(kinds) + 1), one)
    return [_make(method, index, one, len(kinds)) for index, one in enumerate(kinds)]


def is_stray(tracking_number: str) -> bool:
    """Tell whether a number is one that is there and should not be, or the other way round."""
    return tracking_number.startswith(STRAY)


def author(value: object) -> int:
    """Return the index of the only input that sets this value."""
    return int(str(value).rpartition("-")[2])


def stock(method: Method, items: Sequence[Item], identity: Callable[[Name], Name]) -> dict[Name, Name]:
    """Return what the server holds beforehand, as identity -> name; the first item of a tracking decides.

    Args:
        method: The job: what is to be created is not there, anything else is.
        items: Its items.
        identity: Carrier and number -> what the server tells trackings apart by.
    """
    seen: set[Name] = set()
    return {identity(name): name for name, there in _mentions(method, items, identity, seen) if there}


def _mentions(
    method: Method, items: Sequence[Item], identity: Callable[[Name], Name], seen: set[Name]
) -> Iterator[tuple[Name, bool]]:
    unusual = {"stray", "known other carrier", "known other case"}
    for item in items:
        if item.name is None or not item.is_sendable or item.kind in {"bad number", "bad carrier"}:
            continue
        if identity(item.name) not in seen:
            seen.add(identity(item.name))
            yield item.name, (item.kind in unusual) is (method == "create_many")


def _make(method: Method, index: int, odd: Odd | None, count: int) -> Item:
    kind = "plain" if odd is None else odd.kind
    name = _name(kind, index, number(index if odd is None else odd.about % count))
    mask = index if odd is None else odd.fields
    fields = _fields(method, index, mask)
    if kind == "no text":
        return Item(kind, None, cast("Any", _model(method))(CARRIER, None), {})
    if kind == "wrong type":
        return Item(kind, None, number(index), {})
    if kind == "wrong model":
        return Item(kind, None, _wrong_model(method)(CARRIER, number(index)), {})
    status = {"status": "9"} if kind == "bad status" and method == "update_many" else {}
    return Item(kind, name, _model(method)(*name, **fields, **status), fields)


def _name(kind: Kind, index: int, about: str) -> Name:
    names: dict[Kind, Name] = {
        "twin": (CARRIER, about),
        "stray": (CARRIER, f"{STRAY}{number(index)}"),
        "other carrier": ("dhl", about),
        "known other carrier": ("dhl", about),
        "other case": (CARRIER, about.lower()),
        "known other case": (CARRIER, about.lower()),
        "other carrier case": (CARRIER.upper(), about),
        "bad number": (CARRIER, f"Z{index}"),
        "bad carrier": ("z$o", number(index)),
        "empty": (CARRIER, ""),
        "blank": (CARRIER, f" {number(index)}"),
        "slash": (CARRIER, f"{number(index)}/1"),
    }
    return names.get(kind, (CARRIER, number(index)))


def _fields(method: Method, index: int, mask: int) -> dict[str, str]:
    """Return one to four fields; a create always has the first, so that it can be recognised."""
    if method not in {"create_many", "update_many"}:
        return {}
    chosen = (mask % 15 + 1) | (method == "create_many")
    return {name: f"{name}-{index}" for bit, name in enumerate(FIELDS) if chosen >> bit & 1}


def _model(method: Method) -> type[Any]:
    return {"create_many": NewTracking, "update_many": TrackingUpdate}.get(method, TrackingRef)


def _wrong_model(method: Method) -> type[Any]:
    return NewTracking if _model(method) is TrackingRef else TrackingRef
