"""Where the time of calls that share requests went."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.client.helpers import UNLIMITED, GrantAll, close, failure, figures
from trackingmore_async import RateLimitedError, RetryPolicy
from trackingmore_async.sandbox import Fault, Path, Sandbox

from .scene import CARRIER, at_once, numbers, opened, stocked

pytestmark = pytest.mark.anyio

PATH = Path(there=0.125, back=0.125)


def far(count: int = 0) -> Sandbox:
    """Return a sandbox with so many parcels, an eighth of a second away in each direction, without limits."""
    return stocked(count, path=PATH, rates=UNLIMITED)


async def test_a_ban_while_a_shared_request_is_on_its_way_is_network() -> None:
    """Nobody waits for the end of a ban whose request had left before."""
    sandbox = far(1)
    sandbox.faults.add(Fault("account_info", on={1}, code=429), Fault("list", on={1}, delay_back=10.0))
    async with opened(sandbox) as tm:
        call = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000000"))
        await failure(tm.account.info())
        assert figures((await call).timing) == (0, 0, 10.25, 1)


async def test_who_joins_a_later_attempt_has_no_part_in_the_first() -> None:
    """The network of an attempt that failed is that of those who took part in it; who came meanwhile has waited."""
    sandbox = far(3)
    sandbox.faults.add(Fault("list", on={1}, status=503, body="html"))
    async with opened(sandbox, retry=RetryPolicy(base=0.0)) as tm:
        first = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(0.1)
        later = asyncio.ensure_future(tm.trackings.get(CARRIER, "ZZ0000001"))
        await asyncio.gather(first, later)
    assert figures((await first).timing) == (close(1.0), 0, 0.5, 2)
    assert figures((await later).timing) == (close(1.15), 0, 0.25, 1)


async def test_who_waits_for_another_request_counts_both() -> None:
    """Who joined the last attempt of a request that failed, and was served by the next one, took part in two."""
    sandbox = far(2)
    sandbox.faults.add(Fault("list", on={1, 2}, status=503, body="html"))
    async with opened(sandbox, retry=RetryPolicy(attempts=2, base=0.0)) as tm:
        first = asyncio.ensure_future(at_once([tm.trackings.get(CARRIER, "ZZ0000000")]))
        await asyncio.sleep(0.1)
        later = await tm.trackings.get(CARRIER, "ZZ0000001")
        await first
    assert figures(later.timing) == (close(2.15), 0, 0.5, 2)


async def test_a_slow_server_shows_as_network_of_a_write() -> None:
    """When the deadline passes while a batch is under way the error says that the network took the time."""
    sandbox = far(1)
    sandbox.faults.add(Fault("update_many", delay_work=5.0))
    async with opened(sandbox) as tm:
        error = await failure(
            tm.with_options(coalesce="all", deadline=0.75).trackings.update(CARRIER, "ZZ0000000", title="mug")
        )
    assert figures(error.timing) == (0, 0, 0.75, 1)
    assert error.attempts == 1


async def test_the_pieces_of_a_refused_batch_count() -> None:
    """A write whose batch was refused whole took part in that request, and in those that follow until it is clear."""
    sandbox = far(2)
    sandbox.faults.add(Fault("update_many", having={"ZZ0000001"}, code=4014))
    async with opened(sandbox, limiter=GrantAll()) as tm:
        trackings = tm.with_options(coalesce="all").trackings
        _, error = await at_once(trackings.update(CARRIER, number, title="mug") for number in numbers(2))
    assert figures(error.timing) == (0, 0, 0.75, 3)
    assert error.attempts == 3


async def test_a_write_that_was_read_back_counts_the_reading() -> None:
    """A create whose answer was lost, and that is found on the server, took its own request and the reading."""
    sandbox = far()
    sandbox.faults.add(Fault("create_many", on={1}, body="truncated", performed=True))
    async with opened(sandbox, limiter=GrantAll(), retry=RetryPolicy(attempts=1)) as tm:
        echo = await tm.with_options(coalesce="all").trackings.create(CARRIER, "ZZ0000000")
    assert figures(echo.timing) == (0, 0, 0.5, 2)


async def test_a_ban_that_a_write_sat_out_is_pause() -> None:
    """A batch that meets bans tells how long they lasted, also when it is given up."""
    sandbox = far(1)
    sandbox.faults.add(Fault("update_many", code=429))
    async with opened(sandbox, retry=RetryPolicy(bans=2)) as tm:
        error = await failure(
            tm.with_options(coalesce="all", max_wait=None).trackings.update(CARRIER, "ZZ0000000", title="mug")
        )
    assert isinstance(error, RateLimitedError)
    assert figures(error.timing) == (0, 121, 0.5, 2)


async def test_who_comes_during_a_ban_has_no_part_in_its_beginning() -> None:
    """A look-up that comes in the middle of a ban, and shares the request that met it, paused for the rest of it."""
    sandbox = far(2)
    sandbox.faults.add(Fault("list", on={1}, code=429))
    async with opened(sandbox) as tm:
        patient = tm.with_options(max_wait=None).trackings
        first = asyncio.ensure_future(patient.get(CARRIER, "ZZ0000000"))
        await asyncio.sleep(60.25)
        later = await patient.get(CARRIER, "ZZ0000001")
    assert figures((await first).timing) == (0, 121, 0.5, 2)
    assert figures(later.timing) == (0, 61, 0.25, 1)


@pytest.mark.usefixtures("decoding_takes_time")
async def test_decoding_is_told_apart() -> None:
    """Whatever shares a request, or is asked for by itself after one, tells what it took to decode the answers."""
    async with opened(far(1), limiter=GrantAll()) as tm:
        trackings = tm.with_options(coalesce="all").trackings
        found = await trackings.get(CARRIER, "ZZ0000000")
        echo = await trackings.update(CARRIER, "ZZ0000000", title="mug")
        error = await failure(trackings.update(CARRIER, "ZZ9999999", title="mug"))
    for timing in (found.timing, echo.timing, error.timing):
        assert timing is not None
        assert 0 < timing.decode < 0.1
        assert timing.waiting < 0.1


async def test_decoding_of_all_answers_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up that the list left out counts the decoding of both answers, and of the rows of the list."""
    sandbox = far(1)
    sandbox.faults.add(Fault("list", on={1}, body=b'{"meta":{"code":200},"data":{"total":"1","items":[{"odd":1}]}}'))
    clock = itertools.count(0.0, 16.0).__next__
    monkeypatch.setattr("trackingmore_async.transport.budget.perf_counter", clock)
    async with opened(sandbox, limiter=GrantAll()) as tm:
        found = await tm.trackings.get(CARRIER, "ZZ0000000")
    assert found.timing is not None
    assert found.timing.decode == 3 * 16.0
