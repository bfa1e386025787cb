"""Judges what callers were told by what the server truly did, held and said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.bulk.items import FIELDS, Name
from trackingmore_async import (
    AlreadyExistsError,
    ApiError,
    ClientStateError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    Timing,
    Tracking,
    TrackingEcho,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.transport.telling import IN_DOUBT

from .truth_ledger import Asked, Event, Moment, Sent, State, folded
from .truth_stories import is_sendable, is_sound
from .truth_world import Ending, Told

__all__ = ["lies"]

INSTANT: Final = 0.001  # seconds
LONG: Final = 3600.0  # seconds that one call may take besides bans: some attempts, settling, waiting between them
READABLE: Final = FIELDS[:3]
MISSING: Final = frozenset({4017, 4031})  # what the sandbox says without being told to: so it is true
ITEM_CODES: Final = frozenset({4012, 4013, 4014, 4015, 4016, 4017, 4033})
BUCKETS: Final = {"get": ("get", "list"), "change_carrier": ("change_carrier",)}
WRITES: Final = ("create", "update", "delete", "change_carrier", "create_many", "update_many", "delete_many")
UNDONE: Final = "nothing was changed"


def lies(ending: Ending) -> list[str]:
    """Return every untruth that was told, and everything that was left behind: nothing, if all is well.

    Args:
        ending: How the story ended.
    """
    return [*ending.left, *Judge(ending).complaints()]


class Judge:
    """Compares what callers were told with the ledger.

    Args:
        ending: How the story ended.
    """

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._story, self._ledger, self._told = ending.story, ending.ledger, ending.told
        self._judges: dict[str, Callable[[Told, Moment, Moment], Iterator[str]]] = {
            "get": self._judge_get,
            "update": self._judge_update,
            "create": self._judge_create,
            "delete": self._judge_delete,
            "change_carrier": self._judge_change,
        }

    def complaints(self) -> Iterator[str]:
        """Name everything that is not true."""
        for told in self._told:
            yield from (f"{told.index} {told.step.kind}: {what}" for what in self._judge(told))
        yield from self._judge_order()
        yield from self._judge_limits()

    def _judge(self, told: Told) -> Iterator[str]:
        if told.began is None or told.ended is None:
            yield "never ended"
            return
        yield from self._judge_end(told, told.began, told.ended)
        if not isinstance(told.error, asyncio.CancelledError) and told.step.kind in self._judges:
            yield from self._judges[told.step.kind](told, told.began, told.ended)
        if isinstance(told.error, TrackingMoreError):
            yield from self._judge_error(told, told.error, told.began, told.ended)

    # How it ended

    def _judge_end(self, told: Told, began: Moment, ended: Moment) -> Iterator[str]:
        took, error, deadline = ended.time - began.time, told.error, told.step.patience.get("deadline")
        if told.cancelled_at is not None:
            if not isinstance(error, asyncio.CancelledError):
                yield f"was cancelled, and ended with {told.result!r} {error!r}"
            elif ended.time > told.cancelled_at + INSTANT:
                yield f"was cancelled, and ended {ended.time - told.cancelled_at} s later"
            elif told.step.shares and self._first_sent(told, after=ended):
                yield "was sent after its caller had gone"
        elif error is not None and not isinstance(error, TrackingMoreError):
            yield f"let {error!r} escape"
        if deadline is not None and took > deadline + INSTANT and told.step.kind != "update_many":
            yield f"took {took} s of {deadline}"
        if took > LONG + self._ending.silence:
            yield f"took {took} s"
        timing: Timing | None = getattr(told.error if told.result is None else told.result, "timing", None)
        if timing is not None and timing.age is None and not is_divided(timing, took):
            yield f"took {took} s, which are not {timing}"

    def _judge_error(self, told: Told, error: TrackingMoreError, began: Moment, ended: Moment) -> Iterator[str]:  # noqa: C901
        if getattr(error, "sent", None) is False or (isinstance(error, InvalidRequestError) and error.code is None):
            if not all(sent.refuses(item) for sent, item in self._sent_by(told)):
                yield f"claims that nothing was sent: {error!r}"
        elif UNDONE in error.message and self._done(told):
            yield f"claims that nothing was changed: {error!r}"
        elif is_certain(error) and IN_DOUBT not in error.message:
            if any(not self._is_beyond(told, event, error) for event in self._done(told)):
                yield f"was carried out in spite of {error!r}"
            if age_of(error) is None and not self._was_said(told, error, began, ended):
                yield f"nobody said so of this one: {error!r}"
        if isinstance(error, InvalidRequestError) and error.code is None and is_sendable(told.step.name):
            yield f"was refused here: {error!r}"
        if not is_sendable(told.step.name) and not (isinstance(error, InvalidRequestError) and error.code is None):  # noqa: SIM102
            if not isinstance(error, ClientStateError):
                yield f"cannot be sent at all: {error!r}"
        if self._story.is_kind and not self._is_expected(told, error):
            yield f"nothing stood in its way: {error!r}"

    def _is_expected(self, told: Told, error: TrackingMoreError) -> bool:
        if isinstance(error, NotFoundError | AlreadyExistsError):
            return True  # whether that is true is judged elsewhere
        if isinstance(error, InvalidRequestError):
            return told.step.is_bad or not is_sound(told.step.name) or told.step.kind == "change_carrier"
        if isinstance(error, DeadlineExceededError):
            return len(self._told) > 20 and "max_wait" not in told.step.patience
        return isinstance(error, TransportError) and self._is_confusable(told.step.name)

    def _is_confusable(self, name: Name) -> bool:
        names = {other for told in self._told for other in told.names} | set(self._story.stock())
        return any(folded(other) == folded(name) for other in names if other != name)

    @staticmethod
    def _is_beyond(told: Told, event: Event, error: TrackingMoreError) -> bool:
        """Tell whether no client can have known that a call was carried out when it was refused.

        What was edited may be gone since. And a request for whose answer nobody waits any more may be carried out even
        later, when what was missing, or there, is so no more.
        """
        if isinstance(error, NotFoundError) and told.step.kind == "update":
            return True
        return event.late and isinstance(error, NotFoundError | AlreadyExistsError)

    # What was sent and done for a call

    def _buckets(self, told: Told) -> tuple[str, ...]:
        kind = told.step.kind
        return BUCKETS.get(kind, (kind, f"{kind}_many"))

    def _requests(self, told: Told) -> Iterator[tuple[Sent, Asked]]:
        """Go through the requests that may be those of a call."""
        for request, item in self._ledger.about(told.step.name, self._buckets(told)):
            if request.call == told.index or (request.call is None and told.step.shares):
                yield request, item

    def _sent_by(self, told: Told) -> list[tuple[Sent, Asked]]:
        """Return the requests that certainly held something of a call."""
        values, requests = set(told.step.values(told.index).values()), list(self._requests(told))
        if told.step.kind in {"update", "create"}:
            return [(sent, item) for sent, item in requests if values & set(map(str, item.fields.values()))]
        if told.step.kind == "get":
            return []
        return [(sent, item) for sent, item in requests if sent.call == told.index or self._is_alone(told)]

    def _first_sent(self, told: Told, *, after: Moment) -> bool:
        """Tell whether a call was sent for the first time after some moment, though it was not merged with others."""
        sent = self._sent_by(told)
        return bool(sent) and min(request.at for request, _ in sent) > after and self._is_alone(told)

    def _is_alone(self, told: Told) -> bool:
        """Tell whether no other call of its kind is about this tracking."""
        identity = self._ledger.identity(told.step.name)
        same = [one for one in self._told if one.step.kind == told.step.kind]
        return all(self._ledger.identity(one.step.name) != identity for one in same if one is not told)

    def _done(self, told: Told) -> list[Event]:
        """Return what was certainly done for a call."""
        values = set(told.step.values(told.index).values())
        kinds = {"create": "create", "update": "edit", "delete": "delete", "change_carrier": "leave"}
        kind, identity = kinds.get(told.step.kind), self._ledger.identity(told.step.name)
        events = [one for one in self._ledger.events if one.kind == kind and one.identity == identity and one.request]
        if kind in {"create", "edit"}:
            return [one for one in events if values & set(map(str, one.fields.values()))]
        return [one for one in events if one.request and (one.request.call == told.index or self._is_alone(told))]

    def _was_said(self, told: Told, error: TrackingMoreError, began: Moment, ended: Moment) -> bool:
        """Tell whether the server refused this very call, and not only others with it.

        Of writes, what exists and what does not is judged by the ledger: it may have been read back.
        """
        if told.step.kind == "update_many" or (told.step.kind != "get" and error.code in {4016, 4017}):
            return True
        buckets = self._buckets(told)
        for request in self._ledger.requests:
            if request.bucket not in buckets or not (request.answered and began < request.answered < ended):
                continue
            if request.call not in (None, told.index):
                continue
            for item in request.items:
                if (
                    self._ledger.identity(item.name) == self._ledger.identity(told.step.name)
                    or (request.bucket == "list" and folded(item.name)[1] == folded(told.step.name)[1])
                ) and self._concerns(told, error, request, item):
                    return True
        return False

    def _concerns(self, told: Told, error: TrackingMoreError, request: Sent, item: Asked) -> bool:
        own = request.call == told.index or len(request.items) == 1
        whole = request.code == (error.code or error.http_status) and (own or error.code not in ITEM_CODES)
        single = error.code in request.told.get(item.name[1].casefold(), ())
        if not (whole or single):
            return request.code == 200 and request.bucket == "get" and isinstance(error, NotFoundError)
        if request.bucket == "list":
            return error.code not in ITEM_CODES and not isinstance(error, NotFoundError | InvalidRequestError)
        if isinstance(error, InvalidRequestError) and told.step.kind == "update":
            return dict(item.fields) == told.step.values(told.index)
        return True

    # Kind by kind

    def _judge_get(self, told: Told, began: Moment, ended: Moment) -> Iterator[str]:
        found, name = told.result, told.step.name
        since, age = began, age_of(told.error if found is None else found)
        if age is not None:
            if told.step.max_age is None or age > told.step.max_age + INSTANT:
                yield f"was given an answer from memory, {age} s old"
                return
            by_age = self._ledger.first_moment(began.time - told.step.max_age - INSTANT)
            since = max([by_age, *self._own_writes(name, before=began)])
        if isinstance(told.error, NotFoundError) and told.error.code in MISSING:  # noqa: SIM102
            if not self._ledger.was_absent(name, since, ended):
                yield "was told that it is missing"
        if not isinstance(found, Tracking):
            return
        there: Name = (found.carrier_code, found.tracking_number)
        if self._ledger.identity(there) != self._ledger.identity(name):
            yield f"was given {there} for {name}"
            return
        if found.timing is None:
            yield "does not say where its time went"
            return
        states = self._ledger.states_between(name, since, ended)
        if not any(is_shown(state, found) for state in states):
            yield f"was given {shown(found)}, and what held was {[state.fields for state in states]}"

    def _own_writes(self, name: Name, *, before: Moment) -> Iterator[Moment]:
        """Go through the moments at which writes of a tracking by this client had ended."""
        for told in self._told:
            if told.step.kind in {"get", "edit by others"} or told.began is None or told.ended is None:
                continue
            mine = [one for one in told.names if self._ledger.identity(one) == self._ledger.identity(name)]
            if told.ended < before and any(self._was_under_way(one, told.began, told.ended) for one in mine):
                yield told.ended

    def _was_under_way(self, name: Name, began: Moment, ended: Moment) -> bool:
        requests = [request for request, _ in self._ledger.about(name, WRITES) if request.left]
        return any(began < request.at < ended for request in requests) or any(
            request.bucket == "change_carrier" and began < request.at < ended for request in self._ledger.requests
        )

    def _judge_update(self, told: Told, began: Moment, ended: Moment) -> Iterator[str]:
        yield from self._judge_existence(told, began, ended, missing=True)
        if not isinstance(told.result, TrackingEcho):
            return
        yield from self._judge_echo(told, told.result)
        identity = self._ledger.identity(told.step.name)
        for name, value in told.step.values(told.index).items():
            if not self._was_written(identity, name, value, ended) and not self._was_replaced(told, name, ended):
                yield f"returned, but {name} was not written"

    def _was_written(self, identity: Name, name: str, value: str, before: Moment) -> bool:
        edits = [one for one in self._ledger.events if one.identity == identity and one.at < before]
        return any(one.fields.get(name) == value for one in edits)

    def _was_replaced(self, told: Told, name: str, ended: Moment) -> bool:
        """Tell whether a later edit was written that may have been merged with this one."""
        for other in self._told[told.index + 1 :]:
            values = other.step.values(other.index)
            alike = other.step.kind == "update" and other.step.name == told.step.name and other.step.shares
            if alike and told.step.shares and name in values:  # noqa: SIM102
                if self._was_written(self._ledger.identity(told.step.name), name, values[name], ended):
                    return True
        return False

    def _judge_create(self, told: Told, began: Moment, ended: Moment) -> Iterator[str]:
        yield from self._judge_existence(told, began, ended, missing=False)
        if not isinstance(told.result, TrackingEcho):
            return
        yield from self._judge_echo(told, told.result)
        if not any(began < event.at < ended for event in self._done(told)):
            yield "returned, but others have created it"

    def _judge_delete(self, told: Told, began: Moment, ended: Moment) -> Iterator[str]:
        yield from self._judge_existence(told, began, ended, missing=True)
        if told.error is not None:
            return
        if not self._ledger.was_absent(told.step.name, began, ended):
            yield "returned, but it is still there"
        elif not self._is_explained(told, ended) and not self._has_its_own_deletion(told, began, ended):
            yield "returned, but others have deleted it"

    def _is_explained(self, told: Told, ended: Moment) -> bool:
        """Tell whether an answer was lost, or unclear, that may have been about this deletion."""
        return any(not sent.is_clear and sent.at < ended for sent, _ in self._requests(told))

    def _has_its_own_deletion(self, told: Told, began: Moment, ended: Moment) -> bool:
        """Tell whether there was a deletion for this call, and one for each other that says so."""
        identity = self._ledger.identity(told.step.name)
        events = [one for one in self._ledger.events if one.kind == "delete" and one.identity == identity]
        claims = [
            one for one in self._told
            if one.step.kind == "delete" and one.error is None and self._ledger.identity(one.step.name) == identity
        ]  # fmt: skip
        explained = [one for one in claims if one.ended and self._is_explained(one, one.ended)]
        mine = any(began < event.at < ended and event.request for event in events)
        return mine and len(claims) - len(explained) <= len(events)

    def _judge_change(self, told: Told, began: Moment, ended: Moment) -> Iterator[str]:
        yield from self._judge_existence(told, began, ended, missing=True)
        if told.error is None and not self._ledger.was_present(told.names[1], began, ended):
            yield "returned, but it is not there"

    def _judge_existence(self, told: Told, began: Moment, ended: Moment, *, missing: bool) -> Iterator[str]:
        """Judge whether a tracking was missing, or there, when somebody was told so."""
        error, name = told.error, told.step.name
        if isinstance(error, NotFoundError) and error.code in MISSING:  # noqa: SIM102
            if not (missing and self._ledger.was_absent(name, began, ended)):
                yield f"was told {error!r}, but it was there"
        if isinstance(error, AlreadyExistsError) and not self._ledger.was_present(told.names[-1], began, ended):
            yield f"was told {error!r}, but it was not there"

    def _judge_echo(self, told: Told, echo: TrackingEcho) -> Iterator[str]:
        name: Name = (echo.carrier_code, echo.tracking_number)
        if self._ledger.identity(name) != self._ledger.identity(told.step.name):
            yield f"was given the echo of {name}"

    # All together

    def _judge_order(self) -> Iterator[str]:
        """Of shared edits of one tracking, those that began later win."""
        latest: dict[tuple[Name, str], int] = {}
        owners = {
            (name, value): told.index
            for told in self._told
            for name, value in told.step.values(told.index).items()
            if told.step.kind == "update" and told.step.coalesce == "all"
        }
        for event in self._ledger.events:
            for name, value in event.fields.items():
                owner = owners.get((name, str(value)))
                if event.kind != "edit" or event.late or owner is None:
                    continue
                last = latest.get((event.identity, name), owner)
                if owner < last:
                    yield f"{name} of {event.identity}: {owner} was written after {last}"
                latest[event.identity, name] = max(owner, last)

    def _judge_limits(self) -> Iterator[str]:
        """No window may hold too many requests: unless one of them was delayed beyond all that can be foreseen."""
        violations = self._ending.sandbox.statistics().total_violations
        if violations and not any(fault.delay_there for fault in self._story.faults):
            yield f"the limits were broken {violations} times"


def age_of(answer: object) -> float | None:
    """Return how old an answer from memory is; None: it is none."""
    timing: Timing | None = getattr(answer, "timing", None)
    return None if timing is None else timing.age


def is_divided(timing: Timing, took: float) -> bool:
    """Tell whether the parts of a timing are the whole; decoding takes no time on the virtual clock."""
    spent = timing.waiting + timing.pause + timing.network
    if min(timing.waiting, timing.pause, timing.network) < -INSTANT:
        return False
    return took - timing.decode - INSTANT <= spent <= took + INSTANT


def is_certain(error: TrackingMoreError) -> bool:
    """Tell whether an error means that the server refused, and nothing was carried out."""
    return isinstance(error, ApiError) and not isinstance(error, ServerError | RateLimitedError)


def is_shown(state: State, found: Tracking) -> bool:
    """Tell whether a look-up shows a tracking as it stood at some moment."""
    if state.fields is None or state.name != (found.carrier_code, found.tracking_number):
        return False
    created = None if found.created_at is None else int(found.created_at.timestamp())
    return created == state.created and shown(found) == {name: state.fields[name] or None for name in READABLE}


def shown(found: Tracking) -> dict[str, Any]:
    """Return the fields of a look-up that calls set."""
    return {name: getattr(found, name) or None for name in READABLE}
