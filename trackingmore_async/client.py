"""`TrackingMore`: opens, closes, and holds what all calls share."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import attrs

from trackingmore_async.calls import Caller
from trackingmore_async.coalesce import Shared
from trackingmore_async.errors import ConfigurationError
from trackingmore_async.hooks import Hook, check_hooks
from trackingmore_async.memory import MEMORY_SIZE, Memory
from trackingmore_async.models import UNSET, UnsetType
from trackingmore_async.operations import Rate
from trackingmore_async.pacing import LocalLimiter
from trackingmore_async.pacing.protocol import RateLimiter
from trackingmore_async.pacing.rates import all_rates
from trackingmore_async.pacing.registry import leave_limiter, shared_limiter
from trackingmore_async.resources import AccountResource, AirResource, CarriersResource, TrackingsResource
from trackingmore_async.retry import RetryPolicy
from trackingmore_async.settings import CallOptions, Coalesce, Lane, check_seconds, read_api_key, read_base_url
from trackingmore_async.stats import Statistics
from trackingmore_async.transport import HttpClient, Transport
from trackingmore_async.version import __version__

__all__ = ["TrackingMore"]


class TrackingMore:
    """The client for the TrackingMore API, version 2.

    Use it with ``async with``, one client for the life of the program; all clients of one key in one process share
    their pace. Options that concern single calls are set with `with_options`.

    Args:
        api_key: The key; None: the environment variable ``TRACKINGMORE_API_KEY``.
        base_url: The address; None: ``TRACKINGMORE_BASE_URL``, else the vendor's.
        rates: Bucket -> `Rate`, where the account's limits differ from the defaults (realtime 3 requests a second,
            all others 1). A bucket has the name of its operation; ``total`` bounds all of them together.
        pause_after_429: Seconds for which the whole account is silent after a 429; the vendor asks for 120.
        limiter: A `RateLimiter` of your own instead of the one that all clients of this key share.
        retry: When and how often failed requests are sent again.
        timeout: Seconds for one attempt; None: what the table says (30; realtime and air 120).
        memory_size: Trackings that are kept at most for ``trackings.get(..., max_age=)``; some kilobytes each.
        http_client: An ``httpx.AsyncClient`` (or ``httpx2.AsyncClient``) of yours. It is borrowed: never closed here.
            It should allow 20 connections, and keep as many alive.
        hooks: Functions that hear of every call, request, retry and ban: see `Hook`.

    Raises:
        ConfigurationError: an argument cannot work. Nothing was sent.

    Example:
        >>> import asyncio
        >>> from trackingmore_async import TrackingMore
        >>> from trackingmore_async.sandbox import Sandbox
        >>> async def main() -> str:
        ...     async with Sandbox() as sandbox, TrackingMore(sandbox.key, base_url=sandbox.url) as tm:
        ...         created = await tm.trackings.create("china-ems", "LX900000017CN", order_id="A-77")
        ...         return created.tracking_number
        >>> asyncio.run(main())
        'LX900000017CN'
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        rates: Mapping[str, Rate] | None = None,
        pause_after_429: float = 120.0,
        limiter: RateLimiter | None = None,
        retry: RetryPolicy | None = None,
        timeout: float | None = None,
        memory_size: int = MEMORY_SIZE,
        http_client: HttpClient | None = None,
        hooks: Sequence[Hook] = (),
    ) -> None:
        pause = check_seconds("pause_after_429", pause_after_429)
        if pause is None:
            raise ConfigurationError("pause_after_429 has to be a number of seconds; leave it out for 120.")
        key = read_api_key(api_key)
        address = read_base_url(base_url)
        if limiter is not None and rates is not None:
            raise ConfigurationError("Pass either limiter= or rates=: a limiter brings its own rates.")
        if http_client is not None and (isinstance(http_client, type) or not hasattr(http_client, "aclose")):
            raise ConfigurationError("http_client has to be an httpx.AsyncClient or one that acts like it; it is not.")
        if limiter is not None and (isinstance(limiter, type) or not hasattr(limiter, "acquire")):
            raise ConfigurationError("limiter has to be a RateLimiter, such as LocalLimiter(...); it is not.")
        if retry is not None and not isinstance(retry, RetryPolicy):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("retry has to be a RetryPolicy, such as RetryPolicy(attempts=2); it is not.")
        transport = Transport(
            address,
            key,
            retry=retry or RetryPolicy(),
            pause_after_429=pause,
            http_client=http_client,
            user_agent=f"trackingmore_async/{__version__}",
            hooks=check_hooks(hooks),
        )
        self._account = (address, key.digest)
        self._pause = pause
        all_rates(rates)  # wrong names and numbers are told now, not at the first call
        self._rates = rates
        self._limiter = limiter
        self._caller = Caller(transport, CallOptions(timeout=timeout), Memory(memory_size))
        self._shared = Shared.of(self._caller)

    async def open(self) -> Self:
        """Make ready to send on the running event loop; ``async with`` does this for you.

        Raises:
            ClientStateError: the client is open already, or was closed.
        """
        await self._caller.transport.open(self._choose_limiter)
        return self

    def _choose_limiter(self) -> RateLimiter:
        if self._limiter is not None:
            return self._limiter
        address, digest = self._account
        return shared_limiter(address, digest, rates=self._rates, pause_after_429=self._pause)

    async def aclose(self) -> None:
        """Close the client for good. A borrowed HTTP client stays open. Closing twice does nothing."""
        await self._caller.transport.aclose(self._leave_limiter)
        await self._shared.aclose()

    def _leave_limiter(self, limiter: RateLimiter) -> None:
        if isinstance(limiter, LocalLimiter) and limiter is not self._limiter:
            leave_limiter(limiter)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def with_options(
        self,
        *,
        timeout: float | UnsetType | None = UNSET,
        deadline: float | UnsetType | None = UNSET,
        max_wait: float | UnsetType | None = UNSET,
        priority: Lane | UnsetType | None = UNSET,
        coalesce: Coalesce | UnsetType = UNSET,
    ) -> Self:
        """Return a cheap view of this client whose calls follow other options. Opening and closing stay here.

        Args:
            timeout: Seconds for one attempt; None: what the table says (30; realtime and air 120).
            deadline: Seconds for everything: waiting, attempts, pauses; None: no end. A call fails at once when its
                slot, or the answer after the time that answers usually take, would come too late.
            max_wait: Seconds until a slot, without the answer; None: no end. By default 30 for single calls, no end for
                jobs and walks.
            priority: "interactive" overtakes "bulk", which keeps half. By default jobs and walks are bulk.
            coalesce: "reads" (the default): look-ups that wait together share a request to the list. "all": single
                edits, deletions and creates share batch requests, too. False: each call is a request of its own.

        Raises:
            ConfigurationError: a value cannot work.

        Example:
            >>> tm = TrackingMore("some-key")
            >>> quick = tm.with_options(deadline=0.8)
        """
        given: dict[str, Any] = {"timeout": timeout, "deadline": deadline, "max_wait": max_wait}
        given |= {"priority": priority, "coalesce": coalesce}
        changes = {name: value for name, value in given.items() if not isinstance(value, UnsetType)}
        view = copy.copy(self)
        vars(view)["_caller"] = attrs.evolve(self._caller, options=attrs.evolve(self._caller.options, **changes))
        return view

    @property
    def trackings(self) -> TrackingsResource:
        """Everything under /trackings that concerns parcels."""
        return TrackingsResource(self._caller, self._shared)

    @property
    def account(self) -> AccountResource:
        """What the account has and holds."""
        return AccountResource(self._caller)

    @property
    def carriers(self) -> CarriersResource:
        """Carriers: which there are, which one a number belongs to, where and how fast they deliver."""
        return CarriersResource(self._caller)

    @property
    def air(self) -> AirResource:
        """Air waybills."""
        return AirResource(self._caller)

    def stats(self) -> Statistics:
        """Describe what this client does at this moment, bucket by bucket; its views tell the same.

        Returns:
            `Statistics`: a frozen copy, cheap enough to be made every second.

        Raises:
            ClientStateError: the client is not open, or was opened on another event loop.

        Example:
            >>> async def is_too_much(tm: TrackingMore) -> bool:
            ...     await tm.account.info()
            ...     bucket = tm.stats().buckets["account_info"]
            ...     return bucket.load > bucket.capacity
        """
        return self._caller.transport.statistics()

    def __repr__(self) -> str:
        if not hasattr(self, "_caller"):
            return "<TrackingMore (not built)>"
        transport = self._caller.transport
        return f"<TrackingMore {transport.base_url} ({transport.lifetime.state})>"
