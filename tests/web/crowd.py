"""A thousand visitors at once, and what the sandbox sees of the connections behind them."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import attrs
import pytest

from trackingmore_async.sandbox import server

__all__ = ["SandboxConnections", "many_files", "visit"]


@attrs.define(eq=False)
class SandboxConnections:
    """Counts the connections that sandboxes accept from now on.

    Args:
        ever: How many there have been.
        now: How many there are.
        most: How many there were at once.
    """

    ever: int = 0
    now: int = 0
    most: int = 0
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Begin to count."""
        counts = self

        class Counted(server.ResettableProtocol):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                counts.add(1)

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                counts.add(-1)

        monkeypatch.setattr(server, "ResettableProtocol", Counted)

    def add(self, change: int) -> None:
        """Count one that came or went; sandboxes live in threads of their own."""
        with self._lock:
            self.ever += max(0, change)
            self.now += change
            self.most = max(self.most, self.now)


def many_files(least: int) -> None:
    """Allow this process so many open files, or skip the test."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= least:
        return
    if hard < least:
        pytest.skip(f"needs {least} open files; this system allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (least, hard))


async def visit(port: int, path: str) -> tuple[int, Any]:
    """Ask once over a connection of its own, without a library in between; return the status and the JSON."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
    return int(head.split()[1]), json.loads(body) if body.startswith(b"{") else None
