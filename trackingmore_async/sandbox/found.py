"""The last long search of an account, kept so that its pages need not repeat it."""

from __future__ import annotations

from collections.abc import Callable

from trackingmore_async.sandbox.state import Trackings

__all__ = ["Found"]


class Found:
    """Remembers what one search found.

    A search over very many trackings stays good for half a minute while nothing is written; others are made anew
    whenever time has passed, since a tracking's status moves with time.

    Args:
        trackings: The account's trackings.

    Example:
        >>> Found(trackings).get("all", now, lambda: list(trackings.keys))
    """

    LONG = 20_000
    KEEP = 30

    def __init__(self, trackings: Trackings) -> None:
        self._trackings = trackings
        self._query: object = None
        self._version = -1
        self._at = 0
        self._keys: list[int] = []

    def get(self, query: object, now: int, search: Callable[[], list[int]]) -> list[int]:
        """Return what a search finds, from memory where that is good.

        Args:
            query: What is looked for; compared by equality.
            now: Unix seconds.
            search: How to look for it.

        Example:
            >>> found.get(query, now, lambda: [])
            []
        """
        keep = self.KEEP if len(self._trackings) >= self.LONG else 0
        same = query == self._query and self._version == self._trackings.version
        if not same or not 0 <= now - self._at <= keep:
            self._keys = search()
            self._query, self._version, self._at = query, self._trackings.version, now
        return self._keys
