"""What a line says about a job, in words."""

from __future__ import annotations

import attrs

from trackingmore_async.bulk import Progress

__all__ = ["Sight", "clock"]


@attrs.frozen
class Sight:
    """A job at one moment, in words; what there is nothing to say about is empty.

    Args:
        progress: What was told last.
        age: Seconds since that was told.
        elapsed: Seconds since the line began.
        stopped: Whether no more will be told.

    Example:
        >>> sight = Sight(Progress(done=4_000, total=10_000, rate=40.0, eta=150.0), age=3.0)
        >>> sight.amount, sight.pace, sight.time
        ('4,000/10,000', '40 items/s', '2:27 left')
    """

    progress: Progress
    age: float = 0.0
    elapsed: float = 0.0
    stopped: bool = False

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.progress.total is not None and self.progress.done >= self.progress.total

    @property
    def amount(self) -> str:
        """How much is done, of how much."""
        done, total = self.progress.done, self.progress.total
        return f"{done:,}" if total is None else f"{done:,}/{total:,}"

    @property
    def pace(self) -> str:
        """Items a second; nothing while a pause runs."""
        rate = self.progress.rate
        return "" if self.pause or not rate else f"{rate:,.0f} items/s" if rate >= 10 else f"{rate:.1f} items/s"

    @property
    def pause(self) -> str:
        """The pause that runs, and what is left of it."""
        seconds = 0.0 if self.is_done or self.stopped else self.progress.pause - self.age
        return f"429: paused {clock(seconds)}" if seconds > 0 else ""

    @property
    def time(self) -> str:
        """How long it still takes; at the end, how long it took."""
        if self.is_done:
            return f"in {clock(self.elapsed)}"
        if self.stopped:
            return f"stopped after {clock(self.elapsed)}"
        return "" if self.progress.eta is None else f"{clock(self.progress.eta - self.age)} left"

    @property
    def doubt(self) -> str:
        """How many items are in doubt."""
        return f"{self.progress.in_doubt:,} in doubt" if self.progress.in_doubt else ""

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.amount, self.pace, self.pause, self.time, self.doubt)))


def clock(seconds: float) -> str:
    """Write seconds as a clock does.

    Args:
        seconds: How many; negative ones are 0.

    Example:
        >>> clock(59.8), clock(3_725)
        ('1:00', '1:02:05')
    """
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
