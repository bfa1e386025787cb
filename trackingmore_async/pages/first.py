"""The first page of a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import attrs

from trackingmore_async.models import Tracking
from trackingmore_async.timing import Timing

__all__ = ["FirstPage"]


@attrs.frozen(repr=False)
class FirstPage(Sequence[Tracking]):
    """What ``await tm.trackings.list(...)`` returns: a sequence of `Tracking`, in the server's order (newest first).

    Args:
        items: The trackings of the page.
        total: How many trackings match, over all pages. None when ``numbers`` or ``orders`` were split into several
            requests and the page was full before the last of them.
        timing: Where the time went, over all of these requests; it is no part of the value.

    Example:
        >>> page = FirstPage((Tracking("china-ems", "LX900000017CN"),), total=56)
        >>> len(page), page[0].tracking_number, page.total
        (1, 'LX900000017CN', 56)
    """

    items: tuple[Tracking, ...]
    total: int | None
    timing: Timing | None = attrs.field(default=None, eq=False)

    @overload
    def __getitem__(self, index: int) -> Tracking: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Tracking, ...]: ...
    def __getitem__(self, index: int | slice) -> Tracking | tuple[Tracking, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Tracking]:
        return iter(self.items)

    def __repr__(self) -> str:
        return f"<FirstPage: {len(self.items)} of {'unknown' if self.total is None else self.total} trackings>"
