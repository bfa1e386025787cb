"""What a journal costs a bulk job of edits, at 200 requests a second: CPU a request, pace, and bytes an item.

Jobs with and without a journal take turns, in one process and over a real socket; what counts is the median of the
ratios of the rounds, for the two jobs of a round run within seconds, and the machine is more equal to itself then than
over minutes. CPU is that of this process, all threads, user and system. The server is that of `benchmarks.edits`, in a
process of its own. A job on a list knows all duplicates beforehand; one on a generator has to find them while it runs.

The bounds hold for these 16,000 items. A generator of more than 20,000 pays more for its names (`bulk/sieve.py`): 1.07
to 1.11 of the CPU in jobs of 40,000 (``--requests 1000``), which may be over the bound.

Run: ``python -m benchmarks.journal [--requests 400] [--rounds 33]``. Exits with 1 when the journal costs more than a
tenth of the CPU, or more than a twentieth of the pace.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from typing import Final

import attrs

from benchmarks.edits import BATCH, KEY, edits, server_process
from trackingmore_async import Rate, TrackingMore, TrackingUpdate

RATE: Final = 200
MOST: Final = 1.10
LEAST: Final = 0.95
WARM_UP: Final = 100  # requests


@attrs.frozen
class Cost:
    """What one job took.

    Args:
        cpu: Seconds a request.
        pace: Requests a second.
        size: Bytes of the journal an item.
    """

    cpu: float
    pace: float
    size: float = 0.0


async def run(url: str, items: Iterable[TrackingUpdate], count: int, journal: str | None) -> Cost:
    """Run one job, with a client of its own; with a journal or without one."""
    async with TrackingMore(KEY, base_url=url, rates={"update_many": Rate(RATE)}) as tm:
        begun, cpu = time.perf_counter(), time.process_time()
        report = await tm.trackings.update_many(items, journal=journal)
        cpu, seconds = time.process_time() - cpu, time.perf_counter() - begun
    if report.succeeded != count:
        raise SystemExit(f"only {report.succeeded} of {count} edits succeeded")
    size = os.stat(journal).st_size / count if journal else 0.0  # noqa: PTH116
    return Cost(cpu / report.requests, report.requests / seconds, size)


async def compare(url: str, source: str, requests: int, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """Return what the jobs without and with a journal took, round by round, every second round the other way round."""
    count = requests * BATCH
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    for turn in range(rounds):
        for with_journal in (bool(turn % 2), not turn % 2):
            items = edits(count) if source == "generator" else list(edits(count))
            with tempfile.TemporaryDirectory() as folder:
                journal = f"{folder}/job.sqlite3" if with_journal else None
                costs[with_journal].append(await run(url, items, count, journal))
    return costs


def report(source: str, plain: list[Cost], journaled: list[Cost]) -> bool:
    """Print a row; tell whether both bounds are kept."""
    ratios = [other.cpu / one.cpu for one, other in zip(plain, journaled, strict=True)]
    ratio = statistics.median(ratios)
    without, within = (statistics.median(cost.cpu for cost in costs) for costs in (plain, journaled))
    best = max(cost.pace for cost in plain)
    pace = max(cost.pace for cost in journaled) / best
    print(
        f"{source:9} {without * 1e3:6.2f} {within * 1e3:6.2f} {ratio:6.3f} ({min(ratios):.2f}..{max(ratios):.2f}) "
        f"{best:10.0f} {pace:6.3f} {journaled[0].size:10.0f}",
        flush=True,
    )
    return ratio <= MOST and pace >= LEAST


def main() -> int:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.journal")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=33)
    options = parser.parse_args()
    print(f"{options.requests} requests a job, {RATE}/s; CPU in ms a request, without and with a journal")
    print(f"{'source':9} {'CPU':>6} {'CPU':>6} {'ratio':>6} {'':12} {'requests/s':>10} {'ratio':>6} {'bytes/item':>10}")
    kept = True
    with server_process() as url:
        asyncio.run(run(url, edits(WARM_UP * BATCH), WARM_UP * BATCH, None))
        for source in ("list", "generator"):
            kept &= report(source, *asyncio.run(compare(url, source, options.requests, options.rounds)))
    print(f"at most {MOST} of the CPU, at least {LEAST} of the pace")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
