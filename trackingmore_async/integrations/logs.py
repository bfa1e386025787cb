"""Lines in a log, with `logging`, or with structlog, which needs the extra: ``trackingmore_async[structlog]``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import attrs

from trackingmore_async.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    QuotaExceededError,
)
from trackingmore_async.hooks import HookDetails, HookEvent
from trackingmore_async.timing import Timing

from .names import CALLED_OFF

__all__ = ["LoggingHook", "StructlogHook"]

NAME: Final = "trackingmore_async"

LASTING: Final = frozenset(kind.__name__ for kind in (AuthenticationError, PermissionDeniedError, QuotaExceededError))
"""Errors that every call will meet until somebody does something about them."""

TEXTS: Final[Mapping[HookEvent, str]] = {
    "call": "begins",
    "request": "attempt %(attempt)d leaves, its turn came after %(waited).3f s",
    "reply": "attempt %(attempt)d was answered in %(seconds).3f s",
    "retry": "attempt %(attempt)d failed with %(error)s, the next one follows in %(seconds).3f s",
    "pause": "attempt %(attempt)d met a 429, the account is silent for %(seconds).0f s",
    "batch": "%(items)d of %(capacity)d items share a request",
    "end": "is done after %(seconds).3f s",
}
FAILURES: Final[Mapping[HookEvent, str]] = {
    "reply": "attempt %(attempt)d failed after %(seconds).3f s with %(error)s",
    "end": "failed after %(seconds).3f s with %(error)s",
}
FIELDS: Final[Mapping[HookEvent, tuple[str, ...]]] = {
    "call": (),
    "request": ("attempt", "waited"),
    "reply": ("attempt", "seconds", "http_status", "code", "error"),
    "retry": ("attempt", "seconds", "error"),
    "pause": ("attempt", "seconds"),
    "batch": ("items", "capacity", "shares"),
    "end": ("code", "error"),
}
METHODS: Final = (
    (logging.CRITICAL, "critical"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (logging.INFO, "info"),
)


def _check_level(_: object, field: attrs.Attribute[int], level: object) -> None:
    if not isinstance(level, int):
        raise ConfigurationError(f"{field.name} has to be a number such as logging.INFO, not {level!r}.")


@attrs.frozen
class Levels:
    """How important an event is.

    Args:
        calls: The level of a call that is done.
        failures: The level of a call that failed, at the least.
    """

    calls: int = attrs.field(validator=_check_level)
    failures: int = attrs.field(validator=_check_level)

    def of(self, details: HookDetails) -> int:
        """Return the level of an event.

        Args:
            details: The event.
        """
        match details.event:
            case "pause":
                return logging.WARNING
            case "retry":
                return logging.INFO
            case "end" if details.error is None or details.error in CALLED_OFF:
                return self.calls
            case "end":
                return max(self.failures, logging.WARNING) if details.error in LASTING else self.failures
            case _:
                return logging.DEBUG


class LoggingHook:
    """Writes what it hears to a logger: ``TrackingMore(hooks=[LoggingHook()])``.

    A pause after a 429 is a WARNING, and so is a call that failed because of the key, the rights or the quota of the
    account: these last until somebody does something. Other failures and retries are INFO, the rest is DEBUG. The
    fields of an event stand in the record (``extra=``): operation, call, lane, attempt, seconds, code, error and so on.

    Args:
        logger: Where to write; None: the logger ``trackingmore_async``.
        calls: The level of the line that says that a call is done.
        failures: The level of the line that says that a call failed.

    Raises:
        ConfigurationError: a level is no number.

    Example:
        >>> from trackingmore_async.integrations.logs import LoggingHook
        >>> hook = LoggingHook(logging.getLogger("parcels"), failures=logging.WARNING)
        >>> hook(HookDetails(event="retry", call=1, operation="get", attempt=1, seconds=0.25, error="ServerError"))
    """

    def __init__(
        self, logger: logging.Logger | None = None, *, calls: int = logging.DEBUG, failures: int = logging.INFO
    ) -> None:
        self._logger = logging.getLogger(NAME) if logger is None else logger
        self._levels = Levels(calls, failures)

    def __call__(self, details: HookDetails, /) -> None:
        """Hear of one event.

        Args:
            details: The event.
        """
        level = self._levels.of(details)
        if not self._logger.isEnabledFor(level):
            return
        fields = _fields(details)
        self._logger.log(level, _text(details), fields, extra={"event": details.event, **fields})


class StructlogHook:
    """Writes what it hears to structlog: ``TrackingMore(hooks=[StructlogHook()])``.

    The events are called ``trackingmore.call``, ``trackingmore.request`` and so on, after `HookDetails.event`, and have
    the levels and the fields of `LoggingHook`. They are written in the task of the caller, so what is bound with
    ``structlog.contextvars`` is on them; but a request that many look-ups share belongs to none of them.

    Args:
        logger: Where to write, one whose methods are no coroutines; None: ``structlog.get_logger()``.
        calls: The level of the line that says that a call is done.
        failures: The level of the line that says that a call failed.

    Raises:
        ImportError: there is no package structlog.
        ConfigurationError: a level is no number.

    Example:
        >>> import structlog
        >>> from trackingmore_async.integrations.logs import StructlogHook
        >>> hook = StructlogHook(structlog.get_logger(service="shop"))
        >>> with structlog.testing.capture_logs() as lines:
        ...     hook(HookDetails(event="pause", call=1, operation="get", attempt=1, seconds=121.0))
        >>> lines[0]["event"], lines[0]["log_level"], lines[0]["seconds"]
        ('trackingmore.pause', 'warning', 121.0)
    """

    def __init__(self, logger: Any = None, *, calls: int = logging.DEBUG, failures: int = logging.INFO) -> None:
        self._logger: Any = _structlog_logger() if logger is None else logger
        self._levels = Levels(calls, failures)

    def __call__(self, details: HookDetails, /) -> None:
        """Hear of one event.

        Args:
            details: The event.
        """
        write = getattr(self._logger, _method(self._levels.of(details)))
        write(f"trackingmore.{details.event}", **_fields(details))


def _structlog_logger() -> Any:
    try:
        from structlog import get_logger
    except ImportError as missing:
        advice = 'pip install "trackingmore_async[structlog]"'
        raise ImportError(f"StructlogHook needs one more package: {advice}") from missing
    return get_logger()


def _method(level: int) -> str:
    return next((name for least, name in METHODS if level >= least), "debug")


def _fields(details: HookDetails) -> dict[str, Any]:
    """Return what an event has to tell, and nothing that it has not."""
    fields: dict[str, Any] = {"operation": details.operation, "call": details.call, "lane": details.lane}
    for name in FIELDS[details.event]:
        value = getattr(details, name)
        if value is not None and value != ():
            fields[name] = value
    if details.event == "end":
        fields |= _times(details.timing or Timing())
    return fields


def _times(timing: Timing) -> dict[str, Any]:
    times = {
        "seconds": timing.total,
        "attempts": timing.attempts,
        "waiting": timing.waiting,
        "pause": timing.pause,
        "network": timing.network,
        "decode": timing.decode,
    }
    return times if timing.age is None else {**times, "age": timing.age}


def _text(details: HookDetails) -> str:
    """Return the text for an event, the same for all events of its kind, so that logs can be grouped by it."""
    said = FAILURES.get(details.event) if details.error is not None else None
    return f"%(operation)s #%(call)d {said or TEXTS[details.event]}"
