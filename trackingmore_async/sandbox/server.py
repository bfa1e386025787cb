"""The sandbox on a socket: uvicorn in a thread of its own, with connections that can be reset."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from trackingmore_async.sandbox.app import CONNECTION, App, Receive, Scope, Send

__all__ = ["Server", "listen", "serve"]


TURNS = 10
"""Turns of the event loop within which a connection that was accepted becomes known."""


class ResettableProtocol(H11Protocol):
    """uvicorn's HTTP protocol; tells the application how to reset the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the transport for the application."""
        super().connection_made(transport)
        self.access_log = False
        self.app: Any = partial(_with_connection, self.app, partial(_reset, transport))


async def _with_connection(app: Any, reset: Callable[[], None], scope: Scope, receive: Receive, send: Send) -> None:
    scope[CONNECTION] = reset
    with contextlib.suppress(asyncio.CancelledError):  # the sandbox stops: no news for uvicorn's log
        await app(scope, receive, send)


def _reset(transport: asyncio.Transport) -> None:
    """Close without the usual farewell: the client sees a reset, not an end of stream."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Args:
        host: The address to bind to.
        port: The port; 0 takes a free one.

    Example:
        >>> listen("127.0.0.1", 0).getsockname()[1]
        40123
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches the delay of small packets off only where the protocol is named: 40 ms an answer otherwise.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


async def serve(app: App, listener: socket.socket, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Serve until told to stop; then end at once, whatever is still under way.

    Args:
        app: The application.
        listener: A listening socket; closed at the end.
        stop: Set it to stop.
        ready: Called when connections are accepted.

    Example:
        >>> await serve(sandbox.app, listen("127.0.0.1", 0), stop, lambda: None)
    """
    server = uvicorn.Server(_config(app))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listener])
    ready()
    try:
        await stop.wait()
    finally:
        await _end(server, listener)


def _config(app: App) -> uvicorn.Config:
    # Loggers belong to the process: ``access_log=False`` would silence the user's own application.
    return uvicorn.Config(
        app,
        http=ResettableProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        date_header=False,
        server_header=False,
        timeout_keep_alive=600,
    )


async def _end(server: uvicorn.Server, listener: socket.socket) -> None:
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().remove_reader(listener)
    for _ in range(TURNS):  # asyncio forgets to close what it has accepted when the server is closed just then
        await asyncio.sleep(0)
    for listening in server.servers:
        listening.close()
    listener.close()
    # uvicorn tells nobody when the last of them has gone, nor does a thread; and what the system accepted just now
    # shows up among the connections some turns of the loop later.
    turns = 0
    while turns <= TURNS or server.server_state.connections or server.server_state.tasks:
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        if turns == TURNS:  # by now uvicorn knows that nobody waits for their answers
            for task in list(server.server_state.tasks):
                task.cancel()
        turns += 1
        await asyncio.sleep(0)
    for listening in server.servers:
        await listening.wait_closed()


class Server:
    """Runs `serve` in a thread of its own, so that a busy client does not slow the server down, nor the reverse.

    Args:
        app: The application.
        listener: A listening socket.

    Example:
        >>> server = Server(sandbox.app, listen("127.0.0.1", 0))
        >>> await server.start()
        >>> await server.stop()
    """

    def __init__(self, app: App, listener: socket.socket) -> None:
        self._app = app
        self._listener = listener
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trackingmore-sandbox", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._error: BaseException | None = None

    async def start(self) -> None:
        """Start the thread, and wait until it accepts connections."""
        self._thread.start()
        while not self._ready.is_set() and self._thread.is_alive():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        if self._error is not None:
            raise self._error

    async def stop(self) -> None:
        """Stop serving, and wait until the thread has ended."""
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # The loop has ended by itself.
                self._loop.call_soon_threadsafe(self._stop.set)
        while self._thread.is_alive():  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._error = error

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(self._app, self._listener, self._stop, self._ready.set)
