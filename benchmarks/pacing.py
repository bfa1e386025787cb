"""How close to the limit requests may leave without ever passing it, beside two obvious rules.

A virtual clock and an in-process model of the network (LIMITS.md, first section): one way 90 ms + U(0, 50 ms), 1 % of
the packets 200 to 400 ms later, the server works U(20, 120 ms) or 5 to 60 s; N requests a second are allowed. The
referee counts arrivals at the server in every window of one second, in whole microseconds. *Effective* is the part of
the limit that a user gets when each violation costs 120 s of silence.

Beside our limiter run two peers: aiolimiter as it comes, one request each P/N, and N slots that reopen a period
after the answer. Exit code 1 when ours passes the limit once, or is slower than promised.

Run: ``python benchmarks/pacing.py [--requests 10000] [--seeds 5] [--processes 2]``
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import itertools
import multiprocessing
import sys
from collections.abc import Callable, Coroutine, Iterator
from random import Random

import attrs
import looptime
from aiolimiter import AsyncLimiter

from trackingmore_async.operations import Rate
from trackingmore_async.pacing import LocalLimiter, Permit

NUMBERS = (1, 3, 10)
BAN = 120.0
MICROSECONDS = 1_000_000


class VirtualLoop(looptime.LoopTimeEventLoop, asyncio.SelectorEventLoop):
    """A loop on virtual time that moves on by a picosecond at each look at the clock.

    Where it stands still, aiolimiter by itself spins for ever (LIMITS.md 1.4). Ours does not, and needs no such loop.
    """

    _looks = 0

    def time(self) -> float:
        """Seconds since the beginning."""
        self._looks += 1
        return super().time() + self._looks * 1e-12


@attrs.define
class Server:
    """Takes note of arrivals, at the end of the path of LIMITS.md.

    Args:
        work: How long it works on a request, seconds, at least and at most.
        random: The chance of this run.
        arrivals: When requests came, in microseconds.
    """

    work: tuple[float, float]
    random: Random
    arrivals: list[int] = attrs.field(factory=list[int])

    def send(self) -> float:
        """Take a request that leaves at this moment; return the seconds until its answer comes."""
        there = self._way()
        self.arrive(there)
        return there + self.random.uniform(*self.work) + self._way()

    def arrive(self, there: float) -> None:
        """Take note of a request that arrives so many seconds from now."""
        self.arrivals.append(round((asyncio.get_running_loop().time() + there) * MICROSECONDS))

    def _way(self) -> float:
        late = self.random.uniform(0.2, 0.4) if self.random.random() < 0.01 else 0.0
        return 0.09 + self.random.uniform(0.0, 0.05) + late

    def violations(self, number: int) -> int:
        """Count the arrivals that came less than a second after the one that was `number` before."""
        times = sorted(self.arrivals)
        return sum(late - early < MICROSECONDS for early, late in zip(times, times[number:], strict=False))


@attrs.frozen
class Case:
    """One rule, on one path, at one limit.

    Args:
        rule: Its name in the table.
        run: Sends so many requests to a server at a limit of so many a second.
        work: How long the server works, seconds, at least and at most.
        promised: The least effective rate, as a part of the limit; None: nothing is promised.
    """

    rule: str
    run: Callable[[Server, int, int], Coroutine[None, None, None]]
    work: tuple[float, float] = (0.02, 0.12)
    promised: float | None = None


@attrs.frozen
class Result:
    """What came of one run.

    Args:
        violations: Requests that passed the limit.
        rate: Requests in the time it took, as a part of the limit.
        effective: The same, each violation costing 120 s.
    """

    violations: int
    rate: float
    effective: float


async def ours(server: Server, number: int, requests: int, *, round_trip: float) -> None:
    """`LocalLimiter`, with this shortest round trip vouched for."""
    limiter, loop = LocalLimiter({"get": Rate(number)}), asyncio.get_running_loop()

    async def exchange(permit: Permit) -> None:
        sent_at = loop.time()
        await limiter.release(permit, sent_at=sent_at)
        await asyncio.sleep(server.send())
        await limiter.release(permit, sent_at=sent_at, answered_at=loop.time())

    async with asyncio.TaskGroup() as tasks:
        for _ in range(requests):
            tasks.create_task(exchange(await limiter.acquire("get", round_trip=round_trip)))


async def bare_aiolimiter(server: Server, number: int, requests: int) -> None:
    """Aiolimiter alone, with one request each period / N."""
    limiter = AsyncLimiter(1, 1 / number)
    for _ in range(requests):
        await limiter.acquire()
        server.send()


async def answer_and_period(server: Server, number: int, requests: int) -> None:
    """N slots, each of which reopens a period after its answer."""
    slots, loop = asyncio.Semaphore(number), asyncio.get_running_loop()
    for _ in range(requests):
        await slots.acquire()
        loop.call_later(server.send() + 1.0, slots.release)


CASES = (
    Case("ours, m = 180 ms", functools.partial(ours, round_trip=0.18), promised=0.86),
    Case("ours, m = 0", functools.partial(ours, round_trip=0.0), promised=0.76),
    Case("ours, answers after 5-60 s", functools.partial(ours, round_trip=0.18), work=(5.0, 60.0), promised=0.65),
    Case("aiolimiter (1, P/N)", bare_aiolimiter),
    Case("answer + P", answer_and_period),
    Case("answer + P, answers after 5-60 s", answer_and_period, work=(5.0, 60.0)),
)


def simulate(case: int, number: int, requests: int, seed: int) -> Result:
    """Run one case on virtual time.

    Args:
        case: Its place in `CASES`.
        number: N: the limit is so many requests a second.
        requests: How many to send.
        seed: Of all chance.

    Example:
        >>> simulate(0, number=3, requests=100, seed=1).violations
        0
    """
    server = Server(CASES[case].work, Random(seed))
    with asyncio.Runner(loop_factory=functools.partial(VirtualLoop, noop_cycles=0)) as runner:
        runner.run(CASES[case].run(server, number, requests))
    spent = (max(server.arrivals) - min(server.arrivals)) / MICROSECONDS + 1 / number
    violations = server.violations(number)
    accepted = requests - violations
    return Result(violations, requests / number / spent, accepted / number / (spent + BAN * violations))


def measure(requests: int, seeds: int, processes: int) -> Iterator[tuple[Case, int, list[Result]]]:
    """Run all cases at all limits with all seeds; yield the results of one case at one limit after another."""
    runs = [
        (case, number, requests if CASES[case].promised else requests // 5, seed)
        for case, number, seed in itertools.product(range(len(CASES)), NUMBERS, range(1, seeds + 1))
    ]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        results = pool.starmap(simulate, runs, chunksize=1)
    for begin in range(0, len(runs), seeds):
        case, number, *_ = runs[begin]
        yield CASES[case], number, results[begin : begin + seeds]


def verdict(case: Case, results: list[Result]) -> str:
    """Say whether a case keeps its promise: "ok", what is wrong, or nothing when nothing is promised."""
    if case.promised is None:
        return ""
    if any(result.violations for result in results):
        return "PASSED THE LIMIT"
    return "ok" if min(result.effective for result in results) >= case.promised else "TOO SLOW"


def main() -> int:
    """Print the table; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description="How close to the limit requests may leave without passing it.")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print(f"{options.requests} requests (peers {options.requests // 5}), {options.seeds} seeds")
    print("rates are parts of the limit, of the worst seed each")
    print(f"{'rule':34}{'N':>4}{'violations':>12}{'rate':>8}{'effective':>11}{'promised':>10}")
    broken = False
    for case, number, results in measure(options.requests, options.seeds, options.processes):
        said = verdict(case, results)
        broken |= said not in {"", "ok"}
        counts, promised = [result.violations for result in results], case.promised or ""
        spread = f"{min(counts)}-{max(counts)}" if any(counts) else "0"
        rate, effective = min(result.rate for result in results), min(result.effective for result in results)
        print(f"{case.rule:34}{number:>4}{spread:>12}{rate:>8.3f}{effective:>11.3f}{promised:>10}  {said}")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
