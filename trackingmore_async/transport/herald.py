"""Tells hooks what happens to calls, and keeps what hooks do wrong away from these."""

from __future__ import annotations

import logging
import random
from asyncio import CancelledError
from collections.abc import Iterator
from itertools import count
from types import TracebackType
from typing import Any

import attrs

from trackingmore_async.errors import RateLimitedError
from trackingmore_async.hooks import Hook, HookDetails, HookEvent
from trackingmore_async.operations import Operation
from trackingmore_async.pacing.silence import Silence
from trackingmore_async.transport.budget import Trail
from trackingmore_async.transport.exchange import Exchange

__all__ = ["Call", "Herald"]


def _numbers() -> Iterator[int]:
    """Count from anywhere, so that the calls of several clients and processes can hardly be mixed up."""
    return count(random.getrandbits(48))


@attrs.define(eq=False)
class Herald:
    """Tells all hooks of one client.

    Args:
        hooks: Who wants to hear; where there are none, ask for nothing to be told: that would cost time.
        server: Host and port of the server.
    """

    hooks: tuple[Hook, ...]
    server: tuple[str, int]
    _numbers: Iterator[int] = attrs.field(factory=_numbers, init=False)
    _blamed: set[int] = attrs.field(factory=set[int], init=False)

    def next_number(self) -> int:
        """Return a number for another call."""
        return next(self._numbers)

    def tell(self, event: HookEvent, operation: Operation, trail: Trail, **details: Any) -> None:
        """Tell of one event in the life of a call."""
        told = HookDetails(event=event, call=trail.call, operation=operation.name, lane=trail.lane, **details)
        for place, hook in enumerate(self.hooks):
            try:
                hook(told)
            except (Exception, CancelledError) as error:  # nobody cancels a function: it asked a future that was
                if place not in self._blamed:
                    self._blamed.add(place)
                    _complain(hook, error)

    def tell_request(self, operation: Operation, trail: Trail, *, waited: float) -> None:
        """Tell that an attempt is about to leave."""
        self.tell("request", operation, trail, attempt=trail.attempt, waited=waited, server=self.server)

    def tell_reply(self, operation: Operation, exchange: Exchange, failure: type[BaseException] | None) -> None:
        """Tell that an attempt is over, and of the ban that it began, if it did."""
        trail, kind = exchange.trail, RateLimitedError if exchange.refused else failure
        self.tell(
            "reply",
            operation,
            trail,
            attempt=trail.attempt,
            seconds=exchange.seconds,
            http_status=exchange.http_status,
            code=None if exchange.http_status is None else trail.code,
            error=None if kind is None else kind.__name__,
        )
        if exchange.silenced is not None:
            self.tell("pause", operation, trail, attempt=trail.attempt, seconds=exchange.silenced)


def _complain(hook: Hook, error: BaseException) -> None:
    """Log what a hook did, without the text of its error: nobody knows what stands there."""
    name = getattr(hook, "__qualname__", type(hook).__name__)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "nowhere" if trace is None else f"{trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno}"
    logging.getLogger("trackingmore_async").warning(
        "The hook %s raised %s (%s). It is called again all the same, and its errors are not logged any more.",
        name,
        type(error).__name__,
        place,
    )


@attrs.define(eq=False)
class Call:
    """One logical call, as a context: counts its time, and tells of its begin and its end.

    Args:
        herald: Who tells.
        silence: Knows the bans of the account.
        operation: The row of the table.
        trail: What it goes through.
    """

    herald: Herald
    silence: Silence
    operation: Operation
    trail: Trail

    def __enter__(self) -> None:
        self.trail.call = self.herald.next_number()
        self.trail.begin(self.silence)
        if self.herald.hooks:
            self.herald.tell("call", self.operation, self.trail)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.trail.end()
        if self.herald.hooks:
            name = None if kind is None else kind.__name__
            code = self.trail.code if error is None else getattr(error, "code", None)
            self.herald.tell("end", self.operation, self.trail, error=name, code=code, timing=self.trail.timing())
