"""Sends one operation: admission, HTTP, answer, retry. The only room that knows httpx."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.request import getproxies

import anyio
import attrs
import httpx

from .codec import Envelope, Wire, open_envelope
from .connections import Connections
from .errors import (
    ClientStateError,
    DeadlineExceededError,
    DecodeError,
    RateLimitedError,
    TrackingMoreError,
    TransportError,
    error_class,
)
from .excerpt import describe_body
from .exchange import Exchange
from .lifetime import Lifetime
from .operations import Operation
from .pacing.backoff import back_off
from .pacing.protocol import Permit, RateLimiter
from .retry import RetryPolicy, delay_before_retry, is_transient
from .roundtrip import RoundTrip
from .settings import ApiKey, Lane

__all__ = ["Budget", "HttpClient", "Reply", "Trail", "Transport"]

POOL_SIZE = 20  # httpcore's pool grows quadratically dear above it (SPEED.md B2)
SLOW_SECONDS = 60.0  # operations with a longer timeout have a pool of their own, so that they hold up nobody
LONGEST_PAUSE = 900.0  # seconds; a Retry-After beyond it is an error, not a wait
SUCCESS = frozenset({200, 201, 202})  # API.md 3.1, 6


class HttpClient(Protocol):
    """What is asked of an HTTP client: `httpx.AsyncClient`, `httpx2.AsyncClient`, or anything that acts like them."""

    def build_request(
        self, method: str, url: str, *, headers: Any = ..., content: Any = ..., timeout: Any = ..., extensions: Any = ...
    ) -> Any:
        """Build a request."""
        ...

    async def send(self, request: Any, *, stream: bool = ..., auth: Any = ..., follow_redirects: Any = ...) -> Any:
        """Send a request and return its response, the body not yet read."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


@attrs.define
class Trail:
    """What one call went through, over all its attempts.

    Args:
        attempts: Requests sent.
        bans: Requests that were answered by a 429.
        first_sent_at: When the first request may have left (seconds, loop clock); None: none did.
        in_doubt: True when a request may have been carried out although no answer said so.
    """

    attempts: int = 0
    bans: int = 0
    first_sent_at: float | None = None
    in_doubt: bool = False


@attrs.frozen
class Budget:
    """The time that one call has, in seconds of the loop's clock.

    Args:
        ends_at: When everything has to be over; None: never.
        max_wait: Seconds until a slot; None: any.
        timeout: Seconds for one attempt.
        lane: Where it waits.
    """

    ends_at: float | None
    max_wait: float | None
    timeout: float
    lane: Lane

    def latest_slot(self) -> float | None:
        """Return the latest time at which a slot is of use."""
        latest = None if self.max_wait is None else anyio.current_time() + self.max_wait
        known = [moment for moment in (latest, self.ends_at) if moment is not None]
        return min(known, default=None)

    def time_for_attempt(self) -> float:
        """Return the seconds that the next attempt may take."""
        if self.ends_at is None:
            return self.timeout
        return max(0.0, min(self.timeout, self.ends_at - anyio.current_time()))

    def allows(self, delay: float) -> bool:
        """Tell whether a pause of `delay` seconds leaves any time."""
        return self.ends_at is None or anyio.current_time() + delay < self.ends_at


@attrs.frozen
class Reply:
    """A successful answer.

    Args:
        envelope: The opened envelope; ``data`` still raw.
        date: The server's clock when it answered (``Date`` header), when it was sent.
    """

    envelope: Envelope
    date: datetime | None


@attrs.frozen
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@attrs.define
class _Pool:
    client: HttpClient
    connections: Connections


class Transport:
    """Sends operations to one base URL with one key, at the pace that the limiter allows.

    Args:
        base_url: The address, without a slash at its end.
        key: The API key.
        retry: When to send again.
        pause_after_429: Seconds of silence that a 429 costs.
        http_client: A borrowed HTTP client, never closed here; None: an own one.
        user_agent: How this library introduces itself.
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
    ) -> None:
        self.base_url = base_url
        self.lifetime = Lifetime()
        self.requests = 0
        self.pauses = 0
        self._retry = retry
        self._pause = pause_after_429
        self._borrowed = http_client
        self._headers = {
            "Trackingmore-Api-Key": key.reveal(),
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": user_agent,
        }
        self._key = key
        self._random = random.Random()  # noqa: S311 - jitter, no secret
        self._limiter: RateLimiter | None = None
        self._pools: tuple[_Pool, _Pool] | None = None
        self._server_epoch: datetime | None = None  # what the server's clock shows at 0 of the loop's clock
        self.round_trip = RoundTrip(trusted=False)

    @property
    def limiter(self) -> RateLimiter:
        """The limiter of the open client."""
        if self._limiter is None:
            self.lifetime.check()
            raise ClientStateError("The client was closed while this call was waiting.")
        return self._limiter

    async def open(self, choose_limiter: Callable[[], RateLimiter]) -> None:
        """Make ready to send on the running event loop."""
        self.lifetime.begin()
        self._limiter = choose_limiter()
        if self._borrowed is not None:
            self._pools = (_Pool(self._borrowed, Connections(POOL_SIZE - 4)), _Pool(self._borrowed, Connections(4)))
        else:
            context = await anyio.to_thread.run_sync(httpx.create_ssl_context)  # reads the CA bundle: some 20 ms
            self._pools = (_own_pool(context), _own_pool(context))
            self.round_trip = RoundTrip(trusted=not _may_be_proxied(self.base_url))

    async def aclose(self) -> None:
        """Close the own HTTP clients; a borrowed one stays open."""
        if not self.lifetime.end():
            return
        pools, self._pools, self._limiter = self._pools, None, None
        if pools is None or self._borrowed is not None:
            return
        with anyio.CancelScope(shield=True):
            for pool in pools:
                await pool.client.aclose()

    def server_time(self, moment: float) -> datetime | None:
        """Return what the server's clock showed at `moment` (loop clock); None before its first ``Date`` header."""
        return None if self._server_epoch is None else self._server_epoch + timedelta(seconds=moment)

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
            TrackingMoreError: one of the tree in ``errors.py``.
        """
        self.lifetime.check()
        trail = Trail() if trail is None else trail
        while True:
            try:
                reply = await self._attempt(operation, build, budget, trail)
            except TrackingMoreError as error:
                error.operation, error.attempts = operation.name, trail.attempts
                delay = self._delay(operation, error, trail)
                if delay is None or not budget.allows(delay):
                    raise
                await back_off(delay)
            else:
                if reply is not None:  # None: a 429, which costs no attempt
                    return reply

    def _delay(self, operation: Operation, error: TrackingMoreError, trail: Trail) -> float | None:
        tries = max(1, trail.attempts - trail.bans)
        return delay_before_retry(self._retry, operation, error, tries, self._random.random())

    async def _attempt(
        self, operation: Operation, build: Callable[[], Wire], budget: Budget, trail: Trail
    ) -> Reply | None:
        pool = self._pool(operation)
        permit = await self._admit(pool.connections, operation, budget, again=trail.attempts > 0)
        exchange = Exchange(self.limiter, permit)
        begun_at = anyio.current_time()
        trail.attempts += 1
        settled = False
        try:
            answer = await self._exchange(pool.client, operation, build(), budget, exchange)
            reply = await self._judge(answer, exchange, trail)
            settled = True
        except TrackingMoreError as error:
            settled = not is_transient(error) and not isinstance(error, DeadlineExceededError)
            raise
        finally:
            pool.connections.give_back()
            await exchange.close()
            self._note(trail, exchange, begun_at, settled=settled)
        return reply

    def _note(self, trail: Trail, exchange: Exchange, begun_at: float, *, settled: bool) -> None:
        if exchange.sent is False:
            return
        self.requests += 1
        trail.in_doubt = trail.in_doubt or not settled
        if trail.first_sent_at is None:
            trail.first_sent_at = begun_at

    def _pool(self, operation: Operation) -> _Pool:
        if self._pools is None:
            raise ClientStateError(
                "The client was closed while this call was waiting. Let calls finish before leaving `async with`."
            )
        quick, slow = self._pools
        return slow if operation.timeout > SLOW_SECONDS else quick

    async def _admit(self, connections: Connections, operation: Operation, budget: Budget, *, again: bool) -> Permit:
        """Wait for the turn and take a connection; no permit waits for one (LIMITS.md, first section)."""
        if budget.lane == "bulk" and self.round_trip.is_due:
            await self.round_trip.measure()
        latest = budget.latest_slot()
        connected = False
        try:
            if connections.all_taken:
                connected = await _take(connections, latest)
            while True:
                permit = await self.limiter.acquire(
                    operation.bucket,
                    lane=budget.lane,
                    deadline=latest,
                    round_trip=self.round_trip.shortest,
                    again=again,
                )
                if connected or connections.take_nowait():
                    return permit
                await self.limiter.release(permit, sent_at=None)
                connected = again = await _take(connections, latest)
        except BaseException:
            if connected:
                connections.give_back()
            raise

    async def _exchange(
        self, client: HttpClient, operation: Operation, wire: Wire, budget: Budget, exchange: Exchange
    ) -> _Answer:
        seconds = budget.time_for_attempt()
        request = client.build_request(
            operation.method,
            self.base_url + wire.path,
            headers={**self._headers, **dict(wire.headers)},
            content=wire.content,
            timeout=seconds,
            extensions={"trace": exchange.trace, "timeout": dict.fromkeys(_PHASES, seconds)},
        )
        failure: TrackingMoreError | None = None
        with anyio.move_on_after(seconds):
            exchange.begin()
            try:
                return await self._read(client, request, exchange)
            except _http_errors() as error:
                failure = self._explain(error, exchange, seconds)
        # Raised out here, so that no error of httpx, whose request holds the key, hangs on ours.
        raise failure or self._late(budget, exchange, seconds)

    async def _read(self, client: HttpClient, request: Any, exchange: Exchange) -> _Answer:
        """Read in a stream: a finished httpx response keeps its body until the next garbage collection (SPEED.md B5)."""
        response = await client.send(request, stream=True, auth=None, follow_redirects=False)
        try:
            exchange.head_arrived()
            self._note_address(response)
            body = b"".join([chunk async for chunk in response.aiter_bytes()])
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()
        return _Answer(response.status_code, response.headers, body)

    def _note_address(self, response: Any) -> None:
        if self.round_trip.trusted:
            stream = response.extensions.get("network_stream")
            self.round_trip.answered_from(stream and stream.get_extra_info("server_addr"))

    def _explain(self, error: Exception, exchange: Exchange, seconds: float) -> TrackingMoreError:
        """Turn an error of the HTTP client into one of ours: a name and advice, none of its content."""
        names = {kind.__name__ for kind in type(error).__mro__}
        if names & _UNSENT:
            exchange.never_sent()
        if self._pools is None or (isinstance(error, RuntimeError) and not names & {"StreamError"}):
            return ClientStateError(
                "The HTTP client was closed while this call was under way. Let calls finish before closing it."
            )
        what = f"No answer within {seconds:g} s" if "TimeoutException" in names else "The connection failed"
        host = httpx.URL(self.base_url).host
        return TransportError(
            f"{what} ({type(error).__name__}, {host}). {_SENT_ADVICE[exchange.sent]}", sent=exchange.sent
        )

    def _late(self, budget: Budget, exchange: Exchange, seconds: float) -> TrackingMoreError:
        advice = _SENT_ADVICE[exchange.sent]
        if budget.ends_at is not None and anyio.current_time() >= budget.ends_at:
            return DeadlineExceededError(f"The deadline passed before an answer came. {advice}", sent=exchange.sent)
        return TransportError(f"No complete answer within {seconds:g} s. {advice}", sent=exchange.sent)

    async def _judge(self, answer: _Answer, exchange: Exchange, trail: Trail) -> Reply | None:
        """Classify by ``meta.code`` first; by the HTTP status only where there is no envelope (API.md 1.3)."""
        date = _read_date(answer.headers.get("date"))
        if date is not None and exchange.answered_at is not None:
            self._server_epoch = date - timedelta(seconds=exchange.answered_at)
        envelope = open_envelope(answer.body)
        code = answer.status if envelope is None else envelope.code
        if code == 429:
            await self._hold_still(answer, exchange, trail)
            return None
        if envelope is None:
            raise self._not_an_envelope(answer)
        if code not in SUCCESS:
            kind, text = error_class(code)
            raise kind(text, code=code, http_status=answer.status)
        return Reply(envelope, date)

    async def _hold_still(self, answer: _Answer, exchange: Exchange, trail: Trail) -> None:
        """Close the gate for the whole account; raise when that does not help (API.md 7, DESIGN.md rule 2)."""
        asked = _read_retry_after(answer.headers)
        exchange.refused = True
        trail.bans += 1
        self.pauses += 1
        bans = await self.limiter.penalise(exchange.permit, max(self._pause, min(asked, LONGEST_PAUSE)))
        if asked > LONGEST_PAUSE or bans >= self._retry.bans:
            reason = f"asks for {asked:.0f} s of silence" if asked > LONGEST_PAUSE else f"has banned {bans} times running"
            raise RateLimitedError(
                f"The server {reason}. Something else uses this account too fast, or rates= is too high: "
                "find it, then try again.",
                retry_after=max(asked, self._pause),
                code=429,
                http_status=answer.status,
            )

    def _not_an_envelope(self, answer: _Answer) -> TrackingMoreError:
        found = describe_body(answer.body, self._key.reveal())
        if answer.status >= 400:
            kind, text = error_class(answer.status)
            return kind(f"{text} The answer was {found}.", http_status=answer.status)
        advice = "Check base_url." if answer.status >= 300 else "Try again; if it stays so, check base_url and proxies."
        return DecodeError(f"The answer was {found} instead of the API's envelope. {advice}", http_status=answer.status)


_PHASES = ("connect", "read", "write", "pool")
_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError", "InvalidURL"})
_SENT_ADVICE: Mapping[bool | None, str] = {
    False: "The request was not sent; nothing changed. Check the network and base_url, then try again.",
    True: "The request was sent and may have been carried out. Read back before sending it again.",
    None: "The request may have been sent and carried out. Read back before sending it again.",
}


def _own_pool(context: Any) -> _Pool:
    # Fewer keep-alive connections than connections make httpcore reconnect on nearly every request (SPEED.md B3).
    limits = httpx.Limits(max_connections=POOL_SIZE, max_keepalive_connections=POOL_SIZE, keepalive_expiry=60.0)
    return _Pool(httpx.AsyncClient(verify=context, limits=limits), Connections(POOL_SIZE))


def _may_be_proxied(base_url: str) -> bool:
    proxies = getproxies()
    return bool(proxies.get(httpx.URL(base_url).scheme) or proxies.get("all"))


def _http_errors() -> tuple[type[Exception], ...]:
    modules = [httpx, *filter(None, [sys.modules.get("httpx2")])]
    return tuple(kind for module in modules for kind in (module.RequestError, module.InvalidURL, RuntimeError))


async def _take(connections: Connections, latest: float | None) -> bool:
    """Wait for a connection until `latest`; return True."""
    with anyio.move_on_at(float("inf") if latest is None else latest):
        await connections.take()
        return True
    raise DeadlineExceededError(
        f"All {connections.size} connections were busy until it was too late. "
        "Allow more time (max_wait, deadline), or start fewer calls at once."
    )


def _read_date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def _read_retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds of a ``Retry-After``, in either of its forms; 0 without one."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until, now = _read_date(text), _read_date(headers.get("date"))
    return max(0.0, (until - now).total_seconds()) if until and now else 0.0
