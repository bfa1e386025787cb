"""The spans of calls and of their attempts."""

from __future__ import annotations

import attrs
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context

from trackingmore_async.hooks import HookDetails
from trackingmore_async.operations import OPERATIONS
from trackingmore_async.timing import Timing

from .names import (
    CALLED_OFF,
    CAPACITY,
    CODE,
    ERROR_TYPE,
    ITEMS,
    LANE,
    METHOD,
    OPERATION,
    PORT,
    RESENDS,
    SERVER,
    STATUS,
    TEMPLATE,
)

__all__ = ["Spans"]

Attributes = dict[str, str | int | float | bool]


@attrs.define(eq=False)
class OpenCall:
    """A call that is under way and recorded.

    Args:
        span: Its span.
        attempt: The span of the attempt that is under way.
        shared: The number of the shared request that it was linked to last.
    """

    span: Span
    attempt: Span | None = None
    shared: int | None = None


class Spans:
    """Makes one span of each call and of each attempt.

    It holds as many as there are calls under way, for each of these ends. The spans are not made current: a hook hears
    of beginnings and ends one by one, and what is current has to be set back where it was set.

    Args:
        tracer: Makes the spans.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._open: dict[int, OpenCall] = {}

    def __len__(self) -> int:
        return len(self._open)

    def hear(self, details: HookDetails) -> None:
        """Begin, complete or end the spans that an event concerns.

        Args:
            details: The event.
        """
        if details.event == "call":
            self._begin(details)
            return
        if details.event == "batch":
            self._share(details)
            return
        call = self._open.get(details.call)
        if call is None:  # not recorded: a span costs nothing then
            return
        match details.event:
            case "request":
                self._send(call, details)
            case "reply":
                _answer(call, details)
            case "retry" | "pause":
                _pause(call, details)
            case _:
                del self._open[details.call]
                _end(call, details)

    def _begin(self, details: HookDetails) -> None:
        span = self._tracer.start_span(
            f"trackingmore.{details.operation}",
            kind=SpanKind.INTERNAL,
            attributes={OPERATION: details.operation, LANE: details.lane},
        )
        if not span.is_recording():
            return
        self._open[details.call] = OpenCall(span)

    def _send(self, call: OpenCall, details: HookDetails) -> None:
        row = OPERATIONS[details.operation]
        attributes: Attributes = {
            METHOD: row.method,
            TEMPLATE: row.path,
            "trackingmore.attempt": details.attempt,
            "trackingmore.wait_time": details.waited,
        }
        if details.server is not None:
            attributes[SERVER], attributes[PORT] = details.server
        if details.attempt > 1:
            attributes[RESENDS] = details.attempt - 1
        context = set_span_in_context(call.span)
        name = f"{row.method} {row.path}"
        call.attempt = self._tracer.start_span(name, context, kind=SpanKind.CLIENT, attributes=attributes)

    def _share(self, details: HookDetails) -> None:
        """Say how full a request is, and lead from each look-up in it to the request."""
        sender = self._open.get(details.call)
        if sender is not None:
            sender.span.set_attributes({ITEMS: details.items, CAPACITY: details.capacity})
        for number in details.shares:
            call = self._open.get(number)
            if call is None or call.shared == details.call:  # it is sent once more
                continue
            call.shared = details.call
            call.span.set_attribute(ITEMS, details.items)
            if sender is not None:
                call.span.add_link(sender.span.get_span_context(), {ITEMS: details.items})


def _answer(call: OpenCall, details: HookDetails) -> None:
    span, call.attempt = call.attempt, None
    if span is None:
        return
    known = {STATUS: details.http_status, CODE: details.code}
    span.set_attributes({name: value for name, value in known.items() if value is not None})
    _blame(span, details.error)
    span.end()


def _pause(call: OpenCall, details: HookDetails) -> None:
    attributes: Attributes = {"trackingmore.seconds": details.seconds}
    if details.error is not None:
        attributes[ERROR_TYPE] = details.error
    call.span.add_event(f"trackingmore.{details.event}", attributes)


def _end(call: OpenCall, details: HookDetails) -> None:
    if details.code is not None:
        call.span.set_attribute(CODE, details.code)
    if details.timing is not None:
        call.span.set_attributes(_times(details.timing))
    _blame(call.span, details.error)
    _finish(call)


def _times(timing: Timing) -> Attributes:
    attributes: Attributes = {
        "trackingmore.attempts": timing.attempts,
        "trackingmore.waiting": timing.waiting,
        "trackingmore.pause": timing.pause,
        "trackingmore.network": timing.network,
        "trackingmore.decode": timing.decode,
    }
    if timing.age is not None:
        attributes["trackingmore.age"] = timing.age
    return attributes


def _finish(call: OpenCall) -> None:
    if call.attempt is not None:
        call.attempt.end()
    call.span.end()


def _blame(span: Span, error: str | None) -> None:
    """Say what went wrong by its kind only. To give up waiting is no failure (as in `opentelemetry.trace.use_span`)."""
    if error is None:
        return
    span.set_attribute(ERROR_TYPE, error)
    if error not in CALLED_OFF:
        span.set_status(StatusCode.ERROR)
