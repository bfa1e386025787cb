"""Which trackings were handed out already, remembered in bounded memory."""

from __future__ import annotations

import hashlib
import math

import attrs

from trackingmore_async.models import Tracking

__all__ = ["Seen"]


@attrs.define
class Seen:
    """Tells new trackings from those that deletions or insertions have moved into a later page.

    Three memories, each of which forgets:

    * the ids of two pages;
    * the newest time of creation that was passed (the oldest, when the walk goes to the older ones), for the list is
      sorted by it: whatever lies before it was handed out, or was not there when its turn came;
    * the ids of exactly that second, for many trackings may share one.

    Where the order cannot be trusted, a digest of every id is kept instead: about 100 bytes a tracking.

    Args:
        newest_first: Whether the walk goes from the newest tracking to the oldest.
        everything: Digests of all ids; None: the list is in order, and they are not needed.
        in_order: Whether the list is sorted by time of creation, as far as it was seen.
        pages: How many pages had rows to hand out.
        repeated: How many rows of this page came before on other pages of the same list.
    """

    newest_first: bool = False
    everything: set[bytes] | None = None
    in_order: bool = True
    pages: int = 0
    repeated: int = 0
    _page: set[str] = attrs.field(factory=set[str])
    _page_before: set[str] = attrs.field(factory=set[str])
    _edge: float = -math.inf
    _at_edge: set[str] = attrs.field(factory=set[str])
    _page_edge: float = -math.inf

    @property
    def remembered(self) -> int:
        """How many ids are kept, digests apart."""
        return len(self._page) + len(self._page_before) + len(self._at_edge)

    def turn_page(self) -> None:
        """Begin a page."""
        self.pages += 1
        self.repeated = 0
        self._page_before, self._page = self._page, set()
        self._page_edge = -math.inf

    def distrust(self) -> None:
        """Stop relying on the order; remember every id from now on, and those of the last two pages."""
        self.in_order = False
        if self.everything is None:
            self.everything = set(map(_digest, self._page | self._page_before))

    def admits(self, tracking: Tracking) -> bool:
        """Tell whether a tracking is new, and remember it."""
        key = _key(tracking)
        if key in self._page or key in self._page_before:
            self._page.add(key)
            self.repeated += 1
            return False
        mark = self._mark(tracking)
        if mark is not None:
            self.in_order = self.in_order and mark >= self._page_edge
            self._page_edge = mark
        new = not self._knows(key, mark)
        self.repeated += not new and (self._is_behind(key, mark) or not self.in_order)
        self._page.add(key)
        if new:
            self._remember(key, mark)
        return new

    def has_passed(self, tracking: Tracking) -> bool:
        """Tell whether a tracking, and with it all that lies behind it, was handed out."""
        return self._knows(_key(tracking), self._mark(tracking))

    def has_passed_by_time(self, tracking: Tracking) -> bool:
        """Tell whether a tracking lies before the time that was passed, although it is in no page remembered."""
        key, mark = _key(tracking), self._mark(tracking)
        return mark is not None and mark < self._edge and key not in self._page and key not in self._page_before

    def _mark(self, tracking: Tracking) -> float | None:
        if tracking.created_at is None:
            return None
        moment = tracking.created_at.timestamp()
        return -moment if self.newest_first else moment

    def _knows(self, key: str, mark: float | None) -> bool:
        if key in self._page or key in self._page_before:
            return True
        if self.everything is not None and _digest(key) in self.everything:
            return True
        return self.in_order and self._is_behind(key, mark)

    def _is_behind(self, key: str, mark: float | None) -> bool:
        return mark is not None and (mark < self._edge or (mark == self._edge and key in self._at_edge))

    def _remember(self, key: str, mark: float | None) -> None:
        if self.everything is not None:
            self.everything.add(_digest(key))
        if mark is None or mark < self._edge:
            return
        if mark > self._edge:
            self._edge, self._at_edge = mark, set()
        self._at_edge.add(key)


def _key(tracking: Tracking) -> str:
    return tracking.id or f"{tracking.carrier_code}\n{tracking.tracking_number}"


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
