"""One call from a method of the client down to the transport and back: encode, send, decode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import anyio
import attrs

from trackingmore_async.codec import Wire, decode, encode
from trackingmore_async.creations import Creations
from trackingmore_async.errors import DecodeError, InvalidRequestError, NotFoundError, TrackingMoreError
from trackingmore_async.memory import Memory
from trackingmore_async.models import CarrierChange, GetQuery, Result, Tracking, TrackingEcho, timed
from trackingmore_async.operations import GET, REALTIME, Operation, Safety
from trackingmore_async.settings import CallOptions
from trackingmore_async.timing import Timing
from trackingmore_async.transport import Budget, Reply, Trail, Transport

__all__ = ["SINGLE_CALL_WAIT", "Caller", "Settle", "decoded", "only"]

SINGLE_CALL_WAIT = 30.0  # seconds that a single call waits for its slot, unless told otherwise
NOTHING = frozenset({b"[]", b"{}"})

Settle = Callable[[TrackingMoreError], Awaitable[Any]]
"""Says what an error really means: returns what the call returns instead, or raises."""


@attrs.frozen
class Caller:
    """The transport together with how long its calls may take.

    Args:
        transport: Where the calls go.
        options: What the caller allows.
        memory: Answers to look-ups, which writes make out of date.
        creations: The creates of late, so that none takes another's tracking for its own.
    """

    transport: Transport
    options: CallOptions
    memory: Memory
    creations: Creations = attrs.field(factory=Creations)

    def budget(self, operation: Operation, *, bulk: bool = False) -> Budget:
        """Return the time that a call of this operation has from now on."""
        options = self.options
        return Budget(
            ends_at=None if options.deadline is None else anyio.current_time() + options.deadline,
            max_wait=options.wait(None if bulk else SINGLE_CALL_WAIT),
            timeout=options.timeout or operation.timeout,
            lane=options.priority or ("bulk" if bulk else "interactive"),
        )

    async def call(
        self,
        operation: Operation,
        request: Any,
        trail: Trail | None = None,
        budget: Budget | None = None,
        settle: Settle | None = None,
    ) -> Any:
        """Send one request model and return the response model of the operation's row, with its timing.

        Args:
            operation: The row of the table.
            request: The request model.
            trail: Filled with what the call goes through.
            budget: The time that it has; None: that of a call which begins now.
            settle: Asked what an error of sending means, while the call is not over yet.
        """
        trail, budget = Trail() if trail is None else trail, budget or self.budget(operation)
        wire = self.encode(operation, request)
        try:
            with self.transport.call(operation, budget.lane, trail):
                try:
                    reply = await self.transport.send(operation, lambda: wire, budget, trail)
                except TrackingMoreError as error:
                    if settle is None:
                        raise
                    return await settle(error)
                return _result(operation, request, reply, trail)
        finally:
            if operation.safety is Safety.KEYED or operation is REALTIME:
                self._forget(request)

    async def read(self, query: GetQuery, budget: Budget | None = None) -> Tracking:
        """Read one tracking by a request of its own.

        Args:
            query: Which one.
            budget: The time that it has; None: that of a call which begins now.
        """
        trail, budget = Trail(), budget or self.budget(GET)
        wire = self.encode(GET, query)
        with self.transport.call(GET, budget.lane, trail):
            tracking = only(await self.transport.send(GET, lambda: wire, budget, trail), trail)
        self.memory.keep(query, tracking, trail.asked_at)
        return tracking

    def encode(self, operation: Operation, request: Any) -> Wire:
        """Encode a request, before anything else, so that what cannot be sent takes no slot and leaves no trace.

        Args:
            operation: The row of the table.
            request: The request model.
        """
        self.transport.lifetime.check()
        try:
            return encode(operation, request)
        except InvalidRequestError as error:
            error.operation = operation.name
            raise

    def _forget(self, written: Any) -> None:
        """Forget what was read of a tracking before it was written, or asked for anew."""
        now = anyio.current_time()
        self.memory.forget(written.carrier_code, written.tracking_number, now)
        if isinstance(written, CarrierChange):
            self.memory.forget(written.new_carrier_code, written.tracking_number, now)


def _result(operation: Operation, request: Any, reply: Reply, trail: Trail) -> Any:
    if operation.response is TrackingEcho and _has_no_data(reply):
        echo = TrackingEcho(request.carrier_code, request.tracking_number)  # done, and nothing echoed (API.md 1.2)
        return timed(echo, trail.timing())
    return decoded(operation, reply, trail)


def only(reply: Reply, trail: Trail) -> Tracking:
    """Decode the answer to a look-up of one tracking; success without data says that there is none.

    Raises:
        NotFoundError: there is none (API.md 3.2; 12, item 10).
        DecodeError: the answer cannot be read.
    """
    if not _has_no_data(reply):
        tracking: Tracking = decoded(GET, reply, trail)
        return tracking
    missing = NotFoundError(
        "There is no such tracking. Create it first, or check carrier code and number.",
        operation=GET.name,
        code=reply.envelope.code,
        http_status=reply.http_status,
        attempts=trail.attempts,
    )
    missing.timing = trail.timing()
    raise missing


def _has_no_data(reply: Reply) -> bool:
    return reply.envelope.data is None or bytes(reply.envelope.data).strip() in NOTHING


def decoded(operation: Operation, reply: Reply, trail: Trail) -> Any:
    """Decode an answer: the model, or each of several, and the error say where the time of the call went."""
    try:
        with trail.decoding():
            result = decode(operation, reply.envelope.data)
    except DecodeError as error:
        error.operation, error.code = operation.name, reply.envelope.code
        error.http_status, error.attempts = reply.http_status, trail.attempts
        error.timing = trail.timing()
        raise
    return _timed(result, trail.timing())


def _timed(result: Any, timing: Timing) -> Any:
    """Let a result, or each of several, say how long the call took."""
    if isinstance(result, Result):
        return timed(result, timing)
    for one in _each(result):
        timed(one, timing)
    return result


def _each(result: Any) -> Iterable[Result]:
    """Return the models of a list or a dict; none of nothing."""
    values = getattr(result, "values", None)
    return result or () if values is None else values()
