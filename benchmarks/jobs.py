"""Peak memory of a bulk job over many items from a generator, against one over fifty thousand: it must not grow.

Each job edits trackings in a fresh process, at no pace but its own, once without a journal and once with one. Its peak
is the highest resident size that the operating system saw, over the size before the job began. The server is that of
`benchmarks.edits`.

Run: ``python -m benchmarks.jobs [--many 300000] [--few 50000]``. Exits with 1 when an edit is missing, or when the
peak over many is more than twice the other one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import subprocess
import sys
import tempfile
import time
from typing import Final

from benchmarks.edits import KEY, edits, server_process
from benchmarks.memory import KIB, MOST, resident
from trackingmore_async import Rate, TrackingMore

QUICK: Final = {"update_many": Rate(10_000)}
WARM_UP: Final = 400  # items


async def edit_once(url: str, count: int, journal: str | None) -> None:
    """Edit all, and print what it took: MiB before, MiB at the peak, seconds."""
    async with TrackingMore(KEY, base_url=url, rates=QUICK) as tm:
        await tm.trackings.update_many(edits(WARM_UP))  # connections, converters: all that is made once
        gc.collect()
        before, begun = resident(), time.perf_counter()
        report = await tm.trackings.update_many(edits(count), journal=journal)
        seconds = time.perf_counter() - begun
    if report.succeeded != count:
        raise SystemExit(f"only {report.succeeded} of {count} edits succeeded")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB
    print(before, peak, seconds)


def measure(count: int, *, journaled: bool) -> float:
    """Edit in a fresh process; print a row of the table; return how many MiB the job took at its peak."""
    with server_process() as url, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.jobs", "--edit", url, "--many", str(count)]
        command += ["--journal", f"{folder}/job.sqlite3"] if journaled else []
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    before, peak, seconds = map(float, done.stdout.split())
    name, rate = "journal" if journaled else "", count / seconds / 1000
    print(f"{count:>9} {name:8} {before:>9.1f} {peak:>9.1f} {peak - before:>9.1f} {rate:>8.1f}k/s", flush=True)
    return peak - before


def main() -> int:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs")
    parser.add_argument("--many", type=int, default=300_000)
    parser.add_argument("--few", type=int, default=50_000)
    parser.add_argument("--edit", metavar="URL", help="be the job over --many items")
    parser.add_argument("--journal", metavar="FILE", help="of that job")
    options = parser.parse_args()
    if options.edit:
        asyncio.run(edit_once(options.edit, options.many, options.journal))
        return 0
    print(f"{'items':>9} {'':8} {'before':>9} {'peak':>9} {'taken':>9} {'rate':>10}   (MiB)")
    ratios: list[float] = []
    for journaled in (False, True):
        few = measure(options.few, journaled=journaled)
        ratios.append(measure(options.many, journaled=journaled) / few)
        print(f"memory over {options.many} / over {options.few}: {ratios[-1]:.2f}")
    return 0 if max(ratios) <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
