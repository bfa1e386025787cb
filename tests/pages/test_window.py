"""The arithmetic of pages that overlap."""

from __future__ import annotations

import pytest

from trackingmore_async.pages.window import last_window


@pytest.mark.parametrize("size", [10, 100, 2000])
def test_windows_cover_everything_and_overlap(size: int) -> None:
    """Windows lead to the first row, each holds what is left at its end, with the overlap behind it."""
    overlap, unread, requests = max(1, size // 20), 50 * size + 7, 0
    while unread:
        page, limit = last_window(unread, size, overlap)
        start, end = (page - 1) * limit, page * limit
        assert 1 <= limit <= size
        assert start < unread
        assert end >= unread + overlap or (page, limit) == last_window(unread, size)
        unread, requests = start, requests + 1
    assert requests <= 51 * (1.7 if size < 100 else 1.2)


def test_without_an_overlap_it_is_the_plain_grid() -> None:
    """The last page of 4,500 rows by 2,000 is page 3."""
    assert [last_window(unread, 2000) for unread in (4500, 4000, 1)] == [(3, 2000), (2, 2000), (1, 2000)]


def test_tiny_pages_fall_back_to_the_grid() -> None:
    """Where no page size gives an overlap and gets on, the grid is used."""
    assert last_window(60, 5, 1) == (12, 5)
    assert last_window(7, 1, 1) == (7, 1)
