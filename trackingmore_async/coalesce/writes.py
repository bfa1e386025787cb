"""Single edits, deletions and creates that share batch requests."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio
import attrs

from trackingmore_async.answers import Item, Verdict, number_key
from trackingmore_async.batches import Batches, Entry, Settling, chunks, fold, unfold
from trackingmore_async.calls import Caller
from trackingmore_async.codec import encode_item
from trackingmore_async.errors import InvalidRequestError, TrackingMoreError, TransportError
from trackingmore_async.models import NewTracking, TrackingEcho, TrackingRef, TrackingUpdate, timed
from trackingmore_async.operations import CREATE, CREATE_MANY, DELETE, DELETE_MANY, UPDATE, UPDATE_MANY, Operation

from .line import Line
from .request import SharedRequest
from .sharing import Sharing
from .waiter import SharedCall, Waiter, own

__all__ = ["Writes"]

SINGLES: Final[Mapping[Operation, Operation]] = {CREATE_MANY: CREATE, UPDATE_MANY: UPDATE, DELETE_MANY: DELETE}
"""Batch operation -> the single one that travels in it."""


@attrs.define(eq=False)
class Writes:
    """Single writes that travel in the batch requests, each with its own result or its own error.

    Edits of one tracking that wait together are merged field by field, later values win. Writes of one number go
    one after another else: answers may name the number only (DESIGN.md rules 5, 6).

    Args:
        caller: Where the requests go; its options are not used.
    """

    caller: Caller
    _sharings: Mapping[Operation, Sharing] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._sharings = {operation: self._make(operation) for operation in SINGLES}

    async def create(self, caller: Caller, item: NewTracking) -> TrackingEcho:
        """Create one tracking in a request that others share."""
        echo: TrackingEcho = await self._write(caller, CREATE_MANY, item)
        return echo

    async def update(self, caller: Caller, item: TrackingUpdate) -> TrackingEcho:
        """Edit one tracking in a request that others share."""
        echo: TrackingEcho = await self._write(caller, UPDATE_MANY, item)
        return echo

    async def delete(self, caller: Caller, item: TrackingRef) -> None:
        """Delete one tracking in a request that others share."""
        await self._write(caller, DELETE_MANY, item)

    async def aclose(self) -> None:
        """Wait until all that was under way has ended; the transport is closed."""
        for sharing in self._sharings.values():
            await sharing.aclose()

    async def _write(self, caller: Caller, operation: Operation, item: Item) -> Any:
        self.caller.transport.lifetime.check()
        _check(operation, item)
        transport = self.caller.transport
        waiter = Waiter.of(item, caller.budget(operation), transport.silence)
        try:
            with SharedCall(transport.herald, SINGLES[operation], waiter):
                return await self._sharings[operation].ask(waiter)
        finally:  # also for who leaves while his request is under way
            self.caller.memory.forget(*waiter.name, anyio.current_time())

    def _make(self, operation: Operation) -> Sharing:
        return Sharing(
            self.caller.transport,
            operation,
            operation.batch_size,
            Line(_name, together=operation is UPDATE_MANY),
            self._send,
            alone=True,
            advice="It may have been carried out: read back before sending it again.",
        )

    async def _send(self, sharing: Sharing, request: SharedRequest) -> None:
        """Send one batch, what was refused merged once more apart, and settle what is in doubt."""
        batch = _Batch(sharing, request)
        batches = Batches(self.caller, sharing.operation, sharing.budget(request), batch, new_trail=request.next_trail)
        await batches.deliver(batch.entries, batch.granted)
        if batch.error is not None:
            raise batch.error
        for piece in batch.pieces:
            await batches.deliver([piece])
        for chunk in chunks([entry for entry in (*batch.entries, *batch.pieces) if entry.doubt is not None]):
            await Settling(batches, chunk).settle()
            batch.answer(chunk)


def _name(waiter: Waiter) -> tuple[str, str]:
    """Return what tells trackings apart: without regard to case, for the server may know no other way."""
    carrier_code, tracking_number = waiter.name
    return number_key(carrier_code), number_key(tracking_number)


@attrs.define(eq=False)
class _Batch:
    """The entries of one shared batch, and whom they are for: each is told as soon as there is a verdict on its own.

    Args:
        sharing: Forms the batch.
        request: Whom it serves.
        entries: What is sent; the parts of each say for which waiters.
        pieces: Edits that were merged, and refused together: each is sent by itself, for one bad edit sinks no other.
        error: Why its slot was not granted.
    """

    sharing: Sharing
    request: SharedRequest
    entries: list[Entry] = attrs.field(factory=list[Entry])
    pieces: list[Entry] = attrs.field(factory=list[Entry])
    error: TrackingMoreError | None = None
    reason: None = None  # a shared batch is not given up once it was formed
    _waiters: list[Waiter] = attrs.field(factory=list[Waiter])

    def granted(self) -> None:
        """Form the batch when its slot is granted; it is the same in each further attempt."""
        if self.request.formed_at is None:
            self.sharing.form(self.request)
            self.entries += map(self._entry, self.request.groups)

    def observe(self, entries: Sequence[Entry], error: TrackingMoreError | None) -> None:
        """Hear how a request ended."""
        if not entries:
            self.error = error
        for entry in entries:
            self.pieces += map(self._with_calls, unfold(entry))
        self.answer(entries)

    def answer(self, entries: Sequence[Entry]) -> None:
        """Tell those their result whose entry has its verdict."""
        for entry in entries:
            if entry.verdict is not None:
                for waiter in self._waiters_of(entry):
                    waiter.settle(_result(waiter, entry.verdict))

    def _entry(self, group: Sequence[Waiter]) -> Entry:
        first, *others = [self._entry_of(waiter) for waiter in group if waiter.is_waiting]
        for other in others:
            fold(first, other)
        return self._with_calls(first)

    def _entry_of(self, waiter: Waiter) -> Entry:
        self._waiters.append(waiter)
        return Entry.of(len(self._waiters) - 1, waiter.item)

    def _with_calls(self, entry: Entry) -> Entry:
        entry.calls = [waiter.call for waiter in self._waiters_of(entry) if waiter.call]
        return entry

    def _waiters_of(self, entry: Entry) -> list[Waiter]:
        return [self._waiters[part.index] for part in entry.parts]


def _result(waiter: Waiter, verdict: Verdict) -> TrackingEcho | TrackingMoreError | None:
    """Return what a single call returns, or raises. An edit all of whose fields later ones replaced was done, too."""
    if verdict.state == "succeeded":
        if isinstance(waiter.item, TrackingRef):
            return None
        echo = verdict.tracking or TrackingEcho(*waiter.name)
        return timed(copy.copy(echo), waiter.timing())
    return own(verdict.error or TransportError("Nobody knows what became of this. Read it back.", sent=True))


def _check(operation: Operation, item: Item) -> None:
    """Refuse what cannot be sent before it waits."""
    try:
        encode_item(operation, item)
    except InvalidRequestError as error:
        error.operation = SINGLES[operation].name
        raise
