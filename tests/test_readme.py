"""What README.md and docs/ show is true: every block of code in them runs, and prints what they say."""

from __future__ import annotations

import doctest
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import metadata
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream
from sybil import Document
from sybil.parsers.markdown import CodeBlockParser

from tests.bulk.truth_table import GROUPS
from trackingmore_async import OPERATIONS
from trackingmore_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = ("python", "text", "shell")
PARSERS = [CodeBlockParser(language, lambda _: None) for language in LANGUAGES]
SERVE = "python -m trackingmore_async.sandbox"


class Block:
    """One block of code of a document.

    Args:
        document: The document.
        line: Where it begins.
        language: What it is written in.
        source: Its text.
    """

    def __init__(self, document: Path, line: int, language: str, source: str) -> None:
        self.name = f"{document.relative_to(ROOT)}:{line}"
        self.language = language
        self.source = source
        self.printed: str | None = None  # what the document says that it prints


def blocks_of(path: Path) -> Iterator[Block]:
    """Find the blocks of a document; a text block behind a program is what that prints."""
    program: Block | None = None
    for example in Document.parse(str(path), *PARSERS):
        block = Block(path, example.line, example.region.lexemes["arguments"], example.parsed)
        if block.language == "text" and program is not None:
            program.printed = block.source
        else:
            yield block
        program = block if block.language == "python" else None


BLOCKS = [block for path in DOCUMENTS for block in list(blocks_of(path))]
PROGRAMS = [block for block in BLOCKS if block.language == "python"]
COMMANDS = sorted({line for block in BLOCKS if block.language == "shell" for line in block.source.splitlines()})
SERVING = [command for command in COMMANDS if command.startswith(SERVE)]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Run a sandbox with some trackings, some of them under way for weeks."""
    async with Sandbox() as running:
        running.seed_trackings(120)
        yield running


@pytest.mark.parametrize("block", PROGRAMS, ids=lambda block: block.name)
async def test_each_program_runs_and_prints_what_the_page_says(block: Block, sandbox: Sandbox) -> None:
    """The program ends well, without a warning, breaks no limit, and prints what the text block behind it says."""
    environment = {**os.environ, "TRACKINGMORE_API_KEY": sandbox.key, "TRACKINGMORE_BASE_URL": sandbox.url}
    command = [sys.executable, "-W", "error", "-c", block.source]
    done = await anyio.run_process(command, check=False, env=environment, cwd=ROOT)
    printed = done.stdout.decode()
    assert (done.returncode, done.stderr.decode()) == (0, ""), printed
    if block.printed is not None:
        assert doctest.OutputChecker().check_output(block.printed, printed, doctest.ELLIPSIS), printed
    assert sandbox.statistics().total_violations == 0


def test_the_programs_are_typed(tmp_path: Path) -> None:
    """Whoever copies a program into a project that checks types strictly gets no error from it."""
    for block in PROGRAMS:
        module = block.name.translate(str.maketrans("/.:", "___"))
        (tmp_path / f"{module}.py").write_text(block.source, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_table_of_operations_is_what_the_code_says() -> None:
    """docs/operations.md is as ``make docs`` writes it, with all 18 operations."""
    made = runpy.run_path(str(ROOT / "docs" / "make_operations.py"))
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert page == made["page"](), "run make docs"
    assert page.count("\n| `") == len(OPERATIONS) == 18


def test_the_truth_table_is_what_the_tests_play() -> None:
    """docs/bulk.md is as ``make docs`` writes it, with all rows of the table."""
    made = runpy.run_path(str(ROOT / "docs" / "make_outcomes.py"))
    page = (ROOT / "docs" / "bulk.md").read_text(encoding="utf-8")
    assert page == made["page"](), "run make docs"
    assert all(made["line"](row) in page for group in GROUPS for row in group.rows)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_block_is_of_a_kind_that_runs_here(path: Path) -> None:
    """No block is in a language that nobody runs, and the number of fences is even."""
    fences = re.findall(r"^\s*```(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(fences[::2]) <= set(LANGUAGES)
    assert set(fences[1::2]) <= {""}
    assert len(fences) == 2 * len(list(Document.parse(str(path), *PARSERS)))


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in SERVING])
def test_each_command_of_the_documentation_exists(command: str) -> None:
    """A command names a make target, an example, an extra or a variable that exists."""
    words = shlex.split(command, comments=True)
    match words:
        case []:
            pass
        case ["make", target, *_]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        case ["python", script, *_]:
            assert (ROOT / script).is_file()
        case ["pip", "install", requirement]:
            extras = re.fullmatch(r"trackingmore_async(?:\[(.*)\])?", requirement)
            assert extras is not None
            known = metadata("trackingmore_async").get_all("Provides-Extra") or []
            assert set((extras[1] or "").split(",")) <= {"", *known}
        case ["export", assignment]:
            assert assignment.split("=")[0] in {"TRACKINGMORE_API_KEY", "TRACKINGMORE_BASE_URL"}
        case _:
            pytest.fail(f"nobody knows whether this command works: {command}")


@pytest.mark.parametrize("command", SERVING)
async def test_the_sandbox_of_the_shell_serves_and_stops(command: str) -> None:
    """The sandbox begins to serve, tells its address and a key, and ends on Ctrl-C."""
    arguments = re.sub(r"--port \d+", "--port 0", command.removeprefix(SERVE))
    async with await anyio.open_process(
        [sys.executable, "-m", "trackingmore_async.sandbox", *shlex.split(arguments, comments=True)]
    ) as process:
        url, key = (await first_line(process)).split()
        async with httpx.AsyncClient(trust_env=False, headers={"Trackingmore-Api-Key": key}) as client:
            assert (await client.get(f"{url}/trackings/getuserinfo")).status_code == 200
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def first_line(process: Process) -> str:
    """Read what a process says first."""
    assert process.stdout is not None
    text = ""
    with anyio.fail_after(20):
        async for part in TextReceiveStream(process.stdout):
            text += part
            if "\n" in text:
                break
    return text.splitlines()[0]
