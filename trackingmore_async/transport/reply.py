"""What an answer means: success, "too fast", or one of the errors."""

from __future__ import annotations

from datetime import datetime

import attrs

from trackingmore_async.codec import Envelope, open_envelope
from trackingmore_async.errors import error_class
from trackingmore_async.settings import ApiKey
from trackingmore_async.transport.exchange import Exchange
from trackingmore_async.transport.headers import read_date
from trackingmore_async.transport.http import Answer
from trackingmore_async.transport.telling import not_an_envelope

__all__ = ["Reply", "read_reply"]

SUCCESS = frozenset({200, 201, 202})  # API.md 3.1, 6


@attrs.frozen
class Reply:
    """A successful answer.

    Args:
        envelope: The opened envelope; ``data`` still raw.
        http_status: The HTTP status that it came under.
        date: The server's clock when it answered (``Date`` header), when it was sent.
    """

    envelope: Envelope
    http_status: int
    date: datetime | None


def read_reply(answer: Answer, exchange: Exchange, key: ApiKey) -> Reply | None:
    """Classify by ``meta.code`` first; by the HTTP status only where there is no envelope (API.md 1.3).

    Args:
        answer: What came.
        exchange: Takes note of status and code.
        key: The key, which no error may show.

    Returns:
        The reply; None for a 429.

    Raises:
        TrackingMoreError: the server refused or failed, or this is no answer of the API.
    """
    envelope = open_envelope(answer.body)
    exchange.http_status = answer.status
    exchange.trail.code = None if envelope is None else envelope.code
    code = answer.status if envelope is None else envelope.code
    if code == 429:
        return None
    if envelope is None:
        raise not_an_envelope(answer, key)
    exchange.date = read_date(answer.headers.get("date"))
    if code not in SUCCESS:
        kind, text = error_class(code)
        raise kind(text, code=code, http_status=answer.status)
    return Reply(envelope, answer.status, exchange.date)
