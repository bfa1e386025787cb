"""The last words of a failed call: what came instead of an answer, and what is still in doubt."""

from __future__ import annotations

from trackingmore_async.errors import (
    ApiError,
    DeadlineExceededError,
    DecodeError,
    RateLimitedError,
    ServerError,
    TrackingMoreError,
    TransportError,
    error_class,
)
from trackingmore_async.operations import Operation, Safety
from trackingmore_async.settings import ApiKey
from trackingmore_async.transport.budget import Trail
from trackingmore_async.transport.excerpt import describe_body
from trackingmore_async.transport.http import Answer

__all__ = ["not_an_envelope", "tell_the_whole"]

IN_DOUBT = "A request of this call was sent and may have been carried out: read back before sending it again."


def not_an_envelope(answer: Answer, key: ApiKey) -> TrackingMoreError:
    """Return the error for an answer without ``meta.code``, by its HTTP status (API.md 1.3)."""
    if 300 <= answer.status < 400:
        text = f"The server redirects with HTTP {answer.status} instead of answering. Check base_url."
        return DecodeError(text, http_status=answer.status)
    found = describe_body(answer.body, key.reveal())
    if answer.status >= 400:
        kind, text = error_class(answer.status)
        return kind(f"{text} The answer was {found}.", http_status=answer.status)
    text = (
        f"The answer was {found} instead of the API's envelope. Try again; if it stays so, check base_url and proxies."
    )
    return DecodeError(text, http_status=answer.status)


def tell_the_whole(error: TrackingMoreError, operation: Operation, trail: Trail) -> None:
    """Complete an error with what is known of the whole call, above all that an earlier request is in doubt."""
    error.operation, error.attempts, error.timing = operation.name, trail.attempts, trail.timing()
    certain = isinstance(error, ApiError) and not isinstance(error, ServerError | RateLimitedError)
    if not trail.in_doubt or certain:
        return
    if isinstance(error, TransportError | DeadlineExceededError):
        if error.sent is not False:
            return
        error.sent = True
    if operation.safety is not Safety.READ:
        error.args = (f"{error.message} {IN_DOUBT}",)
