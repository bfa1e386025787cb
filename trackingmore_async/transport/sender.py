"""Sends one operation: admission, HTTP, answer, retry."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial

import anyio

from trackingmore_async.codec import Wire
from trackingmore_async.errors import (
    ApiError,
    ClientStateError,
    DeadlineExceededError,
    ServerError,
    TrackingMoreError,
)
from trackingmore_async.hooks import Hook
from trackingmore_async.lifetime import Lifetime
from trackingmore_async.operations import Operation
from trackingmore_async.pacing.backoff import back_off
from trackingmore_async.pacing.local import LocalLimiter
from trackingmore_async.pacing.protocol import Permit, RateLimiter
from trackingmore_async.pacing.refusal import late_turn
from trackingmore_async.pacing.silence import Silence
from trackingmore_async.retry import RetryPolicy, delay_before_retry
from trackingmore_async.settings import ApiKey, Lane, account_name, server_of
from trackingmore_async.stats import Statistics
from trackingmore_async.transport.bans import Bans
from trackingmore_async.transport.budget import Budget, Trail, clock
from trackingmore_async.transport.connections import Connections
from trackingmore_async.transport.counters import Counter, Counters
from trackingmore_async.transport.courier import Courier
from trackingmore_async.transport.exchange import Exchange
from trackingmore_async.transport.herald import Call, Herald
from trackingmore_async.transport.http import Answer, HttpClient, check_address, may_be_proxied
from trackingmore_async.transport.latency import Latency, count_in
from trackingmore_async.transport.pools import Pools, borrowed_pools, own_pools
from trackingmore_async.transport.reply import Reply, read_reply
from trackingmore_async.transport.roundtrip import RoundTrip
from trackingmore_async.transport.telling import tell_the_whole

__all__ = ["Transport"]

CLOSING_SECONDS = 5.0  # for which closing waits until calls under way have let go
CLOSED = "The client was closed while this call was under way. Let calls finish before leaving `async with`."


class Transport:
    """Sends operations to one base URL with one key, at the pace that the limiter allows.

    Args:
        base_url: The address, without a slash at its end.
        key: The API key.
        retry: When to send again.
        pause_after_429: Seconds of silence that a 429 costs.
        http_client: A borrowed HTTP client, never closed here; None: an own one.
        user_agent: How this library introduces itself.
        hooks: Who hears of every call.
    """

    def __init__(
        self,
        base_url: str,
        key: ApiKey,
        *,
        retry: RetryPolicy,
        pause_after_429: float,
        http_client: HttpClient | None,
        user_agent: str,
        hooks: tuple[Hook, ...] = (),
    ) -> None:
        check_address(base_url)
        self.base_url: str = base_url
        self.account: str = account_name(base_url, key)
        self.lifetime: Lifetime = Lifetime()
        self.herald: Herald = Herald(hooks, server_of(base_url))
        self.counters: Counters = Counters()
        self.silence: Silence = Silence()
        self.latency: Latency = Latency()
        self._retry = retry
        self._bans = Bans(self.counters, pause_after_429, retry.bans)
        self._borrowed = http_client
        self._key = key
        self._courier = Courier(base_url, key, user_agent)
        self._random = random.Random()  # noqa: S311 - jitter, no secret
        self._limiter: RateLimiter | None = None
        self._pools: Pools | None = None
        self._under_way: set[anyio.CancelScope] = set()
        self._all_done = anyio.Event()
        self._server_epoch: datetime | None = None  # what the server's clock shows at 0 of the loop's clock
        self.round_trip: RoundTrip = RoundTrip(trusted=False)

    @property
    def limiter(self) -> RateLimiter:
        """The limiter of the open client."""
        if self._limiter is None:
            self.lifetime.check()
            raise ClientStateError(CLOSED)
        return self._limiter

    async def open(self, choose_limiter: Callable[[], RateLimiter]) -> None:
        """Make ready to send on the running event loop; a failure leaves nothing behind."""
        self.lifetime.begin()
        try:
            pools = await own_pools() if self._borrowed is None else borrowed_pools(self._borrowed)
            try:
                self.lifetime.check()  # it may have been closed meanwhile
                self._limiter = choose_limiter()
                if isinstance(self._limiter, LocalLimiter):  # it knows the bans of all clients of this key
                    self.silence = self._limiter.silence
            except BaseException:
                await pools.aclose()
                raise
        except BaseException:
            self.lifetime.abandon()
            raise
        self._pools = pools
        pools.listen(self.silence)
        self.counters.since = clock()
        self.round_trip = RoundTrip(trusted=pools.owned and not may_be_proxied(self.base_url))

    async def aclose(self, leave_limiter: Callable[[RateLimiter], None]) -> None:
        """End the calls under way, and close the own HTTP clients, not a borrowed one.

        Args:
            leave_limiter: Called with the limiter when it is used no more, even if closing is cancelled.
        """
        if not self.lifetime.end():
            return
        pools, limiter = self._pools, self._limiter
        self._pools = self._limiter = None
        with anyio.CancelScope(shield=True):
            try:
                await self._end_calls()
            finally:
                if limiter is not None:
                    leave_limiter(limiter)
                if pools is not None:
                    await pools.aclose()

    async def _end_calls(self) -> None:
        for scope in list(self._under_way):
            scope.cancel()
        if self._under_way:
            with anyio.move_on_after(CLOSING_SECONDS):
                await self._all_done.wait()

    @property
    def attempts_at_most(self) -> int:
        """How many requests one call may take."""
        return self._retry.attempts

    def server_time(self, moment: float) -> datetime | None:
        """Return what the server's clock showed at `moment` (loop clock); None before its first ``Date`` header."""
        return None if self._server_epoch is None else self._server_epoch + timedelta(seconds=moment)

    def call(self, operation: Operation, lane: Lane, trail: Trail) -> AbstractContextManager[None]:
        """Return the context of one logical call; nothing begins where the trail is that of one which has begun.

        Args:
            operation: The row of the table.
            lane: Where it waits.
            trail: What it goes through; its `timing` is complete after the context.

        Raises:
            ClientStateError: the client is not open.
        """
        self.lifetime.check()
        if trail.call:
            return nullcontext()
        trail.lane = lane
        return Call(self.herald, self.silence, operation, trail)

    def tell_batch(
        self, operation: Operation, trail: Trail, items: int, capacity: int, shares: Sequence[int] = ()
    ) -> None:
        """Count and tell what a shared request or a batch carries, once that is certain.

        Args:
            operation: The row of the table.
            trail: The trail of the call that sends it.
            items: How many items it carries.
            capacity: How many it could.
            shares: The numbers of the logical calls that it carries, when these are others.
        """
        self.counters.took(operation.bucket, items, capacity)
        if self.herald.hooks:
            self.herald.tell("batch", operation, trail, items=items, capacity=capacity, shares=tuple(shares))

    def statistics(self) -> Statistics:
        """Describe all buckets that were used; ClientStateError unless open."""
        self.lifetime.check()
        return self.counters.statistics(self.limiter, self.silence)

    async def send(
        self, operation: Operation, build: Callable[[], Wire], budget: Budget, trail: Trail | None = None
    ) -> Reply:
        """Send one operation, again where that is safe, and return its successful answer.

        Args:
            operation: The row of the table.
            build: Makes the bytes; called anew for each request, at the moment its slot is granted.
            budget: The time it has.
            trail: Filled with what the call went through, also when it raises.

        Raises:
            TrackingMoreError: one of the tree in ``errors.py``; its ``timing`` says where the time went.
        """
        self.lifetime.check()
        trail = Trail() if trail is None else trail
        if not trail.is_counted:
            self.counters.came(operation.bucket)
        try:
            with self.call(operation, budget.lane, trail):
                return await self._until_closed(operation, build, budget, trail)
        except TrackingMoreError as error:
            trail.end()
            tell_the_whole(error, operation, trail)
            raise

    async def _until_closed(
        self, operation: Operation, build: Callable[[], Wire], budget: Budget, trail: Trail
    ) -> Reply:
        with anyio.CancelScope() as scope:
            self._under_way.add(scope)
            try:
                return await self._send(operation, build, budget, trail)
            finally:
                self._under_way.discard(scope)
                if not self._under_way and self.lifetime.state == "closed":
                    self._all_done.set()
        raise ClientStateError(CLOSED)

    async def _send(self, operation: Operation, build: Callable[[], Wire], budget: Budget, trail: Trail) -> Reply:
        trail.before, failures = trail.attempts, 0
        failed: TrackingMoreError | None = None
        while True:
            tried = trail.attempts
            try:
                reply = await self._attempt(operation, build, budget, trail)
            except TrackingMoreError as error:
                if failed is not None and trail.attempts == tried and isinstance(error, DeadlineExceededError):
                    raise failed from error  # there is no slot in time for another attempt: what failed says more
                failed, failures = error, failures + 1
                delay = delay_before_retry(self._retry, operation, error, failures, self._random.random())
                if delay is None or not budget.allows(delay + self._network(operation, budget)):
                    raise
                if self.herald.hooks:
                    name = type(error).__name__
                    self.herald.tell("retry", operation, trail, attempt=trail.attempt, seconds=delay, error=name)
                await back_off(delay)
            else:
                if reply is not None:  # None: a 429, which costs no attempt
                    return reply

    async def _attempt(
        self, operation: Operation, build: Callable[[], Wire], budget: Budget, trail: Trail
    ) -> Reply | None:
        if self._pools is None:
            raise ClientStateError(CLOSED)
        pool, limiter = self._pools.choose(operation), self.limiter
        asked_at = clock() if self.herald.hooks else 0.0
        counter, again = self.counters.of(operation.bucket), trail.attempts > 0
        permit = await self._admit(pool.connections, operation, budget, counter, again=again)
        exchange = Exchange(limiter, permit, trail)
        begun_at = trail.asked_at = clock()
        trail.attempts += 1
        counter.granted += 1
        counter.in_flight += 1
        failure: type[BaseException] | None = None
        try:
            if self.herald.hooks:
                self.herald.tell_request(operation, trail, waited=begun_at - asked_at)
            answer = await self._courier.carry(pool.client, operation, build(), budget, exchange)
            self.round_trip.answered_from(answer.address)
            reply = await self._judge(answer, exchange)
        except BaseException as error:
            failure = type(error)
            raise
        finally:
            counter.in_flight -= 1
            pool.connections.give_back()
            await exchange.close()
            self._note(trail, exchange, begun_at, failure, budget)
            if self.herald.hooks:
                self.herald.tell_reply(operation, exchange, failure)
        return reply

    def _note(
        self, trail: Trail, exchange: Exchange, begun_at: float, failure: type[BaseException] | None, budget: Budget
    ) -> None:
        if exchange.sent is False:
            return
        self.counters.requests += 1
        bucket = exchange.permit.bucket
        if trail.attempt > 1:
            counter = self.counters.of(bucket)
            counter.retries += 1
            counter.replays += trail.in_doubt
        if not trail.in_doubt:  # what was refused before has changed nothing
            trail.first_sent_at = begun_at
        settled = failure is None or (issubclass(failure, ApiError) and not issubclass(failure, ServerError))
        if settled and not exchange.refused:
            self.latency.learn(bucket, budget.peers, exchange.travel)
        trail.in_doubt = trail.in_doubt or not settled
        trail.may_still_run = trail.may_still_run or exchange.gave_up

    async def _admit(
        self, connections: Connections, operation: Operation, budget: Budget, counter: Counter, *, again: bool
    ) -> Permit:
        """Wait for the turn and take a connection; no permit waits for one (LIMITS.md, first section)."""
        limiter = self.limiter
        if budget.lane == "bulk" and self.round_trip.is_due:
            await self.round_trip.measure()
        network = self._network(operation, budget)
        latest = budget.latest_slot(network)
        refusal = partial(late_turn, limiter, operation.bucket, self.silence, lane=budget.lane, latest=latest)
        counter.waiting += 1
        try:
            while True:
                if connections.must_wait:
                    await connections.wait(latest, partial(refusal, again=again))
                permit = await limiter.acquire(
                    operation.bucket,
                    lane=budget.lane,
                    deadline=latest,
                    round_trip=self.round_trip.shortest,
                    again=again,
                )
                if connections.take():
                    return permit
                await limiter.release(permit, sent_at=None)
                again = True
        except DeadlineExceededError as error:
            if budget.ends_at is not None:
                count_in(error, network)
            raise
        finally:
            counter.waiting -= 1

    def _network(self, operation: Operation, budget: Budget) -> float:
        return self.latency.usual(operation.bucket, budget.peers)

    async def _judge(self, answer: Answer, exchange: Exchange) -> Reply | None:
        try:
            reply = read_reply(answer, exchange, self._key)
        finally:
            if exchange.date is not None and exchange.answered_at is not None:
                self._server_epoch = exchange.date - timedelta(seconds=exchange.answered_at)
        if reply is None:
            await self._bans.hold_still(answer, exchange, self.silence)
        return reply
