"""The inside of a bulk job: forms batches, sends as many at once as are called for, settles what is in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar, cast

import anyio
import attrs

from trackingmore_async.answers import Verdict
from trackingmore_async.batches import Batches, Entry, Settling, chunks, give_up, outcomes
from trackingmore_async.calls import Caller
from trackingmore_async.codec import check
from trackingmore_async.errors import ClientStateError, InvalidRequestError, JournalError
from trackingmore_async.models import Outcome
from trackingmore_async.operations import CREATE_MANY, Operation

from .hopeless import Hopeless
from .lately import Lately
from .ledger import Ledger
from .options import OnError
from .outbox import UNTAKEN, Outbox
from .outlook import Outlook
from .progress import Progress, ProgressListener, Teller
from .queue import Queue
from .source import Source
from .tally import Tally

__all__ = ["Engine", "check_item"]

ItemT = TypeVar("ItemT")

DOUBTS = 2000  # items in doubt at most; then they are settled before the end
AHEAD = 0.1  # seconds for which batches may be ready beforehand, where many requests a second are allowed
AHEAD_AT_MOST = 20  # batches
LEAST_PATIENCE = 0.05  # seconds
STOPPED = "The job was stopped before this was sent. Run it again."


@attrs.define(eq=False)
class Engine(Generic[ItemT]):
    """Runs one job, from its source to its outbox.

    Args:
        caller: Where the requests go.
        operation: The row of the table.
        source: Where the items come from.
        on_error: What a failure does.
        ledger: The open journal, if there is one.
        listener: Hears how far the job is.
    """

    caller: Caller
    operation: Operation
    source: Source
    on_error: OnError
    listener: ProgressListener | None
    ledger: Ledger | None = None
    outbox: Outbox[ItemT] = attrs.field(factory=Outbox[ItemT], init=False)
    tally: Tally = attrs.field(factory=Tally, init=False)
    hopeless: Hopeless = attrs.field(factory=Hopeless, init=False)
    source_error: Exception | None = attrs.field(default=None, init=False)
    is_complete: bool = attrs.field(default=False, init=False)
    batches: Batches = attrs.field(init=False)
    teller: Teller = attrs.field(init=False)
    outlook: Outlook = attrs.field(init=False)
    _queue: Queue = attrs.field(factory=Queue, init=False)
    _lately: Lately = attrs.field(factory=Lately, init=False)
    _doubts: list[Entry] = attrs.field(factory=list[Entry], init=False)
    _being_settled: int = attrs.field(default=0, init=False)
    _settling: anyio.Lock = attrs.field(factory=anyio.Lock, init=False)
    _waiting: set[anyio.CancelScope] = attrs.field(factory=set[anyio.CancelScope], init=False)
    _moved: anyio.Event = attrs.field(factory=anyio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        budget = self.caller.budget(self.operation, bulk=True)
        self.batches = Batches(self.caller, self.operation, budget, self.hopeless)
        limiter = self.caller.transport.limiter
        self.outlook = Outlook(self.operation, limiter, self.source, self.batches, self.tally)
        self.teller = Teller(self.listener, self.progress)

    async def run(self) -> None:
        """Do the job."""
        try:
            await self.source.search()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.source.feed)
                while await self._send_all() or await self.reconcile():
                    pass
                await self._give_up_the_rest()
                tasks.cancel_scope.cancel()
            self.teller.tell()
            self.is_complete = True
        finally:
            self.outbox.close()

    # Sending

    async def _send_all(self) -> bool:
        """Send all that can go now; tell whether that was anything."""
        sent = False
        async with anyio.create_task_group() as senders:
            while batch := await self._next_batch():
                sent = True
                self.outbox.most = UNTAKEN + (self._ready_at_most() - 1) * self.operation.batch_size
                await self.outbox.room()
                self.outbox.under_way += len(batch)
                scope = anyio.CancelScope()
                self._waiting.add(scope)
                senders.start_soon(self._deliver, batch, scope)
                await self._until_called_for()
        return sent

    async def _until_called_for(self) -> None:
        """Wait once enough batches are ready until half are gone: those made in one go share a write to the journal."""
        most = self._ready_at_most()
        if len(self._waiting) >= most:
            while len(self._waiting) > most // 2:
                await self._moved.wait()

    def _ready_at_most(self) -> int:
        """How many batches may wait for their slots at once: one, and more where slots come in quick succession."""
        return max(1, min(AHEAD_AT_MOST, int(AHEAD / self.outlook.interval)))

    async def _deliver(self, batch: Sequence[Entry], waiting: anyio.CancelScope) -> None:
        def granted() -> None:
            self._waiting.discard(waiting)
            self._move()

        with waiting:
            try:
                if await self._intend(batch):
                    await self.batches.deliver(batch, granted)
            finally:
                granted()
        if waiting.cancelled_caught:
            give_up(batch, self.hopeless.reason or ClientStateError(STOPPED))
        self.outbox.under_way -= len(batch)
        self._heed_the_end()
        self._conclude(batch)

    async def _intend(self, batch: Sequence[Entry]) -> bool:
        if self.ledger is None:
            return True
        try:
            await self.ledger.intend(batch)
        except JournalError as error:
            self.hopeless.stop(error)
            give_up(batch, error)
            return False
        return True

    def _heed_the_end(self) -> None:
        """When the job stops, nobody waits in vain for a slot, or for the end of a pause."""
        if self.hopeless.reason is not None:
            for scope in tuple(self._waiting):
                scope.cancel()

    # Reading

    async def _next_batch(self) -> list[Entry]:
        """Return what is to be sent next; nothing when nothing can be, now or any more."""
        batch: list[Entry] = []
        until = None  # the source may pause for ever, as long as nothing waits for it
        while len(batch) < self.operation.batch_size and self.hopeless.reason is None:
            if len(self._doubts) >= DOUBTS:
                await self.reconcile()
            if until is None and (batch or self._is_busy()):
                until = anyio.current_time() + self._patience()
            found = await self._find(self.operation.batch_size - len(batch), until)
            batch += await self._recall(found)
            if self.source.pauses:
                if batch:
                    break
                until = None
                await self._use_the_pause()
            elif not found and (self.source.exhausted or self._queue.is_full):
                if batch or not self.outbox.under_way or (self.source.exhausted and not self._queue.has_held):
                    break
                await self._moved.wait()
        if self.hopeless.reason is None:
            return batch
        give_up(batch, self.hopeless.reason)
        self._conclude(batch)
        return []

    def _is_busy(self) -> bool:
        return bool(self._doubts or self.outbox.under_way or self._queue.has_held)

    def _patience(self) -> float:
        """Seconds for which a batch may wait for more of a source that pauses: until the next slot, about."""
        return max(LEAST_PATIENCE, self.outlook.interval)

    async def _use_the_pause(self) -> None:
        """Settle what is in doubt while the source has nothing to send."""
        if not self.outbox.under_way:
            await self.reconcile()

    async def _find(self, wanted: int, until: float | None) -> list[Entry]:
        """Find items that may be sent now: those that were held back, else those that are read now."""
        self.source.pauses = False
        found = self._queue.take_ready(wanted)
        if found:
            return found
        while len(found) < wanted and not self._queue.is_full and (entry := await self._read_one(until)) is not None:
            if until is None:
                until = anyio.current_time() + self._patience()
            if self._is_answered(entry):
                self._hand_out([entry])
                await self.outbox.room()
                continue
            found += [entry] if self._queue.put(entry) else []
            for further in self.source.behind(entry):
                self._queue.put(further)
        return found

    async def _read_one(self, until: float | None = None) -> Entry | None:
        if self.source.exhausted:
            return None
        try:
            return await self.source.next(until)
        except Exception as error:
            self.source_error = error
        self.source.exhausted = True
        return None

    def _is_answered(self, entry: Entry) -> bool:
        """Tell whether an item need not be sent: it cannot be, or another one stands for it."""
        try:
            check_item(self.operation, entry.item)
        except InvalidRequestError as error:
            entry.close(Verdict("failed", error=error))
            return True
        return self.operation is CREATE_MANY and self._lately.answers(entry, anyio.current_time())

    async def _recall(self, entries: list[Entry]) -> list[Entry]:
        """Leave out what the journal knows the outcome of."""
        if self.ledger is None or not entries:
            return entries
        try:
            left = await self.ledger.recall(entries)
        except JournalError as error:
            self.hopeless.stop(error)
            return entries
        if known := [entry for entry in entries if entry.verdict is not None]:
            self.tally.recall(known)
            self._conclude(known, recalled=True)
            await self.outbox.room()
        return left

    # Outcomes

    def _conclude(self, entries: Sequence[Entry], *, recalled: bool = False) -> None:
        """Hand out what has its verdict, keep what is in doubt, and let those go that waited for either.

        A failure of an earlier run does not stop this one.
        """
        settled = [entry for entry in entries if entry.verdict is not None]
        self._doubts += [entry for entry in entries if entry.verdict is None]
        answered: list[Entry] = []
        for entry in settled:
            if self.operation is CREATE_MANY:
                self._lately.note(entry, anyio.current_time())
            answered += self._queue.done(entry)
        if self.ledger is not None:
            self.ledger.conclude(settled)
        self._hand_out([*answered, *settled], recalled=recalled)
        self.teller.tell()
        self._move()

    def _hand_out(self, entries: Sequence[Entry], *, recalled: bool = False) -> None:
        found = [outcome for entry in entries for outcome in self._outcomes(entry)]
        for outcome in found:
            self.tally.add(outcome)
            if not recalled:
                self._heed(outcome)
        self.outlook.latest = anyio.current_time()
        self.outbox.put(found)

    @staticmethod
    def _outcomes(entry: Entry) -> Iterable[Outcome[ItemT]]:
        for part, verdict in outcomes(entry):
            item = cast("ItemT", part.item)
            is_own = verdict.state != "superseded"
            attempts = entry.attempts if is_own else 0
            timing = entry.timing if is_own and entry.timing.attempts else None
            yield Outcome(part.index, item, verdict.state, verdict.tracking, verdict.error, attempts, timing)

    def _heed(self, outcome: Outcome[ItemT]) -> None:
        if self.on_error != "collect" and outcome.state in {"failed", "unknown"} and outcome.error is not None:
            self.hopeless.stop(outcome.error)
            self._heed_the_end()

    async def reconcile(self) -> bool:
        """Settle all that is in doubt now; tell whether there may be anything to send, by that or by another call."""
        async with self._settling:
            doubts, self._doubts = self._doubts, []
            self._being_settled = len(doubts)
            async with anyio.create_task_group() as tasks:
                for chunk in chunks(doubts):
                    tasks.start_soon(self._settle, chunk)
        return bool(doubts) or (self.hopeless.reason is None and self._queue.has_ready)

    async def _settle(self, entries: Sequence[Entry]) -> None:
        try:
            await Settling(self.batches, entries).settle()
        finally:  # the caller may have cancelled his reconcile(): what has no verdict by then stays in doubt
            self._being_settled -= len(entries)
            self._conclude(entries)

    async def _give_up_the_rest(self) -> None:
        """When the job has stopped say so of each further item; a source that pauses then is not waited for."""
        reason = self.hopeless.reason
        if reason is None:
            return
        held = self._queue.drain()
        give_up(held, reason)
        self._hand_out(held)
        while (following := await self._read_one(anyio.current_time() + self._patience())) is not None:
            entries = [following, *self.source.behind(following)]
            give_up(entries, reason)
            self._hand_out(entries)
            await self.outbox.room()

    # Waiting, and telling

    def _move(self) -> None:
        self._moved.set()
        self._moved = anyio.Event()

    def progress(self) -> Progress:
        """Return how far the job is."""
        return self.outlook.progress(len(self._doubts) + self._being_settled)


def check_item(operation: Operation, item: object) -> None:
    """Raise `InvalidRequestError` for an item that is of the wrong kind, or certainly cannot be sent."""
    wanted = operation.request
    if not isinstance(item, wanted):
        raise InvalidRequestError(
            f"{operation.client_method} takes {wanted.__name__}, not {type(item).__name__}.", operation=operation.name
        )
    check(item)
