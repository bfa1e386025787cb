"""Who may go, who has to wait for whom, and who need not go at all."""

from __future__ import annotations

from typing import Any

from trackingmore_async import AlreadyExistsError, InvalidRequestError, NewTracking, TrackingRef, TrackingUpdate
from trackingmore_async.answers import Verdict
from trackingmore_async.batches import Entry
from trackingmore_async.bulk.queue import INPUTS_AT_MOST, Queue
from trackingmore_async.codec import encode_item
from trackingmore_async.operations import UPDATE_MANY

DONE = Verdict("succeeded")
INVALID = Verdict("failed", error=InvalidRequestError("no"))


def ref(index: int, number: str, carrier: str = "zto") -> Entry:
    """Build a deletion on its way."""
    return Entry.of(index, TrackingRef(carrier, number))


def edit(index: int, **fields: Any) -> Entry:
    """Build an edit on its way, of one and the same tracking."""
    return Entry.of(index, TrackingUpdate("zto", "AA11111", **fields))


def new(index: int, **fields: Any) -> Entry:
    """Build a create on its way, of one and the same tracking."""
    return Entry.of(index, NewTracking("zto", "AA11111", **fields))


def sent(entry: Entry) -> Entry:
    """Say that an entry has left: nothing can be folded into it any more."""
    entry.is_open = False
    return entry


def finish(queue: Queue, entry: Entry, verdict: Verdict = DONE) -> list[Entry]:
    """Close an entry, and return those that were closed with it."""
    entry.close(verdict)
    return queue.done(entry)


def test_a_number_under_way_holds_back_later_items_in_their_order() -> None:
    """Items of one number go one after another, in the order in which they were read, whatever their case."""
    queue = Queue()
    first, second, third = ref(0, "AA11111"), ref(1, "aa11111"), ref(2, "AA11111", "dhl")
    assert [queue.put(item) for item in (first, second, third)] == [True, False, False]
    assert queue.take_ready(9) == []
    finish(queue, first)
    assert queue.take_ready(9) == [second]
    assert queue.take_ready(9) == []
    finish(queue, second)
    assert queue.take_ready(9) == [third]
    finish(queue, third)
    assert not queue.has_held
    assert queue.put(ref(3, "AA11111"))


def test_what_waits_together_is_folded() -> None:
    """Edits of one tracking that were not sent are one; behind one that was sent they wait as one."""
    queue = Queue()
    first, second, third, fourth = edit(0, title="a"), edit(1, title="b"), edit(2, order_id="7"), edit(3, title="c")
    assert [queue.put(first), queue.put(second)] == [True, False]
    assert first.item == TrackingUpdate("zto", "AA11111", title="b")
    sent(first)
    assert [queue.put(third), queue.put(fourth)] == [False, False]
    finish(queue, first)
    assert queue.take_ready(9) == [third]
    assert third.item == TrackingUpdate("zto", "AA11111", title="c", order_id="7")


def test_a_deletion_that_waited_shares_the_outcome() -> None:
    """Deleting once is enough."""
    queue = Queue()
    first, second = ref(0, "AA11111"), ref(1, "AA11111")
    assert queue.put(sent(first))
    assert not queue.put(second)
    assert finish(queue, first) == [second]
    assert second.verdict is DONE
    assert not queue.has_held


def test_of_creates_that_wait_the_first_wins() -> None:
    """What the first one created is not created again; if it was refused as invalid, the next one goes."""
    exists = Verdict("failed", error=AlreadyExistsError("there"))
    for verdict, expected in ((DONE, "superseded"), (exists, "superseded"), (INVALID, None)):
        queue = Queue()
        first, second = sent(new(0)), new(1)
        assert [queue.put(first), queue.put(second)] == [True, False]
        answered = finish(queue, first, verdict)
        assert [entry.verdict and entry.verdict.state for entry in answered] == ([expected] if expected else [])
        assert queue.take_ready(9) == ([] if expected else [second])


def test_a_folded_entry_that_is_refused_is_taken_apart() -> None:
    """One bad edit sinks no other: each goes alone, in its order, before those that came later."""
    queue = Queue()
    whole = edit(0, title="a")
    assert [queue.put(entry) for entry in (whole, edit(1, status=4), edit(2, title="b"))] == [True, False, False]
    later = edit(3, title="z")
    assert not queue.put(later) or sent(whole)
    assert finish(queue, sent(whole), INVALID) == []
    seen: list[int] = []
    while ready := queue.take_ready(9):
        assert len(ready) == 1
        assert ready[0].alone
        seen.append(ready[0].index)
        finish(queue, ready[0])
    assert seen == [0, 1, 2, 3]


def test_reading_pauses_when_too_many_wait() -> None:
    """The number of inputs in hand is bounded, also of those that were folded."""
    queue = Queue()
    for index in range(INPUTS_AT_MOST):
        assert not queue.is_full
        queue.put(edit(index, title="a"))
    assert queue.is_full


def test_a_job_that_stops_gets_back_all_that_waits() -> None:
    """What was held back is handed out in the order of the input; what is under way can still end."""
    queue = Queue()
    entries = [sent(ref(index, f"AA1111{index % 2}", f"c{index}")) for index in range(5)]
    for entry in entries:
        queue.put(entry)
    finish(queue, entries[0])
    assert [item.index for item in queue.drain()] == [2, 3, 4]
    assert not queue.has_held
    assert finish(queue, entries[1]) == []


def test_what_is_on_its_way_shows_nothing_personal() -> None:
    """Neither the item nor its bytes stand in the repr of an entry, which tools show that report errors with locals."""
    entry = edit(0, customer_name="Kim Sample")
    entry.payload = encode_item(UPDATE_MANY, entry.item)
    assert b"Kim Sample" in entry.payload
    assert "Kim Sample" not in repr(entry)
