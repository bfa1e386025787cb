"""The last words of a failed call: what came instead of an answer, and what is still in doubt."""

from __future__ import annotations

from trackingmore_async.errors import (
    AlreadyExistsError,
    ApiError,
    DeadlineExceededError,
    DecodeError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    ServerError,
    TrackingMoreError,
    TransportError,
    error_class,
)
from trackingmore_async.operations import CREATE, Operation, Safety
from trackingmore_async.settings import ApiKey
from trackingmore_async.transport.budget import Trail
from trackingmore_async.transport.excerpt import describe_body
from trackingmore_async.transport.http import Answer

__all__ = ["LONGEST_PAUSE", "not_an_envelope", "tell_the_whole", "too_fast"]

LONGEST_PAUSE = 900.0  # seconds; a Retry-After beyond it is an error, not a wait
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
    if not trail.in_doubt or _speaks_of_all(error, operation):
        return
    if isinstance(error, TransportError | DeadlineExceededError):
        if error.sent is not False:
            return
        error.sent = True
    if operation.safety is not Safety.READ:
        error.args = (f"{error.message} {IN_DOUBT}",)


def _speaks_of_all(error: TrackingMoreError, operation: Operation) -> bool:
    """Tell whether a refusal leaves no doubt about earlier requests of the call, or whoever made it settles that.

    What is missing now, or there, is a matter of the tracking; other refusals concern the last request alone.
    """
    if operation.safety is Safety.READ:
        return isinstance(error, ApiError) and not isinstance(error, ServerError | RateLimitedError)
    return isinstance(error, NotFoundError | AlreadyExistsError) or (
        operation is CREATE and isinstance(error, QuotaExceededError)
    )


def too_fast(bans: int, asked: float, pause: float, http_status: int) -> RateLimitedError:
    """Return the error for a ban that is not waited for.

    Args:
        bans: How many came in a row.
        asked: Seconds that the server asked for.
        pause: Seconds that are usual.
        http_status: The HTTP status of the answer.
    """
    reason = f"asks for {asked:.0f} s of silence" if asked > LONGEST_PAUSE else f"has banned {bans} times running"
    return RateLimitedError(
        f"The server {reason}. Something else uses this account too fast, or rates= is too high: "
        "find it, then try again.",
        retry_after=max(asked, pause),
        code=429,
        http_status=http_status,
    )
