"""A job in a process that is killed, the server that it talks to, and what its journal had confirmed by then."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import anyio
import attrs
import msgspec
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.bulk.conftest import number
from tests.bulk.job_process import COUNT, Job, JobMethod, Source, wanted, with_twins
from trackingmore_async.bulk.records import Intent, Record, RunMark, unpack
from trackingmore_async.journal.database import Database
from trackingmore_async.pacing.memory import Snapshot
from trackingmore_async.sandbox import Sandbox
from trackingmore_async.sandbox.faults import Plan

__all__ = ["Program", "Rate", "Report", "Trial", "a_program", "a_trial"]

ROOT: Final = Path(__file__).parent.parent.parent
STRANGERS: Final = 100  # trackings of the account that are none of the job's business

Report = dict[str, Any]
"""The counts of a job's report, and why the first items failed."""

Rate = tuple[int, float]
"""Requests and seconds."""

Held = dict[tuple[str, str], dict[str, object]]
"""Carrier and number -> fields."""


@attrs.define(eq=False)
class Program:
    """The program that runs jobs, one at a time, each in a process of its own."""

    _process: Process
    _lines: BufferedByteReceiveStream = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        assert self._process.stdout is not None
        self._lines = BufferedByteReceiveStream(self._process.stdout)

    async def begin(self, job: Job) -> None:
        """Begin a job; returns when its process is there."""
        await self._say(msgspec.json.encode(job))
        assert (await self._hear())["begun"]

    async def report(self, seconds: float | None) -> Report | None:
        """Wait so long for the end of the job; None: it has not ended."""
        with anyio.move_on_after(seconds):
            report = await self._hear()
            assert "error" not in report, report["error"]
            return report
        return None

    async def kill(self) -> None:
        """Kill the job's process; returns when nothing is left of it."""
        await self._say(b"")
        while "ended" not in await self._hear():
            pass  # it told its report in the very last moment

    async def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        await self._process.stdin.send(line + b"\n")

    async def _hear(self) -> dict[str, Any]:
        answer: dict[str, Any] = msgspec.json.decode(await self._lines.receive_until(b"\n", 100_000))
        return answer


@asynccontextmanager
async def a_program() -> AsyncGenerator[Program]:
    """Start the program, warnings being errors."""
    command = [sys.executable, "-W", "error", "-m", "tests.bulk.job_process"]
    async with await anyio.open_process(command, stderr=None, cwd=ROOT) as process:
        yield Program(process)


@attrs.frozen
class Life:
    """One process of a job.

    Args:
        confirmed: The numbers whose outcome the journal knew when it began.
        sent: The numbers that it has sent since.
    """

    confirmed: frozenset[str]
    sent: set[str] = attrs.field(factory=set[str])


@attrs.define(eq=False)
class Trial:
    """One job that is killed again and again, and its server.

    Args:
        sandbox: The server.
        program: Runs the job.
        job: The job.
        held: What the server has to hold in the end.
        kills: How often the job was killed.
        created: Number -> how often the server created it.
        deleted: Number -> how often the server deleted it.
    """

    sandbox: Sandbox
    program: Program
    job: Job
    held: Held
    kills: int = attrs.field(default=0, init=False)
    created: Counter[str] = attrs.field(factory=Counter[str], init=False)
    deleted: Counter[str] = attrs.field(factory=Counter[str], init=False)
    _life: Life = attrs.field(factory=lambda: Life(frozenset()), init=False)
    _undone: set[str] = attrs.field(factory=set[str], init=False)

    # Living and dying

    async def begin(self) -> None:
        """Begin the job, or resume it."""
        self._life = Life(await self._confirmed())
        await self.program.begin(self.job)

    async def kill(self) -> None:
        """Kill the job; nothing that was confirmed before it began was sent by it."""
        await self.program.kill()
        repeated = self._life.sent & self._life.confirmed
        if (self.job.source, self.job.method) == ("generator", "update_many"):
            repeated -= with_twins()  # a stream brings the first edit again before anybody knows of the second one
        assert not repeated

    async def live(self, seconds: float) -> Report | None:
        """Let the job live so long; return its report if it has ended by then."""
        await self.begin()
        report = await self.program.report(seconds)
        await self.kill()
        self.kills += report is None
        return report

    async def end(self) -> Report:
        """Let the job come to its end."""
        report = await self.live(120)
        assert report is not None, "The job does not end."
        return report

    async def undo_one(self, dice: Random) -> None:
        """Undo one thing that the job has confirmed, as somebody else might: the job must not do it again."""
        confirmed = sorted(await self._confirmed() - self._undone - with_twins())
        if not confirmed:
            return
        chosen = dice.choice(confirmed)
        self._undone.add(chosen)
        self.sandbox.delete("zto", chosen)
        self.held.pop(("zto", chosen), None)
        if self.job.method != "create_many":
            self.sandbox.create("zto", chosen, title="new")
            self.held["zto", chosen] = {"title": "new"}

    # Seeing

    @property
    def requests(self) -> int:
        """How many requests the server has seen."""
        return self.sandbox.statistics().total_requests

    async def ban_on_record(self) -> float:
        """Tell until when the journal knows of a ban (unix seconds), while the job runs; 0: it knows of none."""
        return await asyncio.to_thread(_recorded_ban, Path(self.job.journal))

    async def _confirmed(self) -> frozenset[str]:
        return await asyncio.to_thread(_confirmed, Path(self.job.journal))

    def check(self, report: Report) -> None:
        """The server holds exactly what is wanted, everything was done once, no limit was broken, all succeeded."""
        told = [report[state] for state in ("succeeded", "superseded", "failed", "unknown", "not_attempted")]
        superseded = told[1] if self.job.method == "update_many" else 0
        assert told == [COUNT - superseded, superseded, 0, 0, 0], report
        assert holdings(self.sandbox) == self.held
        once = Counter(map(number, range(COUNT)))
        if self.job.method == "create_many":
            assert self.created == once
        if self.job.method == "delete_many":
            assert self.deleted == once
        assert self.sandbox.statistics().total_violations == 0

    def watch(self) -> None:
        """Note from now on what is sent, and what the server does because of it."""
        trackings, faults = self.sandbox.trackings, self.sandbox.faults
        create, delete, plan = trackings.create, trackings.delete, faults.plan

        def watched_create(carrier: str, tracking_number: str, created: int, fields: dict[str, object]) -> int:
            self.created[tracking_number] += 1
            return create(carrier, tracking_number, created, fields)

        def watched_delete(carrier: str, tracking_number: str) -> bool:
            done = delete(carrier, tracking_number)
            self.deleted[tracking_number] += done
            return done

        def watched_plan(bucket: str, numbers: Collection[str]) -> Plan:
            if bucket == self.job.method:
                self._life.sent.update(numbers)
            return plan(bucket, numbers)

        vars(trackings).update(create=watched_create, delete=watched_delete)
        vars(faults).update(plan=watched_plan)


@asynccontextmanager
async def a_trial(
    program: Program, method: JobMethod, source: Source, rate: Rate, *, ban: float = 120.0, timeout: float = 30.0
) -> AsyncGenerator[Trial]:
    """Set up a server with what a job needs to be there, and the job.

    Args:
        program: Runs the job.
        method: What the job does.
        source: What its items come from.
        rate: Of the client, and of the server.
        ban: Seconds that a ban lasts.
        timeout: Seconds for one attempt.
    """
    rates = {method: rate, "list": rate}
    with tempfile.TemporaryDirectory() as folder:
        async with Sandbox(rates=rates, ban_seconds=ban, log_arrivals=True) as sandbox:
            stock(sandbox, method)
            job = Job(
                method=method,
                source=source,
                url=sandbox.url,
                key=sandbox.key,
                journal=str(Path(folder, "job.sqlite3")),
                rate=rate,
                pause=ban,
                timeout=timeout,
            )
            trial = Trial(sandbox, program, job, what_is_wanted(sandbox, method))
            trial.watch()
            yield trial


def stock(sandbox: Sandbox, method: JobMethod) -> None:
    """Put into the sandbox what is there beforehand."""
    sandbox.seed_trackings(STRANGERS, prefix="KEEP")
    if method != "create_many":
        for index in range(COUNT):
            sandbox.create("zto", number(index))


def what_is_wanted(sandbox: Sandbox, method: JobMethod) -> Held:
    """Return what a sandbox has to hold when the job has ended."""
    strangers = {name: fields for name, fields in holdings(sandbox).items() if name[0] != "zto"}
    return {**strangers, **{("zto", one): dict[str, object](fields) for one, fields in wanted(method).items()}}


def holdings(sandbox: Sandbox) -> Held:
    """Return all that a sandbox holds, and what clients have set of it."""
    records = {(record.carrier_code, record.tracking_number): record for record in sandbox.trackings.records.values()}
    return {name: dict(records[name].fields) if name in records else {} for name in sandbox.trackings}


def _confirmed(journal: Path) -> frozenset[str]:
    """Return the numbers of which a journal knows the outcome, by a row of their own or by the mark of their batch."""
    rows = _read_copy(journal, "")
    records = {key: unpack(Record, row) for key, row in rows.items() if key.startswith("item/")}
    known = {key for key, record in records.items() if record.state in {"succeeded", "failed"}}
    for mark in (key for key in rows if key.startswith("done/")):
        intent: Intent = unpack(Intent, rows[mark.removeprefix("done/")])
        known |= {key for key, _ in intent.items}
    return frozenset(key.rpartition("/")[2] for key in known)


def _recorded_ban(journal: Path) -> float:
    """Return until when a journal knows of a ban, while somebody writes it; 0: it knows of none."""
    rows = _read_copy(journal, "run")
    mark: RunMark | None = unpack(RunMark, rows["run"]) if "run" in rows else None
    return (Snapshot.decode(mark.limiter).ban_until or 0.0) if mark and mark.limiter else 0.0


def _read_copy(journal: Path, prefix: str) -> dict[str, bytes]:
    """Read a copy of a journal, for to look into it would mend what a crash has left."""
    with tempfile.TemporaryDirectory() as folder:
        for path in journal.parent.glob(f"{journal.name}*"):
            shutil.copy(path, folder)
        database = Database(Path(folder, journal.name))
        database.open()
        try:
            return database.scan(prefix, "", 10 * COUNT)
        finally:
            database.close()
