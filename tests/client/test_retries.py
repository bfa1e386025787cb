"""What is sent again and what is not: every operation against every way to lose a request or its answer."""

# pyright: reportPrivateUsage=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest

from tests.client.helpers import CARRIER, NUMBER, GrantAll, failure, in_process
from tests.client.test_operations import CALLS
from tests.conftest import VIRTUAL
from trackingmore_async import (
    OPERATIONS,
    AuthenticationError,
    DeadlineExceededError,
    Permit,
    RetryPolicy,
    ServerError,
    TrackingMore,
    TransportError,
)
from trackingmore_async.operations import Operation, Safety
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

SINGLES = [row for row in OPERATIONS.values() if not row.is_batch and row.name != "list"]
UNSENT: dict[str, dict[str, Any]] = {"refused connection": {"refuse_connection": True}}
LOST: dict[str, dict[str, Any]] = {
    "reset before": {"reset": "before"},
    "reset after": {"reset": "after"},
    "500": {"code": 500},
    "503 html": {"status": 503, "body": "html"},
    "502 after": {"status": 502, "body": "html", "performed": True},
    "truncated": {"body": "truncated", "performed": True},
    "empty": {"body": "empty", "performed": True},
    "too slow": {"delay_back": 1000.0},
}
LIMIT = {Safety.READ: 4, Safety.KEYED: 4, Safety.PAID: 1, Safety.NEVER: 1}
LIMIT_UNSENT = {Safety.READ: 4, Safety.KEYED: 4, Safety.PAID: 2, Safety.NEVER: 4}


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock: retries pause."""
    return request.param


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Make a sandbox that holds one parcel."""
    made = Sandbox(log_arrivals=True)
    made.create(CARRIER, NUMBER)
    yield made
    assert made.statistics().total_violations == 0


@pytest.mark.parametrize("trouble", LOST)
@pytest.mark.parametrize("row", SINGLES, ids=lambda row: row.name)
async def test_reads_and_keyed_writes_survive_one_loss(sandbox: Sandbox, row: Operation, trouble: str) -> None:
    """Whatever happens to the first request, a second one makes good, unless it could be paid for twice."""
    fault = Fault(row.name, on={1}, **LOST[trouble])
    sandbox.faults.add(fault)
    async with in_process(sandbox, retry=RetryPolicy(attempts=4)) as tm:
        if row.safety in {Safety.READ, Safety.KEYED}:
            await CALLS[row.name](tm)
        else:
            error = await failure(CALLS[row.name](tm))
            assert error.attempts == 1
    requests = sandbox.statistics().requests.get(row.name)
    assert requests == (2 if row.safety in {Safety.READ, Safety.KEYED} else 1)


@pytest.mark.parametrize("trouble", [*LOST, *UNSENT])
@pytest.mark.parametrize("row", SINGLES, ids=lambda row: row.name)
async def test_attempts_are_bounded(sandbox: Sandbox, row: Operation, trouble: str) -> None:
    """Trouble that lasts ends after four attempts; what costs quota goes twice if unsent, and not once it was sent."""
    sandbox.faults.add(Fault(row.name, **(LOST | UNSENT)[trouble]))
    async with in_process(sandbox) as tm:
        error = await failure(CALLS[row.name](tm))
    expected = (LIMIT_UNSENT if trouble in UNSENT else LIMIT)[row.safety]
    assert error.attempts == expected
    assert error.operation == row.name
    if isinstance(error, TransportError):
        assert error.sent is (trouble not in UNSENT)
    assert sandbox.statistics().requests.get(row.name, 0) <= expected


@pytest.mark.parametrize("row", [row for row in SINGLES if row.safety is Safety.NEVER], ids=lambda row: row.name)
async def test_what_may_never_be_repeated_goes_out_once_it_can(sandbox: Sandbox, row: Operation) -> None:
    """Realtime and air are tried again while they did not leave, and not after."""
    sandbox.faults.add(Fault(row.name, on={1, 2}, refuse_connection=True))
    async with in_process(sandbox) as tm:
        await CALLS[row.name](tm)
    assert sandbox.statistics().requests == {row.name: 1}


async def test_pauses_have_full_jitter(sandbox: Sandbox) -> None:
    """The pauses before retries spread over their whole range, and double."""
    sandbox.faults.add(Fault("get", refuse_connection=True))
    pauses: list[tuple[float, ...]] = []
    async with in_process(sandbox, retry=RetryPolicy(attempts=3, base=100.0, cap=1000.0)) as tm:
        view = tm.with_options(max_wait=None)
        for _ in range(60):
            begun = anyio.current_time()
            await failure(view.trackings.get(CARRIER, NUMBER))
            pauses.append((anyio.current_time() - begun,))
    totals = sorted(total for (total,) in pauses)
    assert totals[0] < 75
    assert totals[-1] > 225
    assert max(totals) < 303
    assert 120 < sum(totals) / 60 < 180


async def test_the_deadline_bounds_everything(sandbox: Sandbox) -> None:
    """Attempts, pauses and waiting together end at the deadline."""
    sandbox.faults.add(Fault("get", delay_back=8.0))
    async with in_process(sandbox, retry=RetryPolicy(attempts=100, base=1.0), timeout=5.0) as tm:
        begun = anyio.current_time()
        error = await failure(tm.with_options(deadline=17.0).trackings.get(CARRIER, NUMBER))
        assert anyio.current_time() - begun <= 17.0
    assert isinstance(error, DeadlineExceededError | TransportError)
    assert error.sent is True
    assert error.attempts >= 2


async def test_waiting_for_a_slot_counts_against_the_deadline(sandbox: Sandbox) -> None:
    """A call whose slot would come after its deadline fails at once, with the wait that was expected."""
    async with in_process(sandbox) as tm, anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(tm.trackings.get, CARRIER, NUMBER)
        await anyio.sleep(0.1)
        begun = anyio.current_time()
        error = await failure(tm.with_options(deadline=5.0).trackings.get(CARRIER, NUMBER))
        assert anyio.current_time() == begun
    assert isinstance(error, DeadlineExceededError)
    assert error.sent is False
    assert error.projected_wait is not None
    assert error.projected_wait > 8
    assert (error.operation, error.attempts) == ("get", 0)


async def test_a_deadline_during_the_request_says_that_it_was_sent(sandbox: Sandbox) -> None:
    """When the time is over while the answer is awaited, the request may have been carried out."""
    sandbox.faults.add(Fault("update", delay_back=60.0))
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        error = await failure(tm.with_options(deadline=0.8).trackings.update(CARRIER, NUMBER, title="mug"))
        assert anyio.current_time() - begun == pytest.approx(0.8)
    assert isinstance(error, DeadlineExceededError)
    assert error.sent is True
    assert "Read back" in str(error)
    found = sandbox.find(CARRIER, NUMBER)
    assert found is not None
    assert found["title"] == "mug"


class Punctual(httpx.AsyncBaseTransport):
    """A network that never answers, under an HTTP client whose own time limit ends a moment before ours."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Take the request, and give up."""
        await request.extensions["trace"]("http11.send_request_headers.started", {})
        await anyio.sleep(request.extensions["timeout"]["read"] - 0.0005)
        raise httpx.ReadTimeout("", request=request)


async def test_a_deadline_is_the_reason_whichever_clock_is_first() -> None:
    """The HTTP client has a time limit of its own, which ends with the deadline: the error names the deadline."""
    async with httpx.AsyncClient(transport=Punctual()) as http, TrackingMore("some-key", http_client=http) as tm:
        error = await failure(tm.with_options(deadline=0.8).trackings.update(CARRIER, NUMBER, title="mug"))
        assert anyio.current_time() == pytest.approx(0.8, abs=0.01)
    assert isinstance(error, DeadlineExceededError)
    assert error.sent is True
    assert "Read back" in str(error)


async def test_a_tiny_deadline_is_honoured(sandbox: Sandbox) -> None:
    """A deadline of ten milliseconds is enough for a free slot and a quick server, and for nothing else."""
    async with in_process(sandbox) as tm:
        hasty = tm.with_options(deadline=0.01)
        assert (await hasty.trackings.get(CARRIER, NUMBER)).tracking_number == NUMBER
        error = await failure(hasty.trackings.get(CARRIER, NUMBER))
    assert isinstance(error, DeadlineExceededError)
    assert error.sent is False


async def test_a_slot_that_comes_too_late_is_not_used(sandbox: Sandbox) -> None:
    """When a limiter grants a slot after the deadline, nothing is sent, and the error is certain of that."""

    class Late(GrantAll):
        async def acquire(self, bucket: str, **settings: Any) -> Permit:
            await anyio.sleep(2.0)
            return await super().acquire(bucket, **settings)

    async with in_process(sandbox, limiter=Late()) as tm:
        error = await failure(tm.with_options(deadline=1.0).trackings.update(CARRIER, NUMBER, title="mug"))
    assert isinstance(error, DeadlineExceededError)
    assert error.sent is False
    assert sandbox.statistics().total_requests == 0


async def test_no_patience_means_now_or_never(sandbox: Sandbox) -> None:
    """With ``max_wait=0`` a call goes at once or fails at once."""
    async with in_process(sandbox) as tm:
        now = tm.with_options(max_wait=0)
        await now.trackings.get(CARRIER, NUMBER)
        begun = anyio.current_time()
        error = await failure(now.trackings.get(CARRIER, NUMBER))
        assert anyio.current_time() == begun
        await anyio.sleep(2)
        await now.trackings.get(CARRIER, NUMBER)
    assert isinstance(error, DeadlineExceededError)
    assert error.projected_wait == pytest.approx(1.0, abs=0.6)


@pytest.mark.parametrize("second", [{"refuse_connection": True}, {"delay_back": 0.0}], ids=["unsent", "no slot"])
async def test_a_lost_request_is_not_forgotten(sandbox: Sandbox, second: dict[str, Any]) -> None:
    """When the second attempt does not even leave, the error still says that the first may have been carried out."""
    sandbox.faults.add(Fault("update", on={1}, reset="after"), Fault("update", on={2, 3, 4}, **second))
    async with in_process(sandbox, retry=RetryPolicy(attempts=2, base=0.0)) as tm:
        view = tm if "refuse_connection" in second else tm.with_options(max_wait=0.5)
        error = await failure(view.trackings.update(CARRIER, NUMBER, title="mug"))
    assert isinstance(error, TransportError)
    assert error.sent is True
    assert re.search(r"may have been carried out\W+read back", str(error), re.IGNORECASE)


async def test_a_refusal_does_not_speak_for_a_lost_request(sandbox: Sandbox) -> None:
    """When the second attempt is refused for its key, the error still says that the first may have been carried out."""
    sandbox.faults.add(Fault("update", on={1}, reset="after"), Fault("update", on={2}, code=4001))
    async with in_process(sandbox, retry=RetryPolicy(attempts=2, base=0.0)) as tm:
        error = await failure(tm.trackings.update(CARRIER, NUMBER, title="mug"))
    assert isinstance(error, AuthenticationError)
    assert re.search(r"may have been carried out\W+read back", str(error), re.IGNORECASE)


@pytest.mark.parametrize("patience", [{"deadline": 0.8}, {"max_wait": 0.8}], ids=str)
@pytest.mark.parametrize("coalesce", ["reads", False])
async def test_no_time_for_another_attempt_is_not_the_reason(
    sandbox: Sandbox, patience: dict[str, Any], coalesce: Any
) -> None:
    """A call that failed, and whose next slot is too far away to try again, says what failed, at once."""
    sandbox.faults.add(Fault(("get", "list"), status=503, body="html"))
    async with in_process(sandbox, retry=RetryPolicy(base=0.01)) as tm:
        begun = anyio.current_time()
        error = await failure(tm.with_options(coalesce=coalesce, **patience).trackings.get(CARRIER, NUMBER))
        assert anyio.current_time() - begun < 0.1
    assert isinstance(error, ServerError)
    assert error.attempts == 1
    assert isinstance(error.__cause__, DeadlineExceededError) is (coalesce is False)


async def test_a_cancelled_call_frees_its_slot(sandbox: Sandbox) -> None:
    """Cancelling a call that waits does not keep the next one waiting."""
    async with in_process(sandbox) as tm:
        await tm.trackings.get(CARRIER, NUMBER)
        with anyio.move_on_after(0.5):
            await tm.trackings.get(CARRIER, NUMBER)
        begun = anyio.current_time()
        await tm.trackings.get(CARRIER, NUMBER)
        assert anyio.current_time() - begun < 1.1
    assert sandbox.statistics().requests == {"get": 2}


async def test_refusals_are_final(sandbox: Sandbox) -> None:
    """A wrong key is not tried again."""
    async with in_process(sandbox, api_key="another") as tm:
        error = await failure(tm.account.info())
    assert isinstance(error, AuthenticationError)
    assert sandbox.statistics().unauthenticated == 1


async def test_retries_can_be_switched_off(sandbox: Sandbox) -> None:
    """With one attempt the first trouble is the last."""
    sandbox.faults.add(Fault("get", on={1}, code=500))
    async with in_process(sandbox, retry=RetryPolicy(attempts=1)) as tm:
        assert isinstance(await failure(tm.trackings.get(CARRIER, NUMBER)), ServerError)


async def test_a_retry_goes_before_those_who_wait(sandbox: Sandbox) -> None:
    """A request that had its turn is sent again before others that wait for their first."""
    for index in range(5):
        sandbox.create(CARRIER, f"ZZ{index:09d}")
    sandbox.faults.add(Fault("get", on={1}, reset="before"))
    order: list[str] = []

    async def read(tm: TrackingMore, number: str) -> None:
        await tm.trackings.get(CARRIER, number)
        order.append(number)

    async with in_process(sandbox, retry=RetryPolicy(base=0.0)) as tm, anyio.create_task_group() as group:
        for number in (NUMBER, *(f"ZZ{index:09d}" for index in range(5))):
            group.start_soon(read, tm, number)
    assert order[0] == NUMBER
