"""The control endpoints under ``/_sandbox``: for test suites in other processes and languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import attrs

from trackingmore_async.sandbox.call import as_object
from trackingmore_async.sandbox.core import Core
from trackingmore_async.sandbox.faults import Fault
from trackingmore_async.sandbox.reply import Reply
from trackingmore_async.sandbox.wire import decode, encode

__all__ = ["Control"]


class Control:
    """Answers the control endpoints; the same can be done with the methods of `Sandbox`.

    ``GET /_sandbox/statistics``, ``POST /_sandbox/reset``, ``POST /_sandbox/faults`` (a `Fault` as JSON, or an array),
    ``DELETE /_sandbox/faults``, ``GET /_sandbox/clock``, ``POST /_sandbox/clock`` (``{"advance": seconds}``),
    ``POST /_sandbox/trackings`` (``{"count": n, "carrier_code": ..., "prefix": ...}``), ``GET /_sandbox/trackings``.

    Args:
        core: The sandbox.

    Example:
        >>> httpx.post("http://127.0.0.1:8080/_sandbox/clock", json={"advance": 86400})
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._actions: dict[tuple[str, str], Callable[[object], object]] = {
            ("GET", "statistics"): lambda _: self._statistics(),
            ("POST", "reset"): lambda _: core.reset(),
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): lambda _: core.faults.clear(),
            ("GET", "clock"): lambda _: {"now": core.clock.now()},
            ("POST", "clock"): self._advance,
            ("GET", "trackings"): lambda _: self._count(),
            ("POST", "trackings"): self._seed,
        }

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """Answer one request.

        Args:
            method: The HTTP method.
            path: The path, beginning with ``/_sandbox``.
            body: JSON, or nothing.

        Example:
            >>> control.answer("GET", "/_sandbox/clock", b"").status
            200
        """
        action = self._actions.get((method, path.removeprefix("/_sandbox").strip("/")))
        if action is None:
            return Reply(404, encode({"error": "no such control endpoint"}))
        try:
            return Reply(200, encode(action(decode(body))))
        except (TypeError, ValueError) as error:
            return Reply(400, encode({"error": str(error)}))

    def _statistics(self) -> object:
        statistics = self._core.statistics()
        totals = {"total_requests": statistics.total_requests, "total_violations": statistics.total_violations}
        return attrs.asdict(statistics) | totals

    def _add_faults(self, body: object) -> object:
        items = cast("list[object]", body) if isinstance(body, list) else [body]
        self._core.faults.add(*(_read_fault(item) for item in items))
        return {"faults": len(self._core.faults)}

    def _advance(self, body: object) -> object:
        seconds = (as_object(body) or {}).get("advance")
        if not isinstance(seconds, int | float):
            raise ValueError('say {"advance": seconds}')
        self._core.clock.advance(seconds)
        return {"now": self._core.clock.now()}

    def _count(self) -> object:
        return {"count": len(next(iter(self._core.accounts.values())).trackings)}

    def _seed(self, body: object) -> object:
        given = as_object(body)
        if given is None:
            raise ValueError('say {"count": n}')
        self._core.seed_trackings(**cast("dict[str, Any]", given))
        return self._count()


def _read_fault(item: object) -> Fault:
    given = as_object(item)
    if given is None:
        raise ValueError("a fault is a JSON object")
    return Fault(**cast("dict[str, Any]", {name: _read_value(name, value) for name, value in given.items()}))


def _read_value(name: str, value: object) -> object:
    """JSON has arrays only: turn them into the sets and pairs that a rule wants."""
    if not isinstance(value, list):
        return value
    return tuple(cast("list[object]", value)) if name.startswith("delay_") else frozenset(cast("list[object]", value))
