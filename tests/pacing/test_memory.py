"""A new process knows the last requests and a running ban from the state file, or says what is wrong with it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import anyio
import pytest

from tests.conftest import virtual_loop
from trackingmore_async.errors import ConfigurationError
from trackingmore_async.operations import Rate
from trackingmore_async.pacing import LocalLimiter
from trackingmore_async.pacing.memory import Record, Snapshot, StateFile

pytestmark = pytest.mark.anyio


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the state is kept."""
    return tmp_path / "limiter.json"


async def grant_time(limiter: LocalLimiter, bucket: str = "get") -> float:
    """How long the next request waits, in virtual seconds."""
    begin = anyio.current_time()
    await limiter.acquire(bucket)
    return anyio.current_time() - begin


async def test_a_restart_after_an_answer_waits_the_rest_of_the_period(file: Path) -> None:
    """The answer was recorded with the next grant, so its slot reopens as usual."""
    limiter = LocalLimiter({"get": Rate(2)}, state=file)
    permit = await limiter.acquire("get")
    now = anyio.current_time()
    await limiter.release(permit, sent_at=now, answered_at=now)
    await limiter.release(await limiter.acquire("get"), sent_at=None)
    assert 0.8 < await grant_time(LocalLimiter({"get": Rate(1)}, state=file)) < 1.6


async def test_a_send_that_was_not_recorded_is_assumed(file: Path) -> None:
    """A process that dies between the grant and the next record may have sent at its last moment."""
    await LocalLimiter(state=file).acquire("get")
    assert await grant_time(LocalLimiter(state=file)) == pytest.approx(1.5, abs=0.1)


async def test_other_buckets_are_free_after_a_restart(file: Path) -> None:
    """Only what was used is closed."""
    await LocalLimiter(state=file).acquire("get")
    assert await grant_time(LocalLimiter(state=file), "list") < 0.1


async def test_a_ban_outlives_the_process(file: Path) -> None:
    """The next process is silent for the rest of the ban, sends one probe, and counts bans in a row."""
    limiter = LocalLimiter(state=file)
    await limiter.penalise(await limiter.acquire("get"), 120.0)
    heir = LocalLimiter(state=file)
    waiting = asyncio.ensure_future(heir.acquire("list"))
    await anyio.sleep(100)
    assert heir.statistics().gate.state == "shut"
    begin = anyio.current_time()
    permit = await waiting
    assert anyio.current_time() - begin == pytest.approx(21.0, abs=0.5)
    assert permit.probe
    assert await heir.penalise(permit, 120.0) == 2


async def test_the_total_rate_is_remembered(file: Path) -> None:
    """The slots over all buckets outlive the process as well."""
    rates = {"total": Rate(1)}
    await LocalLimiter(rates, state=file).acquire("get")
    assert await grant_time(LocalLimiter(rates, state=file), "list") == pytest.approx(1.5, abs=0.1)


async def test_two_processes_one_after_another(file: Path) -> None:
    """Two event loops with clocks of their own agree by the wall clock."""

    def process() -> float:
        with asyncio.Runner(loop_factory=virtual_loop) as runner:
            return runner.run(grant_time(LocalLimiter({"get": Rate(1, 5.0)}, state=file)))

    first, second = await asyncio.to_thread(lambda: (process(), process()))
    assert first < 0.1
    assert second == pytest.approx(5.5, abs=0.5)


async def test_the_file_holds_times_and_nothing_else(file: Path) -> None:
    """It is small, and no key or tracking is in it."""
    limiter = LocalLimiter(state=file)
    for _ in range(3):
        permit = await limiter.acquire("get")
        await limiter.release(permit, sent_at=anyio.current_time(), answered_at=anyio.current_time())
    content = json.loads(read(file))
    assert set(content) == {"taken_at", "buckets", "total", "ban_until", "row", "version"}
    assert content["taken_at"] == pytest.approx(time.time(), abs=60)
    assert [*content["buckets"]] == ["get"]
    assert len(read(file)) < 1000
    assert beside(file) == [file.name]


def read(file: Path) -> str:
    """Return what is in the file."""
    return file.read_text()


def write(file: Path, content: str) -> None:
    """Put this into the file."""
    file.write_text(content)


def beside(file: Path) -> list[str]:
    """Return all that is in its folder."""
    return [one.name for one in file.parent.iterdir()]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"taken_at": "now"}', '{"taken_at":1,"buckets":{},"total":[],"version":9}']
)
async def test_a_damaged_file_is_named_and_left_alone(file: Path, content: str) -> None:
    """A limiter that cannot know does not guess, and does not destroy the evidence."""
    write(file, content)
    limiter = LocalLimiter(state=file)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"limiter\.json.*delete it"):
            await limiter.acquire("get")
    assert read(file) == content


async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A directory is no file."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await LocalLimiter(state=tmp_path).acquire("get")


async def test_a_file_that_cannot_be_written_is_named_and_takes_no_slot(tmp_path: Path) -> None:
    """A grant that cannot be recorded is none."""
    folder = tmp_path / "later"
    limiter = LocalLimiter(state=folder / "limiter.json")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await limiter.acquire("get")
    folder.mkdir()
    await anyio.sleep(1)
    assert await grant_time(limiter) < 0.1


async def test_an_older_snapshot_never_replaces_a_later_one(file: Path) -> None:
    """Threads may finish in any order."""
    state = StateFile(file)
    await asyncio.gather(*(state.save(Snapshot(float(number), {}, [])) for number in range(1, 31)))
    loaded = await state.load()
    assert loaded is not None
    assert loaded.taken_at == 30.0


async def test_without_a_file_there_is_nothing_to_know(file: Path) -> None:
    """The first start is a normal one, and nothing is written before the first grant."""
    assert await StateFile(file).load() is None
    assert beside(file) == []


def test_a_clock_set_back_does_not_prolong_a_ban() -> None:
    """A ban lasts at most as long as it was to last when it was recorded."""
    snapshot = Snapshot(taken_at=1000.0, buckets={}, total=[], ban_until=1121.0)
    assert snapshot.ban_end(now=1050.0) == 1121.0
    assert snapshot.ban_end(now=500.0) == 621.0


def test_a_clock_set_back_does_not_close_slots_for_ever() -> None:
    """Nothing was sent later than now."""
    slot = Record(granted_at=1000.0, sent_at=1000.0, answered_at=1001.0).slot(now=10.0)
    assert (slot.granted_at, slot.sent_at, slot.answered_at) == (10.0, 10.0, 10.0)


def test_a_request_never_reported_was_sent_within_minutes() -> None:
    """A record of last week closes nothing today."""
    assert Record(granted_at=0.0).slot(now=100.0).sent_at == 100.0
    assert Record(granted_at=0.0).slot(now=900.0).sent_at == 300.0
