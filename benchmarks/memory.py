"""Peak memory of a walk over a million trackings, against one over ten thousand: it must not grow with the list.

Each walk runs in a fresh process, reads ahead, and takes every tracking; its peak is the highest resident size that
the operating system saw, over the size before the walk began. The server is that of `benchmarks.pages`. Of either walk
the median of three counts, for it is by chance how many of the short one's five pages are in memory at once.

Run: ``python -m benchmarks.memory [--many 1000000] [--few 10000]``. Exits with 1 when a count is wrong, or when the
peak over the million is more than twice the other one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from benchmarks.pages import KEY, QUICK, server_process, walk_ahead
from trackingmore_async.client import TrackingMore

MOST: Final = 2.0  # a few pages more or less are under way, by chance; a leak would show as fifty times as much
KIB: Final = 1024


async def walk_once(url: str, trackings: int) -> None:
    """Walk the whole list, and print what it took: MiB before, MiB at the peak, seconds."""
    async with TrackingMore(KEY, base_url=url, rates=QUICK) as tm:
        await tm.trackings.list(page_size=1)  # connections, converters: all that is made once
        gc.collect()
        before, begun = resident(), time.perf_counter()
        count = await walk_ahead(tm)
        seconds = time.perf_counter() - begun
    if count != trackings:
        raise SystemExit(f"{count} trackings instead of {trackings}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB
    print(before, peak, seconds)


def resident() -> float:
    """Return the resident size of this process in MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / KIB / KIB


def measure(trackings: int) -> float:
    """Walk in a fresh process; print a row of the table; return how many MiB the walk took at its peak."""
    with server_process(trackings) as url:
        command = [sys.executable, "-m", "benchmarks.memory", "--walk", url, "--many", str(trackings)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    before, peak, seconds = map(float, done.stdout.split())
    rate = trackings / seconds / 1000
    print(f"{trackings:>9} {before:>9.1f} {peak:>9.1f} {peak - before:>9.1f} {rate:>8.1f}k/s", flush=True)
    return peak - before


def main() -> int:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--walk", metavar="URL", help="be the walk over --many trackings")
    options = parser.parse_args()
    if options.walk:
        asyncio.run(walk_once(options.walk, options.many))
        return 0
    print("trackings    before      peak     taken     rate   (MiB)")
    few, many = (statistics.median(measure(count) for _ in range(3)) for count in (options.few, options.many))
    ratio = many / few
    print(f"memory over {options.many} / over {options.few}: {ratio:.2f}")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
