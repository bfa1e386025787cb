"""The rate limiter of one process: exact in every sliding window, fair, and silent after a 429."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from trackingmore_async.errors import ClientStateError, ConfigurationError
from trackingmore_async.operations import Rate
from trackingmore_async.settings import check_seconds

from .dispatcher import Dispatcher
from .home import Home
from .keepers import Keeper, Keepers
from .lanes import Waiter
from .memory import Snapshot, StateFile
from .protocol import Lane, Permit
from .rates import PROBES, all_rates
from .silence import Silence
from .stage import Stage
from .statistics import LimiterStatistics
from .ticket import Ticket
from .turnstile import Turnstile

__all__ = ["SPREAD", "LocalLimiter"]

SPREAD = 0.5
"""D of the slot rule: seconds by which one request may take longer to the server than another (LIMITS.md)."""


class LocalLimiter:
    """Grants requests at the pace that each bucket allows, exact in every sliding window as the server sees it.

    It belongs to one event loop of one process; several processes need a shared limiter.

    Args:
        rates: Bucket -> `Rate`. What is not named keeps its default from the table of operations; "total", off by
            default, bounds all buckets together.
        bulk_share: The part of the turns that bulk work gets while interactive work waits as well, between 0 and 1.
        round_trip: Seconds: the shortest network round trip to the server, when you know it for certain; None: what
            each sender vouches for. Too large a value breaks the limit.
        spread: Seconds by which one request may take longer to the server than another.
        state: Path of a small file that remembers the last requests and a running ban for the next process.

    Raises:
        ConfigurationError: a value cannot work.

    Example:
        >>> import asyncio
        >>> from trackingmore_async.operations import Rate
        >>> async def main() -> str:
        ...     limiter = LocalLimiter({"list": Rate(2)})
        ...     permit = await limiter.acquire("list")
        ...     await limiter.release(permit, sent_at=permit.granted_at)
        ...     return permit.bucket
        >>> asyncio.run(main())
        'list'
    """

    __slots__ = ("__weakref__", "_dispatcher", "_home", "_keepers", "_round_trip", "_turnstile")

    def __init__(
        self,
        rates: Mapping[str, Rate] | None = None,
        *,
        bulk_share: float = 0.5,
        round_trip: float | None = None,
        spread: float = SPREAD,
        state: str | PathLike[str] | None = None,
    ) -> None:
        if not _is_share(bulk_share):
            raise ConfigurationError("bulk_share has to be a number between 0 and 1: both lanes must move.")
        if check_seconds("spread", spread, zero=True) is None:
            raise ConfigurationError(f"spread has to be a number of seconds; leave it out for {SPREAD}.")
        check_seconds("round_trip", round_trip, zero=True)
        self._dispatcher = Dispatcher(all_rates(rates), PROBES, spread, bulk_share)
        self._round_trip = round_trip
        self._keepers = Keepers(None if state is None else StateFile(Path(state)))
        self._home = Home()
        self._turnstile = Turnstile(self._dispatcher, self._home, self._save)

    # The protocol

    async def acquire(
        self,
        bucket: str,
        *,
        lane: Lane = "interactive",
        deadline: float | None = None,
        round_trip: float = 0.0,
        again: bool = False,
    ) -> Permit:
        """Wait for the turn of one request.

        Args:
            bucket: The name of the bucket, which is the name of the operation.
            lane: "interactive" overtakes "bulk", which keeps a guaranteed share.
            deadline: The latest time (loop clock) at which the permit is of use; None: any time.
            round_trip: Seconds: the shortest network round trip to the server that is known for certain, else 0.
            again: True for a request that had its turn before (a retry): it goes to the head of its lane.

        Raises:
            DeadlineExceededError: at once when the projected wait passes the deadline, or a ban makes it hopeless;
                at the deadline when the wait turned out longer than projected. Nothing was taken.
            ConfigurationError: there is no such bucket, or the state file cannot be used.
            ClientStateError: the limiter was used on another event loop before.

        Example:
            See `LocalLimiter`.
        """
        loop = self._home.loop()
        if not self._keepers.is_read:
            await self._keepers.read(self._take_over)
        stage = self._stage(bucket)
        trip = max(0.0, round_trip) if self._round_trip is None else self._round_trip
        latest = math.inf if deadline is None else deadline
        waiter = Waiter(lane, loop.time(), latest, trip, loop.create_future())
        return await self._turnstile.wait(stage, waiter, again=again)

    async def release(
        self, permit: Permit, *, sent_at: float | None, answered_at: float | None = None, refused: bool = False
    ) -> None:
        """Say what became of a permit. May be called twice: when the request left, and when its answer came.

        A second call without an answer says that none will come.

        Args:
            permit: The permit.
            sent_at: When the request's headers were written; None: it was never sent, the slot is free at once.
            answered_at: When the head of the answer arrived; None: no answer (yet).
            refused: True when the answer was a 429 (`penalise` is called as well).

        Raises:
            ClientStateError: another limiter granted this permit, or the limiter belongs to another event loop.
        """
        now, ticket = self._home.loop().time(), self._own(permit)
        ticket.reports += 1
        if sent_at is None and ticket.slot.sent_at is None:
            self._dispatcher.hand_back(ticket)
        else:
            self._dispatcher.settle(ticket, now, sent_at, answered_at, refused=refused)
        self._turnstile.advance()

    async def penalise(self, permit: Permit, seconds: float) -> int:
        """Close the gate for all buckets after a 429.

        Args:
            permit: The permit of the refused request.
            seconds: How long; one second is added for safety.

        Returns:
            How many bans came in a row, without a probe that went well between them.

        Raises:
            ClientStateError: see `release`.
            ConfigurationError: the state file cannot be written.
            Exception: whatever a keeper raised, see `watch`; the gate is shut all the same.
        """
        now = self._home.loop().time()
        row = self._dispatcher.gate.shut(self._own(permit), now, max(0.0, seconds))
        self._dispatcher.dismiss(now)
        self._turnstile.advance()
        await self._keepers.tell(self._memory())
        return row

    def projected_wait(self, bucket: str, *, lane: Lane = "interactive", again: bool = False) -> float:
        """Seconds until a request that asked now would probably get its turn.

        Args:
            bucket: The name of the bucket.
            lane: The lane in which it would wait.
            again: True when it would wait at the head of its lane, or waits there already.

        Raises:
            ConfigurationError: there is no such bucket.
            ClientStateError: no event loop runs, or another one than the limiter's.
        """
        now, stage = self._home.loop().time(), self._stage(bucket)
        ahead = 0 if again else stage.lanes.ahead(lane, again=False)
        return max(0.0, self._dispatcher.projected(stage, lane, now, ahead) - now)

    # What it can tell

    @property
    def rates(self) -> Mapping[str, Rate]:
        """Bucket -> `Rate`, as this limiter keeps them."""
        return self._dispatcher.rates

    @property
    def silence(self) -> Silence:
        """The bans so far: when the latest is over, and how long they lasted."""
        return self._dispatcher.gate.silence

    def expected_interval(self, bucket: str) -> float:
        """Seconds a request in the long run, by what was observed of the path: never less than the rate says.

        Args:
            bucket: The name of the bucket, used or not.

        Raises:
            ConfigurationError: there is no such bucket.
        """
        return self._stage(bucket).pace.interval

    def longest_interval(self, bucket: str) -> float:
        """Seconds a request in the long run, if every answer came too late to be of use.

        Args:
            bucket: The name of the bucket, used or not.

        Raises:
            ConfigurationError: there is no such bucket.
        """
        rate = self._stage(bucket).pace.rate
        return (rate.seconds + self._dispatcher.spread) / rate.requests

    def statistics(self) -> LimiterStatistics:
        """Describe each bucket that was used, and the gate, at this moment."""
        return LimiterStatistics(
            buckets={name: stage.statistics() for name, stage in self._dispatcher.stages.items()},
            gate=self._dispatcher.gate.statistics(self._home.loop().time()),
        )

    # Remembering

    def snapshot(self, now: float) -> Snapshot:
        """Describe what a later limiter for the same account must know, in seconds on this event loop's clock.

        Args:
            now: The time on that clock, which may have stopped already.
        """
        return self._dispatcher.snapshot(now)

    def blank_from(self) -> float:
        """Tell when a later limiter need not know anything of this one (seconds, loop clock), if nobody uses it."""
        return self._dispatcher.blank_from()

    def inherit(self, snapshot: Snapshot) -> None:
        """Continue where an earlier limiter for the same account ended.

        Args:
            snapshot: Its state, in seconds on the clock of the running event loop.
        """
        self._dispatcher.restore(snapshot, self._home.loop().time())

    def restore(self, snapshot: Snapshot | None, *, clean: bool) -> None:
        """Continue where an earlier process for the same account ended. Nothing opens earlier than it would have.

        One that did not end cleanly may have sent up to now, and met a ban, without a word. Then every slot that no
        request of this limiter closes is taken to have been used just now, and the first request goes alone, as a
        probe.

        Args:
            snapshot: What it left, in wall-clock time; None: nothing.
            clean: True when the snapshot is the last word of that process.

        Raises:
            ClientStateError: no event loop runs, or another one than the limiter's.
        """
        now = self._home.loop().time()
        if not clean:
            self._dispatcher.distrust(now)
        if snapshot is not None:
            self._take_over(snapshot)
        self._dispatcher.dismiss(now)
        self._turnstile.advance()

    def watch(self, keeper: Keeper) -> None:
        """Have a keeper told of each ban from now on, before `penalise` returns.

        Args:
            keeper: Who makes it durable.
        """
        self._keepers.add(keeper)

    def unwatch(self, keeper: Keeper) -> None:
        """Have a keeper told nothing any more.

        Args:
            keeper: One that watches, or not.
        """
        self._keepers.remove(keeper)

    def _memory(self) -> Snapshot:
        """Return the snapshot of this moment, in wall-clock time."""
        now = self._home.loop().time()
        return self.snapshot(now).shifted(time.time() - now)

    def _take_over(self, snapshot: Snapshot) -> None:
        """Continue where the limiter of an earlier process ended, by the wall clock."""
        now = self._home.loop().time()
        self._dispatcher.restore(snapshot.shifted(now - time.time()), now)

    async def _save(self) -> None:
        if self._keepers.file is not None:
            await self._keepers.file.save(self._memory())

    # Checking

    def _stage(self, bucket: str) -> Stage:
        try:
            return self._dispatcher.stage(bucket)
        except KeyError:
            known = ", ".join(sorted(self._dispatcher.rates))
            raise ConfigurationError(f"There is no bucket {bucket!r}. Use one of: {known}.") from None

    def _own(self, permit: Permit) -> Ticket:
        if isinstance(permit, Ticket) and permit.owner is self._dispatcher:
            return permit
        raise ClientStateError("Another limiter granted this permit. Hand it back to the one that did.")


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1
