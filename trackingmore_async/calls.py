"""One call from a method of the client down to the transport and back: encode, send, decode."""

from __future__ import annotations

from typing import Any

import anyio
import attrs

from trackingmore_async.codec import decode, encode
from trackingmore_async.operations import Operation
from trackingmore_async.settings import CallOptions
from trackingmore_async.transport import Budget, Trail, Transport

__all__ = ["SINGLE_CALL_WAIT", "Caller"]

SINGLE_CALL_WAIT = 30.0  # seconds that a single call waits for its slot, unless told otherwise


@attrs.frozen
class Caller:
    """The transport together with how long its calls may take.

    Args:
        transport: Where the calls go.
        options: What the caller allows.
    """

    transport: Transport
    options: CallOptions

    def budget(self, operation: Operation, *, bulk: bool = False) -> Budget:
        """Return the time that a call of this operation has from now on."""
        options = self.options
        return Budget(
            ends_at=None if options.deadline is None else anyio.current_time() + options.deadline,
            max_wait=options.wait(None if bulk else SINGLE_CALL_WAIT),
            timeout=options.timeout or operation.timeout,
            lane=options.priority or ("bulk" if bulk else "interactive"),
        )

    async def call(self, operation: Operation, request: Any, trail: Trail | None = None) -> Any:
        """Send one request model and return the response model of the operation's row.

        The request is encoded before anything else, so that what cannot be sent takes no slot.
        """
        self.transport.lifetime.check()
        wire = encode(operation, request)
        reply = await self.transport.send(operation, lambda: wire, self.budget(operation), trail)
        return decode(operation, reply.envelope.data)
