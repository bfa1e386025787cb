"""Where the items of a job come from, and who has to wait for whom."""

from __future__ import annotations

import pytest

from trackingmore_async import TrackingRef
from trackingmore_async.batches import Entry
from trackingmore_async.bulk.source import HELD_AT_MOST, Source

pytestmark = pytest.mark.anyio


def entry(index: int, number: str) -> Entry:
    """Build an item on its way."""
    return Entry(index, TrackingRef("zto", number))


def test_a_number_under_way_holds_back_later_items_in_their_order() -> None:
    """Items of one number go one after another, in the order in which they were read, whatever their case."""
    source = Source([])
    first, second, third = entry(0, "AA11111"), entry(1, "aa11111"), entry(2, "AA11111")
    assert [source.claim(item) for item in (first, second, third)] == [True, False, False]
    assert source.take_ready() is None
    source.settled(first)
    assert source.take_ready() is second
    assert source.take_ready() is None
    source.settled(second)
    assert source.take_ready() is third
    source.settled(third)
    assert not source.has_held
    assert source.claim(entry(3, "AA11111"))


def test_reading_pauses_when_too_many_wait() -> None:
    """The number of items held back is bounded."""
    source = Source([])
    for index in range(HELD_AT_MOST + 1):
        assert not source.is_full
        source.claim(entry(index, "AA11111"))
    assert source.is_full


def test_a_job_that_stops_gets_back_all_that_waits() -> None:
    """What was held back is handed out in the order of the input."""
    source = Source([])
    for index in range(5):
        source.claim(entry(index, f"AA1111{index % 2}"))
    assert [item.index for item in source.drain_held()] == [2, 3, 4]
    assert not source.has_held


async def test_items_keep_their_index() -> None:
    """Reading numbers the items from 0, and says when there are no more."""
    source = Source(iter("ab"))
    read = [await source.next_raw() for _ in range(3)]
    assert [item and item.index for item in read] == [0, 1, None]
    assert source.exhausted
