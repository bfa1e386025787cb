"""Carries one request to the server and brings the answer back: headers, time limit, errors of the HTTP client."""

from __future__ import annotations

import anyio
import attrs

from trackingmore_async.codec import Wire
from trackingmore_async.errors import DeadlineExceededError, TrackingMoreError, TransportError
from trackingmore_async.operations import Operation
from trackingmore_async.settings import ApiKey
from trackingmore_async.transport.budget import Budget, clock
from trackingmore_async.transport.exchange import Exchange
from trackingmore_async.transport.http import Answer, HttpClient, explain, http_errors, receive, sent_advice

__all__ = ["Courier"]

CLOCKS = 0.001  # seconds by which two timers for the same moment may differ


@attrs.frozen
class Courier:
    """Sends what others made, with the key.

    Args:
        base_url: The address, without a slash at its end.
        key: The API key.
        user_agent: How this library introduces itself.
    """

    base_url: str
    key: ApiKey
    user_agent: str

    async def carry(
        self, client: HttpClient, operation: Operation, wire: Wire, budget: Budget, exchange: Exchange
    ) -> Answer:
        """Send one request, and wait for its answer as long as there is time.

        Args:
            client: Through which it goes.
            operation: The row of the table.
            wire: The bytes.
            budget: The time it has.
            exchange: Follows it.

        Raises:
            TrackingMoreError: no complete answer came.
        """
        seconds = budget.time_for_attempt()
        if seconds <= 0:
            raise DeadlineExceededError("The deadline passed before the request could leave. Allow more time.")
        failure: TrackingMoreError | None = None
        with anyio.move_on_after(seconds):
            try:
                request = client.build_request(
                    operation.method,
                    self.base_url + wire.path,
                    headers=self._headers(wire),
                    content=wire.content,
                    timeout=seconds,
                    extensions={"trace": exchange.trace},
                )
                exchange.begin()
                return await receive(client, request, exchange)
            except http_errors() as error:
                failure = explain(error, exchange, client, operation, seconds)
            finally:
                exchange.end()
        # Raised out here, so that no error of httpx, whose request holds the key, hangs on ours.
        if failure is None or (exchange.gave_up and _is_over(budget)):  # httpx may look at the clock first
            exchange.gave_up = True
            failure = _late(budget, exchange, sent_advice(exchange.sent, operation), seconds)
        raise failure

    def _headers(self, wire: Wire) -> dict[str, str]:
        return {
            "Trackingmore-Api-Key": self.key.reveal(),
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": self.user_agent,
            **dict(wire.headers),
        }


def _is_over(budget: Budget) -> bool:
    return budget.ends_at is not None and clock() >= budget.ends_at - CLOCKS


def _late(budget: Budget, exchange: Exchange, advice: str, seconds: float) -> TrackingMoreError:
    if _is_over(budget):
        return DeadlineExceededError(f"The deadline passed before an answer came. {advice}", sent=exchange.sent)
    return TransportError(f"No complete answer within {seconds:g} s. {advice}", sent=exchange.sent)
