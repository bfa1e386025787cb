"""Which trackings were handed out already, remembered in bounded memory."""

from __future__ import annotations

import hashlib
import math

import attrs

from trackingmore_async.models import Tracking

from .token import Memory

__all__ = ["PROOF", "WIDTH", "Seen"]

PROOF = 10  # places in which a list has to show its order before that is relied on: by chance once in millions
WIDTH = 8  # bytes of a digest: of a million trackings, two are alike once in 40 million walks


@attrs.define
class Seen:
    """Tells new trackings from those that deletions or insertions have moved into a later page.

    Ids are kept as digests, in three memories that forget:

    * the ids of two pages;
    * the newest time of creation that was passed (the oldest, when the walk goes to the older ones), for the list is
      sorted by it: whatever lies before it was handed out, or was not there when its turn came;
    * the ids of exactly that second, for many trackings may share one. Until the list has shown its order in some ten
      places, so that it cannot be chance, all ids are kept instead.

    Where the order cannot be trusted every id is kept: about 80 bytes a tracking.

    Args:
        newest_first: Whether the walk goes from the newest tracking to the oldest.
        everything: Digests of all ids; None: the list is in order, and they are not needed.
        strict: Whether a tracking that is new can only be one that time has not passed: nothing enters the list.
        in_order: Whether the list is sorted by time of creation, as far as it was seen.
        steps: In how many places it showed that.
        pages: How many pages had rows to hand out.
        repeated: How many rows of this page came before on other pages of the same list.
        undated: Whether there are trackings that do not say when they were created.
        fresh: Whether something was new since the walk was taken up again.
    """

    newest_first: bool = False
    everything: set[bytes] | None = None
    strict: bool = False
    in_order: bool = True
    steps: int = 0
    pages: int = 0
    repeated: int = 0
    undated: bool = False
    fresh: bool = True
    _page: set[bytes] = attrs.field(factory=set[bytes])
    _page_before: set[bytes] = attrs.field(factory=set[bytes])
    _early: set[bytes] = attrs.field(factory=set[bytes])
    _edge: float = -math.inf
    _at_edge: set[bytes] = attrs.field(factory=set[bytes])
    _page_edge: float = -math.inf

    @property
    def remembered(self) -> int:
        """How many ids are kept, apart from `everything`."""
        return len(self._page) + len(self._page_before) + len(self._at_edge) + len(self._early)

    @property
    def is_proven(self) -> bool:
        """Whether the list has shown its order so often that time alone tells what came before."""
        return self.steps >= PROOF

    @property
    def edge(self) -> int | None:
        """The second of creation that was passed; None before the first tracking."""
        return int(abs(self._edge)) if math.isfinite(self._edge) else None

    def turn_page(self) -> None:
        """Begin a page."""
        self.pages += 1
        self.repeated = 0
        self._page_before, self._page = self._page, set()
        self._page_edge = -math.inf

    def distrust(self) -> None:
        """Stop relying on the order; remember every id from now on, and those that are remembered still."""
        self.in_order = False
        if self.everything is None:
            self.everything = self._page | self._page_before | self._early

    def admits(self, tracking: Tracking) -> bool:
        """Tell whether a tracking is new, and remember it."""
        key = _digest(tracking)
        if key in self._page or key in self._page_before:
            self._page.add(key)
            self.repeated += 1
            return False
        mark = self._mark(tracking)
        self._watch_order(key, mark)
        new = not self._knows(key, mark)
        self.repeated += not new and (self._is_behind(key, mark) or not self.in_order)
        self._page.add(key)
        if new:
            self.fresh = True
            self._remember(key, mark)
        return new

    def has_passed(self, tracking: Tracking) -> bool:
        """Tell whether a tracking, and with it all that lies behind it, was handed out."""
        return self._knows(_digest(tracking), self._mark(tracking))

    def has_passed_by_time(self, tracking: Tracking) -> bool:
        """Tell whether a tracking lies before the time that was passed, although it is in no page remembered."""
        return self._is_astray(_digest(tracking), self._mark(tracking))

    def memory(self) -> Memory:
        """Return what has to be known to go on after a restart."""
        return Memory(
            edge=self._edge if math.isfinite(self._edge) else None,
            ids=b"".join(self._needed()),
            everything=self.everything is not None,
            in_order=self.in_order,
            steps=self.steps,
            pages=self.pages,
            undated=self.undated,
        )

    def recall(self, memory: Memory) -> None:
        """Go on where another process stood."""
        ids = {memory.ids[start : start + WIDTH] for start in range(0, len(memory.ids), WIDTH)}
        if self.everything is not None:
            self.everything |= ids  # in place: parts share it
        elif memory.everything:
            self.everything = set(ids)
        self._edge = -math.inf if memory.edge is None else memory.edge
        self.in_order, self.steps, self.pages = memory.in_order, memory.steps, memory.pages
        self.undated = memory.undated
        self._at_edge = ids
        self._early = set() if self.is_proven else set(ids)
        self._page_before = set(ids) if memory.undated or not memory.in_order else set()

    def _needed(self) -> set[bytes]:
        if self.everything is not None:
            return self.everything
        if not self.is_proven:
            return self._early
        if self.in_order and not self.undated:
            return self._at_edge
        return self._at_edge | self._page | self._page_before

    def _watch_order(self, key: bytes, mark: float | None) -> None:
        if mark is None:
            self.undated = True
            return
        astray = self.strict and not self.is_proven and self._is_astray(key, mark)
        self.in_order = self.in_order and mark >= self._page_edge and not astray
        self._page_edge = mark

    def _is_astray(self, key: bytes, mark: float | None) -> bool:
        """Tell whether a row stands behind the time that was passed, and is none that was handed out lately."""
        known = key in self._page or key in self._page_before or key in self._early
        return mark is not None and mark < self._edge and not known

    def _mark(self, tracking: Tracking) -> float | None:
        if tracking.created_at is None:
            return None
        moment = tracking.created_at.timestamp()
        return -moment if self.newest_first else moment

    def _knows(self, key: bytes, mark: float | None) -> bool:
        if key in self._page or key in self._page_before or key in self._early:
            return True
        if self.everything is not None and key in self.everything:
            return True
        return self.in_order and self.is_proven and self._is_behind(key, mark)

    def _is_behind(self, key: bytes, mark: float | None) -> bool:
        return mark is not None and (mark < self._edge or (mark == self._edge and key in self._at_edge))

    def _remember(self, key: bytes, mark: float | None) -> None:
        if self.everything is not None:
            self.everything.add(key)
        if mark is not None and mark >= self._edge:
            if mark > self._edge:
                self.steps += math.isfinite(self._edge)
                self._edge, self._at_edge = mark, set()
            self._at_edge.add(key)
        if self.is_proven:
            self._early.clear()
        else:
            self._early.add(key)


def _digest(tracking: Tracking) -> bytes:
    key = tracking.id or f"{tracking.carrier_code}\n{tracking.tracking_number}"
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=WIDTH).digest()
