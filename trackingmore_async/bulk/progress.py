"""How far a job is."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import attrs

from trackingmore_async.pacing.backoff import back_off

__all__ = ["Progress", "ProgressListener", "Teller"]

SILENCE = 2.0  # seconds after which a listener hears something although no batch has ended, as during a pause


@attrs.frozen(kw_only=True)
class Progress:
    """How far a job is at one moment.

    Args:
        done: Inputs that have an outcome.
        total: Inputs in all; None: the source has no length, and was not read to its end yet.
        rate: Inputs a second since the job began, those apart that the journal knew; 0.0 before the first. The time
            until the next request may leave counts, so that this is right from the first batch on.
        eta: Seconds until the end, at the pace that the limiter expects, with as many inputs a request as so far, and
            the rest of a running pause; None: nobody knows.
        pause: Seconds of a running pause after a 429 that are still to go; 0.0: there is none.
        in_doubt: Items whose outcome is still to be settled.

    Example:
        >>> progress = Progress(done=4_000, total=10_000, rate=40.0, eta=150.0)
        >>> progress.fraction
        0.4
    """

    done: int
    total: int | None = None
    rate: float = 0.0
    eta: float | None = None
    pause: float = 0.0
    in_doubt: int = 0

    @property
    def fraction(self) -> float | None:
        """The part that is done, from 0.0 to 1.0; None: nobody knows."""
        if self.total is None:
            return None
        return self.done / self.total if self.total else 1.0


ProgressListener = Callable[[Progress], object]
"""Is called with how far the job is: after each batch, every two seconds while none ends, and once at the end.

It has to return soon, because nothing is sent meanwhile. What it raises ends the job.
"""


@attrs.define(eq=False)
class Teller:
    """Tells a listener how far a job is.

    Args:
        listener: Who hears it; None: nobody.
        progress: Says how far the job is.
    """

    listener: ProgressListener | None
    progress: Callable[[], Progress]
    _told_at: float = attrs.field(factory=anyio.current_time, init=False)

    def tell(self) -> None:
        """Tell it now."""
        if self.listener is not None:
            self._told_at = anyio.current_time()
            self.listener(self.progress())

    async def keep_telling(self) -> None:
        """Tell it whenever there was silence for a while, until cancelled."""
        while self.listener is not None:
            silent_for = anyio.current_time() - self._told_at
            if silent_for >= SILENCE:
                self.tell()
            else:
                await back_off(SILENCE - silent_for)
