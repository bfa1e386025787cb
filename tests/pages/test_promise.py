"""The promise of a walk, under chance: each tracking that matched throughout comes exactly once, or the gaps say so.

A long run: ``TRACKINGMORE_EXAMPLES=200 python -m pytest --timeout=0 tests/pages/test_promise.py``.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Literal

import anyio
import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import virtual_loop
from tests.pages.scene import QUICK, Crowd, Pair, pair, scene
from trackingmore_async import TrackingMoreError
from trackingmore_async.pages import Gap, TrackingPages
from trackingmore_async.pages.reasons import AGAIN, DISORDER, SPLIT
from trackingmore_async.sandbox import Fault, Sandbox, Switches

TIMES = int(os.environ.get("TRACKINGMORE_EXAMPLES", "1"))
EPOCH = 1_790_000_000
ORDERS = [f"A-{index}" for index in range(45)]

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"status": 503},
    "500 in the envelope": {"code": 500},
    "html": {"status": 502, "body": "html"},
    "cut off": {"body": "truncated"},
    "nothing": {"body": "empty"},
    "reset before": {"reset": "before"},
    "reset after": {"reset": "after"},
    "refused": {"refuse_connection": True},
    "timeout": {"delay_back": 45.0},
    "slow": {"delay_work": 3.0},
    "ban": {"code": 429, "ban": True},
}

Kind = Literal["all", "archived", "orders", "numbers", "updated", "status", "bounded"]


@attrs.frozen
class Case:
    """One account, one list, one crowd, one script of faults and stops."""

    switches: Switches
    rows: int
    page_size: int
    spread: int
    age: int
    kind: Kind
    order: Literal["oldest", "newest"]
    seed: int
    quick: bool
    ahead: bool
    crowd: tuple[int, int, int, int]
    faults: list[tuple[str, int]]
    stops: list[tuple[int, float]]


SWITCHES = st.builds(
    Switches,
    list_order=st.sampled_from(["newest", "newest", "newest", "oldest", "id"]),
    page_beyond_end=st.sampled_from([None, 4031, 4017, 200]),
    empty_list=st.sampled_from([4031, 4017, 200]),
    limit_too_large=st.sampled_from(["cut", "refuse"]),
    total_as=st.sampled_from(["string", "integer"]),
    date_header=st.sampled_from([True, True, False]),
    archived_in_reads=st.booleans(),
    http_status_of_errors=st.sampled_from(["ok", "real"]),
    error_data=st.sampled_from(["list", "object", "null", "missing"]),
    edit_moves_updated_at=st.booleans(),
)

CASES = st.builds(
    Case,
    SWITCHES,
    rows=st.integers(0, 90),
    page_size=st.integers(1, 30),
    spread=st.sampled_from([0, 1, 3, 30, 1000, 1_000_000]),
    age=st.sampled_from([0, 0, 1, 2, 100, 100_000]),
    kind=st.sampled_from(["all", "all", "all", "archived", "orders", "numbers", "updated", "status", "bounded"]),
    order=st.sampled_from(["oldest", "oldest", "newest"]),
    seed=st.integers(0, 1 << 16),
    quick=st.booleans(),
    ahead=st.booleans(),
    crowd=st.tuples(*[st.sampled_from([0, 0, 1, 2, 6])] * 4),
    faults=st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(1, 12)), max_size=4),
    stops=st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0.0, 0.4, 1.0, 5.0, 20_000.0])), max_size=4),
)


@attrs.define
class Witness:
    """Sees at each request which trackings match; those that always did are what the walk promises.

    Args:
        sandbox: The account.
        crowd: The others who use it.
        filters: What the list is narrowed by.
        matches: Tells whether the tracking of a key matches now.
    """

    sandbox: Sandbox
    crowd: Crowd
    filters: dict[str, Any]
    matches: Callable[[int], bool]
    throughout: set[Pair] | None = None

    def see(self) -> None:
        """Let the crowd act, then look."""
        self.crowd.act()
        now = {self.sandbox.trackings.name(key) for key in self.sandbox.trackings.keys if self.matches(key)}
        self.throughout = now if self.throughout is None else self.throughout & now


def matcher(kind: Kind, sandbox: Sandbox, filters: dict[str, Any]) -> Callable[[int], bool]:
    """Return what the filters mean, said once more without the library and the sandbox's own list."""
    trackings, renderer, seconds = sandbox.trackings, sandbox.account.renderer, sandbox.clock.seconds
    kinds: dict[Kind, Callable[[int], bool]] = {
        "archived": lambda key: key not in trackings.archived,
        "orders": lambda key: trackings.record(key).fields.get("order_id") in filters["orders"],
        "numbers": lambda key: trackings.name(key)[1] in filters["numbers"],
        "updated": lambda key: (renderer.updated(key, seconds()) or 0) >= int(filters["update_time_min"]),
        "status": lambda key: renderer.status(key, seconds()) == str(filters["status"]),
        "bounded": lambda key: key >> 32 <= int(filters["created_at_max"]),
    }
    return kinds.get(kind, lambda _: True)


def make(case: Case) -> Witness:
    """Set up the account of a case."""
    rates = {"list": (1000, 1.0)} if case.quick else None
    sandbox = Sandbox(switches=case.switches, seed=case.seed, epoch=EPOCH + case.seed * 0.137, rates=rates)
    newest = sandbox.clock.seconds() - case.age
    sandbox.seed_trackings(case.rows, created_between=(newest - case.spread, newest))
    chance = Random(case.seed)
    for one in list(sandbox.trackings):
        key = sandbox.trackings.find(*one) or 0
        if case.kind == "archived" and chance.random() < 0.3:
            sandbox.trackings.set_archived(key, True)
        if case.kind == "orders":
            sandbox.trackings.set_fields(key, {"order_id": chance.choice([*ORDERS, "other"])})
    kinds: dict[Kind, dict[str, Any]] = {
        "archived": {"archived": False},
        "orders": {"orders": ORDERS},
        "numbers": {"numbers": [f"LX{index:07}CN" for index in range(60)]},
        "updated": {"update_time_min": sandbox.clock.seconds() - 40_000},
        "status": {"status": "transit"},
        "bounded": {"created_at_max": newest - case.spread // 2},
    }
    filters = kinds.get(case.kind, {})
    deletes, creates, moves, edits = case.crowd
    crowd = Crowd(sandbox, case.seed, deletes=deletes, creates=creates, moves=moves, edits=edits)
    return Witness(sandbox, crowd, filters, matcher(case.kind, sandbox, filters))


async def play(case: Case) -> None:
    """Walk the list of a case, with stops, and check what came."""
    witness = make(case)
    found: Counter[Pair] = Counter()
    token: str | None = None
    gaps: tuple[Gap, ...] = ()
    for name, on in case.faults:
        witness.sandbox.faults.add(Fault("list", on={on}, **FAULTS[name]))
    for count, pause in [*case.stops, (-1, 0.0)]:
        async with scene(witness.sandbox, witness.see, **({"rates": QUICK} if case.quick else {})) as here:
            if token is None:
                lists = here.tm.trackings.list(page_size=case.page_size, order=case.order, **witness.filters)
            else:
                lists = here.tm.trackings.list(resume=token)
            await go(lists, found, count, ahead=case.ahead)
            token, gaps = lists.token, lists.gaps
        await anyio.sleep(pause)
        for _ in range(5 if pause > 1 else 0):
            witness.crowd.act()
    assert token is not None
    check(witness, found, {gap.reason for gap in gaps})
    async with scene(witness.sandbox) as here:
        assert [tracking async for tracking in here.tm.trackings.list(resume=token)] == []
        assert here.asked == []


async def go(lists: TrackingPages, found: Counter[Pair], count: int, *, ahead: bool) -> None:
    """Walk on, and stop after as many trackings; -1 for the end. An error stops no walk."""
    if ahead:
        async with lists as walk:
            await take(walk, found, count)
    else:
        await take(aiter(lists), found, count)


async def take(walk: Any, found: Counter[Pair], count: int) -> None:
    """Take some trackings of a walk, or the rest."""
    while count:
        try:
            found[pair(await anext(walk))] += 1
            count -= 1
        except StopAsyncIteration:
            return
        except TrackingMoreError:
            continue


def check(witness: Witness, found: Counter[Pair], reasons: set[str]) -> None:
    """Check that the promise was kept, or that the gaps say otherwise."""
    twice = {one for one, times in found.items() if times > 1}
    missing = (witness.throughout or set()) - found.keys()
    if reasons == {SPLIT}:
        missing -= witness.crowd.moved  # that gap is about edited ones alone
    assert reasons or not missing, f"missing without a gap: {missing}"
    assert reasons & {AGAIN, DISORDER} or not twice, f"twice without a gap: {twice}"


@given(CASES)
@settings(
    max_examples=500 * TIMES,
    derandomize=TIMES == 1,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_a_walk_keeps_its_promise_or_says_that_it_does_not(case: Case) -> None:
    """Whatever the switches, the crowd, the faults and the stops: exactly once, or gaps."""
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(play(case))
