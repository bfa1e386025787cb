"""What a client can tell about itself at one moment: ``tm.stats()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from .operations import Rate

__all__ = ["BucketStats", "GateState", "Statistics"]

GateState = Literal["open", "shut", "ajar"]
"""Whether requests may leave: "open"; "shut" in the silence after a 429; "ajar" after it, until one was answered."""


@attrs.frozen(kw_only=True)
class BucketStats:
    """One bucket of one client, at one moment. A bucket has the name of its operation.

    `load` and `capacity` compare: where more comes than can be carried, waiting grows without end.

    Args:
        waiting: Requests that wait for a slot or a connection.
        in_flight: Requests that left, or are about to, and are not answered yet.
        granted: Requests that got their slot, since the client was opened.
        rate: How many requests each window of how many seconds may hold.
        interval: Seconds from one request to the next in the long run: what the rate says, and what the path adds.
        gate: Whether requests may leave; the same for all buckets.
        seconds_to_go: Seconds until the silence after a 429 is over; else 0.
        capacity: How many items one request carries at most, and so how many a cycle of `interval` seconds.
        load: How many items came in a cycle, as an average over about the last minute. A request that is not shared
            counts as a full one: it takes a whole cycle.
        items_waiting: Calls that wait until a shared request takes them along.
        fill: How full shared requests and batches were on average, from 0 to 1; None: there was none.
        retries: Requests that were sent again, those after a 429 among them.
        replays: Those of them that were sent again while an earlier sending may have been carried out.
        bans: Requests that were answered by a 429.

    Example:
        >>> bucket = BucketStats(rate=Rate(1), interval=1.1, capacity=40, load=30.0)
        >>> bucket.load < bucket.capacity
        True
    """

    waiting: int = 0
    in_flight: int = 0
    granted: int = 0
    rate: Rate
    interval: float
    gate: GateState = "open"
    seconds_to_go: float = 0.0
    capacity: int = 1
    load: float = 0.0
    items_waiting: int = 0
    fill: float | None = None
    retries: int = 0
    replays: int = 0
    bans: int = 0


@attrs.frozen(kw_only=True)
class Statistics:
    """What ``tm.stats()`` returns: one client at one moment. Its views of `with_options` share it.

    Args:
        buckets: Bucket -> what is to be said of it; those that were used.
        gate: Whether requests may leave: one gate for all buckets, and for all clients of the key.
        seconds_to_go: Seconds until the silence after a 429 is over; else 0.
        requests: Requests that left, or may have left.
        pauses: How often a 429 of this client silenced the account.

    Example:
        >>> import asyncio
        >>> from trackingmore_async import TrackingMore
        >>> from trackingmore_async.sandbox import Sandbox
        >>> async def main() -> None:
        ...     async with Sandbox() as sandbox, TrackingMore(sandbox.key, base_url=sandbox.url) as tm:
        ...         await tm.account.info()
        ...         stats = tm.stats()
        ...         print(stats.gate, stats.requests, stats.buckets["account_info"].granted)
        >>> asyncio.run(main())
        open 1 1
    """

    buckets: Mapping[str, BucketStats]
    gate: GateState = "open"
    seconds_to_go: float = 0.0
    requests: int = 0
    pauses: int = 0
