"""One bad item sinks no other, and a job in which every item is refused ends soon (DESIGN.md rule 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.bulk.test_outcomes import edits, news, outcomes_of, refs, states
from tests.conftest import VIRTUAL
from trackingmore_async import InvalidRequestError, NewTracking, Rate, TrackingUpdate
from trackingmore_async.sandbox import Fault, Path, Sandbox, Switches

pytestmark = pytest.mark.anyio


ITEMS: dict[str, Callable[..., list[Any]]] = {"create_many": news, "update_many": edits, "delete_many": refs}


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


@pytest.mark.parametrize("code", [4012, 4013, 4014, 4015, 4033])
@pytest.mark.parametrize("bad", [0, 1, 7, 19, 20, 33, 39])
async def test_one_bad_item_costs_at_most_twelve_further_requests(bad: int, code: int) -> None:
    """Forty items, one of which makes the server refuse any batch that holds it: it fails alone."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", having={number(bad)}, code=code))
    async with in_process(sandbox) as tm:
        run = tm.trackings.create_many(news(*range(40)))
        outcomes = await outcomes_of(run)
    assert states(outcomes) == ["failed" if index == bad else "succeeded" for index in range(40)]
    assert run.report.requests <= 1 + 12
    assert len(sandbox.trackings) == 39


@pytest.mark.parametrize(("rate", "work"), [(1, 0.0), (20, 0.3), (20, 0.0)])
@pytest.mark.parametrize("method", ["create_many", "update_many", "delete_many"])
async def test_a_job_of_which_everything_is_refused_stops(method: str, rate: int, work: float) -> None:
    """Every item of 8,000 is refused for one reason: some 80 requests, and the rest is not attempted."""
    sandbox = Sandbox(rates={method: (rate, 1.0)}, path=Path(work=work))
    sandbox.faults.add(Fault(method, code=4015))
    items = ITEMS[method](*range(8_000))
    async with in_process(sandbox, rates={method: Rate(rate)}) as tm:
        run = getattr(tm.trackings, method)(items)
        outcomes = await outcomes_of(run)
    assert run.report.requests <= 80
    assert run.report.failed == 40
    assert run.report.not_attempted == 8_000 - 40
    assert all(isinstance(outcome.error, InvalidRequestError) for outcome in outcomes)
    given_up = [outcome.error for outcome in outcomes if outcome.state == "not_attempted"]
    assert {(error.attempts, error.timing) for error in given_up if error is not None} == {(0, None)}


async def test_a_reason_that_changes_is_no_reason_to_stop() -> None:
    """Refusals for two reasons in turn are taken apart to the end."""
    sandbox = Sandbox()
    even = {number(index) for index in range(0, 80, 2)}
    sandbox.faults.add(Fault("create_many", having=even, code=4015), Fault("create_many", code=4014))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(80))))
    assert states(outcomes) == ["failed"] * 80


async def test_good_items_between_bad_ones_keep_a_job_going() -> None:
    """Nine of ten items are bad: all bad ones fail, all good ones succeed."""
    sandbox = Sandbox()
    bad = {number(index) for index in range(200) if index % 10}
    sandbox.faults.add(Fault("create_many", having=bad, code=4014))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(200))))
    assert states(outcomes) == ["failed" if index % 10 else "succeeded" for index in range(200)]


async def test_a_refusal_after_a_lost_answer_is_taken_apart_as_well() -> None:
    """The first answer is lost, the second one refuses all for one item: 39 are created, and one fails."""
    sandbox = Sandbox()
    sandbox.faults.add(
        Fault("create_many", on={1}, reset="before"), Fault("create_many", having={number(3)}, code=4014)
    )
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(40))))
    assert states(outcomes) == ["failed" if index == 3 else "succeeded" for index in range(40)]


@pytest.mark.parametrize("reset", ["before", "after"])
async def test_a_batch_that_exists_whole_is_read_right(reset: Any) -> None:
    """The server refuses a batch of which everything exists; after a lost answer that is our own doing."""
    sandbox = Sandbox(switches=Switches(all_failed_batch="error"))
    sandbox.faults.add(Fault("create_many", on={1}, reset=reset))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(30))))
    assert states(outcomes) == ["succeeded"] * 30


async def test_a_merged_edit_that_is_refused_is_taken_apart() -> None:
    """Two edits of one tracking go as one; when that is refused as invalid, each goes alone and has its own truth."""
    sandbox = Sandbox()
    fill(sandbox, 3)
    # Requests: all; the 0th; the rest; the merged edit alone; the 2nd; then its parts, one after the other.
    sandbox.faults.add(Fault("update_many", on={1, 3, 4, 7}, code=4015))
    items = [*edits(0, 1), TrackingUpdate("zto", number(1), order_id="7"), *edits(2)]
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.update_many(items))
    assert states(outcomes) == ["succeeded", "succeeded", "failed", "succeeded"]
    found = sandbox.find("zto", number(1)) or {}
    assert (found["title"], found["order_id"]) == ("mug", None)


async def test_of_two_creations_the_second_goes_where_the_first_is_refused() -> None:
    """The first one is invalid, and says so; the second one is created."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={1}, items={number(1): 4014}))
    items = [*news(0, 1), NewTracking("zto", number(1), title="second")]
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(items))
    assert states(outcomes) == ["succeeded", "failed", "succeeded"]
    assert (sandbox.find("zto", number(1)) or {})["title"] == "second"
