"""Many single calls that travel in few requests."""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import attrs

from trackingmore_async.answers import number_key
from trackingmore_async.batches import WithdrawnError, halves
from trackingmore_async.errors import ClientStateError, TrackingMoreError
from trackingmore_async.operations import Operation
from trackingmore_async.retry import is_transient
from trackingmore_async.settings import Lane
from trackingmore_async.transport import Transport

from .line import LANES, Group, Line
from .outlook import Outlook, is_late
from .request import Patience, SharedRequest
from .timers import Timers
from .waiter import Waiter, own

__all__ = ["Sharing"]

CLOSED = "The client was closed while this call was under way. Let calls finish before leaving `async with`."


@attrs.define(eq=False)
class Sharing:
    """Gathers single calls until a slot is granted, and sends all that wait by then in one request.

    At most one request a lane waits for its slot; what comes meanwhile travels with it, and what it cannot carry with
    the next one. Who gives up disturbs nobody: a request that nobody waits for any more leaves its queue, and gives
    its slot back if it had got one.

    Args:
        transport: Where the requests go.
        operation: The row of the table that the requests follow.
        capacity: How many trackings one request can carry.
        line: Who waits.
        alone: Whether a number goes once at most into a request, and only while no other request holds it.
        send: Sends one request: forms it when its slot is granted (see `form`), and answers whom it serves.
        advice: What to do when the deadline passes after the request was sent.
    """

    transport: Transport
    operation: Operation
    capacity: int
    line: Line
    send: Callable[[Sharing, SharedRequest], Awaitable[None]]
    alone: bool
    advice: str
    outlook: Outlook = attrs.field(init=False)
    _timers: Timers = attrs.field(init=False)
    _under_way: set[str] = attrs.field(factory=set[str], init=False)
    _calling: dict[Lane, SharedRequest] = attrs.field(factory=dict[Lane, SharedRequest], init=False)
    _formed: set[SharedRequest] = attrs.field(factory=set[SharedRequest], init=False)
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]], init=False)

    def __attrs_post_init__(self) -> None:
        self.outlook = Outlook(self.transport, self.operation, self.capacity, self.line, self._calling)
        self._timers = Timers(self.operation, self.line, self.outlook, self.advice)

    async def ask(self, waiter: Waiter) -> Any:
        """Wait for a place in a request and for its answer.

        Raises:
            TrackingMoreError: what came of the request, or why it would come too late.
        """
        self.admit(waiter)
        return await self.wait(waiter)

    def admit(self, waiter: Waiter) -> None:
        """Let a waiter come in.

        Raises:
            DeadlineExceededError: it would wait in vain.
            ClientStateError: the client is not open.
        """
        self.transport.lifetime.check()
        self.transport.counters.came(self.operation.bucket, 1, self.capacity)
        waiter.latest = waiter.patience(self.outlook.network())
        if waiter.latest < math.inf and is_late(wait := self.outlook.wait_of(waiter), waiter.latest):
            raise self.outlook.refusal(waiter, wait)

    async def wait(self, waiter: Waiter) -> Any:
        """Wait as `ask` does, once admitted."""
        try:
            self._timers.set(waiter)
            self._queue_up(waiter)
            self._call(waiter.lane)
            answer = await waiter.answer
        finally:
            waiter.cancel_timers()
            self._leave(waiter)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        """Wait until all tasks have ended; the transport has closed and ends them. Tell who waits behind them."""
        try:
            while self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            self._tell_all_lanes(ClientStateError(CLOSED))

    # Forming requests

    def form(self, request: SharedRequest) -> None:
        """Let a request whose slot was granted take along all that wait and fit.

        Raises:
            WithdrawnError: nobody waits any more; nothing is to be sent.
        """
        request.asked_at = asyncio.get_running_loop().time()
        if request.formed_at is None:
            request.formed_at = request.asked_at
            self._formed.add(request)
            self._forget(request)
        self._drop_who_left(request)
        if request.is_open:
            self._fill(request)
            self._withdraw_idle()
            self._call_for_the_rest()
        if not request.groups:
            raise WithdrawnError("Nobody waits for this any more.")

    def divide(self, request: SharedRequest) -> list[SharedRequest]:
        """Make two requests of one that was refused, each for half of those whom it served."""
        parts = [request.part(half) for half in halves(request.groups)]
        self._formed.discard(request)
        self._formed.update(parts)
        return parts

    def _fill(self, request: SharedRequest) -> None:
        for waiter in self.line.heads(request.lane):
            if len(request.numbers) >= self.capacity:
                return
            if request.timeout in {None, waiter.budget.timeout} and not self._is_held_back(waiter):
                self._take(request, waiter)

    def _take(self, request: SharedRequest, waiter: Waiter) -> None:
        number = self._number(waiter)
        group = self.line.pop(waiter)
        request.add(group)
        self.transport.counters.stopped_waiting(self.operation.bucket, len(group))
        request.numbers.add(number)
        if self.alone:
            self._under_way.add(number)

    def _drop_who_left(self, request: SharedRequest) -> None:
        """Leave out who gave up; those who did so in this turn of the event loop stand in the line still."""
        for waiter in self.line.gone():
            self._drop(waiter)
        request.groups = [group for group in request.groups if any(waiter.is_waiting for waiter in group)]
        request.numbers = {self._number(group[0]) for group in request.groups}

    def _number(self, waiter: Waiter) -> str:
        """Return the number as it is told apart: where it goes alone, whatever answers may confuse is the same."""
        number: str = waiter.item.tracking_number
        return number_key(number) if self.alone else number

    def _is_held_back(self, waiter: Waiter) -> bool:
        return self.alone and self._number(waiter) in self._under_way

    def _queue_up(self, waiter: Waiter, *, first: bool = False) -> None:
        self.line.join(waiter, first=first)
        self.transport.counters.began_waiting(self.operation.bucket)

    def _drop(self, waiter: Waiter) -> None:
        self.line.leave(waiter)
        self.transport.counters.stopped_waiting(self.operation.bucket)

    def _leave(self, waiter: Waiter) -> None:
        """Leave the line; a request that nobody waits for any more leaves the limiter's queue."""
        if not self.line.stands(waiter):
            return
        self._drop(waiter)
        self._withdraw_idle()

    def _has_travellers(self, lane: Lane) -> bool:
        """Tell whether anybody stands in a lane who need not wait for another request to end."""
        return not all(map(self._is_held_back, self.line.firsts(lane)))

    def _call_for_the_rest(self) -> None:
        for lane in LANES:
            try:
                self._call(lane)
            except Exception as error:  # a limiter that breaks its promises: it must not hang anybody
                self._tell_lane(lane, error)

    def _withdraw_idle(self) -> None:
        """Take requests out of the limiter's queue that nobody waits for any more: each grant holds up the next."""
        for lane in LANES:
            present = self._calling.get(lane)
            if present is not None and not self._has_travellers(lane):
                self._withdraw(present)

    def _withdraw(self, request: SharedRequest) -> None:
        self._forget(request)
        if request.task is not None:
            request.task.cancel()

    def _call(self, lane: Lane) -> None:
        """See to it that a request waits for a slot for those who stand in a lane, and can travel.

        It has no deadline, for it serves whoever will wait then: each caller watches the time for itself.
        """
        if lane in self._calling or not self._has_travellers(lane):
            return
        self.transport.silence.tell(self)
        wait = self.transport.limiter.projected_wait(self.operation.bucket, lane=lane)
        loop = asyncio.get_running_loop()
        request = SharedRequest(lane, loop.time() + wait)
        self._calling[lane] = request
        # The request is nobody's own: the context variables of the first caller are not those of all. And it begins in
        # the next turn, even where the loop makes tasks that begin at once: all who ask in this turn travel with it.
        request.task = asyncio.Task(self.carry_out(request), loop=loop, context=contextvars.Context())
        self._tasks.add(request.task)
        request.task.add_done_callback(partial(self._ended, request))

    def _ended(self, request: SharedRequest, task: asyncio.Task[None]) -> None:
        """Go on with those who wait; whose request somebody else has ended, perhaps before it began, are told."""
        self._tasks.discard(task)
        if self._calling.get(request.lane) is request:
            self._forget(request)
            self._tell_lane(request.lane, ClientStateError(CLOSED))
        if self.transport.lifetime.state == "open":
            self._call_for_the_rest()
        else:
            self._tell_all_lanes(ClientStateError(CLOSED))

    def _forget(self, request: SharedRequest) -> None:
        """Note that a request does not wait for its first slot any more."""
        if self._calling.get(request.lane) is request:
            del self._calling[request.lane]

    def budget(self, request: SharedRequest) -> Patience:
        """Return the time that a request has."""
        timeout = self.operation.timeout
        return Patience(ends_at=None, max_wait=None, timeout=timeout, lane=request.lane, request=request)

    async def carry_out(self, request: SharedRequest) -> None:
        """Carry out one request; whoever it serves is told something, whatever happens."""
        try:
            await self.send(self, request)
        except WithdrawnError:
            pass
        except TrackingMoreError as error:
            self.fail(request, error)
        except Exception as error:  # a defect of this library, or of a limiter: it must not hang anybody
            self._tell_all(request, error)
        finally:
            self._formed.discard(request)
            if self.alone:
                self._under_way -= request.numbers
            for waiter in list(request.waiters()):  # the task was cancelled: the event loop is about to end
                waiter.settle(ClientStateError(CLOSED))
        self._forget(request)

    # Failing

    def fail(self, request: SharedRequest, error: TrackingMoreError) -> None:
        """Tell an error to those whom it concerns.

        Who joined a request that had been tried before has had fewer attempts, and waits for the next one.
        """
        if request.formed_at is None:
            self._tell_lane(request.lane, error)
            return
        attempts = self.transport.attempts_at_most
        for waiter in reversed(list(request.waiters())):  # the first is the last to go to the head of the line
            had = request.spent().attempts - waiter.joined.attempts
            if waiter.joined.attempts > 0 and had < attempts and is_transient(error):
                waiter.wait_again(self.outlook.network())
                self._timers.set(waiter)
                self._queue_up(waiter, first=True)
            else:
                waiter.settle(own(error))
        request.groups.clear()

    def _tell_all(self, request: SharedRequest, error: Exception) -> None:
        for waiter in list(request.waiters()):
            waiter.settle(own(error))
        if request.formed_at is None:
            self._tell_lane(request.lane, error)

    def _tell_all_lanes(self, error: Exception) -> None:
        for lane in LANES:
            self._tell_lane(lane, error)

    def _tell_lane(self, lane: Lane, error: Exception) -> None:
        for waiter in self.line.of_lane(lane):
            self._drop(waiter)
            waiter.settle(own(error))

    # Refusing

    def silence_began(self) -> None:
        """Hear that a ban begins; when it has begun, refuse all for whom it lasts too long."""
        if self._formed or any(map(self._has_travellers, LANES)):
            asyncio.get_running_loop().call_soon(self._dismiss)

    def _dismiss(self) -> None:
        if self.transport.lifetime.state != "open":  # closed in this very turn: everybody is told that
            return
        for lane in LANES:
            try:
                self._dismiss_lane(lane)
            except Exception as error:  # a limiter that breaks its promises
                self._tell_lane(lane, error)
        self._withdraw_idle()
        for request in self._formed:
            self._dismiss_refused(request)

    def _dismiss_lane(self, lane: Lane) -> None:
        ahead = 0
        for group in self.line.groups(lane):
            self._dismiss_from(group, self.outlook.wait_behind(ahead, lane))
            ahead += any(waiter.is_waiting for waiter in group)

    def _dismiss_refused(self, request: SharedRequest) -> None:
        """Refuse those whose request met the ban; a write stays in its batch, so that only its own end can stop it."""
        if self.alone or request.trail.is_on_its_way:
            return
        wait = self.outlook.wait_after_ban(request.lane)
        for waiter in list(request.waiters()):
            if is_late(wait, waiter.patience(self.outlook.network())):
                waiter.settle(self.outlook.refusal(waiter, wait))

    def _dismiss_from(self, group: Group, wait: float) -> None:
        for waiter in group:
            if is_late(wait, waiter.latest):
                self._drop(waiter)
                waiter.settle(self.outlook.refusal(waiter, wait))
