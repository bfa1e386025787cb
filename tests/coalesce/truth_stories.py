"""What callers may do at the same time, and what may happen meanwhile, as hypothesis draws it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Final, Literal

import attrs
from hypothesis import strategies as st

from tests.bulk.conftest import number
from tests.bulk.faults import faults, single_faults
from tests.bulk.items import FIELDS, Name
from tests.bulk.stories import UNKNOWNS, patience
from trackingmore_async import RetryPolicy
from trackingmore_async.sandbox import Fault, Path, Switches

__all__ = ["BAD", "NAMES", "Kind", "Step", "Story", "is_sendable", "is_sound", "stories"]

Kind = Literal["get", "update", "delete", "create", "change_carrier", "update_many", "edit by others"]
KINDS: Final[tuple[Kind, ...]] = (
    "get", "get", "get", "update", "update", "update", "create", "delete", "change_carrier", "update_many",
    "edit by others",
)  # fmt: skip

NAMES: Final[tuple[Name, ...]] = (
    ("zto", number(0)),
    ("zto", number(1)),
    ("dhl", number(0)),  # a number that two carriers have
    ("zto", number(0).lower()),  # two that differ in case only
    ("ZTO", number(0)),
    ("zto", number(2)),
    ("zto", "Z1"),  # what the server refuses
    ("z$o", number(1)),
    ("zto", f"{number(0)},{number(1)}"),  # two numbers, where somebody is careless
    ("zto", f"{number(1)}/1"),  # what the client refuses
    ("zto", ""),
)
SOUND: Final = 6  # so many of them can be trackings
BAD: Final = "bad"
"""What a title begins with that the server refuses in an edit."""
CROWD: Final = 3  # the first of the numbers of a crowd


@attrs.frozen
class Step:
    """One call.

    Args:
        kind: What it does.
        about: The index of the tracking that it is about; beyond the list: one of a crowd.
        at: Seconds after the beginning.
        coalesce: The option.
        fields: Which fields a write sets, as a bit mask.
        max_age: The argument of a look-up.
        patience: The options ``deadline``, ``max_wait`` and ``timeout``.
        priority: The option.
        cancel_after: Seconds until the caller is cancelled; None: never.
        is_bad: Whether a write sets a value that the server refuses.
    """

    kind: Kind
    about: int
    at: float = 0.0
    coalesce: Literal["all", "reads", False] = "all"
    fields: int = 0
    max_age: float | None = None
    patience: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    priority: Literal["bulk"] | None = None
    cancel_after: float | None = None
    is_bad: bool = False

    @property
    def name(self) -> Name:
        """The carrier and number of its tracking."""
        return NAMES[self.about] if self.about < len(NAMES) else ("zto", number(CROWD + self.about - len(NAMES)))

    @property
    def options(self) -> dict[str, Any]:
        """The options of the client for this call."""
        return {"coalesce": self.coalesce, "priority": self.priority, **self.patience}

    @property
    def shares(self) -> bool:
        """Whether it may share a request."""
        return self.kind != "update_many" and (
            self.coalesce == "all" or (self.kind == "get" and self.coalesce == "reads")
        )

    def values(self, index: int) -> dict[str, str]:
        """Return what a write sets: one to four fields; a create always the first, so that it can be recognised."""
        chosen = (self.fields % 15 + 1) | (self.kind == "create")
        values = {name: f"{name}-{index}" for bit, name in enumerate(FIELDS) if chosen >> bit & 1}
        return values | ({FIELDS[0]: f"{BAD}-{index}"} if self.is_bad else {})


@attrs.frozen(kw_only=True)
class Story:
    """Many calls at the same time, and the world that they run in.

    Args:
        steps: The calls.
        crowd: So many more at the beginning, each about a tracking of its own.
        crowd_does: What they do.
        stocked: Which trackings are there at the beginning, as a bit mask.
        unknowns: The switches of the sandbox that are not as usual.
        faults: What the requests meet.
        strict_batches: Whether the server refuses a whole batch because of one item that is missing, or exists.
        path: How long requests and answers are on their way.
        quota: What the account may spend; None: enough.
        phase: Which part of a second it is at the beginning: servers tell the time in whole ones.
        retry: The client's policy.
        close_after: Seconds after which the client is closed, whatever is under way; None: when all is over.
        seed: Of everything random.
    """

    steps: tuple[Step, ...] = ()
    crowd: int = 0
    crowd_does: Kind = "get"
    stocked: int = 63
    unknowns: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    faults: tuple[Fault, ...] = ()
    strict_batches: bool = False
    path: Path = attrs.field(factory=Path)
    quota: int | None = None
    phase: float = 0.0
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    close_after: float | None = None
    seed: int = 0

    @property
    def switches(self) -> Switches:
        """How the sandbox is set."""
        return Switches(**self.unknowns)

    def calls(self) -> list[Step]:
        """Return all calls, in the order in which they begin."""
        crowd = (Step(self.crowd_does, len(NAMES) + index) for index in range(self.crowd))
        return sorted([*crowd, *self.steps], key=lambda step: step.at)

    def stock(self) -> list[Name]:
        """Return what the server holds at the beginning."""
        crowd = [step.name for step in self.calls() if step.about >= len(NAMES) and self.crowd_does != "create"]
        chosen = [name for bit, name in enumerate(NAMES[:SOUND]) if self.stocked >> bit & 1]
        return list(dict.fromkeys([*chosen, *crowd]))

    @property
    def is_kind(self) -> bool:
        """Whether nothing happens that could keep anybody from being served."""
        hurried = any(step.patience or step.cancel_after is not None for step in self.steps)
        troubled = self.faults or self.quota is not None or "max_items" in self.unknowns
        return not (hurried or troubled or self.close_after is not None)


def is_sendable(name: Name) -> bool:
    """Tell whether the client has no reason to refuse a name."""
    return bool(name[1]) and "/" not in name[1]


def is_sound(name: Name) -> bool:
    """Tell whether there can be a tracking of this name."""
    return name not in NAMES[SOUND:]


HURRIED: Final = tuple(
    {"deadline": deadline, "max_wait": max_wait, "timeout": timeout}
    for deadline, max_wait, timeout in product(
        (None, 0.3, 0.8, 2.5, 7.0, 40.0, 200.0), (30.0, None, 0.4, 2.0), (None, None, 5.0, 20.0)
    )
)
PATIENT: Final[tuple[dict[str, Any], ...]] = ({}, {}, {"max_wait": None})
BATCHES: Final = ("create_many", "update_many", "delete_many")
SINGLES: Final = ("get", "list", "update", "create", "delete", "change_carrier")


def steps() -> st.SearchStrategy[Step]:
    """Draw one call: mostly about one of the first trackings, so that calls meet."""
    return st.builds(
        Step,
        kind=st.sampled_from(KINDS),
        about=st.sampled_from((0, 1, 0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 9, 10)),
        at=st.sampled_from((0.0, 0.0, 0.0, 0.1, 0.5, 1.0, 1.05, 1.2, 2.0, 3.0, 5.0, 11.0, 31.0, 34.0, 125.0)),
        coalesce=st.sampled_from(("all", "all", "all", "reads", False)),
        fields=st.integers(0, 14),
        max_age=st.sampled_from((None, None, 0.5, 2.0, 10.0, 1000.0)),
        patience=st.sampled_from(PATIENT) | st.sampled_from(PATIENT) | st.sampled_from(HURRIED),
        priority=st.sampled_from((None, None, None, "bulk")),
        cancel_after=st.sampled_from((None,) * 8 + (0.0, 0.05, 0.3, 0.9, 1.0, 1.1, 4.0, 31.0)),
        is_bad=st.sampled_from((False,) * 7 + (True,)),
    )


def stories() -> st.SearchStrategy[Story]:
    """Draw calls and their world."""
    rule = st.one_of(*map(faults, BATCHES), *map(single_faults, SINGLES))
    return st.builds(
        Story,
        steps=st.lists(steps(), min_size=1, max_size=8).map(tuple) | st.lists(steps(), max_size=24).map(tuple),
        crowd=st.sampled_from((0,) * 9 + (45,)),
        crowd_does=st.sampled_from(("get", "update", "create", "delete")),
        stocked=st.sampled_from((63, 3, 0, 1, 7, 9, 63, 62)),
        unknowns=st.lists(
            st.sampled_from((*UNKNOWNS, ("single_not_found", 200), ("case_sensitive", False))), max_size=8
        ).map(dict),
        faults=st.one_of(*(st.lists(rule, min_size=least, max_size=5) for least in (0, 1, 1, 2, 3))).map(tuple),
        strict_batches=st.sampled_from((False, False, False, True)),
        path=st.sampled_from((Path(), Path(0.1, 0.05, 0.1), Path((0.0, 0.3), 0.0, (0.0, 0.6)), Path(0.02, 1.5, 0.02))),
        quota=st.sampled_from((None,) * 7 + (0, 1, 2)),
        phase=st.sampled_from((0.0, 0.4, 0.999)),
        retry=patience(),
        close_after=st.sampled_from((None,) * 9 + (0.0, 0.2, 1.1, 5.0, 32.0)),
        seed=st.integers(0, 2),
    )
