"""A process that follows a feed is killed again and again: nothing that was created or refreshed is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from tests.changes.feeds import refresh
from tests.conftest import REAL
from tests.pages.scene import QUICK, Pair, pair
from trackingmore_async import TrackingMore
from trackingmore_async.sandbox import Sandbox, Switches

pytestmark = pytest.mark.anyio

KILLS = 8 * int(os.environ.get("TRACKINGMORE_EXAMPLES", "1"))

READER = """
import asyncio, os, sys
from trackingmore_async import TrackingChanges, TrackingMore
from trackingmore_async.operations import Rate

async def main(url, key, path, page_size, held, follow):
    async with TrackingMore(key, base_url=url, rates={"list": Rate(1000)}) as tm:
        settings = {"since": 0, "store": path, "page_size": int(page_size), "overlap": 5, "interval": 0.05}
        feed = TrackingChanges(tm.trackings._caller, follow=bool(follow), **settings)
        if held:
            await feed.__aenter__()  # never left: it is killed
        os.write(1, b"begun\\n")
        async for one in feed:
            await asyncio.sleep(0.001)  # to handle one takes a moment, in which it may be killed
            os.write(1, f"{one.tracking_number} {one.title}\\n".encode())
        await feed.aclose()

asyncio.run(main(*sys.argv[1:]))
"""


@attrs.define
class Others:
    """Others who create, edit, refresh and delete all the time; an edit is numbered, and moves the time of refresh."""

    sandbox: Sandbox
    chance: Random
    names: list[Pair]
    edits: int = 0

    async def act(self) -> None:
        """Disturb the account some hundred times a second."""
        while True:
            self._create() if self.chance.random() < 0.2 else self._edit(self.chance.choice(self.names))
            if self.chance.random() < 0.05:
                self.sandbox.delete(*self.chance.choice(self.names))
            await asyncio.sleep(0.004)

    def _create(self) -> None:
        self.names.append(("zto", f"NEW{len(self.names):06}"))
        self.sandbox.create(*self.names[-1])

    def _edit(self, one: Pair) -> None:
        key = self.sandbox.trackings.find(*one)
        if key is not None:
            self.edits += 1
            self.sandbox.trackings.set_fields(key, {"title": f"edit-{self.edits}"})
            refresh(self.sandbox, one, self.sandbox.clock.seconds())


@attrs.define
class Child:
    """A process with a feed.

    Args:
        sandbox: What it reads.
        path: Its store.
        told: The last title of each number, in the order of what all processes said.
    """

    sandbox: Sandbox
    path: Path
    told: dict[str, str] = attrs.field(factory=dict[str, str])

    async def run(self, page_size: str, held: str, follow: str, *, kill_after: float | None = None) -> None:
        """Let it run to its end, or kill it some seconds after it began."""
        where = (self.sandbox.url, self.sandbox.key, str(self.path))
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", READER, *where, page_size, held, follow, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        assert await child.stdout.readline() == b"begun\n"
        reading = asyncio.create_task(child.stdout.read())
        if kill_after is not None:
            await asyncio.sleep(kill_after)
            child.kill()
        for line in (await reading).decode().splitlines():
            number, title = line.split(" ", 1)
            self.told[number] = title
        assert await child.wait() == (0 if kill_after is None else -signal.SIGKILL)


@pytest.fixture
def anyio_backend() -> Any:
    """Run on the real clock."""
    return REAL


async def test_a_feed_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    """Each tracking was told as the server has it in the end, though every process but the last died on the way."""
    chance = Random(10)
    switches = Switches(edit_moves_updated_at=True)
    async with Sandbox(rates={"list": (1000, 1.0)}, life_speed=1e-6, switches=switches) as sandbox:
        now = sandbox.clock.seconds()
        sandbox.seed_trackings(600, created_between=(now - 4000, now - 5))
        others, child = Others(sandbox, chance, list(sandbox.trackings)), Child(sandbox, tmp_path / "feed.sqlite3")
        acting = asyncio.create_task(others.act())
        for index in range(KILLS):
            held = "held" if index % 4 < 2 else ""
            if index % 2:  # small pages: in a long walk, which begins by letting a second pass
                await child.run("50", held, "follow", kill_after=chance.uniform(0.9, 1.6))
            else:  # one page: in many short rounds
                await child.run("2000", held, "follow", kill_after=chance.uniform(0.0, 0.4))
        acting.cancel()
        await asyncio.sleep(1.1)  # until the second of the last edits is over
        await child.run("2000", "", "")
        async with TrackingMore(sandbox.key, base_url=sandbox.url, rates=QUICK) as tm:
            there = {pair(one)[1]: str(one.title) async for one in tm.trackings.list()}
        assert {number: title for number, title in there.items() if child.told.get(number) != title} == {}
        assert sandbox.statistics().total_violations == 0
