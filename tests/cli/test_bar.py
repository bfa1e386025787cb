"""What a person sees of a job: on a terminal, and where there is none."""

from __future__ import annotations

import asyncio
import io
import math
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio
import attrs
import pytest
from rich.console import Console

from tests.bulk.conftest import fill, in_process, number
from tests.conftest import VIRTUAL
from trackingmore_async import NewTracking, Progress, TrackingUpdate
from trackingmore_async.cli import ProgressBar
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

FRAMES = re.compile(r"\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*")  # back to where the display begins
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
BAR = re.compile(r"[━╸╺]+")


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


@attrs.define
class Clock:
    """Shows what it was set to."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def terminal(clock: Callable[[], float], width: int = 100, **settings: Any) -> Console:
    """Return a terminal, with a clock of its own."""
    return Console(file=io.StringIO(), force_terminal=True, width=width, get_time=clock, _environ={}, **settings)


def pipe(clock: Callable[[], float]) -> Console:
    """Return what a program writes to in CI, with a clock of its own."""
    return Console(file=io.StringIO(), width=80, get_time=clock, _environ={})


def written(console: Console) -> str:
    """Return all that was written, as it was written."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def frame(bar: ProgressBar) -> list[str]:
    """Return the lines that stand on the terminal now, without their colours."""
    display = bar._display  # pyright: ignore[reportPrivateUsage]
    display.refresh()  # as its thread does four times a second
    return CONTROL.sub("", FRAMES.split(written(display.console))[-1]).splitlines()


def seen(bar: ProgressBar) -> list[str]:
    """Return what a person reads on the terminal now, each bar as a ``|``."""
    return [" ".join(BAR.sub("|", line).split()) for line in frame(bar)]


def test_from_beginning_to_end_a_line_says_how_far_the_job_is() -> None:
    """Nothing yet; in the middle all there is to say; at the end how long it took."""
    clock = Clock()
    screen = terminal(clock)
    with ProgressBar("Edit", console=screen) as bar:
        assert seen(bar) == ["Edit | 0"]
        clock.now += 100
        bar(Progress(done=4_000, total=10_000, rate=40.0, eta=150.0))
        assert seen(bar) == ["Edit | 4,000/10,000 40 items/s 2:30 left"]
        clock.now += 149.0
        bar(Progress(done=10_000, total=10_000, rate=40.2, eta=0.0))
        assert seen(bar) == ["Edit | 10,000/10,000 40 items/s in 4:09"]
    assert seen(bar) == ["Edit | 10,000/10,000 40 items/s in 4:09"]


def test_the_bar_is_as_long_as_what_is_done() -> None:
    """At two fifths the bar fills two fifths of its place."""
    screen = terminal(Clock(), color_system=None)  # where the rest of the bar is left blank
    with ProgressBar("Edit", console=screen) as bar:
        bar(Progress(done=4_000, total=10_000))
        assert frame(bar)[0].count("━") == 16


def test_between_two_calls_the_seconds_count_down() -> None:
    """The time that is left, and that of a pause, go on although nothing is told; a pause that is over is gone."""
    clock = Clock()
    screen = terminal(clock)
    with ProgressBar("Edit", console=screen) as bar:
        bar(Progress(done=400, total=4_000, rate=39.6, eta=211.0, pause=121.0))
        assert seen(bar) == ["Edit | 400/4,000 429: paused 2:01 3:31 left"]
        clock.now += 100
        assert seen(bar) == ["Edit | 400/4,000 429: paused 0:21 1:51 left"]
        clock.now += 22
        assert seen(bar) == ["Edit | 400/4,000 40 items/s 1:29 left"]
        clock.now += 1_000
        assert seen(bar) == ["Edit | 400/4,000 40 items/s 0:00 left"]


def test_what_is_in_doubt_is_shown_while_there_is_any() -> None:
    """How many items are in doubt stands at the end of the line."""
    screen = terminal(Clock())
    with ProgressBar("Create", console=screen) as bar:
        bar(Progress(done=3_960, total=4_000, rate=36.4, eta=2.0, in_doubt=40))
        assert seen(bar) == ["Create | 3,960/4,000 36 items/s 0:02 left 40 in doubt"]
        bar(Progress(done=4_000, total=4_000, rate=36.0, eta=0.0))
        assert seen(bar) == ["Create | 4,000/4,000 36 items/s in 0:00"]


def test_without_a_total_it_says_what_is_done_alone() -> None:
    """A source without a length: done, pace, and neither a time nor a share."""
    screen = terminal(Clock())
    with ProgressBar("Delete", console=screen) as bar:
        bar(Progress(done=4_000, rate=3.96))
        assert seen(bar) == ["Delete | 4,000 4.0 items/s"]


def test_a_job_that_ends_early_says_so() -> None:
    """An exception leaves the block, and the terminal in order, with what was done and how long it took."""
    clock = Clock()
    screen = terminal(clock)
    with pytest.raises(KeyError), ProgressBar("Edit", console=screen) as bar:
        bar(Progress(done=400, total=4_000, rate=40.0, eta=90.0, pause=5.0))
        clock.now += 4
        raise KeyError
    assert seen(bar) == ["Edit | 400/4,000 40 items/s stopped after 0:04"]
    assert written(screen).endswith("\x1b[?25h")  # the cursor is visible again


def test_several_jobs_stand_below_each_other() -> None:
    """Each has its own line, in one display."""
    screen = terminal(Clock())
    with ProgressBar("Edit", console=screen) as bar:
        other = bar.add("Delete")
        other(Progress(done=80, total=100, rate=40.0, eta=1.0))
        bar(Progress(done=40, total=100, rate=40.0, eta=2.0))
        assert seen(bar) == ["Edit | 40/100 40 items/s 0:02 left", "Delete | 80/100 40 items/s 0:01 left"]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """The bar shrinks where there is little room, and the words are whole."""
    screen = terminal(Clock(), width)
    with ProgressBar("Edit", console=screen) as bar:
        bar(Progress(done=40_000, total=100_000, rate=40.0, eta=1_621.0, pause=121.0))
        assert seen(bar) == ["Edit | 40,000/100,000 429: paused 2:01 27:01 left"]


def test_a_description_is_taken_as_it_is() -> None:
    """Square brackets are no markup."""
    screen = terminal(Clock())
    with ProgressBar("Edit [red]", console=screen) as bar:
        assert seen(bar) == ["Edit [red] | 0"]


def test_without_a_terminal_a_plain_line_comes_now_and_then() -> None:
    """In a pipe: no control characters; a line each half minute, when a pause begins, and at the end."""
    clock = Clock()
    screen = pipe(clock)
    with ProgressBar("Edit", console=screen) as bar:
        for second in range(75):
            bar(Progress(done=40 * second, total=4_000, rate=40.0, eta=100.0 - second))
            clock.now += 1
        bar(Progress(done=3_000, total=4_000, rate=40.0, eta=147.0, pause=121.0))
        bar(Progress(done=3_000, total=4_000, rate=40.0, eta=145.0, pause=119.0))
        bar(Progress(done=4_000, total=4_000, rate=40.0, eta=0.0))
        bar(Progress(done=4_000, total=4_000, rate=40.0, eta=0.0))
    assert written(screen).splitlines() == [
        "Edit: 1,200/4,000, 40 items/s, 1:10 left",
        "Edit: 2,400/4,000, 40 items/s, 0:40 left",
        "Edit: 3,000/4,000, 429: paused 2:01, 2:27 left",
        "Edit: 4,000/4,000, 40 items/s, in 1:15",
    ]


def test_without_a_terminal_a_job_that_ends_early_says_so() -> None:
    """One plain line tells where it stopped."""
    screen = pipe(Clock())
    with pytest.raises(KeyError), ProgressBar("Edit", console=screen) as bar:
        bar(Progress(done=400, total=4_000, rate=40.0, eta=90.0))
        raise KeyError
    assert written(screen) == "Edit: 400/4,000, 40 items/s, stopped after 0:00\n"


def test_a_dumb_terminal_gets_plain_lines() -> None:
    """A terminal that cannot move its cursor is none."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80, _environ={"TERM": "dumb"})
    with ProgressBar("Edit", console=console) as bar:
        bar(Progress(done=4, total=4))
    assert written(console) == "Edit: 4/4, in 0:00\n"


def test_what_a_program_prints_into_a_pipe_stays_there() -> None:
    """The display is on the standard error stream: the standard output of a program stays its own."""
    code = (
        "from trackingmore_async import Progress\nfrom trackingmore_async.cli import ProgressBar\n"
        "with ProgressBar('Edit') as bar:\n    bar(Progress(done=4, total=4))\n    print('data')"
    )
    for environment in ({}, {"FORCE_COLOR": "1"}):  # the second makes rich take the error stream for a terminal
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={"PYTHONPATH": ".", "PYTHONIOENCODING": "utf-8", **environment},
        )
        assert done.stdout == "data\n"
        assert "4/4" in done.stderr
        assert ("\x1b" in done.stderr) == bool(environment)


SHOW = """
import os, sys, time
{before}
from trackingmore_async import Progress
from trackingmore_async.cli import ProgressBar
with ProgressBar("Edit") as bar:
    bar(Progress(done=1, total=4))
    {meanwhile}
    bar(Progress(done=4, total=4))
os.write(answer, b"done")
"""


@pytest.mark.parametrize(
    ("before", "meanwhile"),
    [
        ("sys.stdout = None", ""),  # what `>&-` and pythonw do
        ("sys.stdout.close()", ""),
        ("sys.stderr.close()", ""),
        ("reader, writer = os.pipe(); os.dup2(writer, 2)", "os.close(reader); os.close(writer)"),
        ("import pty; reader, writer = pty.openpty(); os.dup2(writer, 2)", "os.close(reader); time.sleep(0.4)"),
    ],
    ids=["no output", "closed output", "closed errors", "broken pipe", "hung up"],
)
def test_that_nobody_reads_any_more_ends_no_job(before: str, meanwhile: str) -> None:
    """Where a stream is missing, closed or broken, the job that is shown goes on to its end."""
    code = "import os; answer = os.dup(1)\n" + SHOW.format(before=before, meanwhile=meanwhile)
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60, env={"PYTHONPATH": "."}
    )
    assert done.stdout == "done", done.stderr


def test_without_rich_the_extra_is_named() -> None:
    """Who has not installed the extra is told how."""
    code = "import sys; sys.modules['rich'] = None; import trackingmore_async, trackingmore_async.cli"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        'ImportError: the display needs one more package: pip install "trackingmore_async[cli]"'
    )


async def test_a_person_sees_a_job_through_a_pause_to_its_end() -> None:
    """4,000 edits at 1 request/s with a ban in the middle: each moment looks as it should."""
    sandbox, loop = Sandbox(), asyncio.get_running_loop()
    screen = terminal(loop.time)
    fill(sandbox, 4_000)
    sandbox.faults.add(Fault("update_many", on={51}, code=429, ban=True))
    edits = [TrackingUpdate("zto", number(index), title="mug") for index in range(4_000)]
    frames: dict[float, list[str]] = {}

    async def look(bar: ProgressBar, begun: float) -> None:
        for moment in (0.3, 20.3, 52.3, 60.3, 110.3, 170.3, 190.3):
            await anyio.sleep(begun + moment - anyio.current_time())
            frames[moment] = seen(bar)

    async with in_process(sandbox) as tm, anyio.create_task_group() as tasks:
        with ProgressBar("Edit", console=screen) as bar:
            tasks.start_soon(look, bar, anyio.current_time())
            await tm.trackings.update_many(edits, progress=bar)
        frames[math.inf] = seen(bar)
    assert frames == {
        0.3: ["Edit | 40/4,000 40 items/s 1:39 left"],
        20.3: ["Edit | 840/4,000 40 items/s 1:19 left"],
        52.3: ["Edit | 2,000/4,000 429: paused 1:59 2:48 left"],
        60.3: ["Edit | 2,000/4,000 429: paused 1:51 2:40 left"],
        110.3: ["Edit | 2,000/4,000 429: paused 1:01 1:50 left"],
        170.3: ["Edit | 2,000/4,000 429: paused 0:01 0:50 left"],
        190.3: ["Edit | 2,800/4,000 15 items/s 0:30 left"],
        math.inf: ["Edit | 4,000/4,000 18 items/s in 3:40"],
    }


async def test_jobs_that_run_at_the_same_time_share_a_display() -> None:
    """A job from a list and one from a generator, which is first known to have a total when it is over."""
    sandbox, loop = Sandbox(), asyncio.get_running_loop()
    screen = terminal(loop.time)
    fill(sandbox, 200)
    edits = [TrackingUpdate("zto", number(index), title="mug") for index in range(200)]
    items = (NewTracking("zto", number(index)) for index in range(200, 3_200))
    async with in_process(sandbox) as tm:
        with ProgressBar("Edit", console=screen) as bar:
            editing = tm.trackings.update_many(edits, progress=bar)
            creating = tm.trackings.create_many(items, progress=bar.add("Create"))
            both = asyncio.gather(editing, creating)
            await anyio.sleep(10.3)
            assert seen(bar) == ["Edit | 200/200 40 items/s in 0:04", "Create | 440 40 items/s"]
            await both
            assert seen(bar)[1] == "Create | 3,000/3,000 40 items/s in 1:14"
