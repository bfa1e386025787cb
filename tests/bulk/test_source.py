"""Where the items of a job come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.bulk.conftest import number
from trackingmore_async import NewTracking
from trackingmore_async.bulk.duplicates import LOOKED_AT, Duplicates, can_be_read_twice
from trackingmore_async.bulk.source import Source
from trackingmore_async.codec import check

pytestmark = pytest.mark.anyio


def new(index: int, **fields: Any) -> NewTracking:
    """Build a parcel to create."""
    return NewTracking("zto", number(index), **fields)


async def read(source: Source) -> list[list[int]]:
    """Read all; return the indices of the inputs that go together."""
    found: list[list[int]] = []
    while (entry := await source.next()) is not None:
        found.append([entry.index, *(further.index for further in source.behind(entry))])
    return found


async def test_items_keep_their_index() -> None:
    """Reading numbers the items from 0, and says when there are no more."""
    source = Source(iter([new(5), new(5), new(6)]), check)
    assert await read(source) == [[0], [1], [2]]
    assert source.exhausted


async def test_a_list_is_searched_for_duplicates_beforehand() -> None:
    """The inputs of one tracking come with the first of them, and not again."""
    source = Source([new(1), new(2), new(1), new(3), new(2), new(1)], check)
    await source.search()
    assert await read(source) == [[0, 2, 5], [1, 4], [3]]


async def test_what_cannot_be_sent_is_no_duplicate() -> None:
    """An input that cannot be sent stands for itself, in whatever place; so does one of another kind."""
    source = Source(
        [new(1, title="\ud800"), "odd", new(1), NewTracking("zto", ""), new(1), new(1, title="\ud800")], check
    )
    await source.search()
    assert await read(source) == [[0], [1], [2, 4], [3], [5]]


async def test_what_can_be_read_once_is_not_searched() -> None:
    """A generator is not touched before its items are wanted."""

    async def endless() -> AsyncIterator[NewTracking]:
        while True:
            yield new(1)

    for given in (iter([new(1), new(1)]), endless()):
        source = Source(given, check)
        await source.search()
        assert source.read == 0
        assert source.length is None
        assert not source.is_searched


def test_a_search_lets_others_work() -> None:
    """Now and then a search pauses, and it ends after 200,000 items."""
    duplicates = Duplicates()
    items = [new(1)] * (LOOKED_AT + 10)
    pauses = sum(1 for _ in duplicates.search(items, check))
    assert pauses == LOOKED_AT // 500
    assert len(duplicates.indices) == LOOKED_AT - 1


def test_what_counts_as_readable_twice() -> None:
    """Lists, tuples, sets and views are; generators, iterators and files are not."""
    twice: list[Any] = [[], (), set[str](), {"a": 1}.values(), range(3)]
    assert all(map(can_be_read_twice, twice))
    assert not any(map(can_be_read_twice, (iter([]), (n for n in "a"), map(str, []), endless_text())))


def endless_text() -> Any:
    """Return an async generator."""

    async def text() -> AsyncIterator[str]:
        yield ""

    return text()
