"""The rate police: true sliding windows for every bucket of an account, and bans (API.md 7)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

import attrs

__all__ = ["BUCKETS", "DEFAULT_RATES", "TOTAL", "Police", "Rates", "Verdict", "Window"]

BUCKETS = (
    "create", "get", "update", "delete", "create_many", "update_many", "delete_many", "stop_updating_many", "list",
    "realtime", "change_carrier", "account_info", "status_counts", "carriers", "detect", "remote_areas",
    "transit_times", "air",
)  # fmt: skip
"""The names of all buckets, which are the names of the operations."""

TOTAL = "total"
"""The name of the bucket that counts all operations together; off by default."""

Rates = Mapping[str, tuple[int, float] | None]
"""Requests and seconds by bucket; None switches a bucket's limit off."""

DEFAULT_RATES: Rates = MappingProxyType({name: (3 if name == "realtime" else 1, 1.0) for name in BUCKETS})

MICROSECOND = 1_000_000


@attrs.define(eq=False)
class Window:
    """One bucket's arrivals.

    Args:
        limit: Most requests of one window; None where the bucket is not policed.
        period: Length of the window, in microseconds.
        requests: How many arrived.
        violations: How many arrivals made a window too full.
        largest: Most arrivals that any window held.
        first: Time of the first arrival, in microseconds, or None.
        last: Time of the last arrival, in microseconds, or None.
    """

    limit: int | None
    period: int
    requests: int = 0
    violations: int = 0
    largest: int = 0
    first: int | None = None
    last: int | None = None
    _recent: deque[int] = attrs.field(factory=deque[int], alias="recent")

    def arrive(self, at: int) -> bool:
        """Count an arrival; True where the window ``(at - period, at]`` now holds too many.

        Half open: with a limit of N, arrivals N+1 whose first and last are exactly one period apart are allowed.

        Args:
            at: Microseconds.
        """
        recent = self._recent
        recent.append(at)
        while recent[0] <= at - self.period:
            recent.popleft()
        self.requests += 1
        self.largest = max(self.largest, len(recent))
        self.first = at if self.first is None else self.first
        self.last = at
        violated = self.limit is not None and len(recent) > self.limit
        self.violations += violated
        return violated


@attrs.frozen
class Verdict:
    """What the police says to one arrival.

    Args:
        allowed: False means 429.
        wait: Seconds until the ban is over; 0 without a ban.
        violation: Whether this arrival made a window too full.

    Example:
        >>> police.arrive("list", 0).allowed
        True
    """

    allowed: bool
    wait: float = 0.0
    violation: bool = False


class Police:
    """Watches one account. All times are whole microseconds.

    Args:
        rates: Limits by bucket; a bucket that is not named has the default, `TOTAL` has none.
        bans: Whether a violation is answered with 429 and a ban; violations are counted anyway.
        ban_seconds: How long a ban lasts; 0 refuses the violating request only.
        ban_restarts: Whether a request during a ban begins the ban anew.

    Example:
        >>> Police({"list": (1, 1.0)}).arrive("list", 0)
        Verdict(allowed=True, wait=0.0, violation=False)
    """

    def __init__(
        self, rates: Rates | None = None, *, bans: bool = True, ban_seconds: float = 120.0, ban_restarts: bool = True
    ) -> None:
        merged = {**DEFAULT_RATES, TOTAL: None, **(rates or {})}
        unknown = merged.keys() - {*BUCKETS, TOTAL}
        if unknown:
            raise ValueError(f"no such bucket: {', '.join(sorted(unknown))}; there are {', '.join(BUCKETS)}, {TOTAL}")
        self.windows: dict[str, Window] = {name: _make_window(merged[name]) for name in (*BUCKETS, TOTAL)}
        self.bans: int = 0
        self.requests_during_bans: int = 0
        self._enforcing = bans
        self._ban_length = round(ban_seconds * MICROSECOND)
        self._ban_restarts = ban_restarts
        self._banned_until = 0

    def arrive(self, bucket: str, at: int) -> Verdict:
        """Count one arrival and say whether it is served.

        Args:
            bucket: The bucket of its operation.
            at: When it arrived.

        Example:
            >>> police.arrive("list", 0).allowed
            True
        """
        over = [self.windows[bucket].arrive(at), self.windows[TOTAL].arrive(at)]
        violation = any(over)
        if at < self._banned_until:
            self.requests_during_bans += 1
            if self._ban_restarts:
                self._banned_until = at + self._ban_length
            return Verdict(False, self.ban_left(at), violation)
        if violation and self._enforcing:
            self.ban(at)
            return Verdict(False, self.ban_left(at), violation)
        return Verdict(True, 0.0, violation)

    def ban(self, at: int) -> None:
        """Begin a ban.

        Args:
            at: When it begins.

        Example:
            >>> police.ban(0)
        """
        self.bans += 1
        self._banned_until = at + self._ban_length

    def ban_left(self, at: int) -> float:
        """Return how many seconds of a ban are left.

        Args:
            at: The time.

        Example:
            >>> police.ban_left(0)
            0.0
        """
        return max(0, self._banned_until - at) / MICROSECOND


def _make_window(rate: tuple[int, float] | None) -> Window:
    if rate is None:
        return Window(None, MICROSECOND)
    try:
        requests, seconds = rate
    except (TypeError, ValueError):
        raise ValueError(f"a rate of the sandbox is a pair of requests and seconds: (20, 1.0), not {rate!r}") from None
    if requests < 1 or seconds <= 0:
        raise ValueError(f"a rate is (requests >= 1, seconds > 0), not {rate!r}")
    return Window(requests, round(seconds * MICROSECOND))
