"""Walking pages end to end against `httpx` + `orjson` dicts, in one process, over a real socket.

The sandbox runs in a process of its own, without rate limits. Both sides read the same pages of 2000 trackings, in turn,
round by round; what counts is the median of the ratios of the rounds. ``naive`` is the shortest code that anybody would
write: `httpx.AsyncClient.get`, `orjson.loads`, a loop over the dicts. ``walk`` is `async for` over typed trackings, with
retries, pacing, and the protection against duplicates and losses.

Run: ``python benchmarks/pages.py [--trackings 40000] [--rounds 7]``. Exits with 1 when a count is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
import orjson

from trackingmore_async.client import TrackingMore
from trackingmore_async.operations import Rate

PAGE = 2000
QUICK = {"list": Rate(10_000, 1.0)}

Timed = Callable[[], Awaitable[int]]


@contextmanager
def sandbox_process(trackings: int) -> Iterator[tuple[str, str]]:
    """Run the sandbox in another process; yield its URL and key."""
    command = [sys.executable, "-m", "trackingmore_async.sandbox", "--trackings", str(trackings), "--rate", "list=off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise SystemExit("the sandbox has no output")
            url, key = process.stdout.readline().split()
            yield url, key
        finally:
            process.terminate()


async def walk_naively(client: httpx.AsyncClient, url: str) -> int:
    """Read all pages into dicts."""
    count, page, total = 0, 1, 1
    while (page - 1) * PAGE < total:
        response = await client.get(f"{url}/trackings/get", params={"page": page, "limit": PAGE})
        data = orjson.loads(response.content)["data"]
        total = int(data["total"])
        for item in data["items"]:
            count += bool(item["tracking_number"])
        page += 1
    return count


async def walk(tm: TrackingMore) -> int:
    """Walk all trackings, reading pages when they are wanted."""
    count = 0
    async for tracking in tm.trackings.list():
        count += bool(tracking.tracking_number)
    return count


async def walk_ahead(tm: TrackingMore) -> int:
    """Walk all trackings, reading pages ahead."""
    count = 0
    async with tm.trackings.list() as pages:
        async for tracking in pages:
            count += bool(tracking.tracking_number)
    return count


async def time_one(work: Timed, expected: int) -> float:
    """Return the seconds that one walk takes."""
    begun = time.perf_counter()
    count = await work()
    seconds = time.perf_counter() - begun
    if count != expected:
        raise SystemExit(f"{count} trackings instead of {expected}")
    return seconds


async def compare(candidates: dict[str, Timed], rounds: int, expected: int) -> dict[str, list[float]]:
    """Time all candidates round by round, in turn, every second round the other way round."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(-1, rounds):  # the first round warms up
        for name in sorted(candidates, reverse=bool(number % 2)):
            seconds = await time_one(candidates[name], expected)
            if number >= 0:
                times[name].append(seconds)
    return times


async def run(trackings: int, rounds: int) -> int:
    """Measure, and print a table."""
    with sandbox_process(trackings) as (url, key):
        headers = {"Trackingmore-Api-Key": key}
        async with httpx.AsyncClient(headers=headers) as client, TrackingMore(key, base_url=url, rates=QUICK) as tm:
            candidates: dict[str, Timed] = {
                "naive": lambda: walk_naively(client, url),
                "walk": lambda: walk(tm),
                "walk ahead": lambda: walk_ahead(tm),
            }
            times = await compare(candidates, rounds, trackings)
    print(f"{trackings} trackings in pages of {PAGE}, {rounds} rounds; throughput / naive: median (lowest..highest)")
    for name, seconds in times.items():
        ratios = [naive / own for naive, own in zip(times["naive"], seconds, strict=True)]
        rate = trackings / statistics.median(seconds) / 1000
        print(f"{name:12} {rate:7.1f}k/s  {statistics.median(ratios):5.2f} ({min(ratios):.2f}..{max(ratios):.2f})")
    return 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trackings", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    return asyncio.run(run(options.trackings, options.rounds))


if __name__ == "__main__":
    sys.exit(main())
