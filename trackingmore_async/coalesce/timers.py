"""What ends the patience of those who share requests."""

from __future__ import annotations

import asyncio
import math

import attrs

from trackingmore_async.errors import DeadlineExceededError
from trackingmore_async.operations import Operation
from trackingmore_async.pacing.meter import TICK

from .line import Line
from .outlook import Outlook
from .waiter import Waiter, own

__all__ = ["Timers"]

SENT = "The deadline passed before an answer came; the request was sent. {advice}"


@attrs.define(eq=False)
class Timers:
    """Sees to it that nobody waits longer than he allows.

    Args:
        operation: The row of the table that the requests follow.
        line: Who waits.
        outlook: Foretells the waits in the line.
        advice: What to do when the deadline passes after the request was sent.
    """

    operation: Operation
    line: Line
    outlook: Outlook
    advice: str

    def set(self, waiter: Waiter) -> None:
        """Watch over the patience of one who begins to wait for a slot."""
        loop = asyncio.get_running_loop()
        if waiter.latest < math.inf:
            waiter.timers.append(loop.call_at(waiter.latest, self._expire, waiter))
        if waiter.budget.ends_at is not None:
            waiter.timers.append(loop.call_at(waiter.budget.ends_at, self._end, waiter))

    def _expire(self, waiter: Waiter) -> None:
        """Refuse a waiter for whom no slot came in time although one was expected."""
        now = asyncio.get_running_loop().time()
        if not self.line.stands(waiter) or now < waiter.latest - TICK:  # it may have got more time for another attempt
            return
        try:
            wait = self.outlook.wait_behind(0, waiter.lane)  # whoever comes again is told anew
        except Exception as error:  # the client is being closed, or its limiter is broken: nobody waits for ever
            waiter.settle(own(error))
            return
        waiter.settle(self.outlook.refusal(waiter, wait, now - waiter.since))

    def _end(self, waiter: Waiter) -> None:
        """Tell a waiter that its deadline passed while its request was under way."""
        if self.line.stands(waiter):
            self._expire(waiter)
        else:
            waiter.settle(
                DeadlineExceededError(SENT.format(advice=self.advice), sent=True, operation=self.operation.name)
            )
