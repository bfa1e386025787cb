"""A thousand visitors of a web service at once: how long its event loop is blocked, beside a handler on bare httpx.

Three handlers answer "where is my parcel?" under the same uvicorn: one on this library as it comes, whose look-ups
share requests; one on this library with a request for each look-up (``coalesce=False``); and one on bare `httpx` and
`orjson`, with a request for each look-up and no pace. Service, application and visitors are processes of their own.

*block* is the longest turn of the event loop, from one look at sockets and timers to the next, in milliseconds of CPU
time, which other processes do not disturb; *late* is by how much a task that wakes up each millisecond was late at
worst, which they do. All figures are medians of the rounds. The bounds are on the ratios of the blocks.

Run: ``python -m benchmarks.web [--rounds 3]``. Exits with 1 when an answer is wrong, or a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import attrs
import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trackingmore_async import Rate, TrackingMore

VISITORS: Final = 1000
KINDS: Final = ("shared", "single", "bare httpx")
RATES: Final = {"list": Rate(10), "get": Rate(500)}  # the service itself has no limits here
MOST: Final = {"shared": 1.0, "single": 1.5}  # block, over that of bare httpx

LookUp = Callable[[str], Awaitable[dict[str, Any]]]


@attrs.define
class Watch:
    """Measures how long the event loop of this process is held up.

    Args:
        block: The longest turn, seconds of CPU time.
        late: The longest delay of a task that wakes up each millisecond, seconds.
    """

    block: float = 0.0
    late: float = 0.0

    def time_each_turn(self) -> None:
        """Time all turns of all event loops from now on; waiting for something to do takes no CPU time."""
        turn: Callable[[asyncio.BaseEventLoop], None] = vars(asyncio.BaseEventLoop)["_run_once"]

        def timed(loop: asyncio.BaseEventLoop) -> None:
            begun = time.thread_time()
            turn(loop)
            self.block = max(self.block, time.thread_time() - begun)

        asyncio.BaseEventLoop._run_once = timed  # type: ignore[attr-defined] # noqa: SLF001

    async def tick(self) -> None:
        """Wake up each millisecond, and note how late."""
        while True:
            due = time.perf_counter() + 0.001
            await asyncio.sleep(0.001)
            self.late = max(self.late, time.perf_counter() - due)

    def report(self) -> dict[str, float]:
        """Tell what was measured, in milliseconds, and begin anew."""
        told = {"block": self.block * 1000, "late": self.late * 1000}
        self.block = self.late = 0.0
        return told


@asynccontextmanager
async def look_up(kind: str, url: str, key: str) -> AsyncGenerator[LookUp]:
    """Open what a handler of this kind looks parcels up with."""
    if kind == "bare httpx":
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=20)
        patience = httpx.Timeout(30.0, pool=None)  # else most of the thousand would end with a PoolTimeout
        headers = {"Trackingmore-Api-Key": key}
        async with httpx.AsyncClient(limits=limits, timeout=patience, headers=headers) as client:

            async def read(number: str) -> dict[str, Any]:
                answer = await client.get(f"{url}/trackings/china-ems/{number}")
                data = orjson.loads(answer.content)["data"]
                return {"number": data["tracking_number"], "status": data["status"]}

            yield read
        return
    async with TrackingMore(key, base_url=url, rates=RATES) as tm:
        view = tm.with_options(max_wait=None, coalesce="reads" if kind == "shared" else False)

        async def get(number: str) -> dict[str, Any]:
            tracking = await view.trackings.get("china-ems", number)
            return {"number": tracking.tracking_number, "status": tracking.status}

        yield get


async def serve(kind: str, url: str, key: str) -> None:
    """Serve the application of one kind until killed; the port is announced on standard output."""
    watch = Watch()

    async def parcel(request: Request) -> Response:
        return JSONResponse(await request.state.look_up(request.path_params["number"]))

    async def report(_: Request) -> Response:
        return JSONResponse(watch.report())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[dict[str, Any]]:
        async with look_up(kind, url, key) as look:
            ticking = asyncio.create_task(watch.tick())
            yield {"look_up": look}
            ticking.cancel()

    routes = [Route("/parcels/{number}", parcel), Route("/report", report)]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes, lifespan=lifespan), port=0, log_config=None))
    watch.time_each_turn()
    gc.freeze()  # as careful services do: what was imported is not looked through again and again
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving


@contextmanager
def running(*arguments: str) -> Generator[str]:
    """Run a module of Python in another process; yield the first line that it prints."""
    with subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise SystemExit("the process has no output")
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def visit(port: int, path: str) -> tuple[float, Any]:
    """Ask once over a connection of its own; return the seconds that it took, and the answer."""
    begun = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    writer.close()
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise SystemExit(f"{path}: {head.decode()}")
    return time.perf_counter() - begun, json.loads(body)


async def one_round(port: int, upstream: str) -> dict[str, float]:
    """Let a thousand visitors come at once; return what the application, the service and they themselves measured."""
    async with httpx.AsyncClient() as client:
        before = (await client.get(upstream)).json()["requests"]
        await visit(port, "/report")
        numbers = [f"LX{index:07d}CN" for index in range(VISITORS)]
        answers = await asyncio.gather(*(visit(port, f"/parcels/{number}") for number in numbers))
        if [answer["number"] for _, answer in answers] != numbers:
            raise SystemExit("somebody got the parcel of somebody else")
        _, told = await visit(port, "/report")
        after = (await client.get(upstream)).json()["requests"]
    waits = [seconds for seconds, _ in answers]
    requests = sum(after.values()) - sum(before.values())
    return {**told, "requests": requests, "median": statistics.median(waits), "longest": max(waits)}


def measure(kind: str, url: str, key: str, rounds: int) -> dict[str, float]:
    """Return the medians of the rounds of one kind; the first round warms up."""
    upstream = url.removesuffix("/v2") + "/_sandbox/statistics"
    with running("benchmarks.web", "--serve", kind, "--upstream", url, "--key", key) as port:
        results = [asyncio.run(one_round(int(port), upstream)) for _ in range(rounds + 1)][1:]
    return {name: statistics.median(result[name] for result in results) for name in results[0]}


def main() -> int:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", metavar="KIND", choices=KINDS, help="be the application")
    parser.add_argument("--upstream", metavar="URL")
    parser.add_argument("--key")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve, options.upstream, options.key))
        return 0
    service = ("trackingmore_async.sandbox", "--trackings", str(VISITORS), "--rate", "get=off", "--rate", "list=off")
    with running(*service) as announced:
        url, key = announced.split()
        found = {kind: measure(kind, url, key, options.rounds) for kind in KINDS}
    bare = found["bare httpx"]["block"]
    print(f"{VISITORS} visitors at once; block and late in ms, waits in s")
    print(f"{'':12} {'requests':>9} {'block':>7} {'/ bare':>7} {'late':>7} {'median wait':>12} {'longest wait':>13}")
    for kind, row in found.items():
        print(
            f"{kind:12} {row['requests']:9.0f} {row['block']:7.1f} {row['block'] / bare:7.2f} {row['late']:7.1f} "
            f"{row['median']:12.2f} {row['longest']:13.2f}"
        )
    return int(any(found[kind]["block"] > most * bare for kind, most in MOST.items()))


if __name__ == "__main__":
    sys.exit(main())
