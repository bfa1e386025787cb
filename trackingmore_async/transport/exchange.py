"""One request and its answer, as the limiter must know it: when it left, when it was answered, was it sent at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import anyio
import attrs

from trackingmore_async.pacing.protocol import Permit, RateLimiter
from trackingmore_async.transport.budget import Trail, clock, clock_at_least

__all__ = ["Exchange"]


@attrs.define
class Exchange:
    """Follows one request over the wire and reports it to the limiter.

    Args:
        limiter: Who granted the permit.
        permit: The permit that this request uses up.
        trail: Counts the time.
        sent: False: the request did not leave. True: it did, or was about to. None: this HTTP client does not tell.
        sent_at: When its headers were written (seconds, loop clock).
        answered_at: When the head of the answer arrived, certainly not earlier (seconds, loop clock).
        refused: True when the answer was a 429.
        gave_up: True when our patience ended before the answer came.
        seconds: How long it took, from `begin` to `end`.
        travel: The same without connecting, where the HTTP client tells when the headers were written.
        http_status: The HTTP status of the answer, when there was one.
        date: The server's clock when it answered, when it said so.
        silenced: For how many seconds its 429 silences the account; None: not at all, or it was silent already.
    """

    limiter: RateLimiter
    permit: Permit
    trail: Trail = attrs.field(factory=Trail)
    sent: bool | None = False
    sent_at: float | None = None
    answered_at: float | None = None
    refused: bool = False
    gave_up: bool = False
    seconds: float = 0.0
    travel: float = 0.0
    http_status: int | None = None
    date: datetime | None = None
    silenced: float | None = None
    _tunnelling: bool = False

    def begin(self) -> None:
        """Note that the request is handed to the HTTP client now."""
        self.sent = None
        self.trail.hand_over()

    def end(self) -> None:
        """Note that its answer is complete, or that none is awaited any more."""
        self.seconds = self.trail.take_back()
        self.travel = self.seconds if self.sent_at is None else clock() - self.sent_at

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Take note of an event of httpcore (its ``trace`` extension)."""
        if self.sent is None:  # a client that tells of anything tells of the request, too
            self.sent = False
        if event.endswith("send_request_headers.started"):
            # The CONNECT that opens a tunnel through a proxy is no request to the API yet.
            self._tunnelling = getattr(info.get("request"), "method", None) == b"CONNECT"
            self.sent = not self._tunnelling
        elif self._tunnelling:
            return
        elif event.endswith("send_request_headers.complete"):
            self.sent_at = clock()
            await self.limiter.release(self.permit, sent_at=self.sent_at)
        elif event.endswith("receive_response_headers.complete"):
            self.answered_at = clock_at_least()

    def head_arrived(self) -> None:
        """Note that the head of the answer is here, for HTTP clients that do not trace."""
        self.sent = True
        if self.answered_at is None:
            self.answered_at = clock_at_least()

    def never_sent(self) -> None:
        """Note that the request did not leave, unless it is known that it did."""
        if self.sent is None:
            self.sent = False

    async def close(self) -> None:
        """Hand the permit back with what is known by now; it is not cancelled."""
        with anyio.CancelScope(shield=True):
            if self.sent is False:
                await self.limiter.release(self.permit, sent_at=None)
                return
            # Where nothing tells when the request left, the latest moment possible is the safe one.
            ended = clock() if self.answered_at is None else self.answered_at
            sent_at = ended if self.sent_at is None else self.sent_at
            if self.sent_at is None:
                await self.limiter.release(self.permit, sent_at=sent_at)
            await self.limiter.release(self.permit, sent_at=sent_at, answered_at=self.answered_at, refused=self.refused)
