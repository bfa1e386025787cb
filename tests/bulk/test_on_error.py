"""What a failure does to a job: nothing, an end, or an end with an error."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.bulk.test_outcomes import edits, news, outcomes_of, states
from tests.conftest import VIRTUAL
from trackingmore_async import (
    AlreadyExistsError,
    AuthenticationError,
    BulkError,
    ConfigurationError,
    InvalidRequestError,
    NewTracking,
    NotFoundError,
    Progress,
)
from trackingmore_async.sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


async def test_by_default_failures_are_collected() -> None:
    """The job goes on to its end."""
    sandbox = Sandbox()
    fill(sandbox, 1)
    async with in_process(sandbox) as tm:
        report = await tm.trackings.create_many(news(*range(100)))
    assert (report.succeeded, report.failed) == (99, 1)


async def test_stop_ends_the_job_at_the_first_failure() -> None:
    """What was under way has its outcomes, the rest is not attempted, and nothing is raised."""
    sandbox = Sandbox()
    fill(sandbox, 1)
    async with in_process(sandbox) as tm:
        run = tm.trackings.create_many(news(*range(400)), on_error="stop")
        outcomes = await outcomes_of(run)
    assert states(outcomes) == ["failed"] + ["succeeded"] * 39 + ["not_attempted"] * 360
    assert all(isinstance(outcome.error, AlreadyExistsError) for outcome in outcomes if outcome.state != "succeeded")
    assert run.report.requests == 1
    failed, *_, unsent = outcomes
    assert failed.error is not None
    assert unsent.error is not None
    assert (failed.error.attempts, failed.error.timing) == (1, failed.timing)
    assert (unsent.error.attempts, unsent.error.timing, unsent.timing) == (0, None, None)


async def test_stop_heeds_items_that_were_never_sent() -> None:
    """An item that cannot be sent is a failure, too."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        report = await tm.trackings.create_many([*news(1), NewTracking("zto", ""), *news(2)], on_error="stop")
    assert (report.failed, report.not_attempted) == (1, 2)
    assert sandbox.statistics().requests.get("create_many", 0) == 0


async def test_raise_raises_behind_the_last_outcome() -> None:
    """Every outcome is handed out, then the error comes, with the report and the first failure as its cause."""
    sandbox = Sandbox()
    fill(sandbox, 2)
    seen: Counter[str] = Counter()
    async with in_process(sandbox) as tm:
        job = tm.trackings.update_many(edits(*range(1), *range(50, 51)), on_error="raise")
        with pytest.raises(BulkError, match="1 succeeded, 1 failed") as caught:
            async with job as run:
                async for outcome in run:
                    seen[outcome.state] += 1
    assert seen == {"succeeded": 1, "failed": 1}
    assert caught.value.report == job.report


async def test_raise_is_the_same_when_awaited() -> None:
    """The error of an awaited job holds its report, and travels with it."""
    sandbox = Sandbox()
    fill(sandbox, 39)
    async with in_process(sandbox) as tm:
        with pytest.raises(BulkError, match="39 succeeded, 1 failed, 0 are unknown, 60 were not attempted") as caught:
            await tm.trackings.update_many(edits(*range(39), *range(100, 161)), on_error="raise")
    error = caught.value
    assert isinstance(error.__cause__, NotFoundError)
    assert pickle.loads(pickle.dumps(error)).report == error.report  # noqa: S301
    assert len(error.report.failures) == 1


async def test_raise_says_nothing_when_all_is_well() -> None:
    """Without a failure there is a report."""
    sandbox = Sandbox()
    async with in_process(sandbox) as tm:
        report = await tm.trackings.create_many(news(1, 1, 2), on_error="raise")
    assert report.ok


async def test_raise_also_tells_of_a_job_that_is_hopeless() -> None:
    """A wrong key is the cause."""
    sandbox = Sandbox()
    async with in_process(sandbox, api_key="another-key") as tm:
        with pytest.raises(BulkError) as caught:
            await tm.trackings.create_many(news(*range(400)), on_error="raise")
    assert isinstance(caught.value.__cause__, AuthenticationError)


async def test_what_was_in_doubt_when_a_job_stopped_is_settled() -> None:
    """The stop does not leave a lost answer unknown that reading back can tell."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={1}, omit={number(5)}, items={number(0): 4014}))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(80)), on_error="stop"))
    assert states(outcomes) == ["failed"] + ["succeeded"] * 39 + ["not_attempted"] * 40
    assert isinstance(outcomes[0].error, InvalidRequestError)


async def test_options_that_cannot_work_are_refused() -> None:
    """Each says what is wrong, before anything is sent."""
    sandbox = Sandbox()
    odd: list[dict[str, Any]] = [
        {"on_error": "ignore"},
        {"failed_only": True},
        {"job_id": "a"},
        {"job_id": "", "journal": "j"},
        {"progress": 1},
    ]
    async with in_process(sandbox) as tm:
        for options in odd:
            with pytest.raises(ConfigurationError):
                tm.trackings.create_many(news(1), **options)


async def test_what_a_listener_raises_is_not_hidden_by_the_first_failure() -> None:
    """The job ended for the listener's sake: its error comes out, and no `BulkError` in its place."""

    def listener(progress: Progress) -> None:
        if progress.done >= 40:
            raise ZeroDivisionError

    sandbox = Sandbox()
    fill(sandbox, 1)
    async with in_process(sandbox) as tm:
        with pytest.raises(ZeroDivisionError):
            await tm.trackings.create_many(news(*range(100)), progress=listener, on_error="raise")


async def test_what_is_left_out_on_purpose_is_no_failure(tmp_path: Path) -> None:
    """Where only failures are to be sent again and all of them are done, `on_error="raise"` raises nothing."""
    async with in_process(Sandbox()) as tm:
        await tm.trackings.create_many(news(*range(5)), journal=tmp_path / "job")
        job = tm.trackings.create_many(news(*range(8)), journal=tmp_path / "job", failed_only=True, on_error="raise")
        report = await job
    assert (report.succeeded, report.not_attempted) == (5, 3)
