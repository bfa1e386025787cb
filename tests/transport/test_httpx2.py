"""The other HTTP library with the same interface, ``httpx2``, as a borrowed client."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import socket

import httpx2
import pytest

from tests.client.helpers import CARRIER, FAST, KEY, NUMBER, UNLIMITED, failure
from trackingmore_async import ClientStateError, RetryPolicy, TrackingMore, TransportError
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio


async def test_a_round_trip_over_httpx2() -> None:
    """Writes and reads pass, and the moment at which a request leaves is known."""
    async with (
        Sandbox(keys=[KEY]) as sandbox,
        httpx2.AsyncClient() as http,
        TrackingMore(KEY, base_url=sandbox.url, http_client=http) as tm,
    ):
        await tm.trackings.create(CARRIER, NUMBER, order_id="A-77")
        assert (await tm.trackings.get(CARRIER, NUMBER)).order_id == "A-77"
        assert [tracking.tracking_number async for tracking in tm.trackings.list()] == [NUMBER]
        assert tm._caller.transport.round_trip.shortest == 0.0
    assert sandbox.statistics().total_violations == 0


async def test_the_errors_of_httpx2_are_ours() -> None:
    """Lost answers, dead hosts and closed clients are told apart as with httpx."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/v2"
    async with (
        Sandbox(keys=[KEY], rates=UNLIMITED) as sandbox,
        httpx2.AsyncClient() as http,
        TrackingMore(KEY, base_url=sandbox.url, http_client=http, rates=FAST, retry=RetryPolicy(attempts=1)) as tm,
        TrackingMore(KEY, base_url=dead, http_client=http, rates=FAST, retry=RetryPolicy(attempts=1)) as nobody,
    ):
        sandbox.faults.add(Fault("get", reset="after"))
        lost, unsent = await failure(tm.trackings.get(CARRIER, NUMBER)), await failure(nobody.account.info())
        assert isinstance(lost, TransportError)
        assert isinstance(unsent, TransportError)
        assert (lost.sent, unsent.sent) == (True, False)
        assert (lost.__context__, unsent.__context__) == (None, None)
        await http.aclose()
        assert isinstance(await failure(tm.account.info()), ClientStateError)
