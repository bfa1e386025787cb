"""What a batch's answer says about each item, as a pure function."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trackingmore_async.answers import read_answer, read_back
from trackingmore_async.errors import AlreadyExistsError, DecodeError, NotFoundError, ServerError
from trackingmore_async.models import BatchAnswer, BatchEntry, Tracking, TrackingRef
from trackingmore_async.operations import CREATE_MANY, DELETE_MANY, STOP_UPDATING_MANY, UPDATE_MANY, Operation

ITEMS = [TrackingRef("zto", "AA11111"), TrackingRef("zto", "BB22222")]
SENT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DOUBT = DecodeError("unclear")


def answer(*entries: BatchEntry, changed: int | None) -> BatchAnswer:
    """Build an answer to the two items."""
    return BatchAnswer(submitted=2, changed=changed, entries=entries)


def entry(index: int, code: int | None = None, **fields: Any) -> BatchEntry:
    """Build an entry about one of the two items."""
    return BatchEntry(tracking_number=fields.pop("number", ITEMS[index].tracking_number), code=code, **fields)


def states(operation: Operation, reply: BatchAnswer, *, in_doubt: bool = False) -> list[str | None]:
    """Return the states alone; None is open."""
    verdicts = read_answer(operation, ITEMS, reply, in_doubt=[in_doubt] * 2)
    return [None if verdict is None else verdict.state for verdict in verdicts]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(answer(entry(0), entry(1), changed=2), ["succeeded", "succeeded"], id="both done"),
        pytest.param(answer(entry(0), entry(1), changed=1), [None, None], id="counter short: nobody is believed"),
        pytest.param(answer(entry(0), entry(1), changed=None), [None, None], id="no counter: nobody is believed"),
        pytest.param(answer(entry(0), entry(1, 4017), changed=1), ["succeeded", "failed"], id="one refused"),
        pytest.param(answer(entry(0, 200), entry(1), changed=None), ["succeeded", None], id="its own code is enough"),
        pytest.param(answer(entry(0), changed=2), ["succeeded", None], id="an entry is missing"),
        pytest.param(answer(changed=2), [None, None], id="no entries at all"),
        pytest.param(answer(entry(0), entry(1, 4014), entry(1), changed=1), ["succeeded", "failed"], id="error counts"),
        pytest.param(
            answer(entry(0, number=" aa11111 "), entry(1, number="bb22222"), changed=2),
            ["succeeded", "succeeded"],
            id="case and blanks",
        ),
        pytest.param(
            answer(entry(0, carrier_code="dhl"), entry(1), changed=2), [None, "succeeded"], id="other carrier"
        ),
        pytest.param(answer(entry(0), entry(1, refused=True), changed=1), ["succeeded", "failed"], id="no reason"),
        pytest.param(answer(entry(0, 9999), entry(1), changed=1), ["failed", "succeeded"], id="unknown code"),
    ],
)
def test_entries_and_counters_decide(reply: BatchAnswer, expected: list[str | None]) -> None:
    """An entry's own code decides; without one the counter must add up; anything else is left open."""
    assert states(UPDATE_MANY, reply) == expected


@pytest.mark.parametrize(
    ("operation", "code", "in_doubt", "expected"),
    [
        (CREATE_MANY, 4016, False, "failed"),
        (CREATE_MANY, 4016, True, "unknown"),
        (DELETE_MANY, 4017, False, "failed"),
        (DELETE_MANY, 4017, True, "succeeded"),
        (UPDATE_MANY, 4017, True, "failed"),
        (STOP_UPDATING_MANY, 4017, True, "failed"),
        (CREATE_MANY, 4014, True, "unknown"),
        (UPDATE_MANY, 4014, True, "unknown"),
        (DELETE_MANY, 4014, True, "unknown"),
        (UPDATE_MANY, 4014, False, "failed"),
    ],
)
def test_a_refusal_after_a_lost_answer(operation: Operation, code: int, in_doubt: bool, expected: str) -> None:
    """After a lost answer "exists" and "does not exist" mean something else: an earlier sending may have done it."""
    reply = answer(entry(0, code), entry(1), changed=1)
    assert states(operation, reply, in_doubt=in_doubt)[0] == expected


def tracking(**fields: Any) -> Tracking:
    """Build a tracking as it reads back."""
    return Tracking("zto", "AA11111", **fields)


@pytest.mark.parametrize(
    ("operation", "found", "expected"),
    [
        pytest.param(CREATE_MANY, None, "failed", id="not created"),
        pytest.param(CREATE_MANY, tracking(created_at=SENT - timedelta(seconds=2)), "succeeded", id="ours"),
        pytest.param(CREATE_MANY, tracking(created_at=SENT - timedelta(seconds=3)), "failed", id="older than ours"),
        pytest.param(CREATE_MANY, tracking(), "unknown", id="no date"),
        pytest.param(DELETE_MANY, None, "succeeded", id="gone"),
        pytest.param(DELETE_MANY, tracking(), "failed", id="still there"),
        pytest.param(UPDATE_MANY, None, "failed", id="nothing to edit"),
        pytest.param(UPDATE_MANY, tracking(), None, id="edits are sent once more"),
        pytest.param(STOP_UPDATING_MANY, tracking(track_update=False), "succeeded", id="stopped"),
        pytest.param(STOP_UPDATING_MANY, tracking(track_update=True), None, id="stops are sent once more"),
    ],
)
def test_what_reads_back_settles_what_it_can(
    operation: Operation, found: Tracking | None, expected: str | None
) -> None:
    """The state on the server settles creates and deletes; what it cannot tell is left open or unknown."""
    verdict = read_back(operation, found, sent_at=SENT, error=DOUBT)
    assert (None if verdict is None else verdict.state) == expected


def test_without_a_clock_of_the_server_nothing_is_guessed() -> None:
    """A create that exists is unknown when it is not known when ours left."""
    verdict = read_back(CREATE_MANY, tracking(created_at=SENT), sent_at=None, error=DOUBT)
    assert verdict is not None
    assert verdict.state == "unknown"
    assert verdict.error is DOUBT


@pytest.mark.parametrize(("code", "kind"), [(4016, AlreadyExistsError), (4017, NotFoundError), (500, ServerError)])
def test_a_refused_item_has_the_error_of_its_code(code: int, kind: type[Exception]) -> None:
    """The error of an item is the one that a single call would raise, with code and operation."""
    verdict = read_answer(UPDATE_MANY, ITEMS, answer(entry(0, code), changed=0), in_doubt=[False] * 2)[0]
    assert verdict is not None
    assert isinstance(verdict.error, kind)
    assert verdict.error.code == code
    assert verdict.error.operation == "update_many"


@pytest.mark.parametrize(("operation", "found"), [(CREATE_MANY, None), (DELETE_MANY, tracking())])
def test_what_the_server_may_still_do_is_unknown(operation: Operation, found: Tracking | None) -> None:
    """After a request that we stopped waiting for, what is not done yet may be done later."""
    verdict = read_back(operation, found, sent_at=SENT, may_still_run=True, error=DOUBT)
    assert verdict is not None
    assert verdict.state == "unknown"
