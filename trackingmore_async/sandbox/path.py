"""The network path between a client and the sandbox: how long requests and answers are on their way."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs

__all__ = ["Delay", "Path", "draw"]

Delay = float | tuple[float, float] | Callable[[Random], float]
"""Seconds: a fixed number, a ``(low, high)`` pair drawn evenly, or a function of the sandbox's random source."""


@attrs.frozen
class Path:
    """How long each part of an exchange takes, over a socket and in process alike.

    Args:
        there: Seconds until the request reaches the server, which stamps it then.
        work: Seconds the server works before the change is made.
        back: Seconds until the answer reaches the client.

    Example:
        >>> Path(there=(0.0, 0.05), work=0.02, back=lambda random: 0.09 + random.uniform(0, 0.05))
    """

    there: Delay = 0.0
    work: Delay = 0.0
    back: Delay = 0.0


def draw(delay: Delay, random: Random) -> float:
    """Return one delay in seconds.

    Args:
        delay: The number, pair or function to draw from.
        random: The sandbox's random source.

    Example:
        >>> draw((0.0, 0.05), Random(0))
        0.0422...
    """
    if callable(delay):
        return delay(random)
    if isinstance(delay, tuple):
        return random.uniform(*delay)
    return delay
