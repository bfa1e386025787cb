"""What is in doubt, settled: read back by number, or sent once more where reading cannot tell (DESIGN.md rules 4-7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import attrs

from trackingmore_async.answers import TOLERANCE, Item, Verdict, number_key, read_back
from trackingmore_async.codec import decode, decode_tracking, encode
from trackingmore_async.errors import (
    AlreadyExistsError,
    ApiError,
    AuthenticationError,
    ClientStateError,
    DeadlineExceededError,
    DecodeError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.models import Page, Tracking, TrackingFilter
from trackingmore_async.operations import (
    CREATE_MANY,
    DELETE_MANY,
    LIST,
    MAX_NUMBERS,
    MAX_PAGE_SIZE,
    UPDATE_MANY,
    Operation,
)
from trackingmore_async.transport import Reply, Trail

from .batch import IN_VAIN, Batches
from .entry import Entry, halves

__all__ = ["Settling", "chunks"]

NOTHING_FOUND = frozenset({4017, 4031})  # the list's ways to say "none" (API.md 3.6)
UNREADABLE = (AuthenticationError, ClientStateError, DeadlineExceededError, RateLimitedError)
"""Why a job stopped, where reading back would fail for the same reason."""


def chunks(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Divide entries into as few groups as can be read back with one request each, no number twice in a group."""
    left = list(entries)
    while left:
        chunk: dict[str, Entry] = {}
        later: list[Entry] = []
        for entry in left:
            key = number_key(entry.item.tracking_number)
            if len(chunk) < MAX_NUMBERS and key not in chunk:
                chunk[key] = entry
            else:
                later.append(entry)
        yield list(chunk.values())
        left = later


@attrs.define
class Settling:
    """Settles one group of entries that are in doubt: afterwards each has a verdict.

    Args:
        batches: Sends, once more, what reading cannot tell.
        entries: Up to 40, no number twice.
    """

    batches: Batches
    entries: Sequence[Entry]
    _sent_again: set[Entry] = attrs.field(factory=set[Entry], init=False)

    async def settle(self) -> None:
        """Settle them: what was not done, or cannot be read, is sent once more.

        Edits whose answer was lost are sent again at once, for not all of their fields can be read.
        """
        lost = [entry for entry in self.entries if not entry.answered]
        if self.batches.operation is UPDATE_MANY and lost:
            await self._send_again(lost)
        await self._read_back(self._open())
        await self._send_again(self._open())
        await self._read_back(self._open())
        await self._divide(_unclear(self._open()), among=len(self._sent_again), in_vain=0)
        for entry in self._open():
            entry.close(Verdict("unknown", error=_unknown(self.batches.operation, entry.doubt)))

    def _open(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.doubt is not None]

    def _may_be_sent(self, entry: Entry) -> bool:
        return entry not in self._sent_again and self.batches.watch.reason is None

    async def _send_again(self, entries: Sequence[Entry]) -> None:
        """Send entries again, unless that was done or the job has stopped."""
        fresh = [entry for entry in entries if self._may_be_sent(entry)]
        self._sent_again.update(fresh)
        if fresh:
            await self.batches.deliver(fresh)

    async def _divide(self, entries: Sequence[Entry], *, among: int, in_vain: int) -> None:
        """Send in halves what an answer left open: one item of which it does not speak leaves no other in doubt.

        Args:
            entries: What was left open.
            among: How many were sent together.
            in_vain: How many times running neither half became clear.
        """
        if not entries or among < 2 or in_vain >= IN_VAIN:
            return
        left: list[tuple[Sequence[Entry], int]] = []
        for half in halves(entries) if len(entries) > 1 else [entries]:
            if self.batches.watch.reason is None:
                await self.batches.deliver(half)
                left += [(unclear, len(half))] if (unclear := _unclear(half)) else []
        for half, size in left:
            await self._divide(half, among=size, in_vain=in_vain + 1 if len(left) > 1 else 0)

    async def _read_back(self, entries: Sequence[Entry]) -> None:
        if not entries or isinstance(self.batches.watch.reason, UNREADABLE):
            return
        try:
            found = await self._find(entries)
        except TrackingMoreError as failure:
            for entry in entries:
                entry.close(Verdict("unknown", error=_unknown(self.batches.operation, entry.doubt, failure)))
            return
        for entry in entries:
            self._compare(entry, _match(entry.item, found))

    def _compare(self, entry: Entry, tracking: Tracking | None) -> None:
        """Close an entry if what stands on the server tells enough."""
        operation, doubt = self.batches.operation, _unknown(self.batches.operation, entry.doubt)
        other = tracking is not None and not _is_spelled_alike(entry.item, tracking)
        if (other or _is_undone(operation, tracking)) and self._may_be_sent(entry):
            return
        sent_at, running = self._sent_at(entry), entry.may_still_run
        if tracking is not None and other and not self._is_certain(entry, tracking, sent_at):
            return
        verdict = read_back(operation, tracking, sent_at=sent_at, may_still_run=running, error=doubt)
        if verdict is not None and verdict.state == "failed" and verdict.error is doubt:
            verdict = Verdict("failed", error=_undone(operation, entry.doubt))
        if verdict is not None and not self._is_its_own(entry, verdict, tracking):
            verdict = Verdict("unknown", error=doubt)
        if verdict is not None and verdict.state == "succeeded" and entry.changed and operation is CREATE_MANY:
            verdict = Verdict("superseded")  # what an earlier run created has other fields
        if verdict is not None:
            entry.close(verdict)

    def _is_its_own(self, entry: Entry, verdict: Verdict, tracking: Tracking | None) -> bool:
        """Tell whether what was created was not created by another call of this client."""
        if self.batches.operation is not CREATE_MANY or verdict.state != "succeeded":
            return True
        if entry.sent_by_their_clock is not None:  # a journal knows it: what an earlier run has sent is its own
            return True
        if tracking is None or tracking.created_at is None:
            return False
        name = entry.item.carrier_code, entry.item.tracking_number
        return self.batches.caller.creations.is_only(*name, entry.creation, tracking.created_at)

    def _is_certain(self, entry: Entry, tracking: Tracking, sent_at: datetime | None) -> bool:
        """Tell whether a tracking whose name differs in case says anything about an entry (API.md 12, item 18).

        It does if the server said that the entry's tracking exists; but it may be that of another item of this job.
        """
        if not isinstance(entry.doubt, AlreadyExistsError) or sent_at is None or tracking.created_at is None:
            return False
        return tracking.created_at > sent_at or tracking.created_at < sent_at - TOLERANCE

    def _sent_at(self, entry: Entry) -> datetime | None:
        if entry.sent_by_their_clock is not None or entry.first_sent_at is None:
            return entry.sent_by_their_clock
        return self.batches.caller.transport.server_time(entry.first_sent_at)

    async def _find(self, entries: Sequence[Entry]) -> list[Tracking]:
        numbers = [entry.item.tracking_number for entry in entries]
        wire = encode(LIST, TrackingFilter(numbers=numbers, limit=MAX_PAGE_SIZE))
        trail = self.batches.new_trail(is_counted=False)
        budget = attrs.evolve(self.batches.budget, timeout=LIST.timeout)
        transport = self.batches.caller.transport
        try:
            with transport.call(LIST, budget.lane, trail):
                try:
                    reply = await transport.send(LIST, lambda: wire, budget, trail)
                except NotFoundError as error:
                    if error.code in NOTHING_FOUND:
                        return []
                    raise
                return _read_all(reply, trail)
        finally:
            self.batches.requests += trail.attempts
            timing = trail.timing()
            for entry in entries:
                entry.timing += timing


def _read_all(reply: Reply, trail: Trail) -> list[Tracking]:
    with trail.decoding():
        page: Page = decode(LIST, reply.envelope.data)
        if page.total > len(page.items):
            raise DecodeError("The server holds more trackings of these numbers than fit in one page.")
        return [decode_tracking(item) for item in page.items]


def _unclear(entries: Sequence[Entry]) -> list[Entry]:
    """Return those that an answer left open."""
    return [entry for entry in entries if entry.answered and isinstance(entry.doubt, DecodeError)]


def _is_undone(operation: Operation, tracking: Tracking | None) -> bool:
    """Tell whether reading back shows that a create or a deletion was not carried out, or not yet."""
    return tracking is None if operation is CREATE_MANY else operation is DELETE_MANY and tracking is not None


def _match(item: Item, found: Sequence[Tracking]) -> Tracking | None:
    """Return what stands on the server under this name; if there is nothing, under one that differs in case only."""
    alike = [tracking for tracking in found if _key(tracking) == _key(item)]
    exact = (tracking for tracking in alike if _is_spelled_alike(item, tracking))
    return next(exact, alike[0] if alike else None)


def _is_spelled_alike(item: Item, tracking: Tracking) -> bool:
    return (item.carrier_code, item.tracking_number) == (tracking.carrier_code, tracking.tracking_number)


def _key(item: Item | Tracking) -> tuple[str, str]:
    return number_key(item.carrier_code), number_key(item.tracking_number)


def _undone(operation: Operation, doubt: TrackingMoreError | None) -> TrackingMoreError:
    if isinstance(doubt, ApiError) and not isinstance(doubt, ServerError):
        return doubt  # the server's word, and nothing speaks against it
    reason = "" if doubt is None else f" Why it was in doubt: {doubt.message}"
    return TransportError(
        f"Its answer was lost or unclear, and reading back shows that nothing was changed. Send it again.{reason}",
        sent=True,
        operation=operation.name,
    )


def _unknown(operation: Operation, *errors: TrackingMoreError | None) -> TransportError:
    reasons = " ".join(dict.fromkeys(error.message for error in errors if error is not None))
    return TransportError(
        f"It may or may not have been carried out, and reading back did not tell. Read the tracking again. {reasons}",
        sent=True,
        operation=operation.name,
    )
