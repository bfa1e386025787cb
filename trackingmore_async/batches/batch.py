"""One batch: send it, read each item's outcome, halve it when it is refused whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import anyio
import attrs

from trackingmore_async.answers import Verdict, read_answer, read_refusal
from trackingmore_async.calls import Caller, decoded
from trackingmore_async.codec import Wire, encode_batch, encode_item
from trackingmore_async.errors import (
    ApiError,
    ClientStateError,
    DeadlineExceededError,
    DecodeError,
    TrackingMoreError,
)
from trackingmore_async.models import BatchAnswer
from trackingmore_async.operations import CREATE_MANY, DELETE_MANY, Operation
from trackingmore_async.transport import Budget, Reply, Trail

from .entry import Entry, give_up, halves

__all__ = ["IN_VAIN", "Batches", "Watch", "WithdrawnError"]

HALVED = frozenset({4012, 4013, 4014, 4015, 4016, 4017, 4033})  # DESIGN.md rule 8: one bad item sinks nobody
DONE_BEFORE: Mapping[Operation, int] = {CREATE_MANY: 4016, DELETE_MANY: 4017}
"""How a second sending is refused when the first one was carried out, its answer lost."""
IN_VAIN = 2  # times running that both halves were refused for one reason; then single items follow


def _nothing() -> None:
    """Take no note of a slot that was granted."""


class WithdrawnError(TrackingMoreError):
    """Nothing is to be sent any more: the slot for which this request waited is handed back."""


class Watch(Protocol):
    """Hears how requests end, and says when nothing more is to be sent."""

    @property
    def reason(self) -> TrackingMoreError | None:
        """Why nothing more is to be sent; None: go on."""
        ...

    def observe(self, entries: Sequence[Entry], error: TrackingMoreError | None) -> None:
        """Hear of one batch: None, or the error that concerned all of it."""
        ...


@attrs.define
class Batches:
    """Sends batches of one operation and leaves a verdict, or a doubt, on each of their entries.

    Args:
        caller: Where the calls go.
        operation: The row of the table.
        budget: The time that everything has.
        watch: Says when to stop; asked when a batch gets its slot.
        requests: How many requests were sent.
        refused: How many of them were answered by a 429.
        new_trail: Makes the trail of another request.
    """

    caller: Caller
    operation: Operation
    budget: Budget
    watch: Watch
    requests: int = 0
    refused: int = 0
    new_trail: Callable[..., Trail] = Trail
    # One at a time: where everything is refused, twenty batches would each be taken apart before that is known.
    _halving: anyio.Lock = attrs.field(factory=anyio.Lock)

    async def deliver(self, entries: Sequence[Entry], granted: Callable[[], None] = _nothing) -> None:
        """Send up to 40 entries, in pieces where they are refused together.

        Args:
            entries: No number twice among them, for answers may name the number only (DESIGN.md rule 6).
            granted: Called when the first request got its slot.
        """
        error = await self._attempt(entries, granted)
        if error is None or len(entries) == 1 or not _is_halved(error):
            return
        entries = self._set_aside(entries, error)
        if entries:
            async with self._halving:
                await self._halve(entries, in_vain=0)

    def _set_aside(self, entries: Sequence[Entry], error: TrackingMoreError) -> Sequence[Entry]:
        """Leave open what was probably refused because we had done it before; return the others."""
        if error.code != DONE_BEFORE.get(self.operation):
            return entries
        for entry in entries:
            if entry.in_doubt:
                entry.leave_open(error, answered=True)
        return [entry for entry in entries if not entry.in_doubt]

    async def _attempt(
        self, entries: Sequence[Entry], granted: Callable[[], None] = _nothing
    ) -> TrackingMoreError | None:
        """Send entries together; return the error that concerned all of them, if any."""
        trail = self.new_trail()
        error: TrackingMoreError | None = None
        try:
            answer = await self._ask(entries, granted, trail)
        except WithdrawnError as withdrawn:
            trail.attempts -= 1  # the last one took a slot, and sent nothing
            self._note(entries, trail)
            give_up(entries, self.watch.reason or withdrawn)
            return None
        except TrackingMoreError as failure:
            self._note(entries, trail)
            if _is_unreadable(failure):
                self._leave_open(entries, failure)
            else:
                error = failure
                self._fail(entries, error)
        else:
            self._note(entries, trail)
            self._read(entries, answer)
        self.watch.observe(entries, error)
        return error

    async def _ask(self, entries: Sequence[Entry], granted: Callable[[], None], trail: Trail) -> BatchAnswer:
        """Send entries and decode the answer, while the call is not over yet."""
        with self.caller.transport.call(self.operation, self.budget.lane, trail):
            reply = await self._send(entries, granted, trail)
            answer: BatchAnswer = decoded(self.operation, reply, trail)
            return answer

    async def _send(self, entries: Sequence[Entry], granted: Callable[[], None], trail: Trail) -> Reply:
        wires: list[Wire] = []

        def build() -> Wire:
            reason = self.watch.reason
            if reason is not None:
                raise WithdrawnError(reason.message)
            granted()
            if not wires:
                wires.append(self._encode(entries))
                self._tell(entries, trail)
            return wires[0]

        try:
            return await self.caller.transport.send(self.operation, build, self.budget, trail)
        finally:
            self._forget(entries)

    def _forget(self, entries: Sequence[Entry]) -> None:
        """Forget what was read before these were written, or may have been."""
        now = anyio.current_time()
        for entry in entries:
            self.caller.memory.forget(entry.item.carrier_code, entry.item.tracking_number, now)

    def _tell(self, entries: Sequence[Entry], trail: Trail) -> None:
        shares = [call for entry in entries for call in entry.calls]
        self.caller.transport.tell_batch(self.operation, trail, len(entries), self.operation.batch_size, shares)

    def _encode(self, entries: Sequence[Entry]) -> Wire:
        """Encode late: until its slot comes, a later edit of the same tracking may be folded into an entry."""
        for entry in entries:
            entry.is_open = False
            if self.operation is CREATE_MANY and entry.creation is None:
                entry.creation = self.caller.creations.begin(entry.item.carrier_code, entry.item.tracking_number)
            if entry.payload is None:
                entry.payload = encode_item(self.operation, entry.item)
        return encode_batch(self.operation, [entry.payload or b"" for entry in entries])

    def _note(self, entries: Sequence[Entry], trail: Trail) -> None:
        self.requests += trail.attempts
        self.refused += trail.bans
        if trail.attempts and any(entry.in_doubt for entry in entries):
            self.caller.transport.counters.replayed(self.operation.bucket)
        timing = trail.timing()
        for entry in entries:
            entry.note(trail, timing)

    def _leave_open(self, entries: Sequence[Entry], error: TrackingMoreError) -> None:
        for entry in entries:
            entry.leave_open(error, answered=True)

    def _read(self, entries: Sequence[Entry], answer: BatchAnswer) -> None:
        items, in_doubt = [entry.item for entry in entries], [entry.in_doubt for entry in entries]
        verdicts = read_answer(self.operation, items, answer, in_doubt=in_doubt)
        for entry, verdict in zip(entries, verdicts, strict=True):
            self._conclude(entry, verdict)

    def _conclude(self, entry: Entry, verdict: Verdict | None) -> None:
        if verdict is None or verdict.state == "unknown":
            doubt = None if verdict is None else verdict.error
            entry.leave_open(doubt or _unclear(self.operation), answered=True)
        else:
            entry.close(verdict)

    def _fail(self, entries: Sequence[Entry], error: TrackingMoreError) -> None:
        if isinstance(error, ApiError) and error.code is not None and _is_halved(error):
            if len(entries) == 1:
                verdict = read_refusal(self.operation, error.code, in_doubt=entries[0].in_doubt)
                self._conclude(entries[0], verdict)
            return
        unsent = isinstance(error, DeadlineExceededError | ClientStateError)
        for entry in entries:
            if entry.in_doubt:
                entry.leave_open(error, answered=False)
            else:
                entry.close(Verdict("not_attempted" if unsent else "failed", error=error))

    async def _halve(self, entries: Sequence[Entry], *, in_vain: int) -> None:
        """Send a refused batch in two halves, and each refused half again; or item by item, where that is in vain."""
        refused: list[Sequence[Entry]] = []
        codes = set[int | None]()
        for piece in _singles(entries) if in_vain >= IN_VAIN else halves(entries):
            if self.watch.reason is not None:
                give_up(piece, self.watch.reason)
                continue
            error = await self._attempt(piece)
            if error is not None and _is_halved(error):
                refused.append(piece)
                codes.add(error.code)
        again = in_vain + 1 if len(refused) > 1 and len(codes) == 1 else 0
        for piece in refused:
            if len(piece) > 1:
                await self._halve(piece, in_vain=again)


def _is_halved(error: TrackingMoreError | None) -> bool:
    return isinstance(error, ApiError) and error.code in HALVED


def _is_unreadable(error: TrackingMoreError) -> bool:
    """Tell whether the envelope says that it was done, but cannot be read any further."""
    return isinstance(error, DecodeError) and error.code is not None


def _singles(entries: Sequence[Entry]) -> list[Sequence[Entry]]:
    return [[entry] for entry in entries]


def _unclear(operation: Operation) -> DecodeError:
    return DecodeError(
        "The answer to the batch did not say what became of this item. Read the tracking before sending it again.",
        operation=operation.name,
        code=200,
    )
