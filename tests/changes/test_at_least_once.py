"""Whatever happens meanwhile, and however often the program crashes, a feed loses nothing and repeats little."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import anyio
import attrs
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.changes.feeds import Shelf, changes, refresh
from tests.conftest import virtual_loop
from tests.pages.scene import Pair, pair, scene
from trackingmore_async import Tracking, TrackingChanges, TrackingMoreError
from trackingmore_async.sandbox import Fault, Sandbox, Switches

EXAMPLES = 150 * int(os.environ.get("TRACKINGMORE_EXAMPLES", "1"))
DAY = 86400
Action = tuple[str, int]

PLACES = st.integers(0, 60)
ACTIONS = st.one_of(
    st.tuples(st.just("create"), st.just(0)),
    st.tuples(st.just("edit"), PLACES),
    st.tuples(st.just("delete"), PLACES),
    st.tuples(st.just("recreate"), PLACES),
    st.tuples(st.just("refresh"), PLACES),
    st.tuples(st.just("refresh late"), PLACES),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 700, 4000, 30_000])),
)
TROUBLES: Mapping[str, Mapping[str, Any]] = {
    "server error": {"status": 503, "body": "html"},
    "failed code": {"code": 500},
    "reset": {"reset": "before"},
    "answer lost": {"reset": "after"},
    "no connection": {"refuse_connection": True},
    "timeout": {"delay_back": 50.0},
    "slow": {"delay_there": 4.0, "delay_work": 2.0},
    "ban": {"ban": True},
    "cut off": {"body": "truncated"},
    "no page": {"body": b'{"meta":{"code":200,"type":"Success","message":"Success"},"data":"?"}'},
}
FAULTS = st.lists(
    st.tuples(st.sampled_from(sorted(TROUBLES)), st.integers(1, 40), st.sampled_from([1, 1, 5])), max_size=4
)
SWITCHES = st.builds(
    Switches,
    edit_moves_updated_at=st.booleans(),
    list_order=st.sampled_from(["newest", "newest", "newest", "oldest", "id"]),
    never_updated=st.sampled_from(["null", "epoch"]),
    empty_list=st.sampled_from([4031, 4017, 200]),
    page_beyond_end=st.sampled_from([None, 4031, 200]),
    date_header=st.sampled_from([True, True, False]),
)


@attrs.frozen
class Story:
    """What happens in one example.

    Args:
        switches: What the server is like.
        count: How many trackings there are at first.
        days: How old the oldest is.
        back: Since is so many seconds before the beginning.
        page_size: Trackings a page.
        actions: What others do, request by request.
        busy: How many of them before each request.
        faults: What goes wrong: kind, from which request on, how often.
        crashes: With how many trackings the program dies, each time.
        pause: Seconds that the program takes for each tracking.
    """

    switches: Switches
    count: int
    days: int
    back: int
    page_size: int
    actions: list[Action]
    busy: int
    faults: list[tuple[str, int, int]]
    crashes: list[int]
    pause: float


STORIES = st.builds(
    Story,
    switches=SWITCHES,
    count=st.integers(0, 60),
    days=st.sampled_from([1, 20]),
    back=st.sampled_from([0, 50, 5000, 10 * DAY, 30 * DAY]),
    page_size=st.sampled_from([8, 20, 200]),
    actions=st.lists(ACTIONS, max_size=60),
    busy=st.integers(1, 4),
    faults=FAULTS,
    crashes=st.lists(st.integers(1, 40), max_size=4),
    pause=st.sampled_from([0.0, 0.0, 0.7]),
)


class Others:
    """Others who use the account: they create, edit and delete, and the vendor refreshes.

    Args:
        sandbox: The account.
        story: What they do.
    """

    def __init__(self, sandbox: Sandbox, story: Story) -> None:
        self.silently_edited: set[Pair] = set()
        self._sandbox = sandbox
        self._busy = story.busy
        self._actions: Iterator[Action] = iter(story.actions)
        self._names: list[Pair] = list(sandbox.trackings)
        self._moves = story.switches.edit_moves_updated_at
        self._edits = 0

    def act(self) -> None:
        """Do what comes next."""
        for _, (kind, value) in zip(range(self._busy), self._actions, strict=False):
            self._do(kind, value)

    def _do(self, kind: str, value: int) -> None:
        if kind == "wait":
            self._sandbox.clock.advance(value)
        elif kind == "create":
            self._names.append(("zto", f"NEW{len(self._names):06}"))
            self._sandbox.create(*self._names[-1])
        elif self._names:
            doings: dict[str, Callable[[Pair], object]] = {
                "edit": self._edit,
                "delete": lambda one: self._sandbox.delete(*one),
                "recreate": self._recreate,
                "refresh": lambda one: refresh(self._sandbox, one, self._sandbox.clock.seconds()),
                "refresh late": lambda one: refresh(self._sandbox, one, self._sandbox.clock.seconds() - 100),
            }
            doings[kind](self._names[value % len(self._names)])

    def _edit(self, one: Pair) -> None:
        key = self._sandbox.trackings.find(*one)
        if key is None:
            return
        self._edits += 1
        self._sandbox.trackings.set_fields(key, {"title": f"title {self._edits}"})
        if self._moves:
            refresh(self._sandbox, one, self._sandbox.clock.seconds())
        else:
            self.silently_edited.add(one)

    def _recreate(self, one: Pair) -> None:
        self._sandbox.delete(*one)
        self._sandbox.create(*one)


@attrs.define
class Reader:
    """Goes through feeds, checks that none repeats itself, and keeps what was told last of each tracking.

    Args:
        pause: Seconds that it takes for each tracking.
        told: The last content of each tracking.
        fresh: The trackings that were told since the last crash.
        gaps: What the feeds could not guarantee.
    """

    pause: float
    told: dict[Pair, Tracking] = attrs.field(factory=dict[Pair, Tracking])
    fresh: set[Pair] = attrs.field(factory=set[Pair])
    gaps: int = 0

    async def read(self, feed: TrackingChanges, most: int | None = None) -> None:
        """Take so many trackings, or all; errors are met by asking again."""
        taken = 0
        while taken != most:
            with suppress(TrackingMoreError):
                tracking = await anext(feed, None)
                if tracking is None:
                    break
                taken += 1
                if taken == most:
                    self.fresh.clear()  # the program dies before it has done anything with this one
                    break
                self._note(tracking)
                await anyio.sleep(self.pause)
        self.gaps += len(feed.gaps)

    def _note(self, tracking: Tracking) -> None:
        one = pair(tracking)
        assert one not in self.fresh or self.told[one] != tracking, "it was told before, with no crash between"
        self.told[one] = tracking
        self.fresh.add(one)


def mark(tracking: Tracking) -> float:
    """Return when a tracking was created or refreshed last."""
    return max(moment.timestamp() for moment in (tracking.created_at, tracking.updated_at) if moment is not None)


async def tell(story: Story) -> None:
    """Play a story, and check its end."""
    sandbox = Sandbox(epoch=1_790_000_000.37, switches=story.switches)
    now = sandbox.clock.seconds()
    sandbox.seed_trackings(story.count, created_between=(now - story.days * DAY, now))
    sandbox.faults.add(
        *(Fault("list", on=range(first, first + many), **TROUBLES[kind]) for kind, first, many in story.faults)
    )
    others, store, reader, since = Others(sandbox, story), Shelf(), Reader(story.pause), now - story.back
    for most in [*story.crashes, None]:
        async with scene(sandbox, others.act) as here:
            await reader.read(changes(here.tm, story.page_size, since=since, store=store), most)
    sandbox.faults.clear()
    async with scene(sandbox) as here:
        before = sandbox.clock.seconds()
        await reader.read(changes(here.tm, story.page_size, store=store))
        there = [tracking async for tracking in here.tm.trackings.list() if since <= mark(tracking) <= before]
    event("gaps" if reader.gaps else "no gaps")
    if not reader.gaps:
        check(reader.told, there, others.silently_edited)
    assert sandbox.statistics().total_violations == 0


def check(told: Mapping[Pair, Tracking], there: list[Tracking], silently_edited: set[Pair]) -> None:
    """Check that the last content told of each tracking is what the server has, edits that no window shows apart."""
    for tracking in there:
        last = told.get(pair(tracking))
        assert last is not None, "it was never told"
        assert mark(last) == mark(tracking), "its last refresh was never told"
        assert last == tracking or pair(tracking) in silently_edited


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STORIES)
def test_everything_created_or_refreshed_is_told_and_nothing_twice_without_a_crash(story: Story) -> None:
    """At least once with its last content, whatever others do, whatever fails, and wherever the program dies."""
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(tell(story))
