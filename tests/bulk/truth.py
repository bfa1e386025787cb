"""Judges what a job has told its caller by what the server truly did and holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from tests.bulk.items import Item, Name, author
from tests.bulk.world import Ending
from trackingmore_async import InvalidRequestError, NotFoundError, Outcome

__all__ = ["lies"]


def lies(ending: Ending) -> list[str]:
    """Return every untruth that a job told: nothing, if all is well.

    ``unknown`` is no lie, except where nothing happened that could have left anything open.

    Args:
        ending: How the story ended.
    """
    return [*_miscounted(ending), *(f"left behind: {task}" for task in ending.left), *Judge(ending).complaints()]


def _miscounted(ending: Ending) -> Iterator[str]:
    """Exactly one outcome an input, with its own index, and a sum that says the same."""
    told = Counter(outcome.index for outcome in ending.outcomes)
    yield from (f"{index}: told {times} times" for index, times in told.items() if times > 1)
    yield from (f"{index}: there is no such input" for index in told.keys() - set(range(len(ending.items))))
    report = ending.report
    if report is None:
        return
    yield from (f"{index}: not told" for index in range(len(ending.items)) if index not in told)
    states = Counter(outcome.state for outcome in ending.outcomes)
    for state in ("succeeded", "failed", "superseded", "unknown", "not_attempted"):
        if getattr(report, state) != states[state]:
            yield f"the report counts {getattr(report, state)} {state}, told were {states[state]}"


class Judge:
    """Compares outcomes with the ledger.

    Args:
        ending: How the story ended.
    """

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._story, self._ledger, self._items = ending.story, ending.ledger, ending.items
        self._told = {outcome.index: outcome for outcome in ending.outcomes}
        judges: dict[str, Callable[[int, str], bool]] = {
            "create_many": self._is_true_of_create,
            "update_many": self._is_true_of_edit,
            "delete_many": self._is_true_of_delete,
            "stop_updating_many": self._is_true_of_stop,
        }
        self._is_true = judges[ending.story.method]

    def complaints(self) -> Iterator[str]:
        """Name every outcome that is not true."""
        for index, outcome in sorted(self._told.items()):
            if index < len(self._items):
                yield from (f"{index} {self._items[index].kind}: {what}" for what in self._judge(index, outcome))

    def _judge(self, index: int, outcome: Outcome[Any]) -> Iterator[str]:
        item, state = self._items[index], outcome.state
        if outcome.item is not item.value:
            yield "comes with another item"
        if (outcome.error is None) is not (state in {"succeeded", "superseded"}):
            yield f"{state} with the error {outcome.error!r}"
        if not item.is_sendable:
            if not self._is_refused_at_once(outcome):
                yield f"{state}, but it cannot be sent at all"
        elif state == "succeeded" and not outcome.attempts and not self._others(index):
            yield "succeeded without a request, its own or another's"
        elif not self._is_true(index, state):
            yield f"{state} ({outcome.error!r}), which is not true on the server"
        elif self._story.is_kind and not self._is_expected(item, state):
            yield f"{state} ({outcome.error!r}), though nothing stood in its way"

    @staticmethod
    def _is_refused_at_once(outcome: Outcome[Any]) -> bool:
        if outcome.attempts:
            return False
        refused = outcome.state == "failed" and isinstance(outcome.error, InvalidRequestError)
        return refused or outcome.state == "not_attempted"

    def _is_expected(self, item: Item, state: str) -> bool:
        """Tell whether a job without any trouble may end so for an item: told for sure, and done if nothing forbids.

        Several items of one tracking may stand in each other's way. And where an answer names numbers only, nobody can
        tell what became of one of two items whose names differ in nothing but case.
        """
        if state == "unknown" and self._is_confusable(item):
            return True
        has_twins = self._twins[self._identity(item)] > 1
        done = {"succeeded", "superseded"} if has_twins else {"succeeded"}
        return state in (done if item.kind == "plain" and not has_twins else {*done, "failed"})

    def _is_confusable(self, item: Item) -> bool:
        names = {other.name for other in self._items if other.is_sendable and other.name is not None}
        return any(_folded(name) == _folded(item.name) for name in names if name != item.name)

    @cached_property
    def _twins(self) -> Counter[Name]:
        return Counter(self._identity(item) for item in self._items if item.is_sendable)

    def _identity(self, item: Item) -> Name:
        if item.name is None:
            raise LookupError("an item without a name has no identity")
        return self._ledger.identity(item.name)

    def _others(self, index: int) -> list[int]:
        """Return the other items of the same tracking."""
        mine = self._identity(self._items[index])
        return [
            other
            for other, item in enumerate(self._items)
            if other != index and item.is_sendable and self._identity(item) == mine
        ]

    def _is_true_of_create(self, index: int, state: str) -> bool:
        item = self._items[index]
        done = self._ledger.created.get(item.fields["title"]) == self._identity(item)
        if state == "succeeded":
            return done and self._holds(item)
        if state == "superseded":
            return not done and any(self._is_first(other) for other in self._others(index) if other < index)
        return state == "unknown" or not done

    def _holds(self, item: Item) -> bool:
        found: Any = None if item.name is None else self._ending.sandbox.find(*item.name)
        return found is not None and {name: found["fields"].get(name) for name in item.fields} == item.fields

    def _is_first(self, index: int) -> bool:
        """Tell whether a create may have made later ones of its tracking superfluous: not if it was refused as bad."""
        outcome = self._told.get(index)
        return outcome is None or not (outcome.state == "failed" and isinstance(outcome.error, InvalidRequestError))

    def _is_true_of_edit(self, index: int, state: str) -> bool:
        item = self._items[index]
        identity = self._identity(item)
        standing = {name: self._standing(identity, name) for name in item.fields}
        written = [name for name, value in item.fields.items() if self._was_written(identity, name, value)]
        if state == "succeeded":
            # The fields that later items of the same tracking set as well may have been sent in their place.
            settled = all(name in written or self._is_replaced(index, name) for name in item.fields)
            return bool(written) and settled and all(stands is None or stands >= index for stands in standing.values())
        if state == "superseded":
            return index not in standing.values() and all(self._is_replaced(index, name) for name in item.fields)
        return state == "unknown" or not written

    def _was_written(self, identity: Name, name: str, value: str) -> bool:
        return any(write.value == value for write in self._ledger.writes[identity, name])

    def _standing(self, identity: Name, name: str) -> int | None:
        """Return the index of the input whose value stands at the end.

        None: nobody's, or one that came in late, from a request that nobody waited for any more: what it replaced had
        been there, and no client can call such a request back.
        """
        writes = self._ledger.writes[identity, name]
        return author(writes[-1].value) if writes and not writes[-1].late else None

    def _is_replaced(self, index: int, name: str) -> bool:
        return any(other > index and name in self._items[other].fields for other in self._others(index))

    def _is_true_of_delete(self, index: int, state: str) -> bool:
        identity = self._identity(self._items[index])
        gone = self._ending.sandbox.find(*identity) is None
        if state in {"succeeded", "unknown"}:
            return gone or state == "unknown"
        if state == "superseded" or (self._is_said_to_be_missing(index) and not gone):
            return False
        return self._owns_up(index, self._ledger.deleted[identity] > 0)

    def _is_said_to_be_missing(self, index: int) -> bool:
        error = self._told[index].error
        return isinstance(error, NotFoundError) and error.code == 4017

    def _is_true_of_stop(self, index: int, state: str) -> bool:
        name = self._items[index].name or ("", "")
        key = self._ending.sandbox.trackings.find(*name)
        record = None if key is None else self._ending.sandbox.trackings.records[key]
        stopped = record is not None and record.stopped_at is not None
        if state in {"succeeded", "unknown"}:
            return stopped or state == "unknown"
        return state != "superseded" and self._owns_up(index, stopped)

    def _owns_up(self, index: int, done: bool) -> bool:
        """Tell whether it may be said of an item that nothing was done.

        Several deletions (or stops) of one tracking may be sent one by one, and all but one refused, or as one: from
        the server's state nobody can tell whose it was. So if it was done, one of those told has to own up to it.
        """
        if not done:
            return True
        others = self._others(index)
        if any(other not in self._told for other in others):
            return True
        return any(self._told[other].state in {"succeeded", "unknown"} for other in others)


def _folded(name: Name | None) -> Name | None:
    return None if name is None else (name[0].casefold(), name[1].casefold())
