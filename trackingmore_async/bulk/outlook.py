"""When a job will probably end: what was done so far, and the pace that the limiter expects."""

from __future__ import annotations

import math

import anyio
import attrs

from trackingmore_async.batches import Batches
from trackingmore_async.operations import LIST, MAX_NUMBERS, Operation
from trackingmore_async.pacing import LocalLimiter, RateLimiter
from trackingmore_async.pacing.projecting import expected_interval

from .progress import Progress
from .source import Source
from .tally import Tally

__all__ = ["Outlook"]


@attrs.define(eq=False)
class Outlook:
    """Looks at one job.

    Args:
        operation: The row of the table.
        limiter: Whose pace it is.
        source: Where its items come from.
        batches: How many requests it took so far.
        tally: What came of them.
        begun_at: When it began (seconds, loop clock).
        latest: When the latest outcome came.
    """

    operation: Operation
    limiter: RateLimiter
    source: Source
    batches: Batches
    tally: Tally
    begun_at: float = attrs.field(factory=anyio.current_time)
    latest: float = attrs.field(factory=anyio.current_time)

    @property
    def interval(self) -> float:
        """Seconds that are expected from one request of this job to the next."""
        return expected_interval(self.limiter, self.operation)

    def progress(self, in_doubt: int) -> Progress:
        """Return how far the job is, when so many items are in doubt."""
        done, pause = self.tally.done, self._pause()
        total = self.source.read if self.source.exhausted else self.source.length
        seconds = self.latest - self.begun_at + self.interval
        return Progress(
            done=done,
            total=total,
            rate=(done - self.tally.recalled) / seconds,
            eta=None if total is None else self._seconds_for(total - done, pause, in_doubt),
            pause=pause,
            in_doubt=in_doubt,
        )

    def _pause(self) -> float:
        return self.limiter.statistics().gate.seconds_to_go if isinstance(self.limiter, LocalLimiter) else 0.0

    def _seconds_for(self, items: int, pause: float, in_doubt: int) -> float:
        """Return how long so many items take, if they need as many requests each as those before them."""
        if not items:
            return 0.0
        requests = self.batches.requests - self.batches.refused
        answered = self.tally.done - self.tally.recalled + in_doubt
        if not (requests and answered):
            requests, answered = 1, self.operation.batch_size
        interval = self.interval
        wait = max(pause, self.latest + interval - anyio.current_time(), 0.0)
        readings = math.ceil(in_doubt / MAX_NUMBERS) * expected_interval(self.limiter, LIST)
        return wait + (math.ceil(items * requests / answered) - 1) * interval + readings
