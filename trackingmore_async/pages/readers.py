"""How pages are read: one after the other, or ahead of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import anyio
import attrs
from anyio.abc import TaskGroup

from trackingmore_async.calls import Caller
from trackingmore_async.errors import ClientStateError
from trackingmore_async.operations import LIST
from trackingmore_async.transport import Budget

from .sheet import Ask, Sheet, read_sheet

__all__ = ["Ahead", "InTurn", "Reader"]

LEFT: Final = "The `async with` block of this walk was left. Iterate inside it, or over trackings.list(...) itself."
DEEPEST: Final = 4  # pages under way or waiting to be used, at most; each is some megabytes


class Reader(Protocol):
    """Reads pages for a walk."""

    @property
    def depth(self) -> int:
        """How many pages it would like to know in advance."""
        ...

    async def read(self, ask: Ask) -> Sheet:
        """Read one page."""
        ...

    def expect(self, asks: Sequence[Ask]) -> None:
        """Hear which pages will probably be read next, in this order, and that no others will."""
        ...


@attrs.define
class InTurn:
    """Reads a page when it is wanted, never before.

    Args:
        caller: Where the requests go. The whole walk has one budget, which begins with its first page.
    """

    caller: Caller
    depth: int = 0
    _budget: Budget | None = None

    @property
    def budget(self) -> Budget:
        """The time of the whole walk; it waits in the bulk lane."""
        if self._budget is None:
            self._budget = self.caller.budget(LIST, bulk=True)
        return self._budget

    async def read(self, ask: Ask) -> Sheet:
        """Read one page."""
        return await read_sheet(self.caller, self.budget, ask)

    def expect(self, asks: Sequence[Ask]) -> None:
        """Do nothing with it."""


@attrs.define(eq=False)
class _Slot:
    """A page that is on its way, or has come; an error waits here until its page's turn."""

    ask: Ask
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)
    done: anyio.Event = attrs.field(factory=anyio.Event)
    sheet: Sheet | None = None
    error: Exception | None = None


@attrs.define
class Ahead:
    """Reads pages while the caller works on earlier ones.

    One page ahead is enough as long as an answer comes before the limiter would grant the next request. Where the
    caller had to wait for a page although the limiter was free, the network is the bottleneck, and one more request may
    be under way (SPEED.md D).

    Args:
        in_turn: Reads what was not foreseen.
        group: The task group of the ``async with`` block (DESIGN.md rule 11).
        depth: How many pages may be under way or waiting to be used.
    """

    in_turn: InTurn
    group: TaskGroup
    depth: int = 1
    _closed: bool = False
    _slots: list[_Slot] = attrs.field(factory=list[_Slot])

    async def read(self, ask: Ask) -> Sheet:
        """Return a page that was foreseen, or read it now.

        Raises:
            TrackingMoreError: what came of this page, also when it was read ahead.
            ClientStateError: the ``async with`` block was left.
        """
        if self._closed:
            raise ClientStateError(LEFT)
        slot = next((slot for slot in self._slots if slot.ask == ask), None)
        if slot is None:
            return await self.in_turn.read(ask)
        if not slot.done.is_set():
            await slot.done.wait()
            self._deepen()
        self._slots.remove(slot)
        if slot.sheet is None:
            raise slot.error or ClientStateError(LEFT)
        return slot.sheet

    def close(self) -> None:
        """Give up all pages that are on their way."""
        self._closed = True
        self.group.cancel_scope.cancel()

    def _deepen(self) -> None:
        limiter = self.in_turn.caller.transport.limiter
        if self.depth < DEEPEST and limiter.projected_wait(LIST.bucket, lane=self.in_turn.budget.lane) <= 0:
            self.depth += 1

    def expect(self, asks: Sequence[Ask]) -> None:
        """Begin to read these pages, and give up all others."""
        for slot in self._slots:
            if slot.ask not in asks:
                slot.scope.cancel()
        self._slots = [slot for slot in self._slots if slot.ask in asks]
        present = [slot.ask for slot in self._slots]
        for ask in asks:
            if ask not in present:
                slot = _Slot(ask)
                self._slots.append(slot)
                self.group.start_soon(self._fill, slot)

    async def _fill(self, slot: _Slot) -> None:
        """Read a page; its error is kept, so that no exception group arises."""
        try:
            with slot.scope:
                slot.sheet = await self.in_turn.read(slot.ask)
        except Exception as error:
            slot.error = error
        finally:
            slot.done.set()
