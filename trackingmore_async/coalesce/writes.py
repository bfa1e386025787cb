"""Single edits, deletions and creates that share batch requests."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trackingmore_async.answers import Verdict
from trackingmore_async.batches import Batches, Entry, Settling, chunks, fold, unfold
from trackingmore_async.calls import Caller
from trackingmore_async.codec import encode_item
from trackingmore_async.errors import ClientStateError, TrackingMoreError
from trackingmore_async.models import NewTracking, TrackingEcho, TrackingRef, TrackingUpdate, timed
from trackingmore_async.operations import CREATE_MANY, DELETE_MANY, UPDATE_MANY, Operation

from .line import Line
from .request import SharedRequest
from .sharing import Sharing, own
from .waiter import Waiter

__all__ = ["Writes"]

NOBODY = "Nobody waits for this any more."


@attrs.define(eq=False)
class Writes:
    """Single writes that travel in the batch requests, each with its own result or its own error.

    Edits of one tracking that wait together are merged field by field, later values win. Writes of one number go
    one after another else: answers may name the number only (DESIGN.md rules 5, 6).

    Args:
        caller: Where the requests go; its options are not used.
    """

    caller: Caller
    _sharings: dict[tuple[str, float], Sharing] = attrs.field(factory=dict[tuple[str, float], Sharing], init=False)

    async def create(self, caller: Caller, item: NewTracking) -> TrackingEcho:
        """Create one tracking in a request that others share."""
        return await self._write(caller, CREATE_MANY, item)

    async def update(self, caller: Caller, item: TrackingUpdate) -> TrackingEcho:
        """Edit one tracking in a request that others share."""
        return await self._write(caller, UPDATE_MANY, item)

    async def delete(self, caller: Caller, item: TrackingRef) -> None:
        """Delete one tracking in a request that others share."""
        await self._write(caller, DELETE_MANY, item)

    async def aclose(self) -> None:
        """Wait until all that was under way has ended; the transport is closed."""
        for sharing in list(self._sharings.values()):
            await sharing.aclose()
