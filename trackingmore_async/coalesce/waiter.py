"""One caller that waits to share a request."""

from __future__ import annotations

import asyncio
import copy
import math
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

import attrs

from trackingmore_async.errors import TrackingMoreError
from trackingmore_async.hooks import HookEvent
from trackingmore_async.operations import Operation
from trackingmore_async.pacing.silence import Silence
from trackingmore_async.settings import Lane
from trackingmore_async.timing import Timing
from trackingmore_async.transport import Budget, Herald, Trail

__all__ = ["SharedCall", "Waiter", "own"]

NOTHING: Final = Timing()

AnyT = TypeVar("AnyT")


class Journey(Protocol):
    """What a waiter knows of the request that it joined."""

    def spent(self) -> Timing:
        """Return what it has spent until now."""
        ...


@attrs.define(eq=False)
class Waiter:
    """One caller that waits to share a request.

    Args:
        item: What it asks for, or wants written.
        budget: The time that it has.
        answer: Becomes what the caller gets, or the error that it is told.
        since: When it came (seconds, loop clock).
        silence: Knows the bans of the account.
        latest: When its request has to be granted (seconds, loop clock); infinite: any time.
        call: The number of the logical call, as hooks hear it; 0: nobody hears.
        request: The request that it joined; None: it waits for one.
        joined: What that request had spent before.
        before: What its own call had spent before it came here.
        timers: What ends its patience.
    """

    item: Any
    budget: Budget
    answer: asyncio.Future[Any]
    since: float
    silence: Silence
    latest: float = math.inf
    call: int = 0
    request: Journey | None = None
    joined: Timing = NOTHING
    before: Timing = NOTHING
    timers: list[asyncio.TimerHandle] = attrs.field(factory=list[asyncio.TimerHandle])
    _silent: float = attrs.field(init=False)
    _paused: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._silent = self.silence.seconds(self.since)

    @classmethod
    def of(cls, item: Any, budget: Budget, silence: Silence) -> Waiter:
        """Make the waiter of a call that begins now."""
        loop = asyncio.get_running_loop()
        return cls(item, budget, loop.create_future(), loop.time(), silence)

    def again(self, budget: Budget) -> Waiter:
        """Make the waiter of the same call for another request, which begins to wait now."""
        other = self.of(self.item, budget, self.silence)
        other.call, other.before = self.call, self.timing()
        return other

    @property
    def lane(self) -> Lane:
        """Where it waits."""
        return self.budget.lane

    @property
    def name(self) -> tuple[str, str]:
        """Carrier code and number of the tracking that it is about, as they were spelled."""
        return self.item.carrier_code, self.item.tracking_number

    def agrees(self, other: Waiter) -> bool:
        """Tell whether one item of one request can serve both: spelled alike, and for as long a time."""
        return self.name == other.name and self.budget.timeout == other.budget.timeout

    @property
    def is_waiting(self) -> bool:
        """True until it was answered, or gave up."""
        return not self.answer.done()

    def patience(self, network: float) -> float:
        """Return when the next attempt has to be granted (seconds, loop clock); infinite: any time.

        Args:
            network: Seconds that the answer will take.
        """
        latest = self.budget.latest_slot(network)
        return math.inf if latest is None else latest

    def join(self, request: Journey, spent: Timing) -> None:
        """Travel with a request, which has spent so much already if it was tried before."""
        self._paused = self.silence.seconds(asyncio.get_running_loop().time()) - self._silent
        self.request, self.joined = request, spent

    def wait_again(self, network: float) -> None:
        """Wait for another request, for the one that it joined has failed.

        Args:
            network: Seconds that the answer will take.
        """
        self.before, self.request = self.timing(), None
        self.since, self.latest = asyncio.get_running_loop().time(), self.patience(network)
        self._silent = self.silence.seconds(self.since)

    def timing(self) -> Timing:
        """Divide the time that the call has spent until now."""
        own = self._own_timing()
        return own if self.before is NOTHING else self.before + own

    def _own_timing(self) -> Timing:
        """Divide the time since it came; the request may have been under way for some time when it was joined."""
        now = asyncio.get_running_loop().time()
        total = now - self.since
        if self.request is None:
            pause = self.silence.seconds(now) - self._silent
            return Timing(waiting=total - pause, pause=pause)
        spent, joined = self.request.spent(), self.joined
        pause, network = self._paused + spent.pause - joined.pause, spent.network - joined.network
        decode = spent.decode - joined.decode
        waiting = max(0.0, total - pause - network - decode)
        attempts = spent.attempts - joined.attempts
        return Timing(waiting=waiting, pause=pause, network=network, decode=decode, attempts=attempts)

    def cancel_timers(self) -> None:
        """Watch over its patience no more: it has its answer, or left."""
        for timer in self.timers:
            timer.cancel()

    def settle(self, answer: Any) -> None:
        """Answer it, or tell it an error, unless that was done.

        An error is a result of the future, too: one that nobody fetches any more would be reported as lost.
        """
        if not self.answer.done():
            self.answer.set_result(answer)


@attrs.define(eq=False)
class SharedCall:
    """One logical call that shares a request, as a context: tells hooks of its begin and its end.

    Args:
        herald: Who tells.
        operation: The row of the single call.
        waiter: Who waits for it, one after the other if it takes several requests.
    """

    herald: Herald
    operation: Operation
    waiter: Waiter

    def __enter__(self) -> Self:
        if self.herald.hooks:
            self.waiter.call = self.herald.next_number()
            self._tell("call")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, TrackingMoreError):
            error.timing = self.waiter.timing()
            error.attempts = error.timing.attempts
        if self.herald.hooks:
            name = None if kind is None else kind.__name__
            self._tell("end", error=name, code=getattr(error, "code", None), timing=self.waiter.timing())

    def _tell(self, event: HookEvent, **details: Any) -> None:
        self.herald.tell(event, self.operation, Trail(call=self.waiter.call, lane=self.waiter.lane), **details)


def own(error: AnyT) -> AnyT:
    """Return an error of one's own: what is raised in several tasks would mix up their tracebacks."""
    try:
        return copy.copy(error)
    except Exception:  # not ours, and of a kind that cannot be copied
        return error
