"""A 429 and what follows: silence for the whole account, one probe, and then everybody."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from tests.client.helpers import CARRIER, KEY, NUMBER, failure, in_process
from tests.conftest import VIRTUAL
from trackingmore_async import (
    DeadlineExceededError,
    RateLimitedError,
    Tracking,
    TrackingMore,
    TrackingMoreError,
)
from trackingmore_async.sandbox import Fault, Path, Sandbox, Switches

pytestmark = pytest.mark.anyio

SHAPES = [
    Switches(http_status_429=status, rate_limit_body=body, retry_after=after)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    for status, body, after in itertools.product((429, 200), ("envelope", "html", "empty"), ("none", "seconds", "date"))
]
each_shape = pytest.mark.parametrize(
    "switches", SHAPES, ids=lambda s: f"{s.http_status_429}-{s.rate_limit_body}-{s.retry_after}"
)


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock: a ban lasts two minutes."""
    return request.param


def banned(**settings: Any) -> Sandbox:
    """Return a sandbox with one parcel that logs all arrivals."""
    sandbox = Sandbox(keys=[KEY], log_arrivals=True, **settings)
    sandbox.create(CARRIER, NUMBER)
    return sandbox


def gaps(sandbox: Sandbox) -> list[float]:
    """Return the seconds between arrivals."""
    times = [arrival.time for arrival in sandbox.statistics().arrivals]
    return [later - earlier for earlier, later in itertools.pairwise(times)]


async def read_all(tm: TrackingMore, count: int) -> list[Tracking | TrackingMoreError]:
    """Read the parcel so many times at once, and return every answer or error."""
    results: list[Tracking | TrackingMoreError] = []

    async def read() -> None:
        try:
            results.append(await tm.trackings.get(CARRIER, NUMBER))
        except TrackingMoreError as error:
            results.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(read)
    return results


@each_shape
async def test_one_ban_among_five_hundred_calls(switches: Switches) -> None:
    """Nothing arrives while the account is banned, then one probe alone, then all calls complete."""
    sandbox = banned(switches=switches, path=Path(0.05, 0.05, 0.05))
    sandbox.faults.add(Fault("get", on={20}, ban=True))
    async with in_process(sandbox) as tm:
        results = await read_all(tm.with_options(max_wait=None), 500)
    assert len(results) == 500
    assert all(isinstance(result, Tracking) for result in results)
    statistics = sandbox.statistics()
    assert statistics.total_violations == 0
    assert statistics.bans == 1
    assert statistics.requests_during_bans == 1  # the one that met the ban
    pauses = sorted(gaps(sandbox))
    assert 121 <= pauses[-1] < 121.5
    assert pauses[-2] < 1.2
    assert sum(arrival.served for arrival in statistics.arrivals) == 500


@pytest.mark.parametrize("meta_only", [False, True])
async def test_calls_under_way_meet_the_ban_together(meta_only: bool) -> None:
    """Several requests that are refused at once are one ban, and each is sent again afterwards."""
    shape = Switches(http_status_429=200 if meta_only else 429)
    sandbox = banned(switches=shape, path=Path(there=1.0, back=5.0))
    sandbox.faults.add(Fault("get", on={1}, ban=True))
    async with in_process(sandbox) as tm:
        results = await read_all(tm.with_options(max_wait=None), 5)
        transport = tm._caller.transport
    assert all(isinstance(result, Tracking) for result in results)
    assert transport.counters.pauses == 1
    assert sandbox.statistics().bans == 1
    assert max(gaps(sandbox)) >= 120


async def test_the_ban_holds_for_all_operations_and_clients() -> None:
    """Another operation, and another client of the same key, are silent, too."""
    sandbox = banned()
    sandbox.faults.add(Fault("get", on={1}, code=429, ban=True))
    async with in_process(sandbox) as first, in_process(sandbox) as second, anyio.create_task_group() as group:
        patient = first.with_options(max_wait=None)
        group.start_soon(patient.trackings.get, CARRIER, NUMBER)
        await anyio.sleep(1)
        begun = anyio.current_time()
        await second.with_options(max_wait=None).account.info()
        assert anyio.current_time() - begun > 119
    assert sandbox.statistics().requests_during_bans == 0


async def test_the_cheapest_read_goes_first() -> None:
    """After a ban a read is the probe, even if a write waits for longer."""
    sandbox = banned()
    sandbox.faults.add(Fault("create", on={1}, code=429, ban=True))
    async with in_process(sandbox) as tm, anyio.create_task_group() as group:
        patient = tm.with_options(max_wait=None)
        group.start_soon(patient.trackings.create, CARRIER, "ZZ000000001")
        await anyio.sleep(1)
        group.start_soon(patient.air.track, "172-00000000")
        group.start_soon(patient.account.info)
    assert [arrival.bucket for arrival in sandbox.statistics().arrivals][:2] == ["create", "account_info"]


async def test_a_call_in_a_hurry_fails_at_once() -> None:
    """During a ban a call with the usual patience fails without waiting, and says for how long it is."""
    sandbox = banned()
    sandbox.faults.add(Fault("get", on={1}, code=429, ban=True))
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        refused = await failure(tm.trackings.get(CARRIER, NUMBER))
        other = await failure(tm.account.info())
        assert anyio.current_time() - begun < 0.1
    for error in (refused, other):
        assert isinstance(error, DeadlineExceededError)
        assert error.projected_wait == pytest.approx(121, abs=1)
        assert "silent after a 429" in str(error)
        assert error.sent is False
    assert (refused.attempts, other.attempts) == (1, 0)
    assert sandbox.statistics().total_requests == 1


async def test_a_waiting_call_whose_patience_a_ban_exceeds_is_told_at_once() -> None:
    """Those who wait already, and cannot wait that long, fail when the ban begins."""
    sandbox = banned()
    sandbox.faults.add(Fault("get", on={3}, code=429, ban=True))
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        results = await read_all(tm, 10)
        assert anyio.current_time() - begun < 4
    kinds = [type(result) for result in results]
    assert (kinds.count(Tracking), kinds.count(DeadlineExceededError)) == (2, 8)


@pytest.mark.parametrize("seconds", [60, 120, 300, 899])
async def test_a_longer_retry_after_is_obeyed(seconds: int) -> None:
    """The pause is what the server asks for, but never shorter than two minutes."""
    sandbox = banned()
    sandbox.faults.add(Fault("get", on={1}, code=429, headers={"retry-after": str(seconds)}))
    async with in_process(sandbox) as tm:
        await tm.with_options(max_wait=None).trackings.get(CARRIER, NUMBER)
    assert gaps(sandbox) == pytest.approx([max(120, seconds) + 1], abs=0.5)


async def test_a_retry_after_may_be_a_date() -> None:
    """The other form of the header, an HTTP date, counts from the server's own clock."""
    sandbox = banned(epoch=1_500_000_000.0)  # far from this computer's time
    sandbox.faults.add(
        Fault("get", on={1}, code=429, headers={"retry-after": "Fri, 14 Jul 2017 02:50:00 GMT"})  # in 600 seconds
    )
    async with in_process(sandbox) as tm:
        await tm.with_options(max_wait=None).trackings.get(CARRIER, NUMBER)
    assert gaps(sandbox) == pytest.approx([601], abs=1.5)


@pytest.mark.parametrize("header", ["86400", "901", "999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_pause_beyond_all_patience_is_an_error(header: str) -> None:
    """More than a quarter of an hour is not waited for: the caller is told, and everybody else waits no longer."""
    sandbox = banned()
    sandbox.faults.add(Fault("get", on={1}, code=429, headers={"retry-after": header}))
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        error = await failure(tm.with_options(max_wait=None).trackings.get(CARRIER, NUMBER))
        assert anyio.current_time() == pytest.approx(begun)
        await tm.with_options(max_wait=None).account.info()
        assert anyio.current_time() - begun == pytest.approx(901, abs=1)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after is not None
    assert error.retry_after > 900
    assert (error.code, error.http_status, error.attempts) == (429, 429, 1)


@pytest.mark.parametrize("header", ["", "-5", "soon", "1e9", "Mon, 99 Foo 2024", "٣", "0"])
async def test_an_odd_retry_after_is_ignored(header: str) -> None:
    """What cannot be read leaves the pause at two minutes."""
    sandbox = banned()
    sandbox.faults.add(Fault("get", on={1}, code=429, headers={"retry-after": header.encode().decode("latin-1")}))
    async with in_process(sandbox) as tm:
        await tm.with_options(max_wait=None).trackings.get(CARRIER, NUMBER)
    assert gaps(sandbox) == pytest.approx([121], abs=0.5)


async def test_the_third_ban_in_a_row_is_an_error() -> None:
    """Two bans are waited out; the third means that something else is wrong, and says so."""
    sandbox = banned()
    sandbox.faults.add(Fault("get", code=429))
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        error = await failure(tm.with_options(max_wait=None).trackings.get(CARRIER, NUMBER))
        assert anyio.current_time() - begun == pytest.approx(242, abs=1)
    assert isinstance(error, RateLimitedError)
    assert error.attempts == 3
    assert error.retry_after == 120
    assert "3 times running" in str(error)
    assert "find it" in str(error)


async def test_bans_do_not_use_up_attempts() -> None:
    """A call that met two bans still has all of its attempts."""
    sandbox = banned()
    sandbox.faults.add(Fault("get", on={1, 2}, code=429), Fault("get", on={3, 4, 5}, code=500))
    async with in_process(sandbox) as tm:
        assert (await tm.with_options(max_wait=None).trackings.get(CARRIER, NUMBER)).tracking_number == NUMBER
    assert sandbox.statistics().requests == {"get": 6}


@pytest.mark.parametrize("name", ["realtime", "air", "detect"])
async def test_a_refused_question_was_not_asked(name: str) -> None:
    """A 429 changes and costs nothing, so even what may never be repeated goes again after the pause."""
    sandbox = banned()
    sandbox.faults.add(Fault(name, on={1}, code=429))
    async with in_process(sandbox) as tm:
        view = tm.with_options(max_wait=None)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "realtime": lambda: view.trackings.realtime(CARRIER, NUMBER),
            "air": lambda: view.air.track("172-00000000"),
            "detect": lambda: view.carriers.detect(NUMBER),
        }
        assert await calls[name]()


async def test_a_realtime_question_repeated_too_soon_may_look_like_a_ban() -> None:
    """Where the server answers 429 to each repetition within two hours, that ends after the third."""
    sandbox = banned(switches=Switches(realtime_repeat=429))
    async with in_process(sandbox) as tm:
        view = tm.with_options(max_wait=None)
        await view.trackings.realtime(CARRIER, NUMBER)
        assert isinstance(await failure(view.trackings.realtime(CARRIER, NUMBER)), RateLimitedError)


@pytest.mark.parametrize("restarts", [True, False])
async def test_another_program_may_burn_the_account(restarts: bool) -> None:
    """A ban that somebody else caused is met once, waited out, and over."""
    sandbox = banned(switches=Switches(ban_restarts=restarts))
    sandbox.account.police.ban(sandbox.clock.microseconds())
    async with in_process(sandbox) as tm:
        results = await read_all(tm.with_options(max_wait=None), 5)
    assert all(isinstance(result, Tracking) for result in results)
    assert sandbox.statistics().requests_during_bans == 1


async def test_a_shorter_pause_can_be_asked_for() -> None:
    """``pause_after_429`` is a setting."""
    sandbox = banned(ban_seconds=5.0)
    sandbox.faults.add(Fault("get", on={1}, code=429, ban=True))
    async with in_process(sandbox, pause_after_429=5.0) as tm:
        await tm.trackings.get(CARRIER, NUMBER)
    assert gaps(sandbox) == pytest.approx([6], abs=0.5)
