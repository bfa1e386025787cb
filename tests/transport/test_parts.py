"""The small parts of the transport: excerpts, headers, budgets, and the record of one exchange."""

from __future__ import annotations

import asyncio
import json
import math
import time
from datetime import UTC, datetime
from typing import Any

import anyio
import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.client.helpers import KEY, GrantAll
from trackingmore_async import Permit
from trackingmore_async.operations import OPERATIONS
from trackingmore_async.transport import Budget
from trackingmore_async.transport.excerpt import SHOWN, describe_body
from trackingmore_async.transport.exchange import Exchange
from trackingmore_async.transport.headers import read_date, read_retry_after
from trackingmore_async.transport.pools import SLOW_SECONDS

NAME = "Kim Secretname"
DOCUMENT = json.dumps({"customer_name": NAME})


@given(st.binary(max_size=300))
@example(b"{" * 10_000)
@example(b"[" * 100_000)
@example(b"\xef\xbb\xbf")
@example(b"\x00" * 9)
def test_any_body_can_be_described(body: bytes) -> None:
    """Whatever bytes came, the description is short, printable, and never fails."""
    text = describe_body(body, KEY)
    assert text
    assert text.isprintable()
    assert len(text) < SHOWN * 10 + 200


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("before", ["", " \r\n", "callback(", ")]}',\n", "<script>var x = ", "error: "])
@pytest.mark.parametrize("after", ["", "\x00", "}"])
def test_nothing_of_json_is_shown(encoding: str, before: str, after: str) -> None:
    """JSON in any encoding, bare, broken, or inside of something else, is not quoted."""
    shown = describe_body((before + DOCUMENT + after).encode(encoding), KEY)
    assert NAME not in shown
    assert "customer_name" not in shown
    assert before.strip() or "JSON of" in shown


def test_a_page_is_quoted_without_the_key() -> None:
    """HTML and text are quoted up to a limit, the key made unreadable."""
    page = f"  <html><title>Bad gateway</title>{KEY}{'x' * 500}"
    assert describe_body(page.encode(), KEY).startswith("HTML of 568 bytes that begins with '<html><title>Bad gateway")
    assert KEY not in describe_body(page.encode(), KEY)
    assert KEY[:20] not in describe_body(f"{'x' * (SHOWN - 25)}{KEY}".encode(), KEY)
    assert describe_body(b"No\nroute", KEY) == "text of 8 bytes that begins with 'No route'"
    assert describe_body(b" \n", KEY) == "an empty body"


@given(st.text(max_size=60))
@example("Mon, 01 Jan 99999999999 00:00:00 GMT")
@example("Mon, 01 Jan 2024 25:00:00 +9999")
@example("1 1 1 1 1 1 1 1 1 1")
def test_any_header_can_be_read(text: str) -> None:
    """No header of the server makes us fail; a date is aware, and a pause is a number from zero on."""
    date = read_date(text)
    assert date is None or date.tzinfo is not None
    assert read_retry_after({"retry-after": text, "date": text}) >= 0


def test_headers_are_read() -> None:
    """Both forms of ``Retry-After`` count from the server's own clock."""
    date = "Sun, 10 Nov 2024 08:00:00 GMT"
    assert read_date(date) == datetime(2024, 11, 10, 8, tzinfo=UTC)
    assert read_date(None) is None
    assert read_retry_after({}) == 0.0
    assert read_retry_after({"retry-after": " 130 "}) == 130.0
    assert read_retry_after({"retry-after": "Sun, 10 Nov 2024 08:05:00 GMT", "date": date}) == 300.0
    assert read_retry_after({"retry-after": "Sun, 10 Nov 2024 07:00:00 GMT", "date": date}) == 0.0
    assert read_retry_after({"retry-after": "Sun, 10 Nov 2024 08:05:00 GMT"}) == 0.0


@pytest.mark.anyio
async def test_budgets_add_up() -> None:
    """The latest slot is the earlier of patience and deadline; an attempt never outlasts the deadline."""
    now = anyio.current_time()
    endless = Budget(ends_at=None, max_wait=None, timeout=30.0, lane="bulk")
    assert endless.latest_slot() is None
    assert endless.time_for_attempt() == 30.0
    assert endless.allows(1e9)
    tight = Budget(ends_at=now + 5, max_wait=60.0, timeout=30.0, lane="bulk")
    assert tight.latest_slot() == now + 5
    assert 4 < tight.time_for_attempt() <= 5
    assert tight.allows(4)
    assert not tight.allows(5)
    over = Budget(ends_at=now - 1, max_wait=None, timeout=30.0, lane="bulk")
    assert over.time_for_attempt() == 0.0
    eager = attrs.evolve(tight, max_wait=0.0)
    assert eager.latest_slot() == pytest.approx(now, abs=0.5)


class Recording(GrantAll):
    """A limiter that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[float | None, float | None, bool]] = []

    async def release(self, permit: Permit, **what: Any) -> None:
        """Write it down."""
        self.told.append((what["sent_at"], what.get("answered_at"), what.get("refused", False)))


async def traced(exchange: Exchange, *events: str, method: bytes = b"GET") -> None:
    """Let the HTTP client tell of events."""
    request = type("Request", (), {"method": method})
    for event in events:
        await exchange.trace(event, {"request": request} if event.endswith("started") else {})


SENT = ("http11.send_request_headers.started", "http11.send_request_headers.complete")
CONNECT = ("connection.connect_tcp.started", "connection.connect_tcp.complete")
ANSWERED = "http11.receive_response_headers.complete"


@pytest.mark.anyio
async def test_an_exchange_reports_twice() -> None:
    """The limiter hears when the headers left, and again with the answer."""
    limiter = Recording()
    exchange = Exchange(limiter, Permit(bucket="get"))
    exchange.begin()
    await traced(exchange, *CONNECT)
    assert exchange.sent is False
    await traced(exchange, *SENT, ANSWERED)
    await exchange.close()
    (first, second) = limiter.told
    assert first[0] is not None
    assert first[1:] == (None, False)
    assert second[0] == first[0]
    assert second[1] is not None


class CoarseLoop(asyncio.SelectorEventLoop):
    """An event loop with the clock of uvloop."""

    __module__ = "uvloop"

    def time(self) -> float:
        """Return whole milliseconds, rounded down."""
        return math.floor(super().time() * 1000) / 1000


def test_no_answer_seems_to_have_come_earlier_than_it_did() -> None:
    """On a coarse clock the next request would leave up to a millisecond too early, and on a quick path meet a ban."""

    async def too_early() -> float:
        exchange = Exchange(Recording(), Permit(bucket="get"))
        exchange.begin()
        now = time.monotonic()
        await traced(exchange, *SENT, ANSWERED)
        return now - (exchange.answered_at or 0.0)

    with asyncio.Runner(loop_factory=CoarseLoop) as runner:
        assert max(runner.run(too_early()) for _ in range(10)) <= 0.0


@pytest.mark.anyio
async def test_an_exchange_that_never_left_frees_its_slot() -> None:
    """A request that failed before its headers were written is reported as unused."""
    for events in ((), CONNECT[:1], CONNECT):
        limiter = Recording()
        exchange = Exchange(limiter, Permit(bucket="get"))
        exchange.begin()
        await traced(exchange, *events)
        exchange.never_sent()
        await exchange.close()
        assert limiter.told == [(None, None, False)]


@pytest.mark.anyio
async def test_a_tunnel_is_no_request() -> None:
    """What is told of a CONNECT does not count, and what follows in the tunnel does."""
    limiter = Recording()
    exchange = Exchange(limiter, Permit(bucket="get"))
    exchange.begin()
    await traced(exchange, *CONNECT, *SENT, ANSWERED, method=b"CONNECT")
    assert (exchange.sent, exchange.sent_at, exchange.answered_at) == (False, None, None)
    await traced(exchange, *SENT, ANSWERED)
    assert exchange.sent is True
    assert exchange.answered_at is not None


@pytest.mark.anyio
async def test_without_a_trace_the_latest_moment_is_reported() -> None:
    """Where nobody tells when a request left, it counts as late as it can have been."""
    for answered in (True, False):
        limiter = Recording()
        exchange = Exchange(limiter, Permit(bucket="get"))
        exchange.begin()
        await anyio.sleep(0.01)
        if answered:
            exchange.head_arrived()
        before = anyio.current_time()
        await exchange.close()
        sent_at, answered_at, _ = limiter.told[-1]
        assert sent_at is not None
        assert sent_at == answered_at if answered else (sent_at >= before and answered_at is None)
        assert len(limiter.told) == 2  # the second one says that nothing more will come


@pytest.mark.anyio
async def test_closing_an_exchange_is_not_cancelled() -> None:
    """The permit comes back although the call was cancelled."""

    class Slow(Recording):
        async def release(self, permit: Permit, **what: Any) -> None:
            await anyio.sleep(0.01)
            await super().release(permit, **what)

    limiter = Slow()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await Exchange(limiter, Permit(bucket="get")).close()
    assert limiter.told == [(None, None, False)]


def test_the_slow_operations_are_known() -> None:
    """Realtime and air are the ones that get connections of their own."""
    assert {row.name for row in OPERATIONS.values() if row.timeout > SLOW_SECONDS} == {"realtime", "air"}
