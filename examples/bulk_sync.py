"""The main job: create trackings, edit all of them, walk all pages, delete half; as fast as the limits allow.

    python examples/bulk_sync.py                  against the built-in sandbox, over HTTP, in under a minute
    python examples/bulk_sync.py --real           against the real service: 40 trackings, deleted again at the end

It needs the extras: pip install "trackingmore_async[sandbox,cli]".
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import attrs
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trackingmore_async import (
    OPERATIONS,
    BulkRun,
    NewTracking,
    Progress,
    Rate,
    Tracking,
    TrackingMore,
    TrackingMoreError,
    TrackingPages,
    TrackingRef,
    TrackingUpdate,
)
from trackingmore_async.cli import ProgressBar
from trackingmore_async.sandbox import Sandbox

TRACKINGS = 4000
RATE = 20
CARRIER = "china-ems"
TITLE = "edited by bulk_sync"
PAGE_SIZE = 200
REAL_ITEMS = 40  # one batch: what --real creates, pays for, and deletes again
BUCKETS = ("create_many", "update_many", "list", "delete_many")
GRACE = 2.0  # seconds in which a request that was cut off may still reach the server
LOOK = 2.0  # seconds, about, that it takes to look whether all is deleted
LONG_WAIT = 5.0  # seconds: who waits longer for a slot waits for the end of a pause after a 429
SHOWN = 5  # surprises that are told one by one


@attrs.define
class Step:
    """What one step of the job came to.

    Args:
        name: What was done.
        items: How many trackings it was done to, successfully.
        expected: How many that should have been.
        requests: How many requests it took.
        seconds: How long it took.
        ideal: Seconds that this many requests take at best under the limit.
    """

    name: str
    items: int
    expected: int
    requests: int
    seconds: float
    ideal: float


@attrs.define
class Job:
    """The job on one account.

    Args:
        tm: The open client.
        console: Where to tell about it.
        numbers: The tracking numbers that the job owns.
        rate: Requests a second that each operation may send.
        sandbox: Where the job runs; None: on a real account, which holds other trackings too.
        left: Those that may be on the server.
        surprises: What was not as expected.
    """

    tm: TrackingMore
    console: Console
    numbers: list[str]
    rate: float
    sandbox: Sandbox | None = None
    left: set[str] = attrs.field(factory=set[str])
    surprises: list[str] = attrs.field(factory=list[str])

    async def run(self) -> list[Step]:
        """Do the four steps."""
        return [await self.create(), await self.edit(), await self.walk(), await self.delete_half()]

    async def create(self) -> Step:
        """Create all trackings."""
        self.left.update(self.numbers)
        items = [NewTracking(CARRIER, number, order_id=f"order-{number}") for number in self.numbers]
        return await self._bulk("Create", self.tm.trackings.create_many, items)

    async def edit(self) -> Step:
        """Edit all of them."""
        edits = [TrackingUpdate(CARRIER, number, title=TITLE, archived=True) for number in self.numbers]
        return await self._bulk("Edit", self.tm.trackings.update_many, edits)

    async def walk(self) -> Step:
        """Read all pages, and look whether every tracking is there and edited."""
        pages, least = self._pages(), walk_requests(len(self.numbers))
        self._announce("Walk", len(self.numbers), least, quota=0.0, seconds=(least - 1) / self.rate)
        found: set[str] = set()
        begun, sent_before = time.perf_counter(), self._pages_read()
        with ProgressBar("Walk", console=self.console) as bar:
            async with pages as walk:  # reads the next page while this one is looked at
                async for tracking in walk:
                    self._look_at(tracking, found)
                    bar(Progress(done=len(found), total=len(self.numbers)))
        seconds = time.perf_counter() - begun
        requests = self._pages_read() - sent_before or least
        self._expect(not pages.gaps, f"the walk has gaps: {pages.gaps}")
        return Step("Walk", len(found), len(self.numbers), requests, seconds, (requests - 1) / self.rate)

    def _pages(self) -> TrackingPages:
        if self.sandbox is None:  # the account holds other trackings too
            return self.tm.trackings.list(page_size=PAGE_SIZE, numbers=self.numbers)
        return self.tm.trackings.list(page_size=PAGE_SIZE)

    def _pages_read(self) -> int:
        return 0 if self.sandbox is None else self.sandbox.statistics().requests.get("list", 0)

    async def delete_half(self) -> Step:
        """Delete every second tracking."""
        refs = [TrackingRef(CARRIER, number) for number in self.numbers[::2]]
        return await self._bulk("Delete half", self.tm.trackings.delete_many, refs)

    async def clean_up(self, grace: float = 0.0) -> None:
        """Delete what is left, once the grace (seconds) is over, and look whether it is gone; name what is not."""
        if not self.left:
            return
        self.console.print(f"Deleting the {len(self.left)} test trackings that may be left: {self._estimate(grace)}.")
        try:
            await asyncio.sleep(grace)
            await self._delete_the_rest()
        finally:
            self._name_what_is_left()

    def tell_still_deleting(self) -> None:
        """Say why Ctrl-C does not end the program at once."""
        what = f"deleting {len(self.left)} trackings" if self.left else "looking whether all is deleted"
        self.console.print(f"Still {what}; this takes {self._estimate()}.")

    async def _delete_the_rest(self) -> None:
        async with self._deletion() as run:
            async for outcome in run:
                if outcome.state == "succeeded":
                    self.left.discard(outcome.item.tracking_number)
        patient = self.tm.with_options(max_wait=None)  # also through a pause after a 429
        self.left = {tracking.tracking_number for tracking in await patient.trackings.list(numbers=self.numbers)}

    def _deletion(self) -> BulkRun[TrackingRef]:
        return self.tm.trackings.delete_many([TrackingRef(CARRIER, number) for number in sorted(self.left)])

    def _estimate(self, grace: float = 0.0) -> str:
        wait = self._deletion().plan().duration
        pause = ", because the service asked for a pause (429)" if wait > LONG_WAIT else ""
        return f"about {grace + wait + LOOK:.0f} s{pause}"

    def _name_what_is_left(self) -> None:
        if self.left:
            self.console.print(f"[red]Delete these yourself, they may be left.[/] Carrier {CARRIER}:")
        for number in sorted(self.left):
            self.surprises.append(f"{number} may still be there")
            self.console.print(f"[red]Could not be deleted:[/] {number}")

    async def _bulk(self, name: str, method: Callable[..., BulkRun[Any]], items: Sequence[Any]) -> Step:
        """Say what it will take, do it, and look at every outcome."""
        bar = ProgressBar(name, console=self.console)
        run = method(items, progress=bar)
        plan = run.plan()
        self._announce(name, plan.items, plan.requests, quota=plan.quota, seconds=plan.duration)
        with bar:
            async with run:
                async for outcome in run:
                    number = outcome.item.tracking_number
                    self._expect(outcome.state == "succeeded", f"{name} {number}: {outcome.state}, {outcome.error}")
                    if name.startswith("Delete") and outcome.state == "succeeded":
                        self.left.discard(number)
        report = run.report
        ideal = (report.requests - 1) / self.rate
        return Step(name, report.succeeded, plan.items, report.requests, report.duration, ideal)

    def _look_at(self, tracking: Tracking, found: set[str]) -> None:
        number = tracking.tracking_number
        self._expect(number not in found, f"the walk met {number} twice")
        self._expect(tracking.title == TITLE, f"{number} does not have its new title")
        found.add(number)

    def _expect(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            self.surprises.append(otherwise)

    def _announce(self, name: str, items: int, requests: int, *, quota: float, seconds: float) -> None:
        price = f"{quota:,.0f} units of quota" if quota else "no quota"
        self.console.print(f"[bold]{name}[/]: {items:,} items, requests: {requests:,}, {price}, about {seconds:.1f} s")


async def run_on_sandbox(console: Console, trackings: int, rate: int) -> bool:
    """Run the job against a sandbox of our own; tell whether all was as expected."""
    numbers = [f"LX{index:09d}CN" for index in range(trackings)]
    introduce_sandbox(console, trackings, rate)
    async with (
        Sandbox(rates=dict.fromkeys(BUCKETS, (rate, 1.0))) as sandbox,
        TrackingMore(sandbox.key, base_url=sandbox.url, rates=dict.fromkeys(BUCKETS, Rate(rate))) as tm,
    ):
        job = Job(tm, console, numbers, rate, sandbox)
        steps = await job.run()
        seen = sandbox.statistics()
        summarise(console, steps)
        console.print(
            f"The server counted {seen.total_requests:,} requests, [{'red' if seen.total_violations else 'green'}]"
            f"{seen.total_violations} violations[/] of the limit, {seen.bans} bans."
        )
        return judge(console, job, steps) and seen.total_violations == 0


def ask_and_run_for_real(console: Console) -> bool:
    """Run a small job against the real service, once its price is agreed; tell whether all was as expected."""
    numbers = [f"TMASYNC{time.time_ns() // 1_000_000}{index:02d}" for index in range(REAL_ITEMS)]
    left = asyncio.run(read_quota(console))
    console.print(f"This creates {REAL_ITEMS} trackings, {numbers[0]} to {numbers[-1]}, and deletes them again.")
    return confirm(console, price=REAL_ITEMS, left=left) and asyncio.run(run_for_real(console, numbers))


async def read_quota(console: Console) -> str:
    """Say where the job would run, and return what quota is left there."""
    async with TrackingMore() as tm:
        left = (await tm.account.info()).track_number
        console.print(repr(tm))
    return "an unknown number" if left is None else f"{left:,.0f}"


async def run_for_real(console: Console, numbers: list[str]) -> bool:
    """Run the job against the real service, and leave nothing behind."""
    async with TrackingMore() as tm:
        job = Job(tm, console, numbers, rate=OPERATIONS["list"].rate.requests)
        async with cleaned_up(job):
            steps = await job.run()
        summarise(console, steps)
        return judge(console, job, steps)


@asynccontextmanager
async def cleaned_up(job: Job) -> AsyncGenerator[None]:
    """Delete what the job created: when it is done, when it fails, and on Ctrl-C, however often."""
    with ctrl_c_cancels():
        try:
            yield
        except BaseException:
            await to_the_end(job.clean_up(GRACE), job.tell_still_deleting)
            raise
        await to_the_end(job.clean_up(), job.tell_still_deleting)


@contextmanager
def ctrl_c_cancels() -> Generator[None]:
    """Make each Ctrl-C cancel this task, and only that: asyncio.run kills the whole event loop on the second one."""
    task, loop, before = asyncio.current_task(), asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    try:
        if task is not None:
            loop.add_signal_handler(signal.SIGINT, task.cancel)
    except NotImplementedError:  # Windows: press it once
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


async def to_the_end(work: Coroutine[Any, Any, None], when_cancelled: Callable[[], None]) -> None:
    """Await work that no cancellation reaches; tell of each one, and be cancelled once the work is done."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})  # unlike `await task`, this does not hand a cancellation on
        except asyncio.CancelledError as error:
            cancelled = error
            when_cancelled()
    task.result()  # raises what the work raised
    if cancelled is not None:
        raise cancelled


def confirm(console: Console, *, price: int, left: str) -> bool:
    """Let the user type the price: quota is not given back when trackings are deleted."""
    console.print(f"It costs [bold]{price} units of quota[/], which deleting does not give back. You have {left}.")
    console.print(f"Type {price} to go on, anything else to stop:", end=" ")
    agreed = sys.stdin.readline().strip() == str(price)
    if not sys.stdin.isatty():
        console.print()  # nobody pressed Enter
    if not agreed:
        console.print("Nothing was created.")
    return agreed


def walk_requests(trackings: int) -> int:
    """Count the pages; the first one is read twice, for it says how many there are."""
    pages = -(-trackings // PAGE_SIZE)
    return pages + (pages > 1)


def introduce_sandbox(console: Console, trackings: int, rate: int) -> None:
    """Say what is real about this run and what is not."""
    batches = -(-trackings // 40) * 2 + -(-(trackings // 2) // 40) + walk_requests(trackings)
    console.print(
        f"A stand-in for the TrackingMore service, on this machine, over HTTP. For the demo both sides are set to "
        f"[bold]{rate} requests a second[/] for each operation. The real service allows 1: there the same job takes "
        f"about {batches // 60} min {batches % 60} s.\n"
    )


def summarise(console: Console, steps: Sequence[Step]) -> None:
    """Show what was done, and how close it came to the limit."""
    table = Table("Step", "Done", "Requests", "Seconds", "Items/s", "Of even pace", title="What it came to")
    for column in table.columns[1:]:
        column.justify = "right"
    for step in steps:
        table.add_row(
            step.name,
            f"{step.items:,} of {step.expected:,}",
            f"{step.requests:,}",
            f"{step.seconds:.2f}",
            f"{step.items / step.seconds:,.0f}",
            f"{step.ideal / step.seconds:.0%}" if step.requests > 1 else "-",
        )
    console.print()
    console.print(table)
    console.print(
        "Of even pace: one request after the other at the rate of the limit would be 100%. A short run may be a "
        "little faster, because the limit counts the requests of each second, not the pauses between them."
    )


def judge(console: Console, job: Job, steps: Sequence[Step]) -> bool:
    """Tell what was not as expected; return whether all was."""
    for surprise in job.surprises[:SHOWN]:
        console.print(f"[red]Not as expected:[/] {escape(surprise)}")
    if len(job.surprises) > SHOWN:
        console.print(f"... and {len(job.surprises) - SHOWN:,} more")
    good = not job.surprises and all(step.items == step.expected for step in steps)
    console.print("[green]Every outcome is as expected.[/]" if good else "[red]Something is wrong, see above.[/]")
    return good


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Create trackings, edit all of them, walk all pages, delete half: against the built-in sandbox, "
        "or with --real against the real service.",
    )
    parser.add_argument("--trackings", type=at_least_one, default=TRACKINGS, help=f"how many trackings ({TRACKINGS})")
    parser.add_argument(
        "--rate", type=at_least_one, default=RATE, help=f"requests a second for each operation ({RATE})"
    )
    parser.add_argument(
        "--real",
        action="store_true",
        help=f"use the real service, with the key in TRACKINGMORE_API_KEY, at its own pace: {REAL_ITEMS} trackings "
        "of their own, deleted again at the end; asks before it spends quota",
    )
    options = parser.parse_args(arguments)
    if options.real and (options.trackings, options.rate) != (TRACKINGS, RATE):
        parser.error("--real has its own number of trackings and its own pace: leave out --trackings and --rate")
    return options


def at_least_one(text: str) -> int:
    """Read a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def main() -> int:
    """Run the job; 0 means that every outcome was as expected."""
    options = parse_arguments()
    console = Console(highlight=False, soft_wrap=False)
    try:
        if options.real:
            return 0 if ask_and_run_for_real(console) else 1
        return 0 if asyncio.run(run_on_sandbox(console, options.trackings, options.rate)) else 1
    except TrackingMoreError as error:
        console.print(f"[red]{type(error).__name__}:[/] {escape(str(error))}")
    except (KeyboardInterrupt, asyncio.CancelledError):  # Ctrl-C
        console.print("Stopped.")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
