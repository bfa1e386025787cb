"""The sandbox as an ASGI application: one exchange from arrival to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

from trackingmore_async.sandbox.account import Account
from trackingmore_async.sandbox.codes import Answer
from trackingmore_async.sandbox.control import Control
from trackingmore_async.sandbox.core import Core, Request, read_request
from trackingmore_async.sandbox.faults import Plan
from trackingmore_async.sandbox.path import Delay, Path, draw
from trackingmore_async.sandbox.police import Verdict
from trackingmore_async.sandbox.reply import Reply, make_reply, refusal

__all__ = ["CONNECTION", "PREPARED", "App", "ConnectionCutError", "Receive", "Scope", "Send"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONNECTION = "trackingmore_async.sandbox.abort"
"""Scope key: a function that resets the connection; without it a reset raises `ConnectionCutError`."""

PREPARED = "trackingmore_async.sandbox.prepared"
"""Scope key: the request and the faults that it meets, where whoever calls has read and drawn them already."""


class ConnectionCutError(Exception):
    """The fault script resets this connection, and there is no socket to do it with."""


class App:
    """The ASGI application. It keeps no state of its own.

    Args:
        core: The sandbox.
        path: The network path to it.

    Example:
        >>> httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://sandbox/v2")
    """

    def __init__(self, core: Core, path: Path) -> None:
        self._core = core
        self._path = path
        self._control = Control(core)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope, as ASGI wants it."""
        if scope["type"] != "http":
            raise ValueError(f"the sandbox speaks HTTP only, not {scope['type']!r}")
        reply = await self._answer(scope, receive)
        if reply is None:
            await _cut(scope, receive)
        else:
            await self._send(send, reply)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply | None:
        if PREPARED in scope:
            return await self._exchange(*scope[PREPARED])
        path, body = raw_path(scope), await read_body(receive)
        if path.startswith("/_sandbox"):
            return self._control.answer(scope["method"], path, body)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        request = read_request(scope["method"], path, scope["query_string"], headers, body)
        return await self._exchange(request, self._core.plan(request))

    async def _exchange(self, request: Request, plan: Plan) -> Reply | None:
        """Take a request its whole way; None means that the connection is reset."""
        self._core.clock.microseconds()  # The time begins here at the latest, not after the way there.
        if plan.refuse_connection:
            return None
        await self._sleep(self._path.there, plan, "there")
        admitted = self._core.admit(request, plan)
        reply = await self._serve(request, admitted, plan)
        if reply is not None:
            await self._sleep(self._path.back, plan, "back")
        return reply

    async def _serve(self, request: Request, admitted: Account | Answer | Verdict, plan: Plan) -> Reply | None:
        switches = self._core.switches
        if isinstance(admitted, Verdict):
            return refusal(admitted.wait, self._core.clock.seconds(), switches)
        if isinstance(admitted, Answer):
            return make_reply(admitted, Plan(), switches)
        await self._sleep(self._path.work, plan, "work")
        answer = self._core.perform(request, admitted, plan) if plan.performed else Answer()
        return make_reply(answer, plan, switches) if plan.reset is None else None

    async def _sleep(self, usual: Delay, plan: Plan, part: Literal["there", "work", "back"]) -> None:
        random = self._core.random
        seconds = draw(usual, random) + plan.delay(part, random)
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def _send(self, send: Send, reply: Reply) -> None:
        headers = {"content-type": reply.content_type, "content-length": str(len(reply.body)), **reply.headers}
        if self._core.switches.date_header:
            headers["date"] = self._core.clock.http_date()
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
        await send({"type": "http.response.body", "body": reply.body})


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request; nothing where the client has gone.

    Args:
        receive: The ASGI function.

    Example:
        >>> await read_body(receive)
        b'[]'
    """
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def raw_path(scope: Scope) -> str:
    """Return the path of a request as it was sent: percent-encoded, without the query.

    Args:
        scope: The ASGI scope.

    Example:
        >>> raw_path({"path": "/v2/carriers"})
        '/v2/carriers'
    """
    raw = scope.get("raw_path")
    return str(scope["path"]) if raw is None else raw.split(b"?")[0].decode("latin-1")


async def _cut(scope: Scope, receive: Receive) -> None:
    abort = scope.get(CONNECTION)
    if abort is None:
        raise ConnectionCutError("the fault script resets this connection")
    abort()
    while (await receive())["type"] != "http.disconnect":
        pass
