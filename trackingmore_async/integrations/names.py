"""What spans and metrics call things: the names of OpenTelemetry's semantic conventions where there is one."""

from __future__ import annotations

from typing import Final

from trackingmore_async.batches import WithdrawnError

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
    "PORT",
    "RESENDS",
    "SERVER",
    "STATUS",
    "TEMPLATE",
    "WITHDRAWN",
]

ERROR_TYPE: Final = "error.type"
METHOD: Final = "http.request.method"
RESENDS: Final = "http.request.resend_count"
SERVER: Final = "server.address"
PORT: Final = "server.port"
STATUS: Final = "http.response.status_code"
TEMPLATE: Final = "url.template"

OPERATION: Final = "trackingmore.operation"
LANE: Final = "trackingmore.lane"
CODE: Final = "trackingmore.code"
ITEMS: Final = "trackingmore.batch.items"
CAPACITY: Final = "trackingmore.batch.capacity"
FROM_MEMORY: Final = "trackingmore.from_memory"

WITHDRAWN: Final = WithdrawnError.__name__
"""The error of a request that was not sent after all: when its turn came, nobody waited for it any more."""

CALLED_OFF: Final = frozenset({"CancelledError", WITHDRAWN})
"""The errors of calls that nobody waits for any more: no failures of anybody."""
