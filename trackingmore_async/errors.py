"""Every error that the library raises, by cause.

TrackingMoreError
├── ConfigurationError       an argument or environment variable that cannot work (also a ValueError)
├── ClientStateError         the client was used before opening, after closing, or on another event loop
├── JournalError             a journal cannot be read or written, or belongs to something else
├── BulkError                a job with ``on_error="raise"`` met a failure (``report``)
├── DeadlineExceededError    the deadline or max_wait is, or would be, passed (``projected_wait``, ``retry_after``)
├── TransportError           no usable answer came: connection, timeout (``sent``: did the request leave?)
├── DecodeError              an answer came that is not what the API promises (``path``)
└── ApiError                 the server answered, and said no
    ├── AuthenticationError      the key is wrong, missing or deleted        401 4001 4002
    ├── PermissionDeniedError    the account may not do this                 403 4018
    ├── QuotaExceededError       balance, quota or trial is used up          402 4019 4021
    ├── InvalidRequestError      the request cannot be understood            405 4012-4015 4020 4033
    ├── NotFoundError            there is no such tracking or resource       404 4017 4031 4032
    ├── AlreadyExistsError       the tracking exists already                 409 4016
    ├── RateLimitedError         too fast, three times running               429
    └── ServerError              the server failed                           5xx

Each error says in its text what to do next, carries ``operation``, ``code``, ``http_status``, ``attempts`` and
``timing``, pickles, and holds neither the API key nor anybody's personal data; but the report of a `BulkError` holds
the items that failed, as they were passed, and they are pickled with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .timing import Timing

__all__ = [
    "AlreadyExistsError",
    "ApiError",
    "AuthenticationError",
    "BulkError",
    "ClientStateError",
    "ConfigurationError",
    "DeadlineExceededError",
    "DecodeError",
    "InvalidRequestError",
    "JournalError",
    "NotFoundError",
    "PermissionDeniedError",
    "QuotaExceededError",
    "RateLimitedError",
    "ServerError",
    "TrackingMoreError",
    "TransportError",
]


class TrackingMoreError(Exception):
    """The root of all errors of this library.

    Args:
        message: What happened and what to do next, in one or two sentences.
        operation: The name of the operation (its row in the table of operations), when there is one.
        code: ``meta.code`` of the answer, when there was an envelope.
        http_status: The HTTP status of the answer, when there was an answer.
        attempts: How many requests were sent for this call.

    Its ``timing`` says where the time of the call went; None when no call was made.

    Example:
        >>> error = TrackingMoreError("Nothing works; go home.", operation="get")
        >>> error.operation
        'get'
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        code: int | None = None,
        http_status: int | None = None,
        attempts: int = 0,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.code = code
        self.http_status = http_status
        self.attempts = attempts
        self.timing: Timing | None = None

    @property
    def message(self) -> str:
        """The text of the error, without the details that `str()` adds."""
        return str(self.args[0])

    def __str__(self) -> str:
        details = {
            "operation": self.operation,
            "meta.code": self.code,
            "HTTP status": self.http_status,
            "attempts": self.attempts or None,
        }
        shown = ", ".join(f"{name} {value}" for name, value in details.items() if value is not None)
        return f"{self.message} [{shown}]" if shown else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, dict(self.__dict__)))


def _whole_seconds(seconds: float | None) -> int | None:
    """Round up, to at least 1; None for what no header can say."""
    return None if seconds is None or not math.isfinite(seconds) else max(1, math.ceil(seconds))


def _rebuild(kind: type[TrackingMoreError], message: str, state: dict[str, Any]) -> TrackingMoreError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class ConfigurationError(TrackingMoreError, ValueError):
    """An argument or an environment variable cannot work; nothing was sent."""


class ClientStateError(TrackingMoreError):
    """The client was used before it was opened, after it was closed, or on another event loop."""


class JournalError(TrackingMoreError):
    """A journal cannot be read or written: locked, damaged, full, of another job or program. It is left as it is."""


class BulkError(TrackingMoreError):
    """A job that was told ``on_error="raise"`` met a failure; the first one is its cause.

    Args:
        message: What happened and what to do next.
        report: The `BulkReport` of the job.
        **details: See `TrackingMoreError`.
    """

    def __init__(self, message: str, *, report: Any = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.report = report


class DeadlineExceededError(TrackingMoreError):
    """The call cannot be finished in the time it was given, or was not.

    A deadline has to cover the usual time of the answer, too; `projected_wait` and `retry_after` are about the slot
    alone, for whoever comes again then has all of a new deadline for the answer.

    Args:
        message: What happened and what to do next.
        projected_wait: Seconds until a slot for this request was expected, when that, or the answer after it, would be
            too late; 0.0 when the slot is free and only the answer would be.
        sent: False: no request left this process, nothing changed on the server. True or None: it may have.
        **details: See `TrackingMoreError`.

    Example:
        >>> DeadlineExceededError("No slot in time.", projected_wait=120.4).retry_after
        121
    """

    def __init__(
        self, message: str, *, projected_wait: float | None = None, sent: bool | None = False, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.projected_wait = projected_wait
        self.sent = sent

    @property
    def retry_after(self) -> int | None:
        """Whole seconds, at least 1, after which a new call may have its slot; None when that is not the reason.

        It is what a web handler answers as ``Retry-After`` with a 503.
        """
        return _whole_seconds(self.projected_wait)


class TransportError(TrackingMoreError):
    """No usable answer came back: the connection failed or timed out.

    Args:
        message: What happened and what to do next.
        sent: False: the request certainly did not leave, nothing changed on the server.
            True: it left, and may have been carried out. None: unknown, treat it as True.
        **details: See `TrackingMoreError`.
    """

    def __init__(self, message: str, *, sent: bool | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.sent = sent


class DecodeError(TrackingMoreError):
    """The server answered something that is not what the API promises.

    Args:
        message: What was found instead; never the content of a JSON body.
        path: Where in the body, for example ``$.data.items[3].created_at``, when known.
        **details: See `TrackingMoreError`.
    """

    def __init__(self, message: str, *, path: str | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.path = path


class ApiError(TrackingMoreError):
    """The server answered, and refused or failed. Catch the subclasses for the cause."""


class AuthenticationError(ApiError):
    """The API key is wrong, missing or deleted."""


class PermissionDeniedError(ApiError):
    """The account is not allowed to do this, or the feature has to be activated."""


class QuotaExceededError(ApiError):
    """The balance, the quota or the trial of the account is used up."""


class InvalidRequestError(ApiError):
    """The request cannot be what the caller meant: refused here before sending (``code`` None), or by the server."""


class NotFoundError(ApiError):
    """There is no such tracking, or no such resource."""


class AlreadyExistsError(ApiError):
    """The tracking exists already."""


class RateLimitedError(ApiError):
    """The server said "too fast" three times running, or asked for a pause longer than is acceptable.

    Args:
        message: What happened and what to do next.
        retry_after: Seconds for which the account must stay silent, when known; the attribute holds whole ones,
            rounded up, at least 1, as a ``Retry-After`` header has them.
        **details: See `TrackingMoreError`.

    Example:
        >>> RateLimitedError("The server has banned 3 times running.", retry_after=120.0).retry_after
        120
    """

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after: int | None = _whole_seconds(retry_after)


class ServerError(ApiError):
    """The server failed; nothing is wrong with the request."""


# API.md section 6, in our words: code -> (cause, what happened and what to do next).
CODES: Mapping[int, tuple[type[ApiError], str]] = {
    401: (AuthenticationError, "The server did not accept the API key. Check TRACKINGMORE_API_KEY or api_key=."),
    4001: (AuthenticationError, "The API key is invalid. Check TRACKINGMORE_API_KEY or api_key= against the console."),
    4002: (AuthenticationError, "The API key was deleted. Create a new one in the TrackingMore console."),
    402: (QuotaExceededError, "Payment is required. Top up the account in the TrackingMore console."),
    4019: (QuotaExceededError, "The account's balance is too low. Top it up in the TrackingMore console."),
    4021: (QuotaExceededError, "The quota is used up or the trial is over. Buy quota in the TrackingMore console."),
    403: (PermissionDeniedError, "The account may not do this. Ask TrackingMore's support to allow it."),
    4018: (PermissionDeniedError, "This feature is not active. Ask TrackingMore's support to activate it."),
    4012: (InvalidRequestError, "The server did not understand the request, or misses a parameter. Check the fields."),
    4013: (InvalidRequestError, "The tracking number is missing. Pass one."),
    4014: (InvalidRequestError, "The tracking number is malformed. Correct it."),
    4015: (InvalidRequestError, "The carrier code is unknown or malformed. Look it up with carriers.list()."),
    4020: (InvalidRequestError, "Too many items for one request. Send fewer, or use the *_many methods."),
    4033: (InvalidRequestError, "The status is not one the API takes. Use a documented status word."),
    405: (InvalidRequestError, "The server does not know this HTTP method here. Check base_url."),
    404: (NotFoundError, "The server has no such resource. Check base_url, the carrier code and the number."),
    4017: (NotFoundError, "The tracking does not exist. Create it first, or check carrier code and number."),
    4031: (NotFoundError, "There is no such tracking. Create it first, or check carrier code and number."),
    4032: (NotFoundError, "No carrier was recognised for this number. Pass a carrier code yourself."),
    409: (AlreadyExistsError, "The request conflicts with what exists. Read the tracking and decide again."),
    4016: (AlreadyExistsError, "The tracking exists already. Use update to change it."),
    429: (RateLimitedError, "Too many requests. The account has to stay silent for two minutes; then try again."),
}


def error_class(code: int) -> tuple[type[ApiError], str]:
    """Return the class of error and its advice for a ``meta.code`` or an HTTP status that is not a success."""
    if code in CODES:
        return CODES[code]
    if code >= 500 and code < 600:
        return ServerError, f"The server failed with {code}. Try again later."
    return ApiError, f"The server refused with the unknown code {code}. Look it up in the vendor's documentation."
