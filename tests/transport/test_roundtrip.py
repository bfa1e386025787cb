"""The shortest round trip: earned by ten connects to the address that answered, and never guessed."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import time
from typing import Any

import anyio
import httpx
import pytest
from anyio.lowlevel import checkpoint

from tests.client.helpers import CARRIER, FAST, KEY, NUMBER, UNLIMITED, in_process
from trackingmore_async import TrackingMore
from trackingmore_async.sandbox import Sandbox
from trackingmore_async.transport.roundtrip import SAMPLES, RoundTrip

pytestmark = pytest.mark.anyio


async def test_ten_connects_earn_a_round_trip() -> None:
    """A client of our own, without a proxy, knows the round trip after ten bulk requests, and not before."""
    async with (
        Sandbox(keys=[KEY], rates=UNLIMITED) as sandbox,
        TrackingMore(KEY, base_url=sandbox.url, rates=FAST) as tm,
    ):
        trip, bulk = tm._caller.transport.round_trip, tm.with_options(priority="bulk")
        sandbox.create(CARRIER, NUMBER)
        known: list[bool] = []
        for _ in range(SAMPLES + 2):
            await bulk.trackings.get(CARRIER, NUMBER)
            known.append(trip.shortest > 0)
        assert known == [False] * SAMPLES + [True] * 2
        assert 0 < trip.shortest < 0.05
        assert not trip.is_due


async def test_single_calls_do_not_measure() -> None:
    """A call in the interactive lane is not slowed down by measuring."""
    async with (
        Sandbox(keys=[KEY], rates=UNLIMITED) as sandbox,
        TrackingMore(KEY, base_url=sandbox.url, rates=FAST) as tm,
    ):
        for _ in range(SAMPLES + 2):
            await tm.account.info()
        assert tm._caller.transport.round_trip.shortest == 0.0


async def test_borrowed_clients_and_applications_earn_nothing() -> None:
    """Where we cannot know the path, the round trip stays zero."""
    async with (
        Sandbox(keys=[KEY], rates=UNLIMITED) as sandbox,
        httpx.AsyncClient() as http,
        TrackingMore(KEY, base_url=sandbox.url, rates=FAST, http_client=http) as tm,
    ):
        for _ in range(SAMPLES + 2):
            await tm.with_options(priority="bulk").account.info()
        assert tm._caller.transport.round_trip.shortest == 0.0
    async with in_process(Sandbox()) as tm:
        for _ in range(2):
            await tm.with_options(priority="bulk").account.info()
        assert tm._caller.transport.round_trip.shortest == 0.0


async def test_another_address_begins_anew() -> None:
    """When answers come from another address, the old measurements are forgotten."""
    async with Sandbox() as first, Sandbox() as second:
        trip = RoundTrip(trusted=True)
        for sandbox in (first, second):
            trip.answered_from(("127.0.0.1", httpx.URL(sandbox.url).port))
            assert (trip.shortest, trip.is_due) == (0.0, True)
            for _ in range(SAMPLES):
                await trip.measure()
            assert trip.shortest > 0
        await anyio.sleep(0.05)


@pytest.mark.parametrize("address", [None, "/run/socket", (), ("host",), ("127.0.0.1", "80"), 7])
async def test_an_address_that_is_none_ends_it(address: Any) -> None:
    """A Unix socket, or an address that is not told, means that the path cannot be measured."""
    trip = RoundTrip(trusted=True)
    trip.answered_from(address)
    await trip.measure()
    assert (trip.trusted, trip.shortest, trip.is_due) == (False, 0.0, False)


async def test_a_server_of_internet_protocol_6_can_be_measured() -> None:
    """An address of four parts is one, too."""
    try:
        async with Sandbox(host="::1") as sandbox:
            trip = RoundTrip(trusted=True)
            trip.answered_from(("::1", httpx.URL(sandbox.url).port, 0, 0))
            for _ in range(SAMPLES):
                await trip.measure()
            assert trip.shortest > 0
            await anyio.sleep(0.05)
    except OSError:
        pytest.skip("this computer has no IPv6")


async def test_a_connect_that_fails_ends_it() -> None:
    """After a failure nothing more is measured, and what was measured does not count."""
    trip = RoundTrip(trusted=True)
    trip.answered_from(("127.0.0.1", 1))
    await trip.measure()
    assert (trip.trusted, trip.shortest, trip.is_due) == (False, 0.0, False)


async def test_a_busy_loop_does_not_lengthen_the_round_trip() -> None:
    """What counts is the network: a program that keeps its event loop busy measures the same."""

    async def block() -> None:
        while True:
            time.sleep(0.02)  # noqa: ASYNC251 - that is what is tested
            await checkpoint()

    async with Sandbox() as sandbox, anyio.create_task_group() as group:
        trip = RoundTrip(trusted=True)
        trip.answered_from(("127.0.0.1", httpx.URL(sandbox.url).port))
        group.start_soon(block)
        for _ in range(SAMPLES):
            await trip.measure()
        group.cancel_scope.cancel()
    assert 0 < trip.shortest < 0.01
