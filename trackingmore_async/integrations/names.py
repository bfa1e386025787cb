"""What spans and metrics call things: the names of OpenTelemetry's semantic conventions where there is one."""

from __future__ import annotations

from typing import Final

from trackingmore_async.hooks import HookDetails

__all__ = [
    "CALLED_OFF",
    "CAPACITY",
    "CODE",
    "ERROR_TYPE",
    "FROM_MEMORY",
    "ITEMS",
    "LANE",
    "METHOD",
    "OPERATION",
    "RESENDS",
    "STATUS",
    "TEMPLATE",
    "attempt_error",
]

ERROR_TYPE: Final = "error.type"
METHOD: Final = "http.request.method"
RESENDS: Final = "http.request.resend_count"
STATUS: Final = "http.response.status_code"
TEMPLATE: Final = "url.template"

OPERATION: Final = "trackingmore.operation"
LANE: Final = "trackingmore.lane"
CODE: Final = "trackingmore.code"
ITEMS: Final = "trackingmore.batch.items"
CAPACITY: Final = "trackingmore.batch.capacity"
FROM_MEMORY: Final = "trackingmore.from_memory"

CALLED_OFF: Final = "CancelledError"
"""The error of a call that nobody waits for any more: no failure of anybody."""


def attempt_error(details: HookDetails) -> str | None:
    """Return the ``error.type`` of an attempt; a 429 is one, though no exception comes of it.

    Args:
        details: A "reply".

    Example:
        >>> attempt_error(HookDetails(event="reply", call=1, operation="get", http_status=200, code=429))
        '429'
    """
    return details.error or ("429" if 429 in (details.code, details.http_status) else None)
