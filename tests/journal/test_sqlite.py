"""Rows are written whole and together, read back in order, and nothing of it happens on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest

from tests.conftest import REAL, VIRTUAL
from tests.journal.files import inside
from trackingmore_async import JournalError, SqliteStore

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[pytest.param(REAL, id="real-clock"), pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the real clock, and on the virtual one, which has to stand still while the thread works."""
    return request.param


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """An open store without rows."""
    async with SqliteStore(path) as store:
        yield store


async def commits_of(store: SqliteStore) -> list[str]:
    """Return the list to which each transaction of the store will be added."""
    commits: list[str] = []
    await inside(
        store,
        lambda one: one.set_trace_callback(lambda said: commits.append(said) if said == "COMMIT" else None),
    )
    return commits


async def test_what_was_written_is_read(store: SqliteStore) -> None:
    """Keys that are not there are left out."""
    await store.write({"a": b"1", "b": b"", "c\0d": bytes(range(256))})
    assert await store.read(["a", "b", "c\0d", "z"]) == {"a": b"1", "b": b"", "c\0d": bytes(range(256))}
    assert await store.read([]) == {}


async def test_a_write_replaces_and_deletes(store: SqliteStore) -> None:
    """None deletes, whether the row is there or not; the rest stays."""
    await store.write({"a": b"1", "b": b"2", "c": b"3"})
    await store.write({"a": b"new", "b": None, "never": None})
    await store.write({})
    assert await store.scan("") == {"a": b"new", "c": b"3"}


async def test_a_new_store_finds_what_the_last_one_wrote(path: Path) -> None:
    """A store may be opened again as well, and the file alone is the journal: nothing is left beside it."""
    store = SqliteStore(path)
    for round_ in range(3):
        async with store:
            assert len(await store.scan("")) == round_
            await store.write({f"{round_}": b"x"})
    async with SqliteStore(str(path)) as other:
        assert [*await other.scan("")] == ["0", "1", "2"]
    assert await asyncio.to_thread(lambda: [one.name for one in path.parent.iterdir()]) == [path.name]


async def test_a_scan_goes_by_code_points(store: SqliteStore) -> None:
    """Neither case nor UTF-16 nor a language decides; the last code point has successors as any other."""
    keys = [
        "",
        "A",
        "B",
        "a",
        "a\0",
        "a/1",
        "a/10",
        "a/2",
        "a0",
        "ä",
        "\uffff",
        "\U00010000",
        "\U0010ffff",
        "\U0010ffff1",
    ]
    await store.write(dict.fromkeys(reversed(keys), b""))
    assert [*await store.scan("")] == keys
    assert [*await store.scan("a/")] == ["a/1", "a/10", "a/2"]
    assert [*await store.scan("a/", after="a/10")] == ["a/2"]
    assert [*await store.scan("a/", after="A")] == ["a/1", "a/10", "a/2"]
    assert [*await store.scan("a/", after="b")] == []
    assert [*await store.scan("\U0010ffff")] == ["\U0010ffff", "\U0010ffff1"]
    assert [*await store.scan("", after="ä", limit=2)] == ["\uffff", "\U00010000"]


async def test_a_scan_in_pages_meets_every_row_once(store: SqliteStore) -> None:
    """What the last key of a page was continues it."""
    rows = {f"{kind}/{index:05d}": str(index).encode() for kind in "abc" for index in range(250)}
    await store.write(rows)
    found, after = dict[str, bytes](), ""
    while page := await store.scan("b/", after=after, limit=40):
        assert len(page) <= 40
        found.update(page)
        after = [*page][-1]
    assert found == {key: value for key, value in rows.items() if key.startswith("b/")}


async def test_a_store_is_a_mapping_that_lasts(store: SqliteStore) -> None:
    """After thousands of random writes, many at a time, it holds what a dictionary would."""
    random, model = Random(3), dict[str, bytes]()
    for _ in range(60):
        batches = [
            {
                f"{random.randrange(200)}": random.choice([None, random.randbytes(random.choice([0, 9, 9000]))])
                for _ in range(random.randrange(8))
            }
            for _ in range(random.randrange(1, 9))
        ]
        await asyncio.gather(*(store.write(batch) for batch in batches))
        for batch in batches:
            for key, value in batch.items():
                model.pop(key, None)
                model.update({} if value is None else {key: value})
        keys = [str(random.randrange(200)) for _ in range(20)]
        assert await store.read(keys) == {key: model[key] for key in keys if key in model}
    assert [*(await store.scan("")).items()] == sorted(model.items())


async def test_writes_that_come_together_share_a_transaction(store: SqliteStore) -> None:
    """All that come at one moment go at once, and so do all that come while those are under way."""
    commits = await commits_of(store)
    writes = [asyncio.ensure_future(store.write({f"{index}/{row}": b"x" for row in range(5)})) for index in range(50)]
    await asyncio.sleep(0)  # they ask
    await asyncio.sleep(0)  # they are under way
    await asyncio.gather(*writes, *(store.write({f"{index}": b"x"}) for index in range(100)))
    assert len(commits) == 2
    assert len(await store.scan("")) == 350


async def test_the_later_write_wins(store: SqliteStore) -> None:
    """Also when both go into one transaction."""
    await asyncio.gather(*(store.write({"key": value}) for value in (b"1", b"2", None, b"3")))
    assert await store.read(["key"]) == {"key": b"3"}


async def test_rows_belong_to_the_store_once_they_are_handed_over(store: SqliteStore) -> None:
    """What the caller does to his mapping meanwhile changes nothing."""
    rows: dict[str, bytes | None] = {"a": b"1"}
    writes = [asyncio.ensure_future(store.write(rows)) for _ in range(2)]
    await asyncio.sleep(0)
    rows["a"] = b"2"
    await asyncio.gather(*writes)
    assert await store.read(["a"]) == {"a": b"1"}


async def test_a_cancelled_write_happens_or_not_and_harms_nobody(store: SqliteStore) -> None:
    """Its rows are whole, its neighbours in the transaction are written, and the store goes on."""
    writes = [asyncio.ensure_future(store.write({f"{index}/{row}": b"" for row in range(9)})) for index in range(20)]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 10
    await store.write({"last": b""})
    for index in range(20):
        assert len(await store.scan(f"{index}/")) in ({9} if index % 2 else {0, 9})


async def test_closing_waits_for_the_writes_under_way(path: Path) -> None:
    """Nobody who waits is forgotten, and what he is told is true."""
    async with SqliteStore(path) as store:
        writes = [asyncio.ensure_future(store.write({f"{index}": b"x"})) for index in range(30)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*writes) == [None] * 30
    async with SqliteStore(path) as store:
        assert len(await store.scan("")) == 30


async def test_a_store_that_is_not_open_says_so(path: Path) -> None:
    """Before, after, and when it is opened twice."""
    store = SqliteStore(path)
    for _ in range(2):
        for use in (store.read(["a"]), store.scan(""), store.write({"a": b""})):
            with pytest.raises(JournalError, match="not open"):
                await use
        async with store:
            with pytest.raises(JournalError, match="open already"):
                await store.open()
            await store.write({"still": b"usable"})
        await store.aclose()


@pytest.mark.parametrize("shape", ["task", "scope"])
async def test_opening_and_closing_that_are_cancelled_leave_nothing_behind(path: Path, shape: str) -> None:
    """The next one opens the file at once, whatever moment the cancellation met."""

    async def use() -> None:
        async with SqliteStore(path) as store:
            await store.write({"a": b""})

    for turns in range(12):
        if shape == "scope":
            with anyio.CancelScope() as scope:
                asyncio.get_running_loop().call_soon(scope.cancel)
                await use()
        else:
            task = asyncio.ensure_future(use())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with SqliteStore(path) as store:
            await store.scan("")


async def test_a_key_that_is_no_text_spoils_only_its_own_write(store: SqliteStore) -> None:
    """Half a surrogate pair cannot be kept; the others of the same moment are."""
    results = await asyncio.gather(
        store.write({"a": b"1"}), store.write({"b\ud800": b"2"}), store.write({"c": b"3"}), return_exceptions=True
    )
    assert isinstance(results[1], JournalError)
    assert await store.scan("") == {"a": b"1", "c": b"3"}


async def test_a_full_disk_is_told_to_all_and_changes_nothing(store: SqliteStore) -> None:
    """Nothing is half written, the store can be read, and it goes on once there is room."""
    await store.write({"before": b"1"})
    await inside(store, lambda one: one.execute("PRAGMA max_page_count=5").fetchall())
    large = {"before": b"2"} | {f"{index}": bytes(4000) for index in range(40)}
    first = asyncio.ensure_future(store.write({"first": b""}))
    await asyncio.sleep(0)
    results = await asyncio.gather(store.write(large), store.write({"small": b""}), return_exceptions=True)
    await first
    for result in results:
        assert isinstance(result, JournalError)
        assert "disk is full" in str(result)
        assert "Free some space" in str(result)
    assert results[0] is not results[1]
    assert await store.scan("") == {"before": b"1", "first": b""}
    await store.write({"small": b"fits"})
    await inside(store, lambda one: one.execute("PRAGMA max_page_count=1000000").fetchall())
    await store.write(large)
    assert len(await store.scan("")) == 43


async def test_a_commit_waits_for_the_disk(store: SqliteStore) -> None:
    """The settings that make a commit outlive the loss of power are in force."""
    found: list[object] = []
    for name in ("synchronous", "journal_mode", "locking_mode"):
        await inside(store, lambda one, name=name: found.extend(one.execute(f"PRAGMA {name}").fetchone()))  # type: ignore[misc]
    assert found == [2, "wal", "exclusive"]
