"""Where requests wait: it gives the turns that the dispatcher decides, when their time has come."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import attrs

from trackingmore_async.errors import DeadlineExceededError

from .dispatcher import Dispatcher
from .home import Home
from .lanes import Waiter
from .meter import TICK
from .stage import Stage
from .ticket import Ticket

__all__ = ["Turnstile"]


@attrs.define(eq=False)
class Turnstile:
    """Lets requests through when it is their turn; there is one timer, for the next turn of all.

    Args:
        dispatcher: Decides whose turn is when.
        home: Knows the event loop.
        save: Records a grant before it is used, so that a crash does not forget it.
    """

    dispatcher: Dispatcher
    home: Home
    save: Callable[[], Awaitable[None]]
    _timer: asyncio.TimerHandle | None = attrs.field(default=None, init=False)

    async def wait(self, stage: Stage, waiter: Waiter, *, again: bool) -> Ticket:
        """Wait for the turn of one request; `again` puts it at the head of its lane.

        Raises:
            DeadlineExceededError: the turn comes, or would come, past the deadline. Nothing was taken.
        """
        loop = self.home.loop()
        self._refuse_hopeless(stage, waiter, again=again)
        stage.lanes.join(waiter, again=again)
        while True:
            ticket = await self._turn(loop, stage, waiter)
            if self.dispatcher.gate.honours(ticket):
                return ticket
            # A ban began between the grant and the moment at which this task woke up: back to the head of the lane.
            self.dispatcher.hand_back(ticket)
            waiter = attrs.evolve(waiter, turn=loop.create_future())
            stage.lanes.join(waiter, again=True)
            self.dispatcher.dismiss(loop.time())  # whose turn is a place further back now

    def advance(self) -> None:
        """Give all turns that are due, and set the clock for the next one."""
        loop = self.home.loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while True:
            now = loop.time()
            turn = self.dispatcher.next_turn(now)
            if turn is None or turn.when == math.inf:
                return
            if turn.when > now + TICK:
                self._timer = loop.call_at(turn.when, self.advance)
                return
            self.dispatcher.grant(turn, now)

    async def _turn(self, loop: asyncio.AbstractEventLoop, stage: Stage, waiter: Waiter) -> Ticket:
        self.advance()
        timer = None
        if waiter.deadline < math.inf and not waiter.turn.done():
            timer = loop.call_at(waiter.deadline, self._expire, stage, waiter)
        try:
            outcome = await waiter.turn
            if isinstance(outcome, DeadlineExceededError):
                raise outcome
            await stage.pace.meter.take()
            if self.dispatcher.total is not None:
                await self.dispatcher.total.meter.take()
            await self.save()
        except BaseException:
            self._abandon(stage, waiter)
            raise
        finally:
            if timer is not None:
                timer.cancel()
        self.advance()
        return outcome

    def _abandon(self, stage: Stage, waiter: Waiter) -> None:
        """Give up waiting: leave the lane, or hand back what was granted already."""
        stage.lanes.leave(waiter)
        if waiter.turn.done() and not waiter.turn.cancelled() and isinstance(ticket := waiter.turn.result(), Ticket):
            self.dispatcher.hand_back(ticket)
        self.advance()

    def _refuse_hopeless(self, stage: Stage, waiter: Waiter, *, again: bool) -> None:
        if waiter.deadline == math.inf:
            return
        turn = self.dispatcher.projected(stage, waiter.lane, waiter.since, stage.lanes.ahead(waiter.lane, again=again))
        if turn > waiter.deadline + TICK:
            raise self.dispatcher.refusal(stage, turn, waiter.since)

    def _expire(self, stage: Stage, waiter: Waiter) -> None:
        self.advance()  # a turn that comes at the very deadline is in time
        if waiter.turn.done():
            return
        now = self.home.loop().time()
        stage.lanes.leave(waiter)
        turn = self.dispatcher.projected(stage, waiter.lane, now, stage.lanes.ahead(waiter.lane, again=False))
        waiter.turn.set_result(self.dispatcher.refusal(stage, turn, now, waited=now - waiter.since))
        self.advance()
