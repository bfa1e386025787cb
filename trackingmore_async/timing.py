"""Where the time of one call went."""

from __future__ import annotations

import attrs

__all__ = ["Timing"]


@attrs.frozen(kw_only=True)
class Timing:
    """How one call spent its time, in seconds. Results and errors carry it as ``timing``.

    Args:
        waiting: For a slot, for a connection, and between attempts; without bans.
        pause: In the silence after a 429.
        network: From handing the request to the HTTP client to the end of the answer, over all attempts.
        decode: From the bytes of the answer to the model.
        attempts: How many requests were sent.
        age: How long ago the answer came, when it is one from memory (``max_age``); None: it was fetched for this call.

    Example:
        >>> Timing(waiting=0.5, network=0.125, attempts=1).total
        0.625
    """

    waiting: float = 0.0
    pause: float = 0.0
    network: float = 0.0
    decode: float = 0.0
    attempts: int = 0
    age: float | None = None

    @property
    def total(self) -> float:
        """Seconds in all; the age of an answer from memory is none of them."""
        return self.waiting + self.pause + self.network + self.decode

    @property
    def from_memory(self) -> bool:
        """Whether the answer is one from memory, `age` seconds old."""
        return self.age is not None

    def __add__(self, other: Timing) -> Timing:
        """Return what two calls, one after the other, took together."""
        ages = [age for age in (self.age, other.age) if age is not None]
        return Timing(
            waiting=self.waiting + other.waiting,
            pause=self.pause + other.pause,
            network=self.network + other.network,
            decode=self.decode + other.decode,
            attempts=self.attempts + other.attempts,
            age=max(ages, default=None),
        )
