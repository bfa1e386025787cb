"""What a job tells about how far it is, and when it will end, is true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import anyio
import attrs
import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.bulk.memory_store import MemoryStore
from tests.conftest import VIRTUAL
from trackingmore_async import NewTracking, Progress, Rate, Store, TrackingMore, TrackingRef, TrackingUpdate
from trackingmore_async.sandbox import Fault, Path, Sandbox

pytestmark = pytest.mark.anyio

BAN = 121.0  # seconds: the vendor's two minutes, and one for safety (LIMITS.md 4.2)


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


@attrs.define
class Diary:
    """A listener that writes down what it hears, and when."""

    heard: list[tuple[float, Progress]] = attrs.field(factory=list[tuple[float, Progress]])

    def __call__(self, progress: Progress) -> None:
        """Hear."""
        self.heard.append((anyio.current_time(), progress))

    @property
    def last(self) -> Progress:
        """What was heard last."""
        return self.heard[-1][1]


def edits(indices: Iterable[int]) -> list[TrackingUpdate]:
    """Return edits of these parcels."""
    return [TrackingUpdate("zto", number(index), title="mug") for index in indices]


async def told(tm: TrackingMore, items: Any, journal: Store | None = None) -> tuple[Diary, float]:
    """Edit; return all that was told, and when the job was over."""
    diary = Diary()
    await tm.trackings.update_many(items, journal=journal, progress=diary)
    return diary, anyio.current_time()


def at(diary: Diary, done: int) -> tuple[float, Progress]:
    """Return the first thing that was told when so many inputs were done."""
    return next(heard for heard in diary.heard if heard[1].done >= done)


@pytest.mark.parametrize("with_journal", [False, True])
async def test_a_listener_hears_after_each_batch_and_at_the_end(with_journal: bool) -> None:
    """Each batch is told once, in order, with the same total; the last word is that all is done."""
    sandbox = Sandbox()
    fill(sandbox, 95)
    async with in_process(sandbox) as tm:
        diary, _ = await told(tm, edits(range(95)), MemoryStore() if with_journal else None)
    assert [progress.done for _, progress in diary.heard] == [40, 80, 95, 95]
    assert {progress.total for _, progress in diary.heard} == {95}
    assert diary.last == Progress(done=95, total=95, rate=diary.last.rate, eta=0.0)


async def test_a_generator_has_no_total_until_it_is_read_to_its_end() -> None:
    """While a source without a length may go on, total and ETA are unknown; then they are known."""
    sandbox = Sandbox()
    fill(sandbox, 400)
    async with in_process(sandbox) as tm:
        diary, _ = await told(tm, iter(edits(range(400))))
    first = diary.heard[0][1]
    assert (first.done, first.total, first.eta, first.fraction) == (40, None, None, None)
    assert (diary.last.done, diary.last.total, diary.last.eta, diary.last.fraction) == (400, 400, 0.0, 1.0)


async def test_a_job_without_items_is_done_at_once() -> None:
    """The one thing that is told is that nothing is left."""
    async with in_process(Sandbox()) as tm:
        diary, _ = await told(tm, [])
    assert [progress for _, progress in diary.heard] == [Progress(done=0, total=0, eta=0.0)]
    assert diary.last.fraction == 1.0


async def test_the_last_word_on_a_job_that_was_stopped_counts_what_was_not_attempted() -> None:
    """Also when the key is revoked, every input has its outcome at the end."""
    sandbox = Sandbox()
    fill(sandbox, 4_000)
    sandbox.faults.add(Fault("update_many", on={3}, code=4001))
    async with in_process(sandbox) as tm:
        diary, _ = await told(tm, edits(range(4_000)))
    assert (diary.last.done, diary.last.total, diary.last.eta) == (4_000, 4_000, 0.0)


@pytest.mark.parametrize("path", [Path(), Path(there=0.09, work=0.1, back=0.09)], ids=["no-path", "path"])
async def test_rate_and_end_are_right_within_five_percent(path: Path) -> None:
    """10,000 edits at 1 request/s: the end is told right from the third batch on, the rate from the tenth on."""
    sandbox = Sandbox(path=path)
    fill(sandbox, 10_000)
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        diary, end = await told(tm, edits(range(10_000)))
    pace = 10_000 / (end - begun)
    for done in (120, 400, 2_000, 5_000, 8_000, 9_200):
        moment, progress = at(diary, done)
        assert progress.eta == pytest.approx(end - moment, rel=0.05), done
        assert progress.rate == pytest.approx(pace, rel=0.05 if done >= 400 else 0.1), done


async def test_inputs_that_are_sent_as_one_do_not_spoil_the_end() -> None:
    """Where every tracking is edited four times, the end is told right from the third batch on."""
    sandbox = Sandbox()
    fill(sandbox, 2_000)
    items = edits(index for index in range(2_000) for _ in range(4))
    async with in_process(sandbox) as tm:
        diary, end = await told(tm, items)
    for done in (480, 2_000, 5_000):
        moment, progress = at(diary, done)
        assert progress.eta == pytest.approx(end - moment, rel=0.05), done


async def test_refused_batches_that_are_taken_apart_move_the_end() -> None:
    """Where one item of each batch sinks it and a dozen requests follow, the end told halfway is right."""
    sandbox = Sandbox()
    fill(sandbox, 4_000)
    bad = {number(index) for index in range(20, 4_000, 40)}
    sandbox.faults.add(Fault("update_many", having=bad, code=4014, performed=False))
    async with in_process(sandbox) as tm:
        diary, end = await told(tm, edits(range(4_000)))
    moment, progress = at(diary, 2_000)
    assert progress.eta == pytest.approx(end - moment, rel=0.1)


def watched(run: Any, moments: Iterable[float]) -> Callable[[], Any]:
    """Return what looks at a job's progress at these moments."""

    async def watch() -> list[tuple[float, Progress]]:
        begun, seen = anyio.current_time(), list[tuple[float, Progress]]()
        for moment in moments:
            await anyio.sleep(begun + moment - anyio.current_time())
            seen.append((anyio.current_time(), run.progress))
        return seen

    return watch


async def test_the_end_includes_a_pause_that_runs() -> None:
    """While a ban keeps everything still, the seconds that are left of it count down, and the end stays true."""
    sandbox = Sandbox()
    fill(sandbox, 4_000)
    sandbox.faults.add(Fault("update_many", on={51}, code=429, ban=True))
    async with in_process(sandbox) as tm:
        run = tm.trackings.update_many(edits(range(4_000)))
        looking = asyncio.ensure_future(watched(run, (20.5, 60.5, 110.5, 160.5, 190.5))())
        await run
        end, seen = anyio.current_time(), await looking
    assert [progress.done for _, progress in seen] == [840, 2_000, 2_000, 2_000, 2_800]
    pauses = [progress.pause for _, progress in seen]
    assert pauses == pytest.approx([0.0, BAN - 10.5, BAN - 60.5, BAN - 110.5, 0.0], abs=0.1)
    for moment, progress in seen[1:]:
        assert progress.eta == pytest.approx(end - moment, rel=0.05)


async def test_a_request_that_was_refused_by_a_ban_does_not_make_the_others_dearer() -> None:
    """The second request meets a ban; once it is over, the end is told right from the third batch on."""
    sandbox = Sandbox()
    fill(sandbox, 4_000)
    sandbox.faults.add(Fault("update_many", on={2}, code=429, ban=True))
    async with in_process(sandbox) as tm:
        diary, end = await told(tm, edits(range(4_000)))
    moment, progress = at(diary, 120)
    assert progress.eta == pytest.approx(end - moment, rel=0.05)


async def test_a_listener_hears_of_a_pause_while_it_runs() -> None:
    """No batch ends during a ban; the listener hears of it within two seconds, again and again, and then no more."""
    sandbox = Sandbox()
    fill(sandbox, 400)
    sandbox.faults.add(Fault("update_many", on={6}, code=429, ban=True))
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        diary, end = await told(tm, edits(range(400)))
    during = [(moment - begun, progress) for moment, progress in diary.heard if progress.pause]
    assert during[0][0] == pytest.approx(6.0, abs=1.1)
    assert 50 <= len(during) <= 62
    assert all(progress.pause == pytest.approx(5.0 + BAN - moment, abs=0.1) for moment, progress in during)
    assert all(progress.eta == pytest.approx(end - begun - moment, rel=0.05) for moment, progress in during)
    assert (diary.last.done, diary.last.pause) == (400, 0.0)


async def test_a_ban_of_another_operation_is_a_pause_of_the_job() -> None:
    """The account is silent as a whole: a 429 to a read halts the edits, and the job tells so."""
    sandbox = Sandbox()
    fill(sandbox, 400)
    sandbox.faults.add(Fault("account_info", code=429, times=1, ban=True))
    diary = Diary()
    async with in_process(sandbox) as tm, anyio.create_task_group() as tasks:
        tasks.start_soon(tm.with_options(max_wait=None).account.info)
        await tm.trackings.update_many(edits(range(400)), progress=diary)
    assert max(progress.pause for _, progress in diary.heard) > BAN - 3


async def test_a_listener_hears_nothing_once_the_job_is_over() -> None:
    """The caller may stay in the block as long as he likes."""
    sandbox = Sandbox()
    fill(sandbox, 40)
    diary = Diary()
    async with in_process(sandbox) as tm, tm.trackings.update_many(edits(range(40)), progress=diary) as run:
        assert [outcome.state async for outcome in run] == ["succeeded"] * 40
        told_so_far = len(diary.heard)
        await anyio.sleep(60)
        assert len(diary.heard) == told_so_far
        assert run.progress == diary.last


async def test_what_is_in_doubt_is_told_until_it_is_settled() -> None:
    """Items whose answers were lost are in doubt to the end, also while they are being settled."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={2}, omit=[number(index) for index in range(40, 80)], counter=-5))
    sandbox.faults.add(Fault("list", delay_work=9.0))
    diary = Diary()
    async with in_process(sandbox) as tm:
        items = [NewTracking("zto", number(index)) for index in range(120)]
        report = await tm.trackings.create_many(items, progress=diary)
    assert report.succeeded == 120
    assert [(progress.done, progress.in_doubt) for _, progress in diary.heard] == [
        (40, 0),
        (40, 40),
        (80, 40),
        *[(80, 40)] * 4,  # the reading takes nine seconds, and is told of every two
        (120, 0),
        (120, 0),
    ]


class Oops(Exception):  # noqa: N818 - what a listener raises
    """Trouble in the caller's own code."""


@pytest.mark.parametrize("first", [40, 80, 120], ids=["first", "middle", "last"])
async def test_what_a_listener_raises_comes_out_of_the_job(first: int) -> None:
    """A listener that raises ends the job with its own exception, alone; no task stays behind."""

    def listener(progress: Progress) -> None:
        if progress.done >= first:
            raise Oops

    sandbox = Sandbox()
    fill(sandbox, 120)
    async with in_process(sandbox) as tm:
        before = asyncio.all_tasks()
        with pytest.raises(Oops) as caught:
            await tm.trackings.update_many(edits(range(120)), progress=listener)
        assert caught.value.__cause__ is None
        assert asyncio.all_tasks() == before
        assert (await tm.trackings.delete_many([TrackingRef("zto", number(0))])).succeeded == 1


async def test_what_a_listener_raises_comes_out_of_the_loop_over_outcomes() -> None:
    """The same inside of `async with`, with the outcomes of the batches before it in hand."""

    def listener(progress: Progress) -> None:
        if progress.done > 40:
            raise Oops

    sandbox, taken = Sandbox(), 0
    fill(sandbox, 120)
    async with in_process(sandbox) as tm:
        with pytest.raises(Oops):
            async with tm.trackings.update_many(edits(range(120)), progress=listener) as run:
                async for _ in run:
                    taken += 1
    assert taken >= 40


async def test_what_a_listener_raises_during_a_pause_comes_out_at_once() -> None:
    """The caller need not wait for the end of the ban."""

    def listener(progress: Progress) -> None:
        if progress.pause:
            raise Oops

    sandbox = Sandbox()
    fill(sandbox, 120)
    sandbox.faults.add(Fault("update_many", on={2}, code=429, ban=True))
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        with pytest.raises(Oops):
            await tm.trackings.update_many(edits(range(120)), progress=listener)
        assert anyio.current_time() - begun < 5


async def test_before_it_starts_a_job_knows_its_total_alone() -> None:
    """Nothing is done, and only the length of the source is known."""
    async with in_process(Sandbox()) as tm:
        assert tm.trackings.update_many(edits(range(3))).progress == Progress(done=0, total=3)
        assert tm.trackings.update_many(iter(edits(range(3)))).progress == Progress(done=0)


async def test_at_many_requests_a_second_a_listener_hears_of_each_batch() -> None:
    """At 20 requests/s as well: one word a batch, and one at the end."""
    sandbox = Sandbox(rates={"update_many": (20, 1.0)})
    fill(sandbox, 4_000)
    async with in_process(sandbox, rates={"update_many": Rate(20)}) as tm:
        diary, _ = await told(tm, edits(range(4_000)))
    assert len(diary.heard) == 101
    assert [progress.done for _, progress in diary.heard] == [*range(40, 4_001, 40), 4_000]
