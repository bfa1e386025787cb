"""The table of ``meta.code`` and the envelope around every answer (API.md 1.2, 1.3, 6)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from trackingmore_async.sandbox.switches import Switches

__all__ = ["CODES", "NOTHING", "Answer", "describe", "envelope", "http_status"]

CODES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        200: ("Success", "Success"),
        201: ("Created", "The request was successful and a resource was created."),
        202: ("Bad Request", "The request was successful but exceeds the limit."),
        401: ("Unauthorized", "Authentication failed or has no permission."),
        402: ("Payment Required", "Payment is required."),
        403: ("Forbidden", "The request is refused."),
        404: ("Not Found", "Page does not exist."),
        405: ("Method Not Allowed", "The request method is not allowed."),
        409: ("Conflict", "The request conflicts with the present state."),
        429: ("Too Many Requests", "Too many requests; stop and wait two minutes."),
        500: ("Server error", "Server error."),
        502: ("Server error", "Bad gateway."),
        503: ("Service Unavailable", "Service is under maintenance."),
        504: ("Server error", "Gateway timeout."),
        4001: ("Unauthorized", "Invalid API key."),
        4002: ("Unauthorized", "API key has been deleted."),
        4012: ("Bad Request", "The request is not understood or a required parameter is missing."),
        4013: ("Bad Request", "Tracking_number is required."),
        4014: ("Bad Request", "The value of tracking_number is invalid."),
        4015: ("Bad Request", "The value of carrier_code is invalid."),
        4016: ("Bad Request", "Tracking already exists."),
        4017: ("Bad Request", "Tracking does not exist."),
        4018: ("Bad Request", "The feature must be activated by our support."),
        4019: ("Bad Request", "Your balance is too low."),
        4020: ("Bad Request", "Too many items; up to 200 at a time."),
        4021: ("Bad Request", "Your quota is used up or your trial is over."),
        4031: ("No Content", "The request is fine, but there is nothing to return."),
        4032: ("No Content", "The carrier cannot be detected."),
        4033: ("No Content", "The value of status is invalid."),
    }
)

NOTHING = object()
"""Stands for "no data": what is sent instead is a switch (API.md 12.2)."""


@attrs.frozen
class Answer:
    """What an operation answers before it is wrapped.

    Args:
        code: ``meta.code``.
        data: The content, or NOTHING.
        message: Another message than the table's.

    Example:
        >>> Answer(4031)
    """

    code: int = 200
    data: object = NOTHING
    message: str | None = None


def describe(code: int) -> tuple[str, str]:
    """Return type and message of a code, also of one that the table does not know.

    Args:
        code: ``meta.code``.

    Example:
        >>> describe(200)
        ('Success', 'Success')
    """
    return CODES.get(code, ("Bad Request", f"Code {code}."))


def envelope(answer: Answer, switches: Switches) -> dict[str, object]:
    """Wrap an answer into ``meta`` and ``data``.

    Args:
        answer: The answer.
        switches: Say what ``data`` is where there is nothing to say.

    Example:
        >>> envelope(Answer(4031), Switches())["data"]
        []
    """
    kind, message = describe(answer.code)
    whole: dict[str, object] = {"meta": {"code": answer.code, "type": kind, "message": answer.message or message}}
    data = _empty_data(switches.error_data) if answer.data is NOTHING else answer.data
    if data is not NOTHING:
        whole["data"] = data
    return whole


def _empty_data(kind: str) -> object:
    shapes: dict[str, object] = {"list": [], "object": {}, "null": None}
    return shapes.get(kind, NOTHING)


def http_status(code: int, switches: Switches) -> int:
    """Return the HTTP status that goes with a code (API.md 1.3).

    Args:
        code: ``meta.code``.
        switches: `Switches.http_status_of_errors` and `Switches.http_status_429` decide.

    Example:
        >>> http_status(4017, Switches())
        200
    """
    if code == 429:
        return switches.http_status_429
    if code in {404, 405} or 500 <= code < 600:
        return code if switches.real_protocol_status else 200
    if switches.http_status_of_errors == "ok" or code in {200, 201, 202, 4031, 4032}:
        return 200
    return code if code < 600 else {4001: 401, 4002: 401, 4016: 409, 4017: 404}.get(code, 400)
