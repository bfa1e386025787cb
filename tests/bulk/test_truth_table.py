"""The truth table of bulk jobs is true: each of its rows is played against the sandbox, for each operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.bulk.scenes import BATCH, METHODS, ONE, Row, Scene
from tests.bulk.test_outcomes import edits, outcomes_of
from tests.bulk.truth_table import GROUPS
from tests.conftest import VIRTUAL
from trackingmore_async import (
    NewTracking,
    NotFoundError,
    Outcome,
    TrackingMore,
    TrackingRef,
    TrackingUpdate,
)
from trackingmore_async.models import OutcomeState
from trackingmore_async.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.anyio

KINDS: dict[str, type[Any]] = {"create_many": NewTracking, "update_many": TrackingUpdate}
FIELDS = {"create_many": {"title": "mug"}, "update_many": {"title": "mug"}}


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


def cases() -> Iterator[Any]:
    """Find every scene of every row, for every operation of which the row says something."""
    for group in GROUPS:
        for row in group.rows:
            for place, scene in enumerate(row.scenes):
                for method, state in zip(METHODS, row.states, strict=True):
                    if state is not None:
                        yield pytest.param(row, scene, method, state, id=f"{group.title}, {row.words}-{place}-{method}")


@pytest.mark.parametrize(("row", "scene", "method", "state"), list(cases()))
async def test_each_row_is_true(row: Row, scene: Scene, method: str, state: OutcomeState) -> None:
    """The items that the row is about end as it says, the others as if nothing were wrong; and all that is true."""
    sandbox = Sandbox(switches=scene.switches, **scene.sandbox)
    prepare(sandbox, scene, method)
    async with in_process(sandbox, **scene.client) as tm:
        outcomes = await play(tm, scene, method)
    found = {outcome.index: outcome.state for outcome in outcomes}
    assert found == found | expected(row, scene, state)
    assert set(found) == set(range(scene.size + (scene.twin is not None)))
    for outcome in outcomes:
        assert_true(sandbox, method, outcome)
    scripted = [fault for fault in scene.faults if fault.bucket == METHODS]  # not every row has to be read back
    assert all(sandbox.faults.met(fault) for fault in scripted), "a fault of this scene had no part in it"


def prepare(sandbox: Sandbox, scene: Scene, method: str) -> None:
    """Put into the sandbox what is there beforehand: since an hour ago."""
    for index in range(scene.size):
        if (method == "create_many") == (index in scene.against):
            sandbox.create("zto", number(index))
    sandbox.clock.advance(3600)
    sandbox.faults.add(*scene.faults)


async def play(tm: TrackingMore, scene: Scene, method: str) -> list[Outcome[Any]]:
    """Run the job."""
    kind, fields = KINDS.get(method, TrackingRef), FIELDS.get(method, {})
    items = [kind("zto", number(index), **fields) for index in range(scene.size)]
    if scene.spelled is not None:
        items[ONE] = kind("zto", scene.spelled, **fields)
    if scene.twin is not None:
        items.append(kind("zto", number(ONE), **(scene.twin if fields else {})))
    trackings = tm.with_options(**scene.options).trackings
    return await outcomes_of(getattr(trackings, method)(items, on_error=scene.on_error))


def expected(row: Row, scene: Scene, state: OutcomeState) -> dict[int, OutcomeState]:
    """Say how the inputs end: those the row is about, those in later batches, and the others."""
    ends_at = (max(scene.about) // len(BATCH) + 1) * len(BATCH)
    states: dict[int, OutcomeState] = dict.fromkeys(range(scene.size), "succeeded")
    states |= dict.fromkeys(range(ends_at, scene.size), row.later)
    states.update((index, "failed") for index in scene.failing)
    if scene.twin is not None:
        del states[ONE]  # another row is about that one
    states.update((index, state) for index in scene.about)
    return states


def assert_true(sandbox: Sandbox, method: str, outcome: Outcome[Any]) -> None:
    """Compare what was said of an input with what the sandbox holds."""
    item, error = outcome.item, outcome.error
    found = sandbox.find(item.carrier_code, item.tracking_number)
    wanted = {"track_update": False} if method == "stop_updating_many" else given(item)
    done = found is None if method == "delete_many" else found is not None and wanted.items() <= found.items()
    if outcome.state == "succeeded":
        assert done
        assert error is None
    if outcome.state in {"failed", "not_attempted"}:
        was_gone = method == "delete_many" and (isinstance(error, NotFoundError) or outcome.attempts == 0)
        assert was_gone or not done
        assert error is not None
    if outcome.state == "unknown":
        assert error is not None


def given(item: Any) -> dict[str, str]:
    """Return the fields that an input sets."""
    return {name: getattr(item, name) for name in ("title", "order_id") if getattr(item, name, None)}


async def test_an_update_that_no_answer_speaks_of_sinks_no_other() -> None:
    """One of 40 updates is refused, and neither named nor counted: it is unknown, and the others are done."""
    sandbox = Sandbox(switches=Switches(update_failures="omitted"))
    sandbox.faults.add(Fault("update_many", items={number(ONE): 4015}))
    fill(sandbox, 40)
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.update_many(edits(*BATCH)))
    assert [outcome.index for outcome in outcomes if outcome.state != "succeeded"] == [ONE]
