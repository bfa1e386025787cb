"""One account: its key, its trackings, its quota, its police."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trackingmore_async.sandbox.found import Found
from trackingmore_async.sandbox.police import Police
from trackingmore_async.sandbox.render import Renderer
from trackingmore_async.sandbox.state import Trackings

__all__ = ["COSTS", "Account"]

UNIT = 10
"""Quota is counted in tenths, so that prices of 0.2 add up exactly."""

COSTS: Mapping[str, float] = {"create": 1.0, "detect": 0.2, "remote": 0.2, "air": 20.0}
"""Prices."""


@attrs.define(eq=False, kw_only=True)
class Account:
    """What the server holds for one API key.

    Args:
        key: The API key.
        email: The owner's e-mail address, which also signs the pushes.
        trackings: Its trackings.
        renderer: Shows them.
        police: Watches its rate.
        quota_left: What is left of the quota, in tenths.
        known: Ids of all numbers that it ever paid for: adding them again is free.
        realtime_asked: When each (carrier, number) was last asked in real time, in unix seconds.

    Example:
        >>> sandbox.account.quota
        100000.0
    """

    key: str
    email: str
    trackings: Trackings
    renderer: Renderer
    police: Police
    quota_left: int
    known: set[str] = attrs.field(factory=set[str])
    realtime_asked: dict[tuple[str, str], int] = attrs.field(factory=dict[tuple[str, str], int])
    found: Found = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.found = Found(self.trackings)

    @property
    def quota(self) -> float:
        """What is left of the quota."""
        return self.quota_left / UNIT

    def spend(self, cost: float) -> bool:
        """Take something off the quota; False, and nothing taken, where it does not suffice.

        Args:
            cost: The price.

        Example:
            >>> account.spend(0.2)
            True
        """
        tenths = round(cost * UNIT)
        if tenths > self.quota_left:
            return False
        self.quota_left -= tenths
        return True
