"""What is remembered of a tracking that was handed out: digests, nothing of the customer's (DESIGN.md rule 14)."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

import attrs

from trackingmore_async.codec import dumps
from trackingmore_async.models import Tracking

__all__ = ["Note", "take_note"]


@attrs.frozen
class Note:
    """A tracking as it was read, and what tells it from others and from itself with another content.

    Args:
        tracking: The tracking.
        mark: Unix seconds of its creation or its last refresh, whichever is later: a window that begins before shows
            it. As both belong to the content, a tracking with another mark is another content.
        name: A digest of what identifies it.
        content: A digest of all that the server told of it.
    """

    tracking: Tracking
    mark: int
    name: str
    content: bytes

    @property
    def key(self) -> str:
        """Where the content is remembered; keys sort by time."""
        return f"{self.mark:012d}/{self.name}"


def take_note(tracking: Tracking, salt: bytes) -> Note:
    """Take down a tracking.

    Args:
        tracking: The tracking. Its counters of days are frozen at the refresh (API.md 2), so that reading alone
            changes nothing in it.
        salt: What makes the digests useless to those who guess.
    """
    identity = tracking.id or f"{tracking.carrier_code}\n{tracking.tracking_number}"
    name = blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=12, key=salt).hexdigest()
    content = blake2b(dumps(tracking), digest_size=16, key=salt).digest()
    mark = max(_seconds(tracking.created_at), _seconds(tracking.updated_at))
    return Note(tracking, mark, name, content)


def _seconds(moment: datetime | None) -> int:
    return 0 if moment is None else max(0, int(moment.timestamp()))
