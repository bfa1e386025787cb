"""Walking pages end to end against `httpx` + `orjson` dicts, in one process, over a real socket.

Both sides read the same pages of 2000 trackings, turn by turn, round by round; what counts is the median of the ratios
of the rounds. ``naive`` is the shortest code that anybody would write: `httpx.AsyncClient.get`, `orjson.loads`, a loop
over dicts. ``walk`` is `async for` over typed trackings, with retries, pacing, and the protection against duplicates
and losses, for which it reads the newest page twice.

The server is a process of its own. It shows trackings that the sandbox made, copied under other numbers: the sandbox
itself needs several times longer to make a page than anybody needs to read it, and would be all that is measured.

Run: ``python -m benchmarks.pages [--trackings 60000] [--rounds 7]``. Exits with 1 when a count is wrong, or when the
walk has less than 0.5 of the naive throughput.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson

from trackingmore_async.client import TrackingMore
from trackingmore_async.operations import Rate
from trackingmore_async.sandbox import Sandbox

PAGE: Final = 2000
KEY: Final = "00000000-0000-4000-8000-000000000000"
QUICK: Final = {"list": Rate(10_000, 1.0)}
LEAST: Final = 0.5
FIRST_CREATED: Final = 1_700_000_000  # unix seconds; one tracking a second follows

Timed = Callable[[], Awaitable[int]]


class Copier:
    """A server that shows any number of trackings: one page of the sandbox's, copied under other numbers.

    Args:
        total: How many.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._templates = _templates()

    def page(self, page: int, limit: int) -> bytes:
        """Return the body of one page, newest trackings first."""
        newest = self.total - (page - 1) * limit
        items = [self._item(index) for index in range(newest - 1, max(-1, newest - 1 - limit), -1)]
        head = {"page": page, "limit": limit, "total": str(self.total), "count": len(items)}
        data = json.dumps(head)[:-1].encode() + b', "items": [' + b",".join(items) + b"]}"
        return b'{"meta": {"code": 200, "type": "Success", "message": "Success"}, "data": ' + data + b"}"

    def _item(self, index: int) -> bytes:
        created = datetime.fromtimestamp(FIRST_CREATED + index, UTC).isoformat()
        return self._templates[index % len(self._templates)] % (b"%032x" % index, b"LX%09dCN" % index, created.encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            query = parse_qs(urlsplit(line.split()[1].decode()).query)
            body = self.page(int(query["page"][0]), int(query["limit"][0]))
            date = formatdate(usegmt=True)
            head = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()


def _templates() -> list[bytes]:
    """Return one page of the sandbox's trackings with places for id, number and time of creation."""
    sandbox = Sandbox()
    sandbox.seed_trackings(PAGE)
    request = httpx.Request(
        "GET", f"http://sandbox/v2/trackings/get?limit={PAGE}", headers={"Trackingmore-Api-Key": sandbox.key}
    )

    async def read() -> bytes:
        return await (await sandbox.transport().handle_async_request(request)).aread()

    return [_template(item) for item in orjson.loads(asyncio.run(read()))["data"]["items"]]


def _template(item: dict[str, object]) -> bytes:
    marked = {**item, "id": "<id>", "tracking_number": "<number>", "created_at": "<created>"}
    text = json.dumps(marked).replace("/", "\\/").replace("%", "%%")  # escaped as PHP does it (API.md 1.2)
    return text.replace("<id>", "%s").replace("<number>", "%s").replace("<created>", "%s").encode()


async def serve(copier: Copier) -> None:
    """Serve until killed; the URL is announced on standard output."""
    server = await asyncio.start_server(copier.serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v2", flush=True)
    await server.serve_forever()


@contextmanager
def server_process(total: int) -> Generator[str]:
    """Run the server in another process; yield its URL."""
    command = [sys.executable, "-m", "benchmarks.pages", "--serve", "--trackings", str(total)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise SystemExit("the server has no output")
            yield process.stdout.readline().strip()
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
    """Time all candidates round by round, every second round the other way round."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(-1, rounds):  # the first round warms up
        for name in sorted(candidates, reverse=bool(number % 2)):
            seconds = await time_one(candidates[name], expected)
            if number >= 0:
                times[name].append(seconds)
    return times


async def measure(url: str, trackings: int, rounds: int) -> dict[str, list[float]]:
    """Return the times of all candidates."""
    async with httpx.AsyncClient() as client, TrackingMore(KEY, base_url=url, rates=QUICK) as tm:
        candidates: dict[str, Timed] = {
            "naive": lambda: walk_naively(client, url),
            "walk": lambda: walk(tm),
            "walk ahead": lambda: walk_ahead(tm),
        }
        return await compare(candidates, rounds, trackings)


def report(times: dict[str, list[float]], trackings: int) -> bool:
    """Print a table; tell whether all are fast enough."""
    print(f"{trackings} trackings in pages of {PAGE}; throughput / naive: median (lowest..highest)")
    fast = True
    for name, seconds in times.items():
        ratios = [naive / own for naive, own in zip(times["naive"], seconds, strict=True)]
        rate = trackings / statistics.median(seconds) / 1000
        print(f"{name:12} {rate:7.1f}k/s  {statistics.median(ratios):5.2f} ({min(ratios):.2f}..{max(ratios):.2f})")
        fast = fast and statistics.median(ratios) >= LEAST
    return fast


def main() -> int:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages")
    parser.add_argument("--trackings", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help="be the server")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(Copier(options.trackings)))
    with server_process(options.trackings) as url:
        times = asyncio.run(measure(url, options.trackings, options.rounds))
    return 0 if report(times, options.trackings) else 1


if __name__ == "__main__":
    sys.exit(main())
