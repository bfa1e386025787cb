"""Events as a client tells them, for tests that need no client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trackingmore_async.hooks import Hook, HookDetails
from trackingmore_async.timing import Timing

__all__ = ["ANSWERED", "REFUSED", "RETRIED", "Teller", "shared"]

ANSWERED: list[dict[str, Any]] = [
    {"event": "call"},
    {"event": "request", "attempt": 1, "waited": 0.5, "server": ("api.trackingmore.com", 443)},
    {"event": "reply", "attempt": 1, "seconds": 0.125, "http_status": 200, "code": 200},
    {"event": "end", "code": 200, "timing": Timing(waiting=0.5, network=0.125, attempts=1)},
]
"""A call that goes well."""

RETRIED: list[dict[str, Any]] = [
    {"event": "call"},
    {"event": "request", "attempt": 1},
    {"event": "reply", "attempt": 1, "seconds": 0.25, "http_status": 503, "error": "ServerError"},
    {"event": "retry", "attempt": 1, "seconds": 2.0, "error": "ServerError"},
    {"event": "request", "attempt": 2, "waited": 1.0},
    {"event": "reply", "attempt": 2, "seconds": 0.25, "http_status": 200, "code": 429, "error": "RateLimitedError"},
    {"event": "pause", "attempt": 2, "seconds": 121.0},
    {"event": "request", "attempt": 3, "waited": 121.0},
    {"event": "reply", "attempt": 3, "seconds": 0.25, "http_status": 200, "code": 200},
    {"event": "end", "code": 200, "timing": Timing(waiting=3.0, pause=121.0, network=0.75, attempts=3)},
]
"""A call that goes well the third time."""

REFUSED: list[dict[str, Any]] = [
    {"event": "call"},
    {"event": "request", "attempt": 1},
    {"event": "reply", "attempt": 1, "seconds": 0.25, "http_status": 200, "code": 4031, "error": "NotFoundError"},
    {"event": "end", "code": 4031, "error": "NotFoundError", "timing": Timing(network=0.25, attempts=1)},
]
"""A call that the server refuses."""


class Teller:
    """Tells hooks what happens in a client.

    Args:
        hooks: Who hears it.
    """

    def __init__(self, *hooks: Hook) -> None:
        self._hooks = hooks

    def tell(self, events: Iterable[dict[str, Any]], call: int = 1, operation: str = "get") -> None:
        """Tell the events of one call."""
        for event in events:
            values: dict[str, Any] = {"call": call, "operation": operation, **event}
            details = HookDetails(**values)
            for hook in self._hooks:
                hook(details)


def shared(numbers: tuple[int, ...], sender: int) -> dict[str, Any]:
    """Return the event that tells which look-ups a request carries."""
    return {"event": "batch", "call": sender, "items": len(numbers), "capacity": 40, "shares": numbers}
