"""What the sandbox has seen: requests, violations, bans, arrivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from trackingmore_async.sandbox.police import TOTAL, Police, Window

__all__ = ["Arrival", "Statistics", "collect"]


@attrs.frozen
class Arrival:
    """One request as it was stamped.

    Args:
        bucket: The bucket of its operation.
        time: Unix seconds on the sandbox's clock.
        served: False where it was answered 429.
        numbers: How many tracking numbers it named.

    Example:
        >>> sandbox.statistics().arrivals[0].bucket
        'list'
    """

    bucket: str
    time: float
    served: bool
    numbers: int


@attrs.frozen(kw_only=True)
class Statistics:
    """A picture of what the sandbox has seen so far. Mappings are by bucket and hold only buckets that were used.

    Args:
        requests: How many requests arrived.
        violations: How many arrivals made a window too full.
        largest_window: Most arrivals in any window of the bucket's own period, of one account.
        first_arrival: Unix seconds of the first arrival.
        last_arrival: Unix seconds of the last arrival.
        bans: How many bans began.
        requests_during_bans: How many requests arrived while their account was banned.
        unauthenticated: How many requests came without a valid key; they are in no bucket.
        unrouted: How many requests fitted no operation; they are in no bucket.
        arrivals: Every arrival in order, where the sandbox was told to log them.

    Example:
        >>> sandbox.statistics().total_violations
        0
    """

    requests: Mapping[str, int]
    violations: Mapping[str, int]
    largest_window: Mapping[str, int]
    first_arrival: Mapping[str, float]
    last_arrival: Mapping[str, float]
    bans: int
    requests_during_bans: int
    unauthenticated: int
    unrouted: int
    arrivals: tuple[Arrival, ...] = ()

    @property
    def total_requests(self) -> int:
        """How many requests arrived in all buckets together."""
        return sum(count for name, count in self.requests.items() if name != TOTAL)

    @property
    def total_violations(self) -> int:
        """How many violations there were in all buckets together, the bucket ``total`` included."""
        return sum(self.violations.values())


def collect(
    polices: Sequence[Police], *, unauthenticated: int, unrouted: int, arrivals: Sequence[Arrival]
) -> Statistics:
    """Put together what the police of each account has seen.

    Args:
        polices: One for each account.
        unauthenticated: Requests without a valid key.
        unrouted: Requests that fitted no operation.
        arrivals: The log of arrivals.

    Example:
        >>> collect([Police()], unauthenticated=0, unrouted=0, arrivals=()).total_requests
        0
    """
    windows: dict[str, list[Window]] = {}
    for police in polices:
        for name, window in police.windows.items():
            if window.requests and (name != TOTAL or window.limit is not None):
                windows.setdefault(name, []).append(window)
    return Statistics(
        requests={name: sum(window.requests for window in group) for name, group in windows.items()},
        violations={name: sum(window.violations for window in group) for name, group in windows.items()},
        largest_window={name: max(window.largest for window in group) for name, group in windows.items()},
        first_arrival={name: min(window.first or 0 for window in group) / 1e6 for name, group in windows.items()},
        last_arrival={name: max(window.last or 0 for window in group) / 1e6 for name, group in windows.items()},
        bans=sum(police.bans for police in polices),
        requests_during_bans=sum(police.requests_during_bans for police in polices),
        unauthenticated=unauthenticated,
        unrouted=unrouted,
        arrivals=tuple(arrivals),
    )
