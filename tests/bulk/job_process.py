"""The program that is killed: it runs journaled jobs, each in a process of its own that is ready at once.

It reads a job a line (JSON) and forks. The new process runs the job, and tells its report when all is closed. Any
further line kills that process, if it still lives, and is answered by how it ended.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from typing import Any, Final, Literal

import attrs
import msgspec

from tests.bulk.conftest import number
from trackingmore_async import NewTracking, Rate, RetryPolicy, TrackingMore, TrackingRef, TrackingUpdate

__all__ = ["COUNT", "Job", "JobMethod", "Source", "make_items", "wanted", "with_twins"]

JobMethod = Literal["create_many", "update_many", "delete_many"]
Source = Literal["list", "generator"]

COUNT: Final = 5_000
AHEAD_OF_USE: Final = ("anyio._backends._asyncio", "httpx", "httpcore", "ssl", "sqlite3")


@attrs.frozen(kw_only=True)
class Job:
    """A job, and the client that runs it.

    Args:
        method: What it does.
        source: What its items come from.
        url: The address of the server.
        key: The API key.
        journal: Path of the journal.
        rate: Requests and seconds, in the buckets of the job and of the list.
        pause: Seconds of silence after a 429.
        timeout: Seconds for one attempt.
    """

    method: JobMethod
    source: Source
    url: str
    key: str
    journal: str
    rate: tuple[int, float]
    pause: float = 120.0
    timeout: float = 30.0


def make_items(method: JobMethod) -> Iterator[Any]:
    """Make the items of a job; some edits are about a tracking that an earlier one edits as well."""
    for index in range(COUNT):
        if method == "create_many":
            yield NewTracking("zto", number(index), title=f"mug {index}", order_id=f"A-{index}")
        elif method == "delete_many":
            yield TrackingRef("zto", number(index))
        elif (other := _earlier(index)) is not None:
            yield TrackingUpdate("zto", number(other), title=f"cup {index}")
        else:
            yield TrackingUpdate("zto", number(index), title=f"mug {index}", order_id=f"A-{index}")


def _earlier(index: int) -> int | None:
    """Return the tracking that an edit comes back to: one of the same batch, or one long sent."""
    if index % 100 == 60:
        return index - 7
    return index - 1500 if index % 100 == 30 and index >= 2000 else None


def with_twins() -> frozenset[str]:
    """Return the numbers that two edits are about."""
    return frozenset(number(other) for index in range(COUNT) if (other := _earlier(index)) is not None)


def wanted(method: JobMethod) -> dict[str, dict[str, str]]:
    """Return what the server has to hold of the job's trackings in the end: number -> fields; the last values stand."""
    held: dict[str, dict[str, str]] = {}
    if method == "update_many":
        held = {number(index): {} for index in range(COUNT)}
    for item in make_items(method):
        if method != "delete_many":
            fields = {name: getattr(item, name) for name in ("title", "order_id") if getattr(item, name)}
            held.setdefault(item.tracking_number, {}).update(fields)
    return held


async def run(job: Job) -> dict[str, Any]:
    """Run a job to its end, and return its report: the counts, and why the first items failed."""
    rates = {bucket: Rate(*job.rate) for bucket in (job.method, "list")}
    items = make_items(job.method)
    async with TrackingMore(
        job.key,
        base_url=job.url,
        rates=rates,
        pause_after_429=job.pause,
        timeout=job.timeout,
        retry=RetryPolicy(attempts=6, base=0.1),
    ) as tm:
        source = list(items) if job.source == "list" else items
        report = await getattr(tm.trackings, job.method)(source, journal=job.journal)
    states = ("succeeded", "superseded", "failed", "unknown", "not_attempted", "recalled", "requests")
    why = [f"{one.item.tracking_number} {one.state} after {one.attempts}: {one.error}" for one in report.failures[:3]]
    return {**{name: getattr(report, name) for name in states}, "why": why}


def tell(what: dict[str, Any]) -> None:
    """Write a line, whole."""
    os.write(1, msgspec.json.encode(what) + b"\n")


def live(line: str) -> None:
    """Be the process that runs one job."""
    try:
        tell(asyncio.run(run(msgspec.json.decode(line, type=Job))))
    except BaseException:
        tell({"error": traceback.format_exc()[-3000:]})
    finally:
        os._exit(0)


def main() -> None:
    """Serve jobs until the input ends."""
    for module in AHEAD_OF_USE:
        importlib.import_module(module)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            live(line)
        tell({"begun": child})
        sys.stdin.readline()  # or the end of the input
        os.kill(child, signal.SIGKILL)  # nobody else has its number, for it was not waited for yet
        _, status = os.waitpid(child, 0)
        tell({"ended": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
