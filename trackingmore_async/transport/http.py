"""The HTTP client below everything else: the only file that knows httpx."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.request import getproxies

import anyio
import attrs
import httpx

from trackingmore_async.errors import (
    ClientStateError,
    ConfigurationError,
    DecodeError,
    InvalidRequestError,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.operations import Operation, Safety
from trackingmore_async.transport.exchange import Exchange

__all__ = [
    "POOL_SIZE",
    "Answer",
    "HttpClient",
    "check_address",
    "explain",
    "http_errors",
    "make_clients",
    "may_be_proxied",
    "receive",
    "sent_advice",
]

POOL_SIZE = 20  # httpcore's pool grows quadratically dear above it (SPEED.md B2)

_SENT_ADVICE: Mapping[bool | None, str] = {
    False: "The request was not sent. Check the network and base_url, then try again.",
    True: "The request was sent and may have been carried out. Read back before sending it again.",
    None: "The request may have been sent and carried out. Read back before sending it again.",
}
_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"})


class HttpClient(Protocol):
    """What is asked of an HTTP client: `httpx.AsyncClient`, `httpx2.AsyncClient`, or anything that acts like them."""

    def build_request(
        self,
        method: str,
        url: str,
        *,
        headers: Any = ...,
        content: Any = ...,
        timeout: Any = ...,
        extensions: Any = ...,
    ) -> Any:
        """Build a request."""
        ...

    async def send(self, request: Any, *, stream: bool = ..., auth: Any = ..., follow_redirects: Any = ...) -> Any:
        """Send a request and return its response, the body not yet read."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


@attrs.frozen
class Answer:
    """What came back, read to its end.

    Args:
        status: The HTTP status.
        headers: The headers, looked up in any case.
        body: The body, inflated.
        address: Host and port that it came from, where that is known.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)  # it may hold customers' data
    address: object = None


def sent_advice(sent: bool | None, operation: Operation) -> str:
    """Say whether a request was sent, and what to do next; a request that only reads can be sent again at any time."""
    if sent is not False and operation.safety is Safety.READ:
        return "Nothing was changed. Try again."
    return _SENT_ADVICE[sent]


def check_address(base_url: str) -> None:
    """Refuse an address that the HTTP client could not use: it is stricter about hosts than the standard library."""
    try:
        httpx.URL(base_url)
    except httpx.InvalidURL:
        raise ConfigurationError(
            "The host of the base URL cannot be right. Check base_url for typing errors."
        ) from None


async def make_clients(count: int) -> list[HttpClient]:
    """Build own HTTP clients that share an SSL context; reading the CA bundle takes some 20 ms, so in a thread."""
    # Fewer keep-alive connections than connections make httpcore reconnect on nearly every request (SPEED.md B3).
    limits = httpx.Limits(max_connections=POOL_SIZE, max_keepalive_connections=POOL_SIZE, keepalive_expiry=60.0)
    try:
        context = await anyio.to_thread.run_sync(httpx.create_ssl_context)
        return [httpx.AsyncClient(verify=context, limits=limits) for _ in range(count)]
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
        reason = type(error).__name__  # its text may show the password of a proxy
    raise ConfigurationError(
        f"The HTTP client cannot be made from this environment ({reason}). "
        "Check SSL_CERT_FILE, SSL_CERT_DIR and the proxies in HTTP_PROXY, HTTPS_PROXY, ALL_PROXY; or lend http_client=."
    )


def may_be_proxied(base_url: str) -> bool:
    """Tell whether the environment names a proxy that httpx might use."""
    proxies = getproxies()
    return bool(proxies.get(base_url.partition(":")[0]) or proxies.get("all"))


async def receive(client: HttpClient, request: Any, exchange: Exchange) -> Answer:
    """Send a request and read the answer in a stream.

    A response that httpx reads itself keeps its body until the next garbage collection (SPEED.md B5).
    """
    response = await client.send(request, stream=True, auth=None, follow_redirects=False)
    try:
        exchange.head_arrived()
        stream = response.extensions.get("network_stream")
        address = stream.get_extra_info("server_addr") if stream is not None else None
        body = b"".join([chunk async for chunk in response.aiter_bytes()])
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()
    return Answer(response.status_code, response.headers, body, address)


def http_errors() -> tuple[type[Exception], ...]:
    """Return what an HTTP client raises: the errors of httpx, and of httpx2 where that is loaded."""
    modules = [httpx, *filter(None, [sys.modules.get("httpx2")])]
    kinds = [kind for module in modules for kind in (module.RequestError, module.InvalidURL)]
    return (*kinds, RuntimeError, OSError)


def explain(
    error: Exception, exchange: Exchange, client: HttpClient, operation: Operation, seconds: float
) -> TrackingMoreError:
    """Turn an error of the HTTP client into one of ours: its name and advice, none of its content."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & _UNSENT:
        exchange.never_sent()
    if getattr(client, "is_closed", False):
        return ClientStateError(
            "The HTTP client was closed before this call was over. Close it after the calls, or lend another one."
        )
    if "InvalidURL" in names:
        return InvalidRequestError("The address of this request cannot be sent. Check base_url, codes and numbers.")
    if "DecodingError" in names:
        return DecodeError("The answer cannot be inflated. Try again; if it stays so, check base_url and proxies.")
    exchange.gave_up = "TimeoutException" in names
    what = f"No answer within {seconds:g} s" if exchange.gave_up else "The connection failed"
    advice = sent_advice(exchange.sent, operation)
    return TransportError(f"{what} ({type(error).__name__}). {advice}", sent=exchange.sent)
