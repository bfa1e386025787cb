"""The answers to batches, in the three shapes of their entries."""

from __future__ import annotations

from typing import Any

import pytest

from trackingmore_async.codec import decode
from trackingmore_async.errors import DecodeError
from trackingmore_async.models import BatchEntry, TrackingEcho
from trackingmore_async.operations import CREATE_MANY, DELETE_MANY, STOP_UPDATING_MANY, UPDATE_MANY, Operation

from .samples import CREATED, CREATED_MANY, DELETED_MANY, REFUSED, STOPPED_MANY, UPDATED_MANY, raw


def test_a_partly_failed_batch_has_both_kinds_of_entries() -> None:
    """Entries of ``trackings`` hold an echo, those of ``errors`` a code."""
    answer = decode(CREATE_MANY, raw(CREATED_MANY))
    created, refused = answer.entries
    assert (answer.submitted, answer.changed, answer.extra) == (2, 1, {})
    assert (created.code, created.refused, created.tracking.status) == (None, False, "pending")
    assert (refused.code, refused.refused, refused.tracking) == (4016, True, None)
    assert (refused.tracking_number, refused.carrier_code) == ("ZZ9", "china-post")
    assert refused.extra == {"message": "Tracking already exists."}


def test_an_edit_is_echoed() -> None:
    """The echo of an edit stands in its entry, and ``updated`` is the counter."""
    answer = decode(UPDATE_MANY, raw(UPDATED_MANY))
    assert answer.changed == 1
    assert answer.entries[0].tracking == decode_echo(UPDATED_MANY["trackings"][0])


def decode_echo(data: dict[str, Any]) -> TrackingEcho:
    """Return the echo of the only entry."""
    answer = decode(UPDATE_MANY, raw({"trackings": [data]}))
    assert isinstance(answer.entries[0].tracking, TrackingEcho)
    return answer.entries[0].tracking


def test_outcomes_wrapped_in_meta_are_unwrapped() -> None:
    """The code of an entry is read from its ``meta``, as a number or as a text; ``delete`` is the counter."""
    answer = decode(DELETE_MANY, raw(DELETED_MANY))
    assert (answer.submitted, answer.changed) == (2, 1)
    assert answer.entries == (
        BatchEntry(tracking_number="ZZ1", carrier_code="zto", code=200, extra={"message": "Success"}),
        BatchEntry(tracking_number="ZZ2", code=4017),
    )


def test_an_entry_may_name_the_number_only() -> None:
    """Stopping echoes no tracking; ``change`` is the counter."""
    answer = decode(STOP_UPDATING_MANY, raw(STOPPED_MANY))
    assert (answer.changed, answer.entries) == (1, (BatchEntry(tracking_number="ZZ1"),))


@pytest.mark.parametrize("code", [200, 201, 202, "201", None])
def test_a_successful_code_leaves_the_echo(code: Any) -> None:
    """An entry that says that it succeeded still echoes its tracking."""
    answer = decode(CREATE_MANY, raw({"trackings": [{**CREATED, "code": code, "message": "fine"}]}))
    assert answer.entries[0].tracking is not None
    assert answer.entries[0].tracking.extra == {}


@pytest.mark.parametrize("code", [4013, "4016", 500])
def test_a_code_of_failure_leaves_no_echo(code: Any) -> None:
    """An entry of ``trackings`` that failed is not taken for a tracking."""
    (entry,) = decode(CREATE_MANY, raw({"trackings": [{**CREATED, "code": code}]})).entries
    assert (entry.code, entry.tracking, entry.refused) == (int(code), None, False)


@pytest.mark.parametrize("rest", [{"message": "no"}, {"code": "bad"}])
def test_an_error_without_a_code_is_still_an_error(rest: dict[str, Any]) -> None:
    """What stands among the errors failed, with or without a code; a code that is none stays in extra."""
    (entry,) = decode(CREATE_MANY, raw({"errors": [{"tracking_number": "ZZ9", **rest}]})).entries
    assert (entry.refused, entry.code) == (True, None)
    assert entry.extra == rest


@pytest.mark.parametrize("empty", [None, [], {}, "missing"])
@pytest.mark.parametrize("name", ["trackings", "errors"])
def test_no_entries_come_in_many_shapes(name: str, empty: Any) -> None:
    """Null, an empty list, an empty object and a missing key are no entries."""
    data = {**CREATED_MANY, name: empty}
    if empty == "missing":
        del data[name]
    assert len(decode(CREATE_MANY, raw(data)).entries) == 1


@pytest.mark.parametrize("counter", [None, "", "many", "missing"])
def test_a_counter_that_does_not_count_is_none(counter: Any) -> None:
    """No counter is not zero: None says that the server did not tell."""
    data = {**CREATED_MANY, "added": counter}
    if counter == "missing":
        del data["added"]
    answer = decode(CREATE_MANY, raw(data))
    assert answer.changed is None
    assert answer.extra == ({"added": "many"} if counter == "many" else {})


@pytest.mark.parametrize(("sent", "read"), [(0, 0), ("2", 2), (2.0, 2)])
def test_a_counter_is_a_number_however_sent(sent: Any, read: int) -> None:
    """Zero is zero, and a text is its number."""
    assert decode(CREATE_MANY, raw({"submitted": sent, "added": sent})).changed == read


def test_odd_entries_are_kept_in_extra() -> None:
    """What is no object cannot be an entry; the list is kept as it was sent."""
    answer = decode(CREATE_MANY, raw({"trackings": [CREATED, 5], "errors": "none", "later": 1}))
    assert len(answer.entries) == 1
    assert answer.extra == {"trackings": [CREATED, 5], "errors": "none", "later": 1}


@pytest.mark.parametrize("rows", [{"0": REFUSED}, [REFUSED]])
def test_a_list_may_come_as_an_object(rows: Any) -> None:
    """PHP writes a list with a gap as an object."""
    assert decode(CREATE_MANY, raw({"errors": rows})).entries[0].code == 4016


def test_a_bare_list_is_the_entries() -> None:
    """Without a wrapper there are entries and no counters."""
    answer = decode(CREATE_MANY, raw([CREATED]))
    assert (len(answer.entries), answer.changed) == (1, None)


@pytest.mark.parametrize("row", [{}, {"tracking_number": ["x"]}, {"carrier_code": "zto"}, {"id": 5}])
def test_an_entry_without_a_name_is_kept(row: dict[str, Any]) -> None:
    """An entry that does not name its tracking is no error, and holds what it held."""
    (entry,) = decode(CREATE_MANY, raw({"trackings": [row]})).entries
    assert (entry.tracking_number, entry.tracking) == (None, None)


@pytest.mark.parametrize("operation", [CREATE_MANY, UPDATE_MANY, DELETE_MANY, STOP_UPDATING_MANY])
@pytest.mark.parametrize("data", [5, "text", True])
def test_no_batch_answers_a_number(operation: Operation, data: Any) -> None:
    """What is neither object nor list is refused."""
    with pytest.raises(DecodeError):
        decode(operation, raw(data))
