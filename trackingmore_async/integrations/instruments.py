"""The metrics of calls and of their requests."""

from __future__ import annotations

from typing import Final

from opentelemetry.metrics import Meter

from trackingmore_async.hooks import HookDetails
from trackingmore_async.timing import Timing

from .names import CODE, ERROR_TYPE, FROM_MEMORY, LANE, OPERATION, STATUS, WITHDRAWN

__all__ = ["Instruments"]

SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 120, 300, 900)
"""Around one cycle of a second, the deadlines of web services, and the length of a ban."""

ITEMS: Final = (1, 2, 5, 10, 15, 20, 25, 30, 35, 39)
"""How full a request of at most 40 items is; what is above the last one is full."""


class Instruments:
    """Counts calls, requests, pauses and retries, and measures how long and how full they are.

    It knows nothing of earlier events, so that it costs no memory.

    Args:
        meter: Makes the instruments.
    """

    def __init__(self, meter: Meter) -> None:
        self._call_duration = meter.create_histogram(
            "trackingmore.call.duration", "s", "Time of a call, all in all", explicit_bucket_boundaries_advisory=SECONDS
        )
        self._call_wait = meter.create_histogram(
            "trackingmore.call.wait_time",
            "s",
            "Time that a call waited for its turn and between attempts, without pauses after a 429",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._request_duration = meter.create_histogram(
            "trackingmore.request.duration",
            "s",
            "Time from sending a request to the end of its answer",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._batch_items = meter.create_histogram(
            "trackingmore.batch.items", "{item}", "Items in a request", explicit_bucket_boundaries_advisory=ITEMS
        )
        self._retries = meter.create_counter("trackingmore.retries", "{retry}", "Repetitions of requests that failed")
        self._pauses = meter.create_counter(
            "trackingmore.pauses", "{pause}", "Bans: pauses of the whole account after a 429"
        )

    def hear(self, details: HookDetails) -> None:
        """Measure or count what an event tells.

        Args:
            details: The event.
        """
        match details.event:
            case "reply" if details.error != WITHDRAWN:
                self._request_duration.record(details.seconds, _of_attempt(details))
            case "retry":
                self._retries.add(1, _of(details))
            case "pause":
                self._pauses.add(1, _of(details))
            case "batch":
                self._batch_items.record(details.items, _of(details))
            case "end" if details.timing is not None:
                self._end(details, details.timing)
            case _:
                pass

    def _end(self, details: HookDetails, timing: Timing) -> None:
        attributes = _of(details)
        if timing.from_memory:
            attributes[FROM_MEMORY] = True
        self._call_duration.record(timing.total, attributes)
        self._call_wait.record(timing.waiting, attributes)


def _of(details: HookDetails) -> dict[str, str | int | bool]:
    attributes: dict[str, str | int | bool] = {OPERATION: details.operation, LANE: details.lane}
    if details.error is not None:
        attributes[ERROR_TYPE] = details.error
    return attributes


def _of_attempt(details: HookDetails) -> dict[str, str | int | bool]:
    attributes = _of(details)
    for name, number in ((STATUS, details.http_status), (CODE, details.code)):
        if number is not None:
            attributes[name] = number
    return attributes
