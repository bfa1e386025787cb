"""A bulk job: any number of items, in constant memory, as many requests under way as rate and latency call for."""

from __future__ import annotations

from collections.abc import AsyncIterable, Generator, Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

import anyio
from anyio.abc import TaskGroup

from trackingmore_async.calls import Caller
from trackingmore_async.errors import BulkError, ClientStateError, ConfigurationError
from trackingmore_async.journal import Store, open_store
from trackingmore_async.models import BulkReport, Outcome
from trackingmore_async.operations import Operation

from .engine import Engine, check_item
from .ledger import Ledger
from .options import JobOptions
from .plan import Plan, make_plan
from .progress import Progress
from .source import Source

__all__ = ["BulkRun"]

ItemT = TypeVar("ItemT")


class BulkRun(Generic[ItemT]):
    """A bulk job: ``await`` it for its report, or take its outcomes one by one, in constant memory.

    Outcomes come as batches finish; each has the index of its input. Reading from the source never runs ahead of
    sending. What an answer leaves in doubt is settled at the end. Leaving the ``async with`` block early cancels what
    is under way.

    Example:
        >>> async def put_away(tm: TrackingMore, edits: list[TrackingUpdate]) -> None:
        ...     report = await tm.trackings.update_many(edits)
        ...     async with tm.trackings.update_many(edits) as run:
        ...         async for outcome in run:
        ...             print(outcome.index, outcome.state)
    """

    def __init__(
        self,
        caller: Caller,
        operation: Operation,
        items: Iterable[ItemT] | AsyncIterable[ItemT],
        options: JobOptions | None = None,
    ) -> None:
        _check_source(operation, items)
        self._caller = caller
        self._operation = operation
        self._items = items
        self._options = options or JobOptions()
        self._engine: Engine[ItemT] | None = None
        self._tasks: TaskGroup | None = None
        self._stack = AsyncExitStack()
        self._pauses_before = 0

    def plan(self) -> Plan:
        """Return what the job will take. Nothing is sent; the items are looked at, 200,000 take about a second.

        Raises:
            ConfigurationError: the source can be read only once. Pass a list.
            ClientStateError: the client is not open.
        """
        return make_plan(self._caller, self._operation, self._items, self._check)

    @property
    def report(self) -> BulkReport:
        """The sum of the outcomes so far; complete when the last one was taken."""
        if self._engine is None:
            return BulkReport()
        engine, pauses = self._engine, self._caller.transport.counters.pauses - self._pauses_before
        duration = engine.outlook.latest - engine.outlook.begun_at
        return engine.tally.report(duration=duration, requests=engine.batches.requests, pauses=pauses)

    @property
    def progress(self) -> Progress:
        """How far the job is: done, total, rate, and when it will end."""
        if self._engine is None:
            return Progress(done=0, total=Source(self._items, self._check).length)
        return self._engine.progress()

    def _check(self, item: object) -> None:
        check_item(self._operation, item)

    async def reconcile(self) -> None:
        """Settle now what is in doubt; without this it happens at the end of the job.

        Items are in doubt when their answer was lost, or left them out. They are read back by number, 40 a request
        (GET /trackings/get, in its own bucket); edits are sent again. Their outcomes come with the others.

        Raises:
            ClientStateError: the job does not run.
        """
        if self._engine is None or self._tasks is None:
            raise ClientStateError("The job does not run. Call reconcile() inside of its `async with` block.")
        try:
            await self._engine.reconcile()
        except BaseExceptionGroup as group:
            raise _first_of(group) from None

    def __await__(self) -> Generator[Any, Any, BulkReport]:
        return self._run().__await__()

    async def _run(self) -> BulkReport:
        async with self:
            async for _ in self:
                pass
        return self.report

    async def __aenter__(self) -> Self:
        if self._engine is not None:
            raise ClientStateError("This job ran already. Call the *_many method again for a new one.")
        self._caller.transport.lifetime.check()
        options, source = self._options, Source(self._items, self._check)
        self._pauses_before = self._caller.transport.counters.pauses
        engine = Engine[ItemT](self._caller, self._operation, source, options.on_error, options.progress)
        async with self._stack:
            if options.journal is not None:
                store = await self._stack.enter_async_context(open_store(options.journal))
                engine.ledger = await self._open_ledger(store, source)
            self._stack = self._stack.pop_all()
        self._engine = engine
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(_run, engine)
        return self

    async def _open_ledger(self, store: Store, source: Source) -> Ledger:
        ledger = Ledger(
            store,
            self._caller,
            self._operation,
            self._options.name,
            self._options.failed_only,
            source.is_searched,
        )
        await ledger.open()
        self._stack.push_async_callback(ledger.close)
        return ledger

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        tasks, self._tasks = self._tasks, None
        if tasks is None:
            return None
        tasks.cancel_scope.cancel()
        try:
            return await tasks.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            if any(one is error for one in group.exceptions):
                return False  # the caller's own, which may be a group itself
            raise _first_of(group) from None
        finally:
            with anyio.CancelScope(shield=True):
                await self._stack.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[ItemT]:
        if self._engine is None:
            raise ClientStateError("Go through the outcomes inside `async with` of the job, or await the job.")
        outcome = await self._engine.outbox.take()
        if outcome is None:
            self._raise_what_there_is(self._engine)
            raise StopAsyncIteration
        return outcome

    def _raise_what_there_is(self, engine: Engine[ItemT]) -> None:
        if engine.source_error is not None:
            raise engine.source_error from None
        report = self.report
        stopped = engine.hopeless.reason is not None or report.failures  # else the rest was not asked for
        if self._options.on_error == "raise" and engine.is_complete and stopped:
            first = next((outcome.error for outcome in report.failures), engine.hopeless.reason)
            raise BulkError(
                f"The job stopped at a failure: {report.succeeded} succeeded, {report.failed} failed, "
                f"{report.unknown} are unknown, {report.not_attempted} were not attempted. The cause says why; mend it "
                "and run the job again.",
                report=report,
                operation=self._operation.name,
            ) from first


async def _run(engine: Engine[Any]) -> None:
    """Run a job, and tell how far it is for as long."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine.teller.keep_telling)
        await engine.run()
        tasks.cancel_scope.cancel()


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
