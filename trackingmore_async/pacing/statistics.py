"""What the limiter can tell about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from trackingmore_async.operations import Rate

__all__ = ["BucketStatistics", "GateStatistics", "LimiterStatistics"]


@attrs.frozen(kw_only=True)
class BucketStatistics:
    """One bucket at one moment.

    Args:
        waiting: Requests that wait for their turn.
        in_flight: Requests that were granted and have neither been answered nor handed back.
        granted: Requests granted since the limiter was made.
        rate: How many requests each window of how many seconds may hold.
        interval: Seconds a request in the long run, as observed.
    """

    waiting: int
    in_flight: int
    granted: int
    rate: Rate
    interval: float


@attrs.frozen(kw_only=True)
class GateStatistics:
    """The gate above all buckets at one moment.

    Args:
        state: "open"; "shut" during a ban; "ajar" after one, until a probe was answered.
        seconds_to_go: Seconds until a running ban is over; else 0.
        bans: Bans since the limiter was made.
        bans_in_a_row: Bans since a probe was last answered well.
    """

    state: Literal["open", "shut", "ajar"]
    seconds_to_go: float
    bans: int
    bans_in_a_row: int


@attrs.frozen(kw_only=True)
class LimiterStatistics:
    """A limiter at one moment.

    Args:
        buckets: Each bucket that was used, by name.
        gate: The gate.
    """

    buckets: Mapping[str, BucketStatistics]
    gate: GateStatistics
