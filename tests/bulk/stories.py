"""What a job may meet, as hypothesis draws it: items, trouble at the server, its unknowns, an impatient caller."""

from __future__ import annotations

from typing import Any, Final, Literal

import attrs
from hypothesis import strategies as st

from tests.bulk.faults import faults
from tests.bulk.items import KINDS, Item, Method, Odd, make_items
from trackingmore_async import RetryPolicy
from trackingmore_async.sandbox import Fault, Switches

__all__ = ["SOURCES", "Source", "Story", "stories"]

Source = Literal["list", "generator", "async generator", "slow async generator", "broken generator"]
SOURCES: Final[tuple[Source, ...]] = (
    "list", "generator", "async generator", "slow async generator", "broken generator",
)  # fmt: skip

UNKNOWNS: Final[tuple[tuple[str, Any], ...]] = (
    *(
        (name, shape)
        for name in ("delete_entry", "stop_entry")
        for shape in ("number", "number+code", "number+carrier")
    ),
    *((f"{name}_failures", way) for name in ("delete", "stop", "update") for way in ("inline", "errors", "omitted")),
    ("all_failed_batch", "error"),
    *((name, code) for name in ("batch_code", "partial_batch_code", "recreate_code") for code in (200, 202)),
    ("errors_when_empty", "list"),
    *(("empty_list", code) for code in (4017, 200)),
    ("case_sensitive", False),
    ("trim_numbers", True),
    *(("error_data", shape) for shape in ("object", "null", "missing")),
    *(("max_items", most) for most in (39, 20, 3)),
    ("oversize", "cut"),
    ("http_status_of_errors", "real"),
    ("http_status_429", 200),
    ("real_protocol_status", False),
    *(("rate_limit_body", body) for body in ("html", "empty")),
    *(("retry_after", kind) for kind in ("seconds", "date")),
    ("ban_restarts", False),
    ("quota_code", 4019),
    ("quota_blocks_reads", True),
    ("edit_moves_updated_at", True),
    ("edit_echo", "sent"),
    ("total_as", "integer"),
    ("list_order", "oldest"),
    ("never_updated", "epoch"),
    ("pending_shape", "no_origin"),
    ("date_header", False),
)
"""Every switch of the sandbox that touches a batch, its reading back, or an error, with what it may be instead."""


@attrs.frozen(kw_only=True)
class Story:
    """One job, and the world that it runs in.

    Args:
        method: Which job.
        plain: How many ordinary items it has.
        odd: Others, put in among them.
        source: What kind of iterable the caller gives.
        unknowns: The switches of the sandbox that are not as usual.
        faults: What the requests meet.
        quota: What the account may spend; None: enough.
        total: Whether server and client count all operations together.
        phase: Which part of a second it is when the job begins: servers tell the time in whole ones.
        retry: How patient the client is.
        timeout: Seconds for one request; None: as usual.
        deadline: Seconds for the whole job; None: no end.
        pause: Seconds that the caller takes over each outcome.
        leave_after: The caller leaves the job after so many outcomes; None: after the last.
        cancel_after: The caller is cancelled after so many seconds; None: never.
        seed: For the sandbox's and the client's dice.
    """

    method: Method
    plain: int = 1
    odd: tuple[Odd, ...] = ()
    source: Source = "list"
    unknowns: dict[str, Any] = attrs.field(factory=dict[str, Any])
    faults: tuple[Fault, ...] = ()
    quota: int | None = None
    total: bool = False
    phase: float = 0.0
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    timeout: float | None = None
    deadline: float | None = None
    pause: float = 0.0
    leave_after: int | None = None
    cancel_after: float | None = None
    seed: int = 0

    @property
    def switches(self) -> Switches:
        """How the sandbox is set."""
        return Switches(**self.unknowns)

    @property
    def is_whole(self) -> bool:
        """Whether the caller takes every outcome."""
        return self.leave_after is None and self.cancel_after is None

    @property
    def is_kind(self) -> bool:
        """Whether nothing happens that could keep an ordinary item from being done, and from being known to be done."""
        unhurried = self.is_whole and self.deadline is None
        return unhurried and not self.faults and self.quota is None and "max_items" not in self.unknowns

    def items(self) -> list[Item]:
        """Return the items of the job, in order."""
        return make_items(self.method, self.plain, self.odd)


def stories(method: Method, *, whole: bool) -> st.SearchStrategy[Story]:
    """Draw a job and its world.

    Args:
        method: Which job.
        whole: Whether the caller takes every outcome, or leaves or is cancelled.
    """
    # Made of parts that stay the same from draw to draw: to make strategies anew takes longer than to run a job.
    rule = faults(method)
    common: dict[str, st.SearchStrategy[Any]] = {
        "method": st.just(method),
        "plain": st.integers(0, 5) | st.integers(0, 20) | st.integers(35, 140),
        "odd": st.lists(odd_items(), max_size=12).map(tuple),
        "source": st.sampled_from(SOURCES),
        "unknowns": st.lists(st.sampled_from(UNKNOWNS), max_size=8).map(dict),
        # Seldom none, often several rules: it is where two troubles meet that truth is lost.
        "faults": st.one_of(*(st.lists(rule, min_size=least, max_size=6) for least in (0, 1, 1, 2, 3))).map(tuple),
        "quota": st.none() | st.integers(0, 60) if method == "create_many" else st.none(),
        "total": st.sampled_from((False, False, False, False, False, True)),
        "phase": st.sampled_from((0.0, 0.4, 0.999)),
        "retry": patience(),
        "timeout": st.sampled_from((None, 5.0, 20.0)),
        "deadline": st.sampled_from((None, None, None, 2.5, 30.0, 200.0)),
        "pause": st.sampled_from((0.0, 0.0, 0.0, 0.2)),
        "seed": st.integers(0, 2),
    }
    if whole:
        return st.builds(Story, **common)
    cancel_after = st.sampled_from((0.0, 0.5, 1.0, 3.0, 7.0, 40.0, 130.0))
    leave_after = st.integers(0, 5) | st.integers(0, 100)
    return st.builds(Story, leave_after=leave_after, **common) | st.builds(Story, cancel_after=cancel_after, **common)


def odd_items() -> st.SearchStrategy[Odd]:
    """Draw an item that is not ordinary: mostly about one of the first trackings, so that several meet.

    Few choices each: what takes more than five, hypothesis cannot leave out again when it makes a story short.
    """
    about = st.sampled_from((0, 1, 2, 3, 0, 1, 2, 5, 20, 39, 40, 41, 90, 139))
    return st.builds(Odd, kind=st.sampled_from(KINDS), at=about, about=about, fields=st.integers(0, 14))


def patience() -> st.SearchStrategy[RetryPolicy]:
    """Draw a policy for retries."""
    return st.builds(
        RetryPolicy,
        attempts=st.sampled_from((4, 1, 2)),
        base=st.sampled_from((0.5, 0.0, 5.0)),
        bans=st.sampled_from((3, 1)),
    )
