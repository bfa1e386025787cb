"""The examples run, say what they did, and clean up after themselves."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import attrs
import pytest
from anyio.abc import Process
from rich.console import Console

from trackingmore_async import TrackingMore, TrackingRef
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).parent.parent / "examples"
CURSOR_MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
KEEPS = 7  # trackings of the account that are none of the job's business


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """Run a sandbox at its default rates, which the environment names as the service."""
    async with Sandbox() as running:
        running.seed_trackings(KEEPS, prefix="KEEP")
        monkeypatch.setenv("TRACKINGMORE_API_KEY", running.key)
        monkeypatch.setenv("TRACKINGMORE_BASE_URL", running.url)
        yield running


INTERRUPTIBLE = (
    "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
"""Run a program with Ctrl-C working, also where this test runs in the background of a shell, which ignores it."""


async def run_example(name: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run one example as a user would, warnings being errors."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    done = await anyio.run_process(command, input=typed.encode(), check=False, env=environment())
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def environment() -> dict[str, str]:
    """Return the environment of a program whose output goes into a pipe."""
    return {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}


def load_bulk_sync() -> ModuleType:
    """Import examples/bulk_sync.py, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("bulk_sync", EXAMPLES / "bulk_sync.py")
    if spec is None or spec.loader is None:
        raise ImportError("examples/bulk_sync.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bulk_sync = load_bulk_sync()


async def test_the_main_job_creates_edits_walks_and_deletes_without_a_violation() -> None:
    """The main job succeeds with every item and tells what it reached, in 80 columns."""
    done = await run_example("bulk_sync.py", "--trackings", "210", "--rate", "40")
    assert (done.returncode, done.stderr) == (0, "")
    for expected in ("210 of 210", "105 of 105", "counted 18 requests, 0 violations", "Every outcome is as expected"):
        assert expected in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


async def test_the_main_job_looks_well_in_a_terminal() -> None:
    """In a terminal of 80 columns no line is wider, and the bars reach their ends."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, highlight=False, no_color=True)
    assert await bulk_sync.run_on_sandbox(console, 40, 40)
    lines = CURSOR_MOVES.sub("\n", screen.getvalue()).splitlines()
    assert sum("40/40" in line for line in lines) >= 3
    assert max(map(len, lines)) <= 80


def a_stricter_sandbox(rates: Iterable[str]) -> Sandbox:
    """Make a sandbox that allows less than the client believes, and only counts."""
    return Sandbox(rates=dict.fromkeys(rates, (1, 10.0)), bans=False)


async def test_the_main_job_fails_when_the_server_counts_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A violation of the limit makes the main job fail although every item succeeded."""
    monkeypatch.setattr(bulk_sync, "Sandbox", a_stricter_sandbox)
    screen = io.StringIO()
    assert not await bulk_sync.run_on_sandbox(Console(file=screen, width=80), 120, 20)
    assert "Every outcome is as expected" in screen.getvalue()


async def test_the_main_job_fails_when_an_outcome_is_not_as_expected(sandbox: Sandbox) -> None:
    """An item that fails is named, makes the exit code 1, and hinders no clean-up."""
    sandbox.faults.add(Fault("update_many", items=lambda number: 4014 if number.endswith("07") else None))
    done = await run_example("bulk_sync.py", "--real", typed="40\n")
    assert done.returncode == 1
    assert "07: failed" in done.stdout.replace("\n", "")
    assert "39 of 40" in done.stdout
    assert len(sandbox.trackings) == KEEPS


async def test_what_could_not_be_deleted_is_named(sandbox: Sandbox) -> None:
    """A tracking that the real run cannot delete is told to the user, and makes the exit code 1."""
    sandbox.faults.add(Fault("delete_many", items=lambda number: 4014 if number.endswith("08") else None))
    done = await run_example("bulk_sync.py", "--real", typed="40\n")
    assert done.returncode == 1
    assert re.search(r"Could not be deleted: TMASYNC\d+08$", done.stdout, re.MULTILINE)
    assert len(sandbox.trackings) == KEEPS + 1


async def test_the_real_run_touches_only_its_own_trackings(sandbox: Sandbox) -> None:
    """With the price typed, 40 trackings are created, walked by their numbers, and deleted; others stay as they are."""
    before = sandbox.find("china-ems", "KEEP0000000CN")
    done = await run_example("bulk_sync.py", "--real", typed="40\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("40 of 40") == 3
    assert len(sandbox.trackings) == KEEPS
    assert sandbox.find("china-ems", "KEEP0000000CN") == before
    assert sandbox.statistics().total_violations == 0


@pytest.mark.parametrize("typed", ["", "\n", "yes\n", "4\n"])
async def test_the_real_run_creates_nothing_without_its_price(sandbox: Sandbox, typed: str) -> None:
    """Without the price typed the job stops before anything is created."""
    done = await run_example("bulk_sync.py", "--real", typed=typed)
    assert done.returncode == 1
    assert "Nothing was created" in done.stdout
    assert set(sandbox.statistics().requests) == {"account_info"}


@attrs.define
class RealRun:
    """A real run of the main job that is under way, whose price is paid."""

    process: Process
    said: str = ""

    async def hear(self, phrase: str) -> None:
        """Read on until the program has said this."""
        assert self.process.stdout is not None
        with anyio.fail_after(20):
            while phrase not in self.said:
                self.said += (await self.process.stdout.receive()).decode()

    async def meet(self, sandbox: Sandbox, fault: Fault) -> None:
        """Wait until one of its requests has met a fault."""
        with anyio.fail_after(20):
            while not sandbox.faults.met(fault):  # noqa: ASYNC110 - the sandbox lives in a thread of its own
                await anyio.sleep(0.02)

    def press_ctrl_c(self) -> None:
        """Interrupt the program."""
        self.process.send_signal(signal.SIGINT)

    async def end(self) -> int:
        """Read all that it says until it ends, and return its exit code."""
        assert self.process.stdout is not None
        with anyio.fail_after(30):
            async for part in self.process.stdout:
                self.said += part.decode()
            return await self.process.wait()


@asynccontextmanager
async def a_real_run() -> AsyncGenerator[RealRun]:
    """Begin a real run in which Ctrl-C works."""
    command = [sys.executable, "-c", INTERRUPTIBLE, str(EXAMPLES / "bulk_sync.py"), "--real"]
    async with await anyio.open_process(command, stderr=subprocess.STDOUT, env=environment()) as process:
        assert process.stdin is not None
        await process.stdin.send(b"40\n")
        yield RealRun(process)


@pytest.mark.parametrize(
    "held",
    [
        Fault("create_many", delay_work=1.0),  # cut off, and carried out nevertheless
        Fault("create_many", delay_back=60.0),
        Fault("update_many", delay_work=60.0),
    ],
)
@pytest.mark.parametrize("presses", [1, 2])
async def test_ctrl_c_deletes_what_the_real_run_created(sandbox: Sandbox, held: Fault, presses: int) -> None:
    """Ctrl-C in the middle of the real run, or two at once, still deletes all of its trackings."""
    sandbox.faults.add(held)
    async with a_real_run() as run:
        await run.meet(sandbox, held)
        for _ in range(presses):
            run.press_ctrl_c()
            await anyio.sleep(0.005)
        assert await run.end() == 130
    assert "Traceback" not in run.said
    assert run.said.endswith("Stopped.\n")
    assert len(sandbox.trackings) == KEEPS


async def test_ctrl_c_while_the_clean_up_waits_for_its_slot_does_not_stop_it(sandbox: Sandbox) -> None:
    """The clean-up says how long it takes, and goes on when Ctrl-C comes while it waits."""
    sandbox.faults.add(Fault("delete_many", delay_work=2.0))  # so that Ctrl-C does not come too late
    async with a_real_run() as run:
        await run.hear("Deleting the 20 test trackings that may be left: about")
        run.press_ctrl_c()
        await run.hear("Still deleting 20 trackings; this takes about")
        assert await run.end() == 130
    assert len(sandbox.trackings) == KEEPS


async def test_further_ctrl_c_do_not_stop_the_clean_up(sandbox: Sandbox) -> None:
    """One Ctrl-C stops the job; those that come while the clean-up is under way only make it say so."""
    held, slow = Fault("update_many", delay_work=60.0), Fault("delete_many", delay_work=1.0)
    sandbox.faults.add(held, slow)
    async with a_real_run() as run:
        await run.meet(sandbox, held)
        run.press_ctrl_c()
        await run.hear("Deleting the 40 test trackings")
        run.press_ctrl_c()
        await run.hear("Still deleting 40 trackings")
        await run.meet(sandbox, slow)
        run.press_ctrl_c()
        assert await run.end() == 130
    assert run.said.count("Still deleting 40 trackings; this takes about") == 2
    assert len(sandbox.trackings) == KEEPS


async def test_the_clean_up_mentions_a_pause_after_a_429(sandbox: Sandbox) -> None:
    """While the account is silent after a 429, what the clean-up says takes that into account."""
    sandbox.faults.add(refused := Fault("update_many", times=1, code=429))
    screen = io.StringIO()
    async with TrackingMore() as tm, anyio.create_task_group() as tasks:
        job = bulk_sync.Job(tm, Console(file=screen, width=100), ["LX000000001CN"], 1)
        await job.create()
        tasks.start_soon(job.edit)
        with anyio.fail_after(20):
            refs = [TrackingRef("china-ems", "LX000000001CN")]
            while tm.trackings.delete_many(refs).plan().duration < 60:  # noqa: ASYNC110 - nothing tells of a 429
                await anyio.sleep(0.02)
        job.tell_still_deleting()
        tasks.cancel_scope.cancel()
    assert sandbox.faults.met(refused) == 1
    assert re.search(r"this takes about 12\d s, because the service asked for a pause \(429\)\.", screen.getvalue())


@pytest.mark.parametrize("failing", [("delete_many",), ("delete_many", "list")])
async def test_what_can_never_be_deleted_is_named_with_its_carrier(sandbox: Sandbox, failing: tuple[str, ...]) -> None:
    """When deleting fails for good, all numbers that are left are named, whether or not they can be looked at."""
    sandbox.faults.add(Fault(failing, status=503))
    done = await run_example("bulk_sync.py", "--real", typed="40\n")
    assert done.returncode == 1
    assert "Carrier china-ems:" in done.stdout
    left = re.findall(r"^Could not be deleted: (TMASYNC\d+)$", done.stdout, re.MULTILINE)
    assert len(set(left)) == 40
    assert all(sandbox.find("china-ems", number) for number in left)


async def test_ctrl_c_with_nothing_deletable_still_names_what_is_left(sandbox: Sandbox) -> None:
    """Ctrl-C and a clean-up that fails: the numbers are named all the same."""
    held = Fault("update_many", delay_work=60.0)
    sandbox.faults.add(held, Fault("delete_many", status=503))
    async with a_real_run() as run:
        await run.meet(sandbox, held)
        run.press_ctrl_c()
        assert await run.end() == 130
    assert run.said.count("Could not be deleted: TMASYNC") == 40
    assert len(sandbox.trackings) == KEEPS + 40


async def test_a_real_run_without_a_key_says_so_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the job says what to set, and shows no traceback."""
    monkeypatch.delenv("TRACKINGMORE_API_KEY", raising=False)
    done = await run_example("bulk_sync.py", "--real", typed="40\n")
    assert (done.returncode, done.stderr) == (1, "")
    assert "TRACKINGMORE_API_KEY" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, "--trackings"),
        (["--trackings", "0"], 2, "0 is less than 1"),
        (["--real", "--rate", "3"], 2, "leave out --trackings and --rate"),
    ],
)
async def test_the_command_line_explains_itself(arguments: list[str], code: int, said: str) -> None:
    """Help and refusals of the command line name the flag."""
    done = await run_example("bulk_sync.py", *arguments)
    assert done.returncode == code
    assert said in done.stdout + done.stderr


async def test_one_tracking_lives_and_is_gone(sandbox: Sandbox) -> None:
    """The example of one tracking creates, edits, reads and deletes it."""
    done = await run_example("one_tracking.py", "china-ems", "LX900000017CN")
    assert (done.returncode, done.stderr) == (0, "")
    assert "mug A-77 pending" in done.stdout
    assert done.stdout.endswith("deleted\n")
    assert len(sandbox.trackings) == KEEPS


async def test_walking_all_pages_counts_every_tracking(sandbox: Sandbox) -> None:
    """The walk counts all trackings of the account, and only reads."""
    sandbox.seed_trackings(2100, prefix="MANY")
    done = await run_example("walk_pages.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2,107  in all" in done.stdout
    assert set(sandbox.statistics().requests) == {"list"}


async def test_errors_are_handled_by_cause(sandbox: Sandbox) -> None:
    """The example of errors meets each of them and goes on."""
    done = await run_example("handle_errors.py", "china-ems", "LX900000017CN")
    assert (done.returncode, done.stderr) == (0, "")
    starts = ["created", "existed, edited", "refused, correct the input", "not there"]
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == starts
    found: dict[str, Any] | None = sandbox.find("china-ems", "LX900000017CN")
    assert found is None
