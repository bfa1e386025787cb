"""How much longer than the period a slot stays closed in truth: what projections and estimates of duration stand on."""

from __future__ import annotations

import attrs

__all__ = ["Excess"]

WEIGHT = 0.03
"""The weight of the newest observation, once there were 1/0.03 of them; before, all weigh the same."""

ENOUGH = 8
"""From so many observations on, a bucket goes by its own average; before, by that of all buckets."""


@attrs.define(eq=False)
class Excess:
    """A moving average of the seconds by which slots stay closed longer than their period.

    It is a property of the path more than of the bucket, so a bucket that was hardly used borrows the average of all.

    Args:
        shared: The average over all buckets; None when this is it.

    Example:
        >>> path = Excess()
        >>> bucket = Excess(shared=path)
        >>> path.observe(0.25)
        >>> bucket.seconds
        0.25
    """

    shared: Excess | None = None
    _average: float = attrs.field(default=0.0, init=False)
    _count: int = attrs.field(default=0, init=False)

    @property
    def seconds(self) -> float:
        """The average in seconds, never negative; 0 before anything was observed."""
        if self.shared is not None and self._count < ENOUGH:
            return self.shared.seconds
        return max(0.0, self._average)

    def observe(self, seconds: float) -> None:
        """Add one observation, here and to the average over all buckets."""
        self._count += 1
        self._average += (seconds - self._average) * max(WEIGHT, 1.0 / self._count)
        if self.shared is not None:
            self.shared.observe(seconds)
