"""How far a job is."""

from __future__ import annotations

from collections.abc import Callable

import attrs

__all__ = ["Progress", "ProgressListener"]


@attrs.frozen(kw_only=True)
class Progress:
    """How far a job is at one moment.

    Args:
        done: Inputs that have an outcome.
        total: Inputs in all; None: the source does not say.
        rate: Inputs a second since the job began, those apart that the journal knew; 0.0 before the first.
        eta: Seconds until the end, at the pace that the limiter expects, pauses included; None: nobody knows.
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
"""Is called after each batch with how far the job is, and once at the end. It has to return soon."""
