"""What the rows of the truth table are made of: scenes, and the faults that make them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import attrs

from tests.bulk.conftest import number
from trackingmore_async import OnError
from trackingmore_async.models import OutcomeState
from trackingmore_async.sandbox import Fault, Switches

__all__ = [
    "AGAIN", "BATCH", "ITEM", "METHODS", "ONE", "Group", "Row", "Scene", "batch", "fault", "its", "one", "refused",
    "row", "said", "uncoded", "whole",
]  # fmt: skip

METHODS = ("create_many", "update_many", "delete_many", "stop_updating_many")
ONE = 7  # the item that a row is about, where it is about one
ITEM = {number(ONE)}
BATCH = range(40)
IN_BATCH = {number(index) for index in BATCH}
AGAIN = range(2, 9)  # all requests but the first
LETTERS: Mapping[str, OutcomeState | None] = {
    "s": "succeeded",
    "f": "failed",
    "o": "superseded",
    "u": "unknown",
    "n": "not_attempted",
    "-": None,
}


@attrs.frozen(kw_only=True)
class Scene:
    """What makes the sandbox say so.

    Args:
        faults: The fault script.
        about: The inputs that the row is about.
        size: How many inputs there are, one for each tracking.
        against: The inputs whose trackings exist already though they are to be created, or are missing though not.
        switches: What the sandbox holds to be true about the remote API.
        sandbox: Further settings of the sandbox.
        client: Settings of the client.
        options: Options of the call.
        on_error: What a failure does.
        failing: Inputs that fail, though the row is not about them.
        spelled: The number of the one item instead of its own.
        twin: Fields of a further input, the last one, of the one item's tracking; None: there is none.
    """

    faults: tuple[Fault, ...] = ()
    about: Collection[int] = (ONE,)
    size: int = 80
    against: Collection[int] = ()
    switches: Switches = attrs.field(factory=Switches)
    sandbox: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    client: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    on_error: OnError = "collect"
    failing: Collection[int] = ()
    spelled: str | None = None
    twin: Mapping[str, str] | None = None


@attrs.frozen
class Row:
    """A row of the table.

    Args:
        words: What came back.
        states: What becomes of the item, in the order of `METHODS`; None: that cannot be.
        remark: How that is known.
        scenes: Ways to have it said.
        later: What becomes of the inputs in later batches; those of the same batch succeed.
    """

    words: str
    states: tuple[OutcomeState | None, ...]
    remark: str
    scenes: tuple[Scene, ...]
    later: OutcomeState = "succeeded"


@attrs.frozen
class Group:
    """A part of the table.

    Args:
        title: Its heading.
        intro: What holds for all of its rows.
        rows: Its rows.
        column: What the words of its rows say.
    """

    title: str
    intro: str
    rows: tuple[Row, ...]
    column: str = "what came back"


def row(words: str, states: str, remark: str, *scenes: Scene, stops: bool = False) -> Row:
    """Make a row; `states` is one letter for each operation, or one for all: s(ucceeded), f, o(verridden), u, n, -."""
    each: list[OutcomeState | None] = [LETTERS[letter] for letter in (states * 4)[:4]]
    return Row(words, tuple(each), remark, scenes, "not_attempted" if stops else "succeeded")


def fault(**what: Any) -> Fault:
    """Make trouble for the batches, and not for reading back; `on` counts requests that name `having`."""
    return Fault(METHODS, **what)


def one(*faults: Fault, **rest: Any) -> Scene:
    """Make a scene about one item of a batch."""
    return Scene(faults=faults, **rest)


def whole(*faults: Fault, **rest: Any) -> Scene:
    """Make a scene about all items of the first batch."""
    return Scene(faults=faults, about=BATCH, **rest)


def batch(**what: Any) -> Fault:
    """Make trouble for the first batch."""
    return fault(having=IN_BATCH, **what)


def said(changed: int | None, codes: Callable[[int], int | None], *, one_among: str = "trackings") -> bytes:
    """Return an answer to the first batch: its counter, the codes of its entries, and where the one item stands."""
    rows: dict[str, list[dict[str, object]]] = {"trackings": [], "errors": []}
    for index in BATCH:
        entry: dict[str, object] = {"tracking_number": number(index), "carrier_code": "zto"}
        code = codes(index)
        rows[one_among if index == ONE else "trackings"].append(entry if code is None else {**entry, "code": code})
    counters = {} if changed is None else dict.fromkeys(("added", "updated", "delete", "change"), changed)
    return json.dumps({"meta": {"code": 200}, "data": {"submitted": 40, **counters, **rows}}).encode()


def uncoded(_index: int) -> None:
    """Give no entry a code."""


def its(code: int) -> dict[str, int]:
    """Let the one item be refused with a code."""
    return {number(ONE): code}


def refused(_number: str) -> int:
    """Refuse each item of a batch."""
    return 4014
