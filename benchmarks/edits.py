"""A server that only answers edits in bulk, for what needs more of them a second than the sandbox can answer.

It is a process of its own, and answers as the sandbox does: the entry that the sandbox has for one edit is copied under
the number of each item. The sandbox itself needs several times longer for a batch than the client, so that at 200
requests a second it would be all that is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from typing import Final

import httpx
import orjson

from trackingmore_async import TrackingUpdate
from trackingmore_async.sandbox import Sandbox

KEY: Final = "00000000-0000-4000-8000-000000000000"
BATCH: Final = 40


def edits(count: int) -> Iterator[TrackingUpdate]:
    """Yield so many edits, each of another tracking."""
    return (TrackingUpdate("china-ems", f"LX{index:09d}CN", title="a mug") for index in range(count))


class Editor:
    """Answers every request as an edit of all its items."""

    def __init__(self) -> None:
        self._template = _template()

    def answer(self, content: bytes) -> bytes:
        """Return the body of one answer."""
        items = orjson.loads(content)
        entries = [self._template % item["tracking_number"].encode() for item in items]
        data = b'{"submitted":%d,"updated":%d,"trackings":[%b]}' % (len(items), len(items), b",".join(entries))
        return b'{"meta":{"code":200,"type":"Success","message":"Success"},"data":%b}' % data

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        while await reader.readline():
            body = self.answer(await reader.readexactly(await _length(reader)))
            head = f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()


async def _length(reader: asyncio.StreamReader) -> int:
    """Read the headers; return the length of what follows."""
    length = 0
    while line := (await reader.readline()).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return length


def _template() -> bytes:
    """Return the sandbox's entry for one edit, with a place for the number."""
    sandbox = Sandbox()
    sandbox.seed_trackings(1)
    edit = {"carrier_code": "china-ems", "tracking_number": "LX0000000CN", "title": "a mug"}
    headers = {"Trackingmore-Api-Key": sandbox.key}
    request = httpx.Request(
        "POST", "http://sandbox/v2/trackings/updatemore", headers=headers, content=json.dumps([edit])
    )

    async def ask() -> bytes:
        return await (await sandbox.transport().handle_async_request(request)).aread()

    entry = orjson.loads(asyncio.run(ask()))["data"]["trackings"][0]
    text = json.dumps({**entry, "tracking_number": "<number>"}).replace("%", "%%")
    return text.replace("<number>", "%s").encode()


async def serve(editor: Editor) -> None:
    """Serve until killed; the URL is announced on standard output."""
    server = await asyncio.start_server(editor.serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v2", flush=True)
    await server.serve_forever()


@contextmanager
def server_process() -> Generator[str]:
    """Run the server in another process; yield its URL."""
    command = [sys.executable, "-m", "benchmarks.edits"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise SystemExit("the server has no output")
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m benchmarks.edits", description="Serve until killed.").parse_args()
    asyncio.run(serve(Editor()))
