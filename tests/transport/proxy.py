"""A small HTTP proxy on a socket: it forwards plain requests, and opens tunnels in which it speaks TLS itself."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import attrs

__all__ = ["Proxy", "proxy"]


@attrs.define
class Proxy:
    """A proxy in front of one server.

    Args:
        port: Where the server listens.
        delay: Seconds until every second tunnel is open; the others open at once.
        tls: What it speaks inside of tunnels.
        url: Where the proxy listens.
        forwarded: How many connections it forwarded.
        tunnels: How many tunnels it opened.
    """

    port: int
    delay: float = 0.0
    tls: ssl.SSLContext | None = None
    url: str = ""
    forwarded: int = 0
    tunnels: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection its whole way."""
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"CONNECT"):
            self.tunnels += 1
            await asyncio.sleep(self.delay * (self.tunnels % 2))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            if self.tls is not None:
                await writer.start_tls(self.tls)
            head = b""
        self.forwarded += 1
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.port)
        upstream.write(self._path_only(head))
        await asyncio.gather(self._pump(reader, upstream, plain=not head), self._pump(upstream_reader, writer))

    def _path_only(self, head: bytes) -> bytes:
        """Turn the absolute address of a proxied request into a path."""
        method, _, rest = head.partition(b" ")
        if b"://" not in rest.partition(b"\r\n")[0]:
            return head
        return method + b" /" + rest.split(b"://", 1)[1].split(b"/", 1)[1]

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, plain: bool = True) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data if plain else self._path_only(data))
                await writer.drain()
        except OSError:
            pass  # one of the two has gone, so the other may go, too
        finally:
            writer.close()


@asynccontextmanager
async def proxy(port: int, *, delay: float = 0.0, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Proxy]:
    """Run a proxy in front of a server on this computer."""
    made = Proxy(port, delay, tls)
    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await made.serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
