"""One page of the list of trackings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from attrs import field, frozen

from .base import Result, extra_field

__all__ = ["Page"]


@frozen(repr=False, kw_only=True)
class Page(Result):
    """One answer of GET /trackings/get.

    Args:
        total: How many trackings match, over all pages.
        page: The number of this page, from 1; None when the server did not say.
        limit: How many trackings a page holds; None when the server did not say.
        count: How many the server says are in this page; None when it did not say.
        items: The trackings of this page, undecoded: give each to `codec.decode_tracking`. Slices of one buffer.
        extra: What else the server sent.

    Example:
        >>> Page(total=0).items
        ()
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("page", "limit", "count", "total")

    total: int
    page: int | None = None
    limit: int | None = None
    count: int | None = None
    items: tuple[msgspec.Raw, ...] = field(default=(), hash=False)
    extra: Mapping[str, Any] = extra_field()
