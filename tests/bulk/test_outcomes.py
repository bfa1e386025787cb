"""Every input gets exactly one outcome, and the outcome is true."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.conftest import VIRTUAL
from trackingmore_async import (
    AlreadyExistsError,
    AuthenticationError,
    ClientStateError,
    ConfigurationError,
    DeadlineExceededError,
    InvalidRequestError,
    NewTracking,
    Outcome,
    QuotaExceededError,
    RateLimitedError,
    TrackingMore,
    TrackingRef,
    TrackingUpdate,
    TransportError,
)
from trackingmore_async.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


def news(*indices: int) -> list[NewTracking]:
    """Return parcels to create."""
    return [NewTracking("zto", number(index)) for index in indices]


def refs(*indices: int) -> list[TrackingRef]:
    """Return parcels to delete."""
    return [TrackingRef("zto", number(index)) for index in indices]


def edits(*indices: int, title: str = "mug") -> list[TrackingUpdate]:
    """Return edits."""
    return [TrackingUpdate("zto", number(index), title=title) for index in indices]


async def outcomes_of(run: Any) -> list[Outcome[Any]]:
    """Run a job and return its outcomes in the order of their inputs."""
    async with run:
        found = [outcome async for outcome in run]
    return sorted(found, key=lambda outcome: outcome.index)


def states(outcomes: list[Outcome[Any]]) -> list[str]:
    """Return the states alone."""
    return [outcome.state for outcome in outcomes]


async def test_each_input_has_one_outcome_with_its_own_index() -> None:
    """A job over several batches tells of each input once, by its index and with the item itself."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        items = news(*range(95))
        outcomes = await outcomes_of(tm.trackings.create_many(items))
    assert [outcome.index for outcome in outcomes] == list(range(95))
    assert all(outcome.item is items[outcome.index] for outcome in outcomes)
    assert states(outcomes) == ["succeeded"] * 95
    assert all(outcome.tracking and outcome.tracking.status == "pending" for outcome in outcomes)
    assert len(sandbox.trackings) == 95


async def test_the_servers_word_on_each_item_is_its_outcome() -> None:
    """A partly refused batch: those that exist fail with their own error, the others succeed."""
    sandbox = Sandbox()
    fill(sandbox, 2)
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(0, 1, 2, 3)))
    assert states(outcomes) == ["failed", "failed", "succeeded", "succeeded"]
    assert isinstance(outcomes[0].error, AlreadyExistsError)
    assert outcomes[0].error.code == 4016


@pytest.mark.parametrize("failures", ["inline", "errors", "omitted"])
@pytest.mark.parametrize("entry", ["full", "number+code", "number+carrier", "number"])
@pytest.mark.parametrize("method", ["update_many", "delete_many", "stop_updating_many"])
async def test_what_does_not_exist_fails_alone(method: str, entry: Any, failures: Any) -> None:
    """Among three a tracking that does not exist: the others are done, and it fails (or, deleted, is gone)."""
    switches = Switches(
        delete_entry=entry,
        stop_entry=entry,
        delete_failures=failures,
        stop_failures=failures,
        update_failures=failures,
    )
    sandbox = Sandbox(switches=switches)
    fill(sandbox, 3)
    items: list[Any] = list(edits(0, 7, 2)) if method == "update_many" else list(refs(0, 7, 2))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(getattr(tm.trackings, method)(items))
    found = states(outcomes)
    # Where the answer leaves a deletion open, a tracking that is not there counts as deleted.
    assert found[1] == "failed" or (
        method == "delete_many" and found[1] == "succeeded" and told_nothing(entry, failures)
    )
    assert [found[0], found[2]] == ["succeeded", "succeeded"]


def told_nothing(entry: str, failures: str) -> bool:
    """Tell whether such an answer does not say which deletion failed."""
    return failures == "omitted" or (failures == "inline" and "code" not in entry and entry != "full")


async def test_one_number_with_two_carriers_is_told_apart() -> None:
    """Two carriers may have the same number; each gets its own truth, in batches of their own."""
    sandbox = Sandbox()
    sandbox.create("zto", number(1))
    items = [TrackingUpdate("zto", number(1), title="a"), TrackingUpdate("dhl", number(1), title="b")]
    async with in_process(sandbox) as tm:
        run = tm.trackings.update_many(items)
        outcomes = await outcomes_of(run)
    assert states(outcomes) == ["succeeded", "failed"]
    assert run.report.requests == 2


async def test_edits_of_one_tracking_keep_their_order() -> None:
    """A number goes at most once into a batch, and the last edit of a tracking is the one that stands."""
    sandbox = Sandbox()
    fill(sandbox, 60)
    items = [edit for title in "abc" for edit in edits(*range(60), title=title)]
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.update_many(iter(items)))
    assert {outcome.state for outcome in outcomes} <= {"succeeded", "superseded"}
    assert states(outcomes)[120:] == ["succeeded"] * 60
    found = [sandbox.find("zto", number(index)) or {} for index in range(60)]
    assert [tracking["title"] for tracking in found] == ["c"] * 60


async def test_of_creations_of_one_tracking_the_first_wins() -> None:
    """Creating a number twice in one job: the first is created, the second is superseded and not sent."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many([*news(1, 2), *news(1)]))
    assert states(outcomes) == ["succeeded", "succeeded", "superseded"]
    assert (outcomes[2].attempts, sandbox.statistics().requests["create_many"]) == (0, 1)


async def test_entries_that_are_missing_are_read_back() -> None:
    """An entry that the answer leaves out is looked up on the server, and found to have been created."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", omit={number(1)}))
    async with in_process(sandbox) as tm:
        run = tm.trackings.create_many(news(0, 1, 2))
        outcomes = await outcomes_of(run)
    assert states(outcomes) == ["succeeded"] * 3
    assert sandbox.statistics().requests["list"] == 1
    assert run.report.requests == 2


async def test_an_edit_that_cannot_be_told_is_sent_once_more_and_then_unknown() -> None:
    """An edit whose entry is missing twice is unknown, not succeeded; the others are done."""
    sandbox = Sandbox()
    fill(sandbox, 3)
    sandbox.faults.add(Fault("update_many", omit={number(1)}))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.update_many(edits(0, 1, 2)))
    assert states(outcomes) == ["succeeded", "unknown", "succeeded"]
    assert isinstance(outcomes[1].error, TransportError)
    assert outcomes[1].error.sent is True
    assert outcomes[1].attempts == 2


async def test_a_counter_that_does_not_add_up_is_not_believed() -> None:
    """Where the counter is short of the entries, deletions are read back before they are called done."""
    sandbox = Sandbox(switches=Switches(delete_entry="number"))
    fill(sandbox, 3)
    sandbox.faults.add(Fault("delete_many", counter=-1))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.delete_many(refs(0, 1, 2)))
    assert states(outcomes) == ["succeeded"] * 3
    assert sandbox.statistics().requests["list"] == 1


@pytest.mark.parametrize("reset", ["before", "after"])
@pytest.mark.parametrize("method", ["create_many", "update_many", "delete_many", "stop_updating_many"])
async def test_a_lost_answer_is_sent_again_and_read_right(method: str, reset: Any) -> None:
    """A connection reset before or after the change: the batch is sent again, and every outcome is true."""
    sandbox = Sandbox()
    items: list[Any] = news(*range(50))
    if method != "create_many":
        fill(sandbox, 50)
        items = edits(*range(50)) if method == "update_many" else refs(*range(50))
    sandbox.faults.add(Fault(method, on={1}, reset=reset))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(getattr(tm.trackings, method)(items))
    assert states(outcomes) == ["succeeded"] * 50
    assert len(sandbox.trackings) == (0 if method == "delete_many" else 50)


async def test_a_request_that_the_server_finishes_late_is_unknown() -> None:
    """Where we stopped waiting, and nothing else could be learnt, what is not there yet is unknown, not failed."""
    sandbox = Sandbox()
    sandbox.faults.add(
        Fault("create_many", on={1}, delay_work=600.0), Fault("create_many", on=range(2, 60), status=503)
    )
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(0, 1)))
        assert len(sandbox.trackings) == 0
        await anyio.sleep(600)
    assert len(sandbox.trackings) == 2
    assert states(outcomes) == ["unknown", "unknown"]


async def test_a_create_that_existed_before_fails_even_after_a_lost_answer() -> None:
    """A create that meets "exists" on its second sending is ours only if it is as young as the first sending."""
    sandbox = Sandbox()
    fill(sandbox, 1)
    sandbox.clock.advance(3600)
    sandbox.faults.add(Fault("create_many", on={1}, reset="after"))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(0, 1)))
    assert states(outcomes) == ["failed", "succeeded"]
    assert isinstance(outcomes[0].error, AlreadyExistsError)


async def test_a_batch_refused_whole_for_one_item_is_halved() -> None:
    """One bad item of 40 fails alone, at the price of at most 12 further requests."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", having={number(17)}, code=4014))
    async with in_process(sandbox) as tm:
        run = tm.trackings.create_many(news(*range(40)))
        outcomes = await outcomes_of(run)
    assert [outcome.index for outcome in outcomes if outcome.state != "succeeded"] == [17]
    assert isinstance(outcomes[17].error, InvalidRequestError)
    assert run.report.requests <= 13


async def test_trouble_with_one_half_leaves_the_other_no_less_attempted() -> None:
    """When the server fails over one half of a refused batch, the other half is sent all the same."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={1}, code=4014), Fault("create_many", having={number(0)}, status=503))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(40))))
    assert states(outcomes) == ["failed"] * 20 + ["succeeded"] * 20
    assert len(sandbox.trackings) == 20


@pytest.mark.parametrize(("settings", "error"), [({"quota": 0}, QuotaExceededError), ({}, AuthenticationError)])
async def test_a_hopeless_job_stops_early(settings: dict[str, Any], error: type[Exception]) -> None:
    """Without quota, or with a wrong key, the first requests fail and the rest is not attempted."""
    sandbox = Sandbox(**settings)
    key = {} if settings else {"api_key": "another-key"}
    async with in_process(sandbox, **key) as tm:
        run = tm.trackings.create_many(news(*range(400)))
        outcomes = await outcomes_of(run)
    assert states(outcomes) == ["failed"] * 40 + ["not_attempted"] * 360
    assert all(isinstance(outcome.error, error) for outcome in outcomes)
    assert run.report.requests == 1


async def test_a_dead_host_stops_the_job() -> None:
    """When nothing can be sent, a few batches are tried with all their retries, and the rest is not attempted."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault(refuse_connection=True))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(400))))
    # Which three batches give up first depends on the jitter of their retries.
    assert Counter(states(outcomes)) == {"failed": 120, "not_attempted": 280}
    errors = [outcome.error for outcome in outcomes]
    assert all(isinstance(error, TransportError) and error.sent is False for error in errors)


async def test_a_deadline_ends_a_job() -> None:
    """What the deadline leaves no time for is not attempted."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.with_options(deadline=2.5).trackings.create_many(news(*range(400))))
    assert states(outcomes) == ["succeeded"] * 120 + ["not_attempted"] * 280
    assert isinstance(outcomes[-1].error, DeadlineExceededError)
    assert len(sandbox.trackings) == 120


async def test_bad_items_fail_without_being_sent() -> None:
    """An item that cannot be sent, or is of the wrong kind, fails by itself; the others go."""
    sandbox = Sandbox()
    items: list[Any] = [*news(0), NewTracking("zto", " "), "ZZ1", NewTracking("z/to", number(2)), *news(3)]
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(items))
    assert states(outcomes) == ["succeeded", "failed", "failed", "failed", "succeeded"]
    assert all(isinstance(outcomes[index].error, InvalidRequestError) for index in (1, 2, 3))
    assert outcomes[1].attempts == 0
    assert sandbox.statistics().requests["create_many"] == 1


async def test_an_async_source_is_as_good() -> None:
    """Items may come from an async iterable, with pauses in between."""

    async def source() -> AsyncIterator[NewTracking]:
        for item in news(*range(50)):
            await anyio.sleep(0.1)
            yield item

    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        report = await tm.trackings.create_many(source())
    assert (report.succeeded, report.ok) == (50, True)


async def test_an_empty_source_sends_nothing() -> None:
    """A job without items ends at once."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        report = await tm.trackings.create_many([])
    assert (report.total, report.requests) == (0, 0)


async def test_a_source_that_breaks_raises_after_the_outcomes_so_far() -> None:
    """An exception of the caller's own source reaches the caller as it is, after what was sent was told."""

    def source() -> Iterator[NewTracking]:
        yield from news(*range(45))
        raise LookupError("row 46")

    sandbox = Sandbox()
    seen: set[int] = set()
    async with in_process(sandbox) as tm:
        with pytest.raises(LookupError, match="row 46"):
            async with tm.trackings.create_many(source()) as run:
                async for outcome in run:
                    seen.add(outcome.index)
    assert seen == set(range(45))


async def test_a_source_that_is_cancelled_from_within_says_so() -> None:
    """A source that awaits a cancelled task does not end the job as if all were well; what it gave is sent."""

    async def source() -> AsyncIterator[NewTracking]:
        yield news(1)[0]
        task = asyncio.ensure_future(anyio.sleep(9))
        task.cancel()
        await task

    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        with pytest.raises(ClientStateError, match="source"):
            await tm.trackings.create_many(source())
    assert len(sandbox.trackings) == 1


async def test_a_job_that_is_hopeless_does_not_wait_out_another_ban() -> None:
    """After the third ban in a row every outcome comes at once, not after two more minutes."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", code=429, ban=True))
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(400))))
        assert anyio.current_time() - begun < 300
    assert states(outcomes) == ["failed"] * 40 + ["not_attempted"] * 360
    assert all(isinstance(outcome.error, RateLimitedError) for outcome in outcomes)


async def test_the_source_is_not_read_ahead_of_sending() -> None:
    """After 10 s at one request a second no more than 12 batches were read from an endless source."""
    read = 0

    def source() -> Iterator[NewTracking]:
        nonlocal read
        while True:
            yield from news(read)
            read += 1

    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        with anyio.move_on_after(10):
            await tm.trackings.create_many(source())
    assert read <= 12 * 40


async def test_a_slow_caller_holds_up_the_job() -> None:
    """When nobody takes the outcomes, sending stops after a bounded number of batches."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm, tm.trackings.create_many(news(*range(4_000))):
        await anyio.sleep(90)
    assert sandbox.statistics().requests["create_many"] <= 25


async def test_leaving_early_cancels_what_is_under_way() -> None:
    """A break out of the loop leaves no task behind, and the client usable."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        async with tm.trackings.create_many(news(*range(4_000))) as run:
            async for _ in run:
                break
        assert (await tm.account.info()).track_number is not None


async def test_an_error_of_the_caller_is_not_wrapped() -> None:
    """What the caller raises inside the block comes out as it is, not in a group."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        for mine in (KeyError("mine"), ExceptionGroup("mine", [ValueError(1), KeyError(2)])):
            with pytest.raises(type(mine), match="mine") as caught:
                async with tm.trackings.create_many(news(*range(400))) as run:
                    async for _ in run:
                        raise mine
            assert caught.value is mine


async def test_misuse_is_named() -> None:
    """A job that ran, a job outside its block, a source that is none: each error says what to do."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        run = tm.trackings.create_many(news(1))
        await run
        with pytest.raises(ClientStateError, match="new one"):
            await run
        with pytest.raises(ClientStateError, match="async with"):
            await anext(tm.trackings.create_many(news(1)))
        for odd in ("ZZ1", {"a": 1}, 7):
            with pytest.raises(ConfigurationError, match="iterable of NewTracking"):
                tm.trackings.create_many(odd)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        with pytest.raises(ConfigurationError, match="pass a list"):
            tm.trackings.create_many(iter(news(1))).plan()


async def test_a_job_needs_an_open_client() -> None:
    """A job on a client that is not open names the remedy."""
    tm = TrackingMore("some-key")
    with pytest.raises(ClientStateError, match="async with"):
        await tm.trackings.create_many(news(1))


async def test_a_plan_sends_nothing_and_costs_what_it_says() -> None:
    """A plan tells requests and quota beforehand."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        plan = tm.trackings.create_many(news(*range(81))).plan()
    assert (plan.items, plan.requests, plan.quota, plan.shortest) == (81, 3, 81.0, 2.0)
    assert sandbox.statistics().requests.get("create_many", 0) == 0


async def test_failures_in_a_report_are_bounded() -> None:
    """A report names the first 1,000 failures and counts all."""
    sandbox = Sandbox(rates={"update_many": None})
    async with in_process(sandbox) as tm:
        report = await tm.trackings.update_many(edits(*range(1_200)))
    assert (report.failed, len(report.failures)) == (1_200, 1_000)
    assert not report.ok
