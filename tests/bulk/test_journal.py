"""A job with a journal: what is confirmed is not sent again, what is in doubt is settled, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.bulk.memory_store import MemoryStore
from tests.bulk.test_outcomes import edits, news, outcomes_of, refs, states
from tests.conftest import VIRTUAL
from trackingmore_async import (
    AlreadyExistsError,
    BulkReport,
    BulkRun,
    JournalError,
    LocalLimiter,
    NewTracking,
    QuotaExceededError,
    Rate,
    RetryPolicy,
    SqliteStore,
    TrackingMore,
    TrackingUpdate,
)
from trackingmore_async.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.anyio

SECRETS = ("Kim-7f3a", "kim@shop.example", "+4915112345678")


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


@pytest.fixture(autouse=True)
def wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the computer's clock go as the loop's does; threads see it stand still."""
    real = time.time
    latest = begun = real()

    def virtual() -> float:
        nonlocal latest
        with contextlib.suppress(RuntimeError):
            latest = max(latest, begun + asyncio.get_running_loop().time())
        return latest

    monkeypatch.setattr(time, "time", virtual)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "job.sqlite3"


async def killed(tm: TrackingMore, method: str, items: Any, store: MemoryStore, **options: Any) -> None:
    """Run a job until its process dies."""
    async with anyio.create_task_group() as tasks:

        async def work() -> None:
            await getattr(tm.trackings, method)(items, journal=store, **options)
            store.crashed.set()

        tasks.start_soon(work)
        await store.crashed.wait()
        tasks.cancel_scope.cancel()


ITEMS: dict[str, Callable[..., list[Any]]] = {"create_many": news, "update_many": edits, "delete_many": refs}


@pytest.mark.parametrize("switches", [Switches(), Switches(all_failed_batch="error")], ids=["partial", "whole"])
@pytest.mark.parametrize("lasts", range(1, 9))
@pytest.mark.parametrize("method", ITEMS)
async def test_after_a_crash_the_same_job_ends_what_was_begun(method: str, lasts: int, switches: Switches) -> None:
    """Killed behind any write and run again: every item is done, none twice, and the limit is kept."""
    sandbox = Sandbox(switches=switches)
    items = ITEMS[method](*range(180))
    if method != "create_many":
        fill(sandbox, 180)
    store = MemoryStore(lasts=lasts)
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        await killed(tm, method, items, store)
        await anyio.sleep(1)  # what was on its way reaches the server
    sent_before = sandbox.statistics().requests.get(method, 0)
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        run = getattr(tm.trackings, method)(items, journal=MemoryStore(store.rows))
        outcomes = await outcomes_of(run)
    assert states(outcomes) == ["succeeded"] * 180
    assert len(sandbox.trackings) == (0 if method == "delete_many" else 180)
    assert sandbox.statistics().requests[method] <= 5 + 2
    assert run.report.recalled >= 40 * (sent_before - 2)
    assert sandbox.statistics().total_violations == 0


async def test_what_is_confirmed_is_not_sent_again(journal: Path) -> None:
    """The second run of a job that came to its end sends nothing, and tells the same outcomes."""
    sandbox = Sandbox()
    fill(sandbox, 1)
    items = [*news(*range(100)), *news(5)]
    async with in_process(sandbox) as tm:
        first = await outcomes_of(tm.trackings.create_many(items, journal=journal))
        run = tm.trackings.create_many(items, journal=journal)
        second = await outcomes_of(run)
    assert states(first) == states(second) == ["failed"] + ["succeeded"] * 99 + ["superseded"]
    assert isinstance(second[0].error, AlreadyExistsError)
    assert {outcome.attempts for outcome in second} == {0}
    assert (run.report.requests, run.report.recalled) == (0, 101)
    assert sandbox.statistics().requests == {"create_many": 3}


async def test_a_second_create_that_was_made_for_a_bad_first_one_stays_made(journal: Path) -> None:
    """The first input of a tracking was refused as invalid, the second created; the next run knows which it was."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={1}, items={number(1): 4014}))
    items = [NewTracking("zto", number(1), title="a"), NewTracking("zto", number(1), title="b")]
    async with in_process(sandbox) as tm:
        first = await outcomes_of(tm.trackings.create_many(items, journal=journal))
        second = await outcomes_of(tm.trackings.create_many(items, journal=journal))
    assert states(first) == ["failed", "succeeded"]
    assert states(second) == ["superseded", "succeeded"]
    assert sandbox.statistics().requests == {"create_many": 2}


async def test_another_order_of_the_source_does_no_harm(journal: Path) -> None:
    """Trackings are found by their names; new ones are sent, changed ones too."""
    sandbox = Sandbox()
    fill(sandbox, 130)
    async with in_process(sandbox) as tm:
        await tm.trackings.update_many(edits(*range(100)), journal=journal)
        items = [*edits(*range(129, 49, -1)), *edits(0, 1, title="cup")]
        run = tm.trackings.update_many(iter(items), journal=journal)
        outcomes = await outcomes_of(run)
    assert states(outcomes) == ["succeeded"] * 82
    assert (run.report.recalled, run.report.requests) == (50, 1)
    assert (sandbox.find("zto", number(1)) or {})["title"] == "cup"


async def test_only_what_failed_is_sent_again_when_wanted(journal: Path) -> None:
    """`failed_only=True` sends failures and unknowns; what was never tried stays so."""
    sandbox = Sandbox()
    fill(sandbox, 60)
    sandbox.faults.add(Fault("update_many", on={1, 3}, omit={number(3)}))
    async with in_process(sandbox) as tm:
        first = await outcomes_of(tm.trackings.update_many(edits(*range(70)), journal=journal))
        fill_up(sandbox, range(60, 65))
        run = tm.trackings.update_many(edits(*range(80)), journal=journal, failed_only=True)
        second = await outcomes_of(run)
    assert [outcome.index for outcome in first if outcome.state != "succeeded"] == [3, *range(60, 70)]
    assert [outcome.index for outcome in second if outcome.attempts] == [3, *range(60, 70)]
    assert states(second) == ["succeeded"] * 65 + ["failed"] * 5 + ["not_attempted"] * 10
    assert isinstance(second[-1].error, JournalError)
    assert run.report.requests == 1


def fill_up(sandbox: Sandbox, indices: range) -> None:
    """Add those parcels."""
    for index in indices:
        sandbox.create("zto", number(index))


@pytest.mark.parametrize("given", [list, iter])
async def test_a_journal_that_knows_of_no_failures_has_none_to_send_again(given: Any, journal: Path) -> None:
    """`failed_only=True` with a new file, such as a path that was mistyped, sends nothing, whatever the source."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        report = await tm.trackings.create_many(given(news(*range(50))), journal=journal, failed_only=True)
    assert (report.not_attempted, report.requests, len(sandbox.trackings)) == (50, 0, 0)


async def test_failures_that_the_item_did_not_cause_are_tried_again(journal: Path) -> None:
    """A job that stopped without quota goes on when there is some; refusals of single items stay."""
    sandbox = Sandbox(quota=60)
    fill(sandbox, 1)
    async with in_process(sandbox) as tm:
        first = await outcomes_of(tm.trackings.create_many(news(*range(200)), journal=journal))
        sandbox.account.quota_left += 10_000
        run = tm.trackings.create_many(news(*range(200)), journal=journal)
        second = await outcomes_of(run)
    assert any(isinstance(outcome.error, QuotaExceededError) for outcome in first)
    assert states(second) == ["failed"] + ["succeeded"] * 199
    assert len(sandbox.trackings) == 200


async def test_duplicates_of_a_stream_are_found_by_the_journal(journal: Path) -> None:
    """With a journal, a create or a deletion that comes long after the first of its tracking is not sent."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        items = [*news(*range(120)), *news(3, 4)]
        created = await outcomes_of(tm.trackings.create_many(iter(items), journal=journal))
        ends = [*refs(*range(120)), *refs(3, 4)]
        deleted = await outcomes_of(tm.trackings.delete_many(iter(ends), journal=journal.with_name("other")))
    assert states(created) == ["succeeded"] * 120 + ["superseded"] * 2
    assert states(deleted) == ["succeeded"] * 122
    assert sandbox.statistics().requests == {"create_many": 3, "delete_many": 3}


@pytest.mark.parametrize("gap", [160, 200])
async def test_a_duplicate_is_found_while_the_outcome_of_the_first_is_being_written(gap: int) -> None:
    """Neither the store shows that outcome by then, nor does it wait to be written: it is on its way."""

    class Slow(MemoryStore):
        async def write(self, rows: Any) -> None:
            await anyio.sleep(0.03)
            await super().write(rows)

    def source() -> Iterator[NewTracking]:
        for begin in range(0, 2000, 40):
            yield from news(*range(begin, begin + 40))
            yield from news(*range(begin - gap, begin - gap + 3)) if begin >= gap else ()

    sandbox = Sandbox(rates={"create_many": (40, 1.0)})
    async with in_process(sandbox, rates={"create_many": Rate(40)}) as tm:
        report = await tm.trackings.create_many(source(), journal=Slow())
    assert (report.succeeded, report.failed) == (2000, 0)


async def test_later_edits_of_a_stream_are_sent(journal: Path) -> None:
    """An edit that comes long after the first of its tracking has other values, and is sent, in every run."""
    sandbox = Sandbox()
    fill(sandbox, 100)

    def source() -> Iterator[TrackingUpdate]:
        yield from edits(*range(100), title="a")
        yield from edits(*range(100), title="b")

    async with in_process(sandbox) as tm:
        for _ in range(2):
            outcomes = await outcomes_of(tm.trackings.update_many(source(), journal=journal))
            assert states(outcomes)[100:] == ["succeeded"] * 100
            assert {(sandbox.find("zto", number(index)) or {})["title"] for index in range(100)} == {"b"}


async def test_an_unknown_outcome_is_settled_by_the_next_run(journal: Path) -> None:
    """What nobody could tell is sent again as being in doubt, and dated by its first sending."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", times=1, reset="after"), Fault("list", times=4, code=500))
    async with in_process(sandbox, retry=RetryPolicy(attempts=1)) as tm:
        await tm.account.info()
        first = await outcomes_of(tm.trackings.create_many(news(1, 2), journal=journal))
        sandbox.faults.clear()
        await anyio.sleep(3600)
        second = await outcomes_of(tm.trackings.create_many(news(1, 2), journal=journal))
    assert states(first) == ["unknown", "unknown"]
    assert states(second) == ["succeeded", "succeeded"]


@pytest.mark.parametrize("skew", [-86_400.0, 0.0, 86_400.0])
async def test_creates_are_dated_by_the_servers_clock(skew: float) -> None:
    """What existed before the crash is told from what was created by it, whatever the two clocks show."""
    sandbox = Sandbox(epoch=1_790_000_000 + skew)
    fill(sandbox, 1)
    sandbox.clock.advance(600)
    store = MemoryStore(lasts=2)  # the beginning, and the first batch
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        await killed(tm, "create_many", news(*range(60)), store)
        await anyio.sleep(1)
    assert len(sandbox.trackings) == 40
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(60)), journal=MemoryStore(store.rows)))
    assert states(outcomes) == ["failed"] + ["succeeded"] * 59


async def test_creates_are_dated_by_their_first_sending_after_several_crashes() -> None:
    """A run that sends again what is in doubt, and is killed as well, does not make it look younger."""
    sandbox = Sandbox()
    rows: dict[str, bytes] = {}
    for lasts in (2, 3):  # the beginning, what is in doubt, and the first batch
        store = MemoryStore(rows, lasts=lasts)
        async with in_process(sandbox, limiter=LocalLimiter()) as tm:
            await killed(tm, "create_many", news(*range(60)), store)
            await anyio.sleep(60)
    assert sandbox.statistics().requests == {"create_many": 2}
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(60)), journal=MemoryStore(rows)))
    assert states(outcomes) == ["succeeded"] * 60


@pytest.mark.parametrize("method", ITEMS)
async def test_one_item_in_doubt_does_not_make_a_confirmed_batch_doubtful(method: str) -> None:
    """Killed before an entry that an answer left out was settled: of its batch only that one is sent again."""
    sandbox, items = Sandbox(), ITEMS[method](*range(160))
    if method != "create_many":
        fill(sandbox, 160)
    sandbox.faults.add(Fault(method, on={1}, omit={number(7)}))
    store = MemoryStore(lasts=4)  # the beginning, and three batches
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        await killed(tm, method, items, store)
    asked = set[str]()

    def note(tracking_number: str) -> bool:
        asked.add(tracking_number)
        return False

    sandbox.faults.add(Fault(method, having=note))
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        outcomes = await outcomes_of(getattr(tm.trackings, method)(items, journal=MemoryStore(store.rows)))
    assert states(outcomes) == ["succeeded"] * 160
    assert asked & set(map(number, range(40))) == {number(7)}


async def test_a_create_in_doubt_that_was_changed_since_is_not_passed_off_as_done() -> None:
    """Killed behind the first batch and run with other titles: what the first run created stands, with its own."""
    sandbox, store = Sandbox(), MemoryStore(lasts=2)
    items = [[NewTracking("zto", number(index), title=title) for index in range(60)] for title in "ab"]
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        await killed(tm, "create_many", items[0], store)
        await anyio.sleep(1)
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(items[1], journal=MemoryStore(store.rows)))
    assert states(outcomes) == ["superseded"] * 40 + ["succeeded"] * 20
    assert [(sandbox.find("zto", number(index)) or {})["title"] for index in (0, 59)] == ["a", "b"]


async def test_a_clock_that_was_set_back_dates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A create of a killed run that would have been sent in the future is not called older than it is."""
    sandbox, store = Sandbox(), MemoryStore(lasts=2)
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        await killed(tm, "create_many", news(*range(60)), store)
        await anyio.sleep(1)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(60)), journal=MemoryStore(store.rows)))
    assert states(outcomes) == ["unknown"] * 40 + ["succeeded"] * 20


async def test_a_failure_of_an_earlier_run_stops_no_later_one(journal: Path) -> None:
    """With on_error="stop" a job gets on from run to run, though one of its items cannot be mended."""
    sandbox = Sandbox()
    fill(sandbox, 1)
    counts: list[int] = []
    async with in_process(sandbox) as tm:
        for _ in range(2):
            report = await tm.trackings.create_many(news(*range(100)), journal=journal, on_error="stop")
            counts.append(report.succeeded)
    assert counts == [39, 99]


async def test_a_ban_outlives_the_crash() -> None:
    """The next run is silent to the end of a ban, then probes with a single request."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={3}, code=429, ban=True))
    store = MemoryStore()
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        with anyio.move_on_after(20):
            await tm.trackings.create_many(news(*range(400)), journal=store)
        banned_at = anyio.current_time() - 18
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(400)), journal=MemoryStore(store.rows)))
        assert anyio.current_time() - banned_at >= 120
    assert states(outcomes) == ["succeeded"] * 400
    assert sandbox.statistics().bans == 1
    assert sandbox.statistics().total_violations == 0


async def test_a_restart_at_once_keeps_the_limit() -> None:
    """A new process that begins in the very moment of the crash waits for the period of the last request."""
    sandbox = Sandbox()
    store = MemoryStore(lasts=4)
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        await killed(tm, "create_many", news(*range(400)), store)
    async with in_process(sandbox, limiter=LocalLimiter()) as tm:
        await tm.trackings.create_many(news(*range(400)), journal=MemoryStore(store.rows))
    assert sandbox.statistics().total_violations == 0


async def test_another_job_on_the_same_journal_is_refused(journal: Path) -> None:
    """The text says in what it differs; nothing is sent, and the journal stays as it is."""
    sandbox, other = Sandbox(), Sandbox(keys=["another-key-0001"])
    async with in_process(sandbox) as tm, in_process(other, api_key=other.key) as stranger:
        await tm.trackings.create_many(news(1), journal=journal)
        before = await anyio.Path(journal).read_bytes()
        for job, reason in (
            (tm.trackings.delete_many(refs(1), journal=journal), "operation is 'create_many', not 'delete_many'"),
            (tm.trackings.create_many(news(1), journal=journal, job_id="b"), "job_id is 'job.sqlite3', not 'b'"),
            (stranger.trackings.create_many(news(1), journal=journal), "another API key"),
        ):
            with pytest.raises(JournalError, match=reason):
                await job
        assert await anyio.Path(journal).read_bytes() == before
        report = await tm.trackings.create_many(news(1), journal=journal)
    assert report.recalled == 1


async def test_one_job_at_a_time(journal: Path) -> None:
    """A journal in use is refused with a reason, and the job that uses it goes on."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm, tm.trackings.create_many(news(*range(90)), journal=journal) as run:
        with pytest.raises(JournalError, match="in use"):
            await tm.trackings.create_many(news(1), journal=journal)
        assert [outcome.state async for outcome in run] == ["succeeded"] * 90


async def test_a_journal_that_cannot_be_written_stops_the_job() -> None:
    """What was not written down is not sent; each item says so."""

    class Full(MemoryStore):
        async def write(self, rows: Any) -> None:
            if self.writes >= 3:
                raise JournalError("The disk is full. Free some.")
            await super().write(rows)

    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(400)), journal=Full()))
    assert states(outcomes) == ["succeeded"] * 80 + ["not_attempted"] * 320
    assert all(isinstance(outcome.error, JournalError) for outcome in outcomes[80:])
    assert len(sandbox.trackings) == 80


async def test_a_job_that_stops_while_its_store_writes_forgets_no_outcome() -> None:
    """A store that gives up a write when it is cancelled: what the write held is known to the next run."""

    class Slow(MemoryStore):
        async def write(self, rows: Any) -> None:
            if self.writes == 3:
                await anyio.sleep(5)  # so long that the second batch fails meanwhile, and the third is withdrawn
            await super().write(rows)

    sandbox, store = Sandbox(), Slow()
    sandbox.create("zto", number(50))
    sandbox.faults.add(Fault("create_many", on={1}, omit={number(4)}))
    async with in_process(sandbox) as tm:
        first = await outcomes_of(tm.trackings.create_many(news(*range(200)), journal=store, on_error="stop"))
        second = await outcomes_of(tm.trackings.create_many(news(*range(200)), journal=store))
    assert states(first) == ["succeeded"] * 50 + ["failed"] + ["succeeded"] * 29 + ["not_attempted"] * 120
    assert states(second) == ["succeeded"] * 50 + ["failed"] + ["succeeded"] * 149


async def test_a_ban_that_a_store_cannot_keep_is_not_raised_by_whichever_call_met_it() -> None:
    """A store of the caller's own that raises something else, while another call of the client meets a ban."""

    class Odd(MemoryStore):
        broken = False

        async def write(self, rows: Any) -> None:
            if self.broken:
                raise OSError
            await super().write(rows)

    sandbox, store = Sandbox(), Odd()
    fill(sandbox, 1)
    sandbox.faults.add(Fault("get", on={1}, code=429, ban=True))
    async with in_process(sandbox) as tm, tm.trackings.create_many(news(*range(1, 400)), journal=store) as run:
        await anext(run)
        store.broken = True
        found = await tm.with_options(max_wait=500).trackings.get("zto", number(0))
        store.broken = False
    assert found.tracking_number == number(0)


async def test_a_journal_holds_no_personal_data_and_no_key(journal: Path) -> None:
    """Names of trackings and hashes are all that is in it, also while nothing is settled."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", reset="after"), Fault("list", code=500))
    name, email, phone = SECRETS
    items = [
        NewTracking("zto", number(index), customer_name=name, customer_email=email, customer_phone=phone, title=name)
        for index in range(50)
    ]
    async with in_process(sandbox) as tm:
        await tm.trackings.create_many(items, journal=journal)
    content = b"".join(path.read_bytes() for path in journal.parent.iterdir())
    assert number(7).encode() in content
    for secret in (*SECRETS, sandbox.key):
        assert secret.encode() not in content


async def test_a_stream_that_does_not_come_again_is_matched_by_names(journal: Path) -> None:
    """A socket that goes on elsewhere: what comes again is recalled, what is new is sent."""

    async def stream(begin: int, end: int) -> AsyncIterator[NewTracking]:
        for item in news(*range(begin, end)):
            await anyio.sleep(0.01)
            yield item

    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        await tm.trackings.create_many(stream(0, 100), journal=journal)
        report = await tm.trackings.create_many(stream(70, 150), journal=journal)
    assert (report.succeeded, report.recalled) == (80, 30)
    assert len(sandbox.trackings) == 150


async def test_a_job_that_was_left_early_goes_on(journal: Path) -> None:
    """Leaving the block, or cancelling it, is no crash: the next run sends the rest."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        async with tm.trackings.create_many(news(*range(200)), journal=journal) as run:
            async for _ in run:
                break
        task = asyncio.ensure_future(awaited(tm.trackings.create_many(news(*range(200)), journal=journal)))
        await anyio.sleep(1.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        report = await tm.trackings.create_many(news(*range(200)), journal=journal)
    assert report.succeeded == 200
    assert report.recalled >= 40
    assert len(sandbox.trackings) == 200


async def awaited(job: BulkRun[Any]) -> BulkReport:
    """Await a job, in a task of its own."""
    return await job


async def test_a_store_of_ones_own_is_lent(journal: Path) -> None:
    """Any object with the three methods serves, and stays open."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm, SqliteStore(journal) as store:
        assert (await tm.trackings.create_many(news(1), journal=store)).recalled == 0
        report = await tm.trackings.create_many(news(1), journal=store)
        assert report.recalled == 1
        assert await store.read(["job"])
