"""Where the time of a call went: results and errors say it, to the millisecond."""

# pyright: reportPossiblyUnboundVariable=false

from __future__ import annotations

import asyncio
import copy
import itertools
import pickle
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from tests.client.helpers import CARRIER, NUMBER, UNLIMITED, GrantAll, close, failure, figures, in_process
from tests.conftest import VIRTUAL
from trackingmore_async import (
    DeadlineExceededError,
    DecodeError,
    NewTracking,
    NotFoundError,
    RetryPolicy,
    Timing,
    Tracking,
    TrackingMore,
    TrackingMoreError,
    TrackingUpdate,
    TransportError,
)
from trackingmore_async.models import TrackingEcho, timed
from trackingmore_async.pacing.silence import Silence
from trackingmore_async.sandbox import Fault, Path, Sandbox
from trackingmore_async.transport.latency import Latency

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock: all figures are exact."""
    return request.param


@pytest.fixture
def sandbox() -> Sandbox:
    """Make a sandbox with one parcel, an eighth of a second away in each direction."""
    made = Sandbox(path=Path(there=0.125, back=0.125), rates=UNLIMITED)
    made.create(CARRIER, NUMBER)
    return made


@pytest.fixture
async def tm(sandbox: Sandbox) -> AsyncIterator[TrackingMore]:
    """Open a client for it that never waits, for a slot or before a retry."""
    async with in_process(sandbox, limiter=GrantAll(), retry=RetryPolicy(attempts=3, base=0.0)) as client:
        yield client


@pytest.mark.usefixtures("decoding_takes_time")
async def test_a_result_says_how_long_the_network_took(tm: TrackingMore) -> None:
    """A call that waits for nothing is all network, but for decoding."""
    tracking = await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)
    assert figures(tracking.timing) == (0, 0, 0.25, 1)
    assert tracking.timing is not None
    assert 0 < tracking.timing.decode < 0.1
    assert tracking.timing.total == pytest.approx(0.25 + tracking.timing.decode)
    assert not tracking.timing.from_memory


async def test_waiting_for_a_slot_is_waiting(sandbox: Sandbox) -> None:
    """The second call of a bucket waits until the first one's slot reopens."""
    async with in_process(sandbox) as tm:
        await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)
        begun = anyio.current_time()
        tracking = await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)
        took = anyio.current_time() - begun
    waiting, pause, network, attempts = figures(tracking.timing)
    assert (waiting, pause, network, attempts) == (close(took - 0.25), 0, 0.25, 1)
    assert waiting >= 0.9


async def test_waiting_for_a_connection_is_waiting(sandbox: Sandbox) -> None:
    """Of more calls than connections the last ones wait for an answer to the first ones."""
    found: list[Tracking] = []

    async def read(tm: TrackingMore) -> None:
        found.append(await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER))

    async with in_process(sandbox, limiter=GrantAll()) as tm, anyio.create_task_group() as group:
        for _ in range(18):  # of the 20 connections of a client that was lent, 4 are kept for slow calls
            group.start_soon(read, tm)
    assert [figures(one.timing) for one in found] == [(0, 0, 0.25, 1)] * 16 + [(0.25, 0, 0.25, 1)] * 2


async def test_the_pause_between_attempts_is_waiting(sandbox: Sandbox) -> None:
    """What is waited before a retry counts, and the network of both attempts."""
    sandbox.faults.add(Fault("get", on={1}, status=503, body="html"))
    async with in_process(sandbox, limiter=GrantAll(), retry=RetryPolicy(base=64.0, cap=64.0)) as tm:
        begun = anyio.current_time()
        tracking = await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)
        took = anyio.current_time() - begun
    assert figures(tracking.timing) == (close(took - 0.5), 0, 0.5, 2)
    assert took > 0.5


async def test_a_ban_is_pause_and_not_waiting(sandbox: Sandbox) -> None:
    """The silence after a 429 stands apart from all other waiting."""
    sandbox.faults.add(Fault("get", on={1}, code=429))
    async with in_process(sandbox) as tm:
        tracking = await tm.with_options(max_wait=None, coalesce=False).trackings.get(CARRIER, NUMBER)
    assert figures(tracking.timing) == (0, 121, 0.5, 2)


async def test_a_ban_that_another_client_met_is_pause(sandbox: Sandbox) -> None:
    """Clients of one key are silent together, and each can tell."""
    sandbox.faults.add(Fault("account_info", on={1}, code=429))
    async with in_process(sandbox) as other, in_process(sandbox) as tm:
        assert isinstance(await failure(other.account.info()), DeadlineExceededError)
        await anyio.sleep(21)
        tracking = await tm.with_options(max_wait=None, coalesce=False).trackings.get(CARRIER, NUMBER)
    assert figures(tracking.timing) == (0, 100, 0.25, 1)


async def test_a_ban_with_a_limiter_that_knows_of_none_is_pause(sandbox: Sandbox) -> None:
    """What the transport itself met counts, whatever the limiter is; here it asks again at once, and is refused."""
    sandbox.faults.add(Fault("get", on={1}, code=429), Fault("get", on={2}, status=503, body="html"))
    async with in_process(sandbox, limiter=GrantAll(), retry=RetryPolicy(base=64.0, cap=64.0)) as tm:
        begun = anyio.current_time()
        tracking = await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)
        took = anyio.current_time() - begun
    assert figures(tracking.timing) == (0, close(took - 0.75), 0.75, 3)


async def test_a_ban_while_a_request_is_on_its_way_is_network(sandbox: Sandbox) -> None:
    """Nobody waits for the end of a ban whose request had left before."""
    sandbox.faults.add(Fault("account_info", on={1}, code=429), Fault("get", on={1}, delay_back=10.0))
    async with in_process(sandbox) as tm, anyio.create_task_group() as group:
        group.start_soon(failure, tm.account.info())
        tracking = await tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER)
    assert figures(tracking.timing) == (0, 0, 10.25, 1)


async def test_a_ban_that_a_closed_client_cuts_short_counts_once(sandbox: Sandbox) -> None:
    """Whoever waits in a ban when his client is closed has waited in it until then, and not at all besides."""
    sandbox.faults.add(Fault("get", on={1}, code=429))
    async with in_process(sandbox) as tm:
        call = asyncio.ensure_future(failure(tm.with_options(max_wait=None).trackings.get(CARRIER, NUMBER)))
        await anyio.sleep(10.25)
    assert figures((await call).timing) == (0, 10, 0.25, 1)


async def test_every_kind_of_result_has_its_timing(tm: TrackingMore) -> None:
    """Echoes, counts, pages, and each member of a list or a dict."""
    carriers = await tm.carriers.list()
    waybills = await tm.air.track("172-00000000")
    results = [
        await tm.trackings.create(CARRIER, "LX900000025CN"),
        await tm.trackings.update(CARRIER, NUMBER, title="mug"),
        await tm.trackings.realtime(CARRIER, NUMBER),
        await tm.account.info(),
        await tm.account.status_counts(),
        *carriers,
        *await tm.carriers.detect(NUMBER),
        *waybills.values(),
    ]
    first = await tm.trackings.list(numbers=[f"LX{index:09d}CN" for index in range(50)])
    assert figures(first.timing) == (0, 0, 0.5, 2)
    assert carriers
    assert waybills
    assert {figures(result.timing) for result in results} == {(0, 0, 0.25, 1)}


async def test_an_echo_that_says_nothing_has_its_timing(tm: TrackingMore, sandbox: Sandbox) -> None:
    """Where the server only says that an edit was done, the result tells how long that took all the same."""
    sandbox.faults.add(Fault("update", body=b'{"meta": {"code": 200}, "data": []}'))
    assert figures((await tm.trackings.update(CARRIER, NUMBER, title="mug")).timing) == (0, 0, 0.25, 1)


async def test_trackings_of_a_walk_tell_the_time_of_their_page(tm: TrackingMore, sandbox: Sandbox) -> None:
    """Each has that of the request which brought it, and so has the error of one that cannot be read."""
    for index in range(5):
        sandbox.create(CARRIER, f"LX90000005{index}CN")
    sandbox.faults.add(Fault("list", on={2}, status=503, body="html"))
    walked = [tracking async for tracking in tm.trackings.list(page_size=2)]
    assert {figures(tracking.timing) for tracking in walked} == {(0, 0, 0.25, 1), (0, 0, 0.5, 2)}
    assert len(walked) == 6
    sandbox.faults.add(Fault("list", body=b'{"meta": {"code": 200}, "data": {"total": 1, "items": [{"odd": 1}]}}'))
    pages = tm.trackings.list()
    for reading in (anext(aiter(pages)), pages):
        error = await failure(reading)
        assert figures(error.timing) == (0, 0, 0.25, 1)
        assert (error.code, error.http_status, error.attempts) == (200, 200, 1)


@pytest.mark.usefixtures("decoding_takes_time")
async def test_the_rows_of_a_first_page_count_as_decoding(tm: TrackingMore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding is that of the page and of what stands on it."""
    monkeypatch.setattr("trackingmore_async.pages.trackings.perf_counter", itertools.count(0.0, 64.0).__next__)
    first = await tm.trackings.list()
    assert first.timing is not None
    assert 64.0 < first.timing.decode < 65.0


async def test_a_first_page_that_fails_took_all_its_requests(tm: TrackingMore, sandbox: Sandbox) -> None:
    """Where several requests are needed, the error of the second one counts the first one, too."""
    sandbox.faults.add(Fault("list", on={2}, code=4001))
    error = await failure(tm.trackings.list(numbers=[f"LX{index:09d}CN" for index in range(50)]))
    assert figures(error.timing) == (0, 0, 0.5, 2)
    assert error.attempts == 2


@pytest.mark.usefixtures("decoding_takes_time")
async def test_items_of_a_job_tell_the_time_of_their_requests(tm: TrackingMore, sandbox: Sandbox) -> None:
    """Outcome, echo and error of an item tell all requests that it was part of; what was not sent tells of none."""
    sandbox.faults.add(Fault("update_many", on={1}, code=4014))
    names = [NUMBER, "LX900000033CN", "no number"]
    async with tm.trackings.update_many([TrackingUpdate(CARRIER, name, title="mug") for name in names]) as job:
        done, missing, refused = sorted([outcome async for outcome in job], key=lambda outcome: outcome.index)
    assert (done.state, missing.state, refused.state) == ("succeeded", "failed", "failed")
    assert done.tracking is not None
    assert missing.error is not None
    assert refused.error is not None
    told = [done.timing, done.tracking.timing, missing.timing, missing.error.timing]
    assert [figures(timing) for timing in told] == [(0, 0, 0.5, 2)] * 4
    assert all(timing is not None and timing.decode > 0 for timing in told)
    assert (missing.error.attempts, done.attempts) == (2, 2)
    assert (refused.timing, refused.error.timing, refused.error.attempts) == (None, None, 0)


@pytest.mark.parametrize("readable", [True, False])
async def test_items_that_were_read_back_tell_the_reading_too(
    tm: TrackingMore, sandbox: Sandbox, readable: bool
) -> None:
    """A create whose answer was lost took its own requests, and the one that tells, or does not, what became of it."""
    sandbox.faults.add(Fault("create_many", on={1}, body="truncated", performed=True))
    if not readable:
        sandbox.faults.add(Fault("list", code=4001))
    async with tm.trackings.create_many([NewTracking(CARRIER, "LX900000041CN")]) as job:
        (outcome,) = [outcome async for outcome in job]
    assert outcome.state == ("succeeded" if readable else "unknown")
    assert figures(outcome.timing) == (0, 0, 0.75, 3)
    told = outcome.tracking or outcome.error
    assert told is not None
    assert told.timing == outcome.timing
    assert pickle.loads(pickle.dumps(outcome)).timing == outcome.timing  # noqa: S301 - our own


async def test_a_result_that_was_read_back_took_both_calls(tm: TrackingMore, sandbox: Sandbox) -> None:
    """A create whose answer was lost, and that exists now, counts its own requests and the reading."""
    sandbox.faults.add(Fault("create", on={1}, body="truncated", performed=True))
    echo = await tm.trackings.create(CARRIER, "LX900000041CN")
    assert figures(echo.timing) == (0, 0, 0.75, 3)


async def test_what_cannot_be_read_back_has_its_timing(tm: TrackingMore, sandbox: Sandbox) -> None:
    """A create of which nobody knows what became tells how long it tried, and tried to read."""
    sandbox.faults.add(Fault("create", on={1}, body="truncated", performed=True), Fault("get", code=4001))
    assert figures((await failure(tm.trackings.create(CARRIER, "LX900000041CN"))).timing) == (0, 0, 0.75, 3)


@pytest.mark.parametrize("missing", [True, False])
async def test_a_refusal_that_was_read_back_took_both_calls(tm: TrackingMore, sandbox: Sandbox, missing: bool) -> None:
    """A create that is refused when its answer was lost counts the reading that showed the refusal to be true."""
    number = "LX900000041CN" if missing else NUMBER
    sandbox.clock.advance(60)
    sandbox.faults.add(Fault("create", on={1}, reset="before"), Fault("create", on={2}, code=4021 if missing else 4016))
    error = await failure(tm.trackings.create(CARRIER, number))
    assert error.code == (4021 if missing else 4016)
    assert figures(error.timing) == (0, 0, close(0.625), 3)


async def test_an_error_has_its_timing(tm: TrackingMore, sandbox: Sandbox) -> None:
    """A refusal, a lost answer after all attempts, and an answer that cannot be read say where the time went."""
    assert figures((await failure(tm.with_options(coalesce=False).trackings.get(CARRIER, "LX900000033CN"))).timing) == (
        0,
        0,
        0.25,
        1,
    )
    sandbox.faults.add(Fault("account_info", delay_back=30.0), Fault("status_counts", body="truncated"))
    lost = await failure(tm.account.info())
    assert isinstance(lost, TransportError)
    assert figures(lost.timing) == (0, 0, 90, 3)
    assert figures((await failure(tm.account.status_counts())).timing) == (0, 0, 0.75, 3)


@pytest.mark.parametrize(("data", "kind"), [(b"[]", NotFoundError), (b"[7]", DecodeError)])
async def test_an_answer_without_a_model_has_its_timing(
    tm: TrackingMore, sandbox: Sandbox, data: bytes, kind: type[TrackingMoreError]
) -> None:
    """Where the envelope is sound and the data is nothing, or nothing known, the error tells the time all the same."""
    sandbox.faults.add(Fault("get", body=b'{"meta": {"code": 200}, "data": %s}' % data))
    error = await failure(tm.with_options(coalesce=False).trackings.get(CARRIER, NUMBER))
    assert type(error) is kind
    assert figures(error.timing) == (0, 0, 0.25, 1)


async def test_a_call_that_fails_at_once_took_no_time(sandbox: Sandbox) -> None:
    """A wait that is hopeless is refused before it begins, and its timing is all zeros."""
    async with in_process(sandbox) as tm:
        await tm.account.info()
        error = await failure(tm.with_options(deadline=0.1).account.info())
    assert error.timing == Timing()
    assert isinstance(error, DeadlineExceededError)


async def test_the_timing_of_an_error_travels(tm: TrackingMore) -> None:
    """It is pickled with the error, and stands in no text."""
    error = await failure(tm.with_options(coalesce=False).trackings.get(CARRIER, "LX900000033CN"))
    assert pickle.loads(pickle.dumps(error)).timing == error.timing != Timing()  # noqa: S301 - our own
    assert "timing" not in str(error)
    assert "0.25" not in repr(error)


async def test_the_usual_time_of_an_answer_is_what_three_of_four_needed() -> None:
    """Of the last twelve, two at least, none older than fifteen seconds (docs/lookups.md)."""
    latency = Latency()
    took = (9.0, 2.0, 3.0, 1.0, 4.0, 5.0, 6.0, 7.0)
    for seconds, usual in zip(took, (0.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0), strict=True):
        latency.learn("get", "bulk", seconds)
        assert latency.usual("get", "bulk") == usual
    assert latency.usual("get", "interactive") == latency.usual("list", "bulk") == 0.0
    for _ in range(11):
        latency.learn("get", "bulk", 20.0)
    assert latency.usual("get", "bulk") == 20.0
    await anyio.sleep(14.9)
    latency.learn("get", "bulk", 1.0)
    assert latency.usual("get", "bulk") == 20.0
    await anyio.sleep(0.2)
    latency.learn("get", "bulk", 1.0)
    assert latency.usual("get", "bulk") == 1.0


def test_the_timing_is_no_part_of_the_value() -> None:
    """A model with a timing equals, hashes, shows and converts as one without; copies and pickles have none."""
    plain, marked = TrackingEcho(CARRIER, NUMBER), timed(TrackingEcho(CARRIER, NUMBER), Timing(network=1.0))
    assert plain.timing is None
    assert marked.timing == Timing(network=1.0)
    assert marked == plain
    assert repr(marked) == repr(plain)
    for twin in (copy.copy(marked), pickle.loads(pickle.dumps(marked))):  # noqa: S301 - our own
        assert twin == marked
        assert twin.timing is None


def test_timings_add_up() -> None:
    """Two calls in a row took what both took; one from memory stays known as such."""
    both = Timing(waiting=1, pause=2, network=4, decode=8, attempts=1) + Timing(waiting=16, attempts=2, age=3.0)
    assert both == Timing(waiting=17, pause=2, network=4, decode=8, attempts=3, age=3.0)
    assert both.from_memory


def test_bans_that_overlap_count_once() -> None:
    """Silence is counted by the clock, however often it is asked for; what comes after its end is none."""
    silence = Silence()
    assert silence.seconds(5.0) == 0.0
    silence.begin(10.0, 20.0)
    silence.begin(15.0, 30.0)
    assert [silence.seconds(moment) for moment in (9.0, 10.0, 12.0, 25.0, 30.0, 99.0)] == [0, 0, 2, 15, 20, 20]
    silence.begin(100.0, 101.0)
    assert [silence.seconds(moment) for moment in (100.0, 100.5, 200.0)] == [20, 20.5, 21]
