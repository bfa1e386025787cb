"""Which page holds which rows: the arithmetic of a walk towards the first row."""

from __future__ import annotations

__all__ = ["Window", "last_window"]

Window = tuple[int, int]
"""Number and size of a page."""


def last_window(unread: int, size: int, overlap: int = 0) -> Window:
    """Return the page that ends the rows not read yet, counted from the newest row.

    Without an overlap it is a page of the plain grid. With one it also holds at least that many rows behind them, which
    were read before: if they are found in it, nothing has slipped out between the two pages. As the server only knows
    page numbers and sizes, the size is varied: of all that give the overlap, the page that reaches furthest is taken.

    Args:
        unread: How many rows are left.
        size: Rows a page, at most.
        overlap: Rows that are to be read again, at least; less than `size`.

    Example:
        >>> last_window(4500, 2000), last_window(4500, 2000, 100)
        ((3, 2000), (3, 1534))
    """
    grid = (_pages(unread, size), size)
    if not overlap:
        return grid
    wanted = unread + overlap
    limit = min(range(size, 1, -1), default=size, key=lambda limit: (_pages(wanted, limit) - 1) * limit)
    page = _pages(wanted, limit)
    return (page, limit) if (page - 1) * limit < unread else grid  # tiny pages may not get on with an overlap


def _pages(rows: int, size: int) -> int:
    return -(-rows // size)
