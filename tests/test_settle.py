"""Single writes whose answer was lost: what really happened, over all the ways in which the server may tell it."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.client.helpers import CARRIER, NUMBER, failure, in_process
from tests.conftest import VIRTUAL
from trackingmore_async import (
    UNSET,
    AlreadyExistsError,
    NotFoundError,
    QuotaExceededError,
    RetryPolicy,
    TrackingMore,
    TransportError,
)
from trackingmore_async.sandbox import Fault, Path, Sandbox, Switches

pytestmark = pytest.mark.anyio

OTHER = "china-post"
SWITCHES = [
    Switches(single_not_found=found, error_data=data, http_status_of_errors=status, create_code=code)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    for found, data, status, code in itertools.product((4031, 4017, 200), ("list", "null"), ("ok", "real"), (200, 201))
]
each_server = pytest.mark.parametrize("switches", SWITCHES, ids=lambda s: f"{s.single_not_found}-{s.error_data}-{s.http_status_of_errors}-{s.create_code}")  # fmt: skip  # noqa: E501


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock: retries pause."""
    return request.param


@asynccontextmanager
async def client(sandbox: Sandbox, *faults: Fault, **settings: Any) -> AsyncGenerator[TrackingMore]:
    """Open a client that knows the server's clock, and script the faults of what follows."""
    async with in_process(sandbox, retry=RetryPolicy(attempts=3), **settings) as tm:
        await tm.account.info()
        sandbox.faults.add(*faults)
        yield tm


@each_server
@pytest.mark.parametrize("lost", ["after", "before"])
async def test_a_create_whose_answer_was_lost_succeeds(switches: Switches, lost: Any) -> None:
    """Whether the lost create was carried out or not, the call succeeds and the tracking is there once."""
    sandbox = Sandbox(switches=switches)
    async with client(sandbox, Fault("create", on={1}, reset=lost)) as tm:
        echo = await tm.trackings.create(CARRIER, NUMBER, order_id="A-77", title="mug")
    assert (echo.carrier_code, echo.tracking_number, echo.order_id, echo.title) == (CARRIER, NUMBER, "A-77", "mug")
    assert len(sandbox.trackings.records) == 1


@each_server
async def test_a_tracking_that_is_older_is_not_ours(switches: Switches) -> None:
    """A lost create of what existed before is `AlreadyExistsError`, for it changed nothing."""
    sandbox = Sandbox(switches=switches)
    sandbox.create(CARRIER, NUMBER, title="old")
    sandbox.clock.advance(10)
    async with client(sandbox, Fault("create", on={1}, reset="before")) as tm:
        error = await failure(tm.trackings.create(CARRIER, NUMBER, title="new"))
    assert isinstance(error, AlreadyExistsError)
    assert (error.code, error.attempts) == (4016, 3)  # two creates, and the look-up


async def test_the_deadline_holds_for_reading_back_too() -> None:
    """Finding out what became of a create takes no longer than the call may; then it is unknown."""
    sandbox = Sandbox()
    async with client(sandbox, Fault("create", on={1}, reset="after"), Fault("get", delay_back=10.0)) as tm:
        begun = anyio.current_time()
        error = await failure(tm.with_options(deadline=5.0).trackings.create(CARRIER, NUMBER))
        assert anyio.current_time() - begun <= 5.0
    assert isinstance(error, TransportError)
    assert error.sent


async def test_of_two_creates_none_takes_the_other_s_tracking_for_its_own() -> None:
    """A create whose answer was lost, while another one of its tracking was carried out, does not count as done."""
    sandbox = Sandbox()
    async with client(sandbox, Fault("create_many", on={1}, reset="before")) as tm:
        lost: list[Any] = []

        async def create_lost() -> None:
            lost.append(await failure(tm.with_options(coalesce="all").trackings.create(CARRIER, NUMBER)))

        async with anyio.create_task_group() as group:
            group.start_soon(create_lost)
            await tm.trackings.create(CARRIER, NUMBER, title="mug")
    assert isinstance(lost[0], TransportError)
    assert lost[0].sent


async def test_a_create_that_was_cancelled_before_it_left_is_no_rival() -> None:
    """Who gave up while he waited for his slot has created nothing, so what another's lost create made is known."""
    sandbox = Sandbox()
    async with client(sandbox) as tm:
        await tm.trackings.create(CARRIER, "LX900000025CN")
        with anyio.move_on_after(0.2):
            await tm.trackings.create(CARRIER, NUMBER)
        sandbox.faults.add(Fault("create", on={1}, reset="after"))
        echo = await tm.trackings.create(CARRIER, NUMBER)
    assert echo.tracking_number == NUMBER


async def test_without_a_loss_nothing_is_read_back() -> None:
    """A create that is refused the first time is refused: one request, and no doubt about what it means."""
    sandbox = Sandbox()
    async with client(sandbox) as tm:
        sandbox.create(CARRIER, NUMBER)  # at this very second, by somebody else
        error = await failure(tm.trackings.create(CARRIER, NUMBER))
    assert isinstance(error, AlreadyExistsError)
    assert sandbox.statistics().requests == {"account_info": 1, "create": 1}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("get", code=500),
        Fault("get", reset="before"),
        Fault("get", code=4018),
        Fault("get", status=404, body="html"),
        Fault("get", body=b'{"meta": {"code": 200}, "data": {"id": "x"}}', performed=True),
        Fault("get", body=b'{"meta": {"code": 200}, "data": [{}]}', performed=True),
    ],
    ids=["500", "reset", "forbidden", "404", "nonsense", "list"],
)
async def test_what_cannot_be_read_back_stays_unknown(fault: Fault) -> None:
    """A create that cannot be read back is neither success nor failure: the error says that it was sent."""
    sandbox = Sandbox()
    async with client(sandbox, Fault("create", on={1}, reset="after"), fault) as tm:
        error = await failure(tm.trackings.create(CARRIER, NUMBER))
    assert isinstance(error, TransportError)
    assert error.sent is True
    assert (error.operation, error.code) == ("create", 4016)
    assert error.attempts == sum(sandbox.statistics().requests[name] for name in ("create", "get")) > 2
    assert "Read the tracking before sending it again" in str(error)


async def test_without_the_servers_clock_nothing_is_dated() -> None:
    """Where answers have no ``Date``, who created the tracking cannot be told, and the error says so."""
    sandbox = Sandbox(switches=Switches(date_header=False))
    async with client(sandbox, Fault("create", on={1}, reset="after")) as tm:
        error = await failure(tm.trackings.create(CARRIER, NUMBER))
    assert isinstance(error, TransportError)
    assert error.sent is True


@pytest.mark.parametrize("apart", [-86400.0, -3.0, 0.0, 3.0, 86400.0])
async def test_clocks_may_differ(apart: float) -> None:
    """The dates compare by the server's clock alone, however far ours is off."""
    sandbox = Sandbox(epoch=1_900_000_000 + apart)
    async with client(sandbox, Fault("create", on={1}, reset="after")) as tm:
        assert (await tm.trackings.create(CARRIER, NUMBER)).tracking_number == NUMBER


@pytest.mark.parametrize("path", [Path(0.0, 0.0, 0.0), Path(0.4, 0.4, 0.4), Path(0.0, 0.0, 2.0)], ids=repr)
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.6, 0.9])
async def test_slow_paths_do_not_confuse_the_dates(path: Path, phase: float) -> None:
    """Ours is told from what was there five seconds before, on quick and slow paths, at any part of a second."""
    for existed in (False, True):
        sandbox = Sandbox(path=path, epoch=1_900_000_000 + phase)
        if existed:
            sandbox.create(CARRIER, NUMBER)
            await checkpoint()
            sandbox.clock.advance(7)
        async with client(sandbox, Fault("create", on={1}, reset="before" if existed else "after")) as tm:
            call = tm.trackings.create(CARRIER, NUMBER)
            if existed:
                assert isinstance(await failure(call), AlreadyExistsError)
            else:
                assert (await call).tracking_number == NUMBER


async def test_a_ban_before_the_loss_is_not_counted_as_sending() -> None:
    """What another created while we were banned is not ours: our create was refused then, and lost only later."""
    sandbox = Sandbox()

    async def another() -> None:
        await anyio.sleep(60)
        sandbox.create(CARRIER, NUMBER, title="theirs")

    faults = (Fault("create", on={1}, code=429), Fault("create", on={2}, reset="before"))
    async with client(sandbox, *faults) as tm, anyio.create_task_group() as group:
        group.start_soon(another)
        error = await failure(tm.with_options(max_wait=None).trackings.create(CARRIER, NUMBER))
    assert isinstance(error, AlreadyExistsError)


@pytest.mark.parametrize("quota_code", [4021, 4019])
async def test_the_last_of_the_quota_may_have_been_spent(quota_code: Any) -> None:
    """When the lost create took the last of the quota, the refusal of the second one is not the truth."""
    sandbox = Sandbox(quota=1, switches=Switches(quota_code=quota_code))
    faults = (Fault("create", on={1}, reset="after"), Fault("create", on={2}, code=quota_code))
    async with client(sandbox, *faults) as tm:
        assert (await tm.trackings.create(CARRIER, NUMBER)).tracking_number == NUMBER
    sandbox = Sandbox(quota=0, switches=Switches(quota_code=quota_code))
    async with client(sandbox, Fault("create", on={1}, reset="before")) as tm:
        error = await failure(tm.trackings.create(CARRIER, NUMBER))
    assert isinstance(error, QuotaExceededError)


@each_server
@pytest.mark.parametrize("lost", ["after", "before"])
async def test_a_delete_whose_answer_was_lost_is_done(switches: Switches, lost: Any) -> None:
    """After a lost delete "does not exist" is what was wanted."""
    sandbox = Sandbox(switches=switches)
    sandbox.create(CARRIER, NUMBER)
    async with client(sandbox, Fault("delete", on={1}, reset=lost)) as tm:
        await tm.trackings.delete(CARRIER, NUMBER)
    assert sandbox.find(CARRIER, NUMBER) is None


@each_server
async def test_a_delete_of_what_is_not_there_fails(switches: Switches) -> None:
    """Without a loss "does not exist" is an error."""
    async with client(Sandbox(switches=switches)) as tm:
        assert isinstance(await failure(tm.trackings.delete(CARRIER, NUMBER)), NotFoundError)


async def test_a_delete_is_not_done_because_a_proxy_says_404() -> None:
    """Only the API's own word counts: a page of HTML does not mean that the tracking is gone."""
    sandbox = Sandbox()
    sandbox.create(CARRIER, NUMBER)
    faults = (Fault("delete", on={1}, reset="before"), Fault("delete", on={2}, status=404, body="html"))
    async with client(sandbox, *faults) as tm:
        assert isinstance(await failure(tm.trackings.delete(CARRIER, NUMBER)), NotFoundError)
    assert sandbox.find(CARRIER, NUMBER) is not None


@each_server
@pytest.mark.parametrize("lost", ["after", "before"])
async def test_an_edit_whose_answer_was_lost_is_sent_again(switches: Switches, lost: Any) -> None:
    """The same values are set once more."""
    sandbox = Sandbox(switches=switches)
    sandbox.create(CARRIER, NUMBER)
    async with client(sandbox, Fault("update", on={1}, reset=lost)) as tm:
        assert (await tm.trackings.update(CARRIER, NUMBER, title="mug")).title == "mug"


@each_server
@pytest.mark.parametrize("lost", ["after", "before"])
async def test_a_change_of_carrier_whose_answer_was_lost_is_done(switches: Switches, lost: Any) -> None:
    """Whether the lost change was made or not, the tracking stands under the new carrier only."""
    sandbox = Sandbox(switches=switches)
    sandbox.create(CARRIER, NUMBER)
    async with client(sandbox, Fault("change_carrier", on={1}, reset=lost)) as tm:
        await tm.trackings.change_carrier(CARRIER, NUMBER, OTHER)
    assert (sandbox.find(CARRIER, NUMBER), sandbox.find(OTHER, NUMBER) is None) == (None, False)


@each_server
@pytest.mark.parametrize("first", [(CARRIER, OTHER), ()], ids=["target taken", "nothing there"])
async def test_a_change_of_carrier_that_cannot_be_is_an_error(switches: Switches, first: tuple[str, ...]) -> None:
    """A lost change that was never possible stays an error: the target is taken, or there is no source."""
    sandbox = Sandbox(switches=switches)
    for carrier in first:
        sandbox.create(carrier, NUMBER)
    sandbox.clock.advance(10)
    async with client(sandbox, Fault("change_carrier", on={1}, reset="before")) as tm:
        error = await failure(tm.trackings.change_carrier(CARRIER, NUMBER, OTHER))
    assert isinstance(error, AlreadyExistsError if first else NotFoundError)


async def test_a_pair_that_was_created_since_says_nothing() -> None:
    """When the old pair was created again after a lost change of carrier, nobody knows whether that was carried out."""
    sandbox = Sandbox()
    sandbox.create(CARRIER, NUMBER)
    sandbox.clock.advance(10)
    async with client(sandbox, Fault("change_carrier", on={1}, body="html")) as tm, anyio.create_task_group() as group:
        group.start_soon(tm.trackings.create, CARRIER, NUMBER)
        error = await failure(tm.trackings.change_carrier(CARRIER, NUMBER, OTHER))
    assert isinstance(error, TransportError)
    assert error.sent


async def test_a_server_that_looks_at_the_target_first_is_understood() -> None:
    """After a change that was made, "already exists" about the new pair means done, too."""
    sandbox = Sandbox()
    sandbox.create(CARRIER, NUMBER)
    faults = (Fault("change_carrier", on={1}, reset="after"), Fault("change_carrier", on={2}, code=4016))
    async with client(sandbox, *faults) as tm:
        await tm.trackings.change_carrier(CARRIER, NUMBER, OTHER)
    assert sandbox.find(OTHER, NUMBER) is not None


async def test_a_change_that_cannot_be_read_back_stays_unknown() -> None:
    """When the pairs cannot be read, the error says that the change may have been made."""
    sandbox = Sandbox()
    sandbox.create(CARRIER, NUMBER)
    faults = (Fault("change_carrier", on={1}, reset="after"), Fault("get", code=500))
    async with client(sandbox, *faults) as tm:
        error = await failure(tm.trackings.change_carrier(CARRIER, NUMBER, OTHER))
    assert isinstance(error, TransportError)
    assert error.sent is True


@pytest.mark.parametrize("data", [b"[]", b"{}", b"null"])
async def test_a_write_that_echoes_nothing_is_done(data: bytes) -> None:
    """Success without data (API.md 1.2) is success: the echo then holds the names alone."""
    body = b'{"meta":{"code":201,"type":"Created","message":"Success"},"data":' + data + b"}"
    sandbox = Sandbox()
    async with client(sandbox, Fault(("create", "update"), status=200, body=body, performed=True)) as tm:
        created = await tm.trackings.create(CARRIER, NUMBER)
        edited = await tm.trackings.update(CARRIER, NUMBER, title="mug")
    assert [(echo.tracking_number, echo.id) for echo in (created, edited)] == [(NUMBER, UNSET)] * 2
    assert (sandbox.find(CARRIER, NUMBER) or {})["title"] == "mug"
