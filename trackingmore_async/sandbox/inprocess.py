"""The sandbox as a transport of httpx: in the caller's event loop, without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any, cast

import httpx

from trackingmore_async.sandbox.app import PREPARED, App, ConnectionCutError
from trackingmore_async.sandbox.core import Core, Request, read_request

__all__ = ["InProcessTransport"]

Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]


class InProcessTransport(httpx.AsyncBaseTransport):
    """Hands requests to a sandbox in the same event loop, and behaves as a network would.

    A request that was cancelled, or whose read timeout has passed, stays on its way: the sandbox still performs it,
    as a real server does. `aclose` ends what is still on its way.

    Args:
        app: The sandbox's application.
        core: The sandbox.

    Example:
        >>> httpx.AsyncClient(transport=sandbox.transport(), base_url="http://sandbox/v2")
    """

    def __init__(self, app: App, core: Core) -> None:
        self._app = app
        self._core = core
        self._on_their_way: set[asyncio.Task[httpx.Response]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and wait for its answer.

        Args:
            request: The request; its extensions ``timeout`` (read) and ``trace`` are honoured.

        Raises:
            httpx.ConnectError: The fault script refuses the connection.
            httpx.ReadError: The fault script resets it.
            httpx.ReadTimeout: No answer came within the read timeout.
        """
        read = _read(request, await request.aread())
        plan = self._core.plan(read)
        if plan.refuse_connection:
            raise httpx.ConnectError("All connection attempts failed", request=request)
        trace = cast("Trace", request.extensions.get("trace", _no_trace))
        await trace("http11.send_request_headers.started", {"request": request})
        task = self._start({"type": "http", "method": request.method, PREPARED: (read, plan)})
        await trace("http11.send_request_headers.complete", {"return_value": None})
        response = await self._wait(task, request)
        reason = response.reason_phrase.encode()
        value = (b"HTTP/1.1", response.status_code, reason, response.headers.raw)
        await trace("http11.receive_response_headers.complete", {"return_value": value})
        return response

    def _start(self, scope: MutableMapping[str, Any]) -> asyncio.Task[httpx.Response]:
        task = asyncio.ensure_future(_call(self._app, scope))
        self._on_their_way.add(task)
        task.add_done_callback(self._arrived)
        return task

    def _arrived(self, task: asyncio.Task[httpx.Response]) -> None:
        self._on_their_way.discard(task)
        if not task.cancelled():
            task.exception()  # Nobody may be waiting any more: asyncio must not complain that it was never looked at.

    async def _wait(self, task: asyncio.Task[httpx.Response], request: httpx.Request) -> httpx.Response:
        limits: Mapping[str, float | None] = request.extensions.get("timeout", {})
        done, _ = await asyncio.wait({task}, timeout=limits.get("read"))
        if not done:
            raise httpx.ReadTimeout("", request=request)
        try:
            return task.result()
        except ConnectionCutError as error:
            raise httpx.ReadError("", request=request) from error

    async def aclose(self) -> None:
        """End the requests that nobody waits for any more."""
        left = list(self._on_their_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


class _Body(httpx.AsyncByteStream):
    """The body of an answer, at once."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


async def _no_trace(_event: str, _info: Mapping[str, Any]) -> None:
    return None


def _read(request: httpx.Request, body: bytes) -> Request:
    raw_path, _, query = request.url.raw_path.partition(b"?")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw}
    return read_request(request.method, raw_path.decode("latin-1"), query, headers, body)


async def _call(app: App, scope: MutableMapping[str, Any]) -> httpx.Response:
    messages: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *parts = messages
    stream = _Body(b"".join(part["body"] for part in parts))
    return httpx.Response(
        start["status"], headers=start["headers"], stream=stream, extensions={"http_version": b"HTTP/1.1"}
    )
