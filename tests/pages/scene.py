"""A client on a sandbox in the same event loop, a log of what was asked for, and a hand that disturbs in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import attrs
import httpx

from trackingmore_async import TrackingMore
from trackingmore_async.models import Tracking
from trackingmore_async.operations import Rate
from trackingmore_async.pages import Walk
from trackingmore_async.sandbox import Sandbox

Pair = tuple[str, str]

QUICK = {"list": Rate(1000)}
"""Rates of an account that may ask for many pages within one second."""


def quick_sandbox(seed: int = 0, **settings: Any) -> Sandbox:
    """Return a sandbox that allows `QUICK`; its clock begins somewhere within a second, by the seed."""
    return Sandbox(rates={"list": (1000, 1.0)}, seed=seed, epoch=1_790_000_000 + seed * 0.137, **settings)


@attrs.define
class Scene:
    """A client and its sandbox.

    Args:
        sandbox: The sandbox.
        tm: The client.
        asked: The query of each list request, in order.
    """

    sandbox: Sandbox
    tm: TrackingMore
    asked: list[dict[str, str]]

    @property
    def pages(self) -> list[int]:
        """The numbers of the pages that were asked for."""
        return [int(query["page"]) for query in self.asked]


class _Line(httpx.AsyncBaseTransport):
    """Writes down what is asked, and lets a hand disturb the account before each request."""

    def __init__(self, sandbox: Sandbox, before: Callable[[], object]) -> None:
        self.asked: list[dict[str, str]] = []
        self._inner = sandbox.transport()
        self._before = before

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(dict(request.url.params))
        self._before()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def scene(
    sandbox: Sandbox, before: Callable[[], object] = lambda: None, **settings: Any
) -> AsyncGenerator[Scene]:
    """Open a client whose requests go to the sandbox in the same event loop.

    Args:
        sandbox: The sandbox.
        before: Called before each request leaves.
        **settings: Further arguments of `TrackingMore`.
    """
    line = _Line(sandbox, before)
    async with (
        httpx.AsyncClient(transport=line) as http,
        TrackingMore(sandbox.key, base_url="http://sandbox/v2", http_client=http, **settings) as tm,
    ):
        yield Scene(sandbox, tm, line.asked)


@attrs.define
class Crowd:
    """Others who use the account meanwhile: they delete and create, and move trackings in and out of the archive.

    Args:
        sandbox: The sandbox.
        seed: What chance begins with.
        deletes: The most deletions at once.
        creates: The most creations at once.
        moves: The most changes of the archive at once.
        edits: The most edits of an order id at once.
    """

    sandbox: Sandbox
    seed: int
    deletes: int = 0
    creates: int = 0
    moves: int = 0
    edits: int = 0
    at_first: set[Pair] = attrs.field(factory=set[Pair])
    moved: set[Pair] = attrs.field(factory=set[Pair])
    _alive: list[Pair] = attrs.field(factory=list[Pair])
    _created: int = 0
    _begun: bool = False
    _chance: Random = attrs.field(factory=Random)

    def __attrs_post_init__(self) -> None:
        self._chance.seed(self.seed)

    def act(self) -> None:
        """Do some mischief; the first call notes who is there."""
        if not self._begun:
            self._begun = True
            self._alive = list(self.sandbox.trackings)
            self.at_first = set(self._alive)
        for _ in range(self._chance.randint(0, self.deletes)):
            self._delete()
        for _ in range(self._chance.randint(0, self.creates)):
            self._create()
        for _ in range(self._chance.randint(0, self.moves)):
            self._move()
        for _ in range(self._chance.randint(0, self.edits)):
            self._edit()

    def _delete(self) -> None:
        if self._alive:
            place = self._chance.randrange(len(self._alive))
            self._alive[place], self._alive[-1] = self._alive[-1], self._alive[place]
            self.sandbox.delete(*self._alive.pop())

    def _create(self) -> None:
        self._created += 1
        self._alive.append(("zto", f"NEW{self._created:07}"))
        self.sandbox.create(*self._alive[-1])

    def _move(self) -> None:
        pair = self._chance.choice(self._alive or [("", "")])
        key = self.sandbox.trackings.find(*pair)
        if key is not None:
            self.moved.add(pair)
            self.sandbox.trackings.set_archived(key, key not in self.sandbox.trackings.archived)

    def _edit(self) -> None:
        pair = self._chance.choice(self._alive or [("", "")])
        key = self.sandbox.trackings.find(*pair)
        if key is not None:
            self.moved.add(pair)
            self.sandbox.trackings.set_fields(key, {"order_id": f"A-{self._chance.randrange(50)}"})
            if self.sandbox.switches.edit_moves_updated_at:
                self.sandbox.trackings.record(key).touched_at = self.sandbox.clock.seconds()

    def throughout(self) -> set[Pair]:
        """Return the trackings that were there all the time, unchanged."""
        return self.at_first & set(self.sandbox.trackings) - self.moved


def pair(tracking: Tracking) -> Pair:
    """Return what names a tracking."""
    return tracking.carrier_code, tracking.tracking_number


async def count(walk: AsyncIterator[Tracking] | Walk) -> Counter[Pair]:
    """Count how often a walk hands out each tracking."""
    found: Counter[Pair] = Counter()
    async for tracking in walk:
        found[pair(tracking)] += 1
    return found


def assert_exactly_once(found: Counter[Pair], wanted: set[Pair]) -> None:
    """Check that nothing came twice, and that nothing is missing that was wanted."""
    assert [one for one, times in found.items() if times > 1] == []
    assert wanted - found.keys() == set()
