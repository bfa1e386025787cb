"""One batch: send it, read each item's outcome, halve it when it is refused whole, settle what is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from trackingmore_async.answers import Item, Verdict, number_key, read_answer, read_back
from trackingmore_async.calls import Caller
from trackingmore_async.codec import Wire, decode, decode_tracking, encode
from trackingmore_async.errors import (
    ApiError,
    ClientStateError,
    DeadlineExceededError,
    DecodeError,
    NotFoundError,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.models import BatchAnswer, Page, Tracking, TrackingFilter
from trackingmore_async.operations import LIST, MAX_PAGE_SIZE, Operation
from trackingmore_async.retry import is_transient
from trackingmore_async.transport import Budget, Reply, Trail

__all__ = ["Batches", "Entry"]

HALVED = frozenset({4012, 4013, 4014, 4015, 4016, 4017, 4033})  # DESIGN.md rule 8: one bad item sinks nobody
NOTHING_FOUND = frozenset({4017, 4031})  # the list's ways to say "none" (API.md 3.6)


class WithdrawnError(TrackingMoreError):
    """The job stopped while this batch waited for its slot; nothing was sent."""


@attrs.define(eq=False)
class Entry:
    """One item on its way.

    Args:
        index: Its place in the input.
        item: The item.
        attempts: In how many requests it took part.
        verdict: What is known of it; None: nothing yet.
    """

    index: int
    item: Item
    attempts: int = 0
    verdict: Verdict | None = None


@attrs.define
class Batches:
    """Sends batches of one operation and leaves a verdict on each of their entries.

    Args:
        caller: Where the calls go.
        operation: The row of the table.
        budget: The time that everything has.
        stop_reason: Returns why nothing more is to be sent, or None; asked when a batch gets its slot.
        requests: How many requests were sent.
    """

    caller: Caller
    operation: Operation
    budget: Budget
    stop_reason: Callable[[], TrackingMoreError | None]
    requests: int = 0

    async def deliver(self, entries: Sequence[Entry], granted: Callable[[], None]) -> TrackingMoreError | None:
        """Send up to 40 entries and settle each; return the error that concerned all of them, if any.

        Args:
            entries: No number twice among them, for answers may name the number only.
            granted: Called when the first request got its slot.
        """
        trail = Trail()
        try:
            reply = await self._send(entries, granted, trail)
        except WithdrawnError as withdrawn:
            trail.attempts -= 1  # the last one took a slot, and sent nothing
            self._count(entries, trail)
            reason = self.stop_reason() or withdrawn
            if trail.in_doubt:
                await self._settle(entries, trail, reason)
            else:
                mark(entries, Verdict("not_attempted", error=reason))
            return None
        except TrackingMoreError as error:
            self._count(entries, trail)
            return await self._refused_whole(entries, error, trail, granted)
        self._count(entries, trail)
        try:
            answer: BatchAnswer = decode(self.operation, reply.envelope.data)
        except DecodeError as error:
            await self._settle(entries, trail, error)
            return None
        verdicts = read_answer(self.operation, [entry.item for entry in entries], answer, in_doubt=trail.in_doubt)
        for entry, verdict in zip(entries, verdicts, strict=True):
            entry.verdict = verdict
        await self._settle([entry for entry in entries if entry.verdict is None], trail, _unclear(self.operation))
        return None

    async def _send(self, entries: Sequence[Entry], granted: Callable[[], None], trail: Trail) -> Reply:
        wire = encode(self.operation, [entry.item for entry in entries])

        def build() -> Wire:
            reason = self.stop_reason()
            if reason is not None:
                raise WithdrawnError(reason.message)
            granted()
            return wire

        return await self.caller.transport.send(self.operation, build, self.budget, trail)

    def _count(self, entries: Sequence[Entry], trail: Trail) -> None:
        self.requests += trail.attempts
        for entry in entries:
            entry.attempts += trail.attempts

    async def _refused_whole(
        self, entries: Sequence[Entry], error: TrackingMoreError, trail: Trail, granted: Callable[[], None]
    ) -> TrackingMoreError | None:
        if trail.in_doubt:
            await self._settle(entries, trail, error)
        elif isinstance(error, ApiError) and error.code in HALVED and len(entries) > 1:
            return await self._halve(entries, granted)
        else:
            unsent = isinstance(error, DeadlineExceededError | ClientStateError)
            mark(entries, Verdict("not_attempted" if unsent else "failed", error=error))
        return error

    async def _halve(self, entries: Sequence[Entry], granted: Callable[[], None]) -> TrackingMoreError | None:
        middle = len(entries) // 2
        for half in (entries[:middle], entries[middle:]):
            error = await self.deliver(half, granted)
            if error is None or is_transient(error):
                continue  # trouble of the moment with one half is no reason to leave the other unattempted
            if not (isinstance(error, ApiError) and error.code in HALVED):
                mark([entry for entry in entries if entry.verdict is None], Verdict("not_attempted", error=error))
                return error
        return None

    async def _settle(self, entries: Sequence[Entry], trail: Trail, error: TrackingMoreError) -> None:
        """Read back what is in doubt, and send once more the edits that cannot be told apart (rules 4-7)."""
        if not entries:
            return
        sent_at = None if trail.first_sent_at is None else self.caller.transport.server_time(trail.first_sent_at)
        try:
            found = await self._read_back(entries)
        except TrackingMoreError as failure:
            mark(entries, Verdict("unknown", error=_unknown(self.operation, error, failure)))
            return
        for entry in entries:
            tracking = found.get(_key(entry.item))
            entry.verdict = read_back(
                self.operation, tracking, sent_at=sent_at, may_still_run=trail.may_still_run, error=error
            )
        await self._send_once_more([entry for entry in entries if entry.verdict is None], error)

    async def _read_back(self, entries: Sequence[Entry]) -> dict[tuple[str, str], Tracking]:
        numbers = [entry.item.tracking_number for entry in entries]
        wire = encode(LIST, TrackingFilter(numbers=numbers, limit=MAX_PAGE_SIZE))
        trail = Trail()
        budget = attrs.evolve(self.budget, timeout=LIST.timeout)
        try:
            reply = await self.caller.transport.send(LIST, lambda: wire, budget, trail)
        except NotFoundError as error:
            if error.code in NOTHING_FOUND:
                return {}
            raise
        finally:
            self.requests += trail.attempts
        page: Page = decode(LIST, reply.envelope.data)
        if page.total > len(page.items):
            raise DecodeError("The server holds more trackings of these numbers than fit in one page.")
        return {_key(tracking): tracking for tracking in map(decode_tracking, page.items)}

    async def _send_once_more(self, entries: Sequence[Entry], error: TrackingMoreError) -> None:
        if not entries:
            return
        trail = Trail()
        verdicts: list[Verdict | None] = [None] * len(entries)
        try:
            reply = await self._send(entries, _nothing, trail)
            answer: BatchAnswer = decode(self.operation, reply.envelope.data)
            verdicts = read_answer(self.operation, [entry.item for entry in entries], answer, in_doubt=True)
        except TrackingMoreError as failure:
            error = failure
        finally:
            self._count(entries, trail)
        for entry, verdict in zip(entries, verdicts, strict=True):
            entry.verdict = verdict or Verdict("unknown", error=_unknown(self.operation, error))


def mark(entries: Sequence[Entry], verdict: Verdict) -> None:
    """Leave the same verdict on all entries."""
    for entry in entries:
        entry.verdict = verdict


def _key(item: Item | Tracking) -> tuple[str, str]:
    return number_key(item.carrier_code), number_key(item.tracking_number)


def _nothing() -> None:
    """Take no note of a slot that was granted."""


def _unclear(operation: Operation) -> DecodeError:
    return DecodeError(
        "The answer to the batch did not say what became of this item. Read the tracking before sending it again.",
        operation=operation.name,
        code=200,
    )


def _unknown(operation: Operation, *errors: TrackingMoreError) -> TransportError:
    reasons = " ".join(error.message for error in errors)
    return TransportError(
        f"It may or may not have been carried out, and reading back did not tell. Read the tracking again. {reasons}",
        sent=True,
        operation=operation.name,
    )
