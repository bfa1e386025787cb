"""A bulk job: any number of items, in constant memory, as many requests under way as rate and latency call for."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterable, Generator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from trackingmore_async.answers import Verdict
from trackingmore_async.batches import Batches, Entry, mark
from trackingmore_async.calls import Caller
from trackingmore_async.codec import check
from trackingmore_async.errors import ClientStateError, ConfigurationError, InvalidRequestError
from trackingmore_async.models import BulkReport, Outcome
from trackingmore_async.operations import Operation

from .hopeless import Hopeless
from .plan import Plan, make_plan
from .source import Source
from .tally import Tally

__all__ = ["BulkRun"]

ItemT = TypeVar("ItemT")

UNDELIVERED = 20  # batches sent whose outcomes the caller has not taken yet; as many as there are connections


class BulkRun(Generic[ItemT]):
    """A bulk job: ``await`` it for its report, or take its outcomes one by one, in constant memory.

    Outcomes come as batches finish; each has the index of its input. Reading from the source never runs ahead of
    sending. Leaving the ``async with`` block early cancels what is under way.

    Example:
        >>> async def put_away(tm: TrackingMore, edits: list[TrackingUpdate]) -> None:
        ...     report = await tm.trackings.update_many(edits)
        ...     async with tm.trackings.update_many(edits) as run:
        ...         async for outcome in run:
        ...             print(outcome.index, outcome.state)
    """

    def __init__(self, caller: Caller, operation: Operation, items: Iterable[ItemT] | AsyncIterable[ItemT]) -> None:
        _check_source(operation, items)
        self._caller = caller
        self._operation = operation
        self._items = items
        self._source = Source(items)
        self._tally = Tally()
        self._hopeless = Hopeless()
        self._batches: Batches | None = None
        self._tasks: TaskGroup | None = None
        self._outlet: MemoryObjectSendStream[list[Outcome[ItemT]]] | None = None
        self._inlet: MemoryObjectReceiveStream[list[Outcome[ItemT]]] | None = None
        self._arrived: deque[Outcome[ItemT]] = deque()
        self._undelivered = anyio.Semaphore(UNDELIVERED)
        self._settled = anyio.Event()
        self._unsent: set[anyio.CancelScope] = set()
        self._left: list[Entry] = []
        self._source_error: Exception | None = None
        self._span = (0.0, 0.0)
        self._pauses_before = 0

    def plan(self) -> Plan:
        """Return what the job will take. Nothing is sent.

        Raises:
            ConfigurationError: the source has no length, or can be read only once. Pass a list.
            ClientStateError: the client is not open.
        """
        return make_plan(self._caller, self._operation, self._items)

    @property
    def report(self) -> BulkReport:
        """The sum of the outcomes so far; complete when the last one was taken."""
        requests = 0 if self._batches is None else self._batches.requests
        pauses = self._caller.transport.pauses - self._pauses_before
        return self._tally.report(duration=self._span[1] - self._span[0], requests=requests, pauses=pauses)

    def __await__(self) -> Generator[Any, Any, BulkReport]:
        return self._run().__await__()

    async def _run(self) -> BulkReport:
        async with self:
            async for _ in self:
                pass
        return self.report

    async def __aenter__(self) -> Self:
        if self._tasks is not None:
            raise ClientStateError("This job ran already. Call the *_many method again for a new one.")
        self._caller.transport.lifetime.check()
        budget = self._caller.budget(self._operation, bulk=True)
        self._batches = Batches(self._caller, self._operation, budget, lambda: self._hopeless.reason)
        self._pauses_before = self._caller.transport.pauses
        self._span = (anyio.current_time(), anyio.current_time())
        self._outlet, self._inlet = anyio.create_memory_object_stream[list[Outcome[ItemT]]](0)
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._feed, self._batches, self._outlet)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        tasks, inlet = self._tasks, self._inlet
        if tasks is None or inlet is None:
            return None
        tasks.cancel_scope.cancel()
        inlet.close()
        try:
            return await tasks.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            if any(one is error for one in group.exceptions):
                return False  # the caller's own, which may be a group itself
            raise _first_of(group) from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[ItemT]:
        if self._inlet is None:
            raise ClientStateError("Go through the outcomes inside `async with` of the job, or await the job.")
        while not self._arrived:
            try:
                self._arrived.extend(await self._inlet.receive())
            except anyio.EndOfStream:
                if self._source_error is not None:
                    raise self._source_error from None
                raise StopAsyncIteration from None
        return self._arrived.popleft()

    async def _feed(self, batches: Batches, outlet: MemoryObjectSendStream[list[Outcome[ItemT]]]) -> None:
        """Form a batch, wait until it was granted its slot, form the next: so many are under way as are needed."""
        async with outlet:
            async with anyio.create_task_group() as senders:
                while batch := await self._next_batch():
                    await self._undelivered.acquire()
                    granted = anyio.Event()
                    senders.start_soon(self._deliver, batches, batch, granted)
                    await granted.wait()
            await self._give_up_the_rest()

    async def _deliver(self, batches: Batches, batch: Sequence[Entry], granted: anyio.Event) -> None:
        with anyio.CancelScope() as unsent:
            self._unsent.add(unsent)

            def grant() -> None:
                self._unsent.discard(unsent)
                granted.set()

            try:
                self._hopeless.observe(await batches.deliver(batch, grant))
                self._hopeless.observe_items(entry.verdict for entry in batch)
            finally:
                grant()
        if unsent.cancelled_caught:
            mark(batch, Verdict("not_attempted", error=self._hopeless.reason))
        if self._hopeless.reason is not None:
            for waiting in tuple(self._unsent):  # nobody waits for a slot, or for the end of a ban, in vain
                waiting.cancel()
        for entry in batch:
            self._source.settled(entry)
        self._settled.set()
        self._settled = anyio.Event()
        await self._hand_out(batch)
        self._undelivered.release()

    async def _next_batch(self) -> list[Entry]:
        batch: list[Entry] = []
        while len(batch) < self._operation.batch_size and self._hopeless.reason is None:
            entry = self._source.take_ready() or await self._read()
            if entry is not None:
                batch.append(entry)
            elif batch or not self._source.has_held:
                break
            else:
                await self._settled.wait()
        if self._hopeless.reason is not None:
            self._left, batch = batch, []
        return batch

    async def _read(self) -> Entry | None:
        """Read on until an item can be sent now; None: there is none, or too many wait already."""
        while not self._source.is_full and (entry := await self._read_one()) is not None:
            try:
                self._check(entry.item)
            except InvalidRequestError as error:
                entry.verdict = Verdict("failed", error=error)
                await self._hand_out([entry])
                continue
            if self._source.claim(entry):
                return entry
        return None

    def _check(self, item: object) -> None:
        wanted = self._operation.request
        if not isinstance(item, wanted):
            raise InvalidRequestError(
                f"{self._operation.client_method} takes {wanted.__name__}, not {type(item).__name__}.",
                operation=self._operation.name,
            )
        check(item)

    async def _read_one(self) -> Entry | None:
        if self._source.exhausted:
            return None
        try:
            return await self._source.next_raw()
        except Exception as error:
            self._source_error = error
        except anyio.get_cancelled_exc_class():
            if anyio.current_effective_deadline() == -math.inf:
                raise  # the job itself is cancelled
            self._source_error = ClientStateError(
                "The source of the items was cancelled from within: it awaited a task that had been cancelled. "
                "What was read before was sent; look into the source."
            )
        self._source.exhausted = True
        return None

    async def _give_up_the_rest(self) -> None:
        if self._hopeless.reason is None:
            return
        verdict = Verdict("not_attempted", error=self._hopeless.reason)
        held = sorted([*self._left, *self._source.drain_held()], key=lambda entry: entry.index)
        mark(held, verdict)
        await self._hand_out(held)
        while (following := await self._read_one()) is not None:
            following.verdict = verdict
            await self._hand_out([following])

    async def _hand_out(self, entries: Sequence[Entry]) -> None:
        if self._outlet is None:
            return
        outcomes = [self._outcome(entry) for entry in entries]
        for outcome in outcomes:
            self._tally.add(outcome)
        self._span = (self._span[0], anyio.current_time())
        await self._outlet.send(outcomes)

    @staticmethod
    def _outcome(entry: Entry) -> Outcome[ItemT]:
        verdict = entry.verdict or Verdict("unknown")
        item = cast("ItemT", entry.item)
        return Outcome(entry.index, item, verdict.state, verdict.tracking, verdict.error, entry.attempts)


def _check_source(operation: Operation, items: object) -> None:
    kind = type(items)
    if issubclass(kind, str | bytes | Mapping) or not issubclass(kind, Iterable | AsyncIterable):
        raise ConfigurationError(
            f"{operation.client_method} takes an iterable or async iterable of {operation.request.__name__}, "
            f"not {kind.__name__}."
        )


def _first_of(error: Any) -> BaseException:
    """Return the one error that matters: exception groups never reach the caller (DESIGN.md rule 11)."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("Any", error).exceptions[0]
    return cast("BaseException", error)
