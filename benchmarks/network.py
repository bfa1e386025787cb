"""An HTTP client without a network, for what needs the client's own code and nothing behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import attrs

from benchmarks.pacing import Server

ROW: Final = (
    b'{"id":"073528a7be04210abbd4f87945046a54","tracking_number":"%b","carrier_code":"china-ems","status":"pending",'
    b'"created_at":"2024-03-04T09:15:22+08:00","updated_at":null,"title":"","order_id":null,"customer_email":"",'
    b'"origin_info":{"ItemReceived":null,"phone":null,"carrier_code":"china-ems","trackinfo":null},"lastEvent":""}'
)
PAGE: Final = b'{"page":1,"limit":2000,"total":"%d","count":%d,"items":[%b]}'
ENVELOPE: Final = b'{"meta":{"code":200,"type":"Success","message":"Success"},"data":%b}'


@attrs.frozen
class Answer:
    """What an HTTP client returns, as much of it as is used."""

    body: bytes
    status_code: int = 200
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    extensions: dict[str, Any] = attrs.field(factory=dict[str, Any])

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Yield the body at once."""
        yield self.body

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""


@attrs.define(eq=False)
class Record:
    """When each number was looked up, and when it was first asked for.

    Args:
        came: Number -> when it was looked up (seconds, loop clock); the caller notes it.
        left: Number -> when the first request for it was handed to the network.
        longest: The most look-ups that waited at one time.
    """

    came: dict[str, float] = attrs.field(factory=dict[str, float])
    left: dict[str, float] = attrs.field(factory=dict[str, float])
    longest: int = 0

    def note(self, numbers: Iterable[str]) -> None:
        """Note that a request for these numbers is handed to the network now."""
        self.longest = max(self.longest, len(self.came) - len(self.left))
        now = asyncio.get_running_loop().time()
        for number in numbers:
            self.left.setdefault(number, now)


@attrs.define(eq=False)
class Network:
    """An HTTP client that answers by itself, as if it reached a server that knows every tracking.

    Args:
        server: Takes note of arrivals, and says when the answer comes.
        instant: Whether requests arrive and are answered at once.
        record: Takes note of the numbers.
    """

    server: Server
    instant: bool
    record: Record = attrs.field(factory=Record)

    def build_request(self, method: str, url: str, *, extensions: Any = None, **_: Any) -> tuple[str, Any]:
        """Keep what is needed of a request."""
        assert method == "GET"
        return url, extensions["trace"]

    async def send(self, request: tuple[str, Any], **_: Any) -> Answer:
        """Take a request, and answer it when the time has come."""
        url, trace = request
        numbers = asked(url)
        self.record.note(numbers)
        await trace("http11.send_request_headers.complete", {})
        if self.instant:
            self.server.arrive(0.0)
        else:
            await asyncio.sleep(self.server.send())
        await trace("http11.receive_response_headers.complete", {})
        rows = [ROW % number.encode() for number in numbers]
        single = "?" not in url
        return Answer(ENVELOPE % (rows[0] if single else PAGE % (len(rows), len(rows), b",".join(rows))))

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""


def asked(url: str) -> list[str]:
    """Return the numbers that a request asks for: of the list, or of a single tracking."""
    parts = urlsplit(url)
    return parse_qs(parts.query)["numbers"][0].split(",") if parts.query else [parts.path.rpartition("/")[2]]
