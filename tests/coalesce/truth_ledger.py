"""What the server truly did and said, moment by moment, and whose requests made it do so."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final, cast

import attrs
import httpx

from tests.bulk.items import FIELDS, Name
from trackingmore_async.sandbox import Sandbox
from trackingmore_async.sandbox.core import read_request
from trackingmore_async.sandbox.keys import created_of
from trackingmore_async.sandbox.state import Trackings

__all__ = ["CALL", "Asked", "Event", "Ledger", "Moment", "Sent", "State", "WatchedTransport", "folded"]

SERVER_FAILED: Final = range(500, 600)
CALL: ContextVar[int | None] = ContextVar("CALL", default=None)
"""The index of the call that is running; None: a request that nobody's own is."""


@attrs.frozen(order=True)
class Moment:
    """A moment; those at the same time are told apart by their order."""

    tick: int
    time: float = attrs.field(order=False)


@attrs.frozen
class Asked:
    """What a request says of one tracking: its name, carrier empty where it names the number only, and what it sets."""

    name: Name
    fields: Mapping[str, object]


@attrs.define(eq=False)
class Sent:
    """One request that left.

    Args:
        bucket: Its operation.
        items: The trackings that it names.
        call: Whose own it is; None: a shared one.
        at: When it left.
        answered: When it was answered; None: it was not.
        code: ``meta.code`` of the answer, or its HTTP status where there is no envelope; None: it cannot be told.
        told: Number, without regard to case -> the codes that the answer has for it.
        changed: The counter of the answer to a batch.
        given_up: Whether nobody waits for the answer any more.
        left: Whether it left at all: there may be no connection.
    """

    bucket: str
    items: tuple[Asked, ...]
    call: int | None
    at: Moment
    answered: Moment | None = None
    code: int | None = None
    told: dict[str, set[int]] = attrs.field(factory=dict[str, set[int]])
    changed: int | None = None
    given_up: bool = False
    left: bool = True

    @property
    def is_clear(self) -> bool:
        """Whether the answer tells what became of the request."""
        if self.code is None or self.code in SERVER_FAILED:
            return not self.left
        if not self.bucket.endswith("_many") or self.code > 202:
            return True
        return len(self.told) == len(self.items) and (all(self.told.values()) or self.changed == len(self.items))

    def refuses(self, item: Asked) -> bool:
        """Tell whether the answer says that nothing was done of an item, or the request did not even leave."""
        codes = {self.code} | self.told.get(item.name[1].casefold(), set())
        return not self.left or any(code is not None and code > 202 and code not in SERVER_FAILED for code in codes)


@attrs.frozen
class State:
    """How a tracking stands from some moment on; `fields` is None where there is none."""

    since: Moment
    name: Name
    fields: Mapping[str, object] | None
    created: int = 0


@attrs.frozen
class Event:
    """One change of one tracking.

    Args:
        at: When.
        kind: "create", "delete", "edit", "leave" or "arrive"; the latter two when its carrier is changed.
        identity: What the server tells the tracking apart by.
        fields: What was set.
        request: The request that did it; None: somebody else.
        late: Whether nobody waited for that request any more.
    """

    at: Moment
    kind: str
    identity: Name
    fields: Mapping[str, object]
    request: Sent | None
    late: bool


REQUEST: ContextVar[Sent | None] = ContextVar("REQUEST", default=None)


@attrs.define(repr=False)
class Ledger:
    """What happened to the trackings of a sandbox since the ledger was opened.

    Args:
        case_sensitive: Whether the server tells trackings apart by case.
        events: The changes, in order.
        states: Identity -> how it stood, in order.
        requests: The requests, in order.
    """

    case_sensitive: bool
    events: list[Event] = attrs.field(factory=list[Event])
    states: defaultdict[Name, list[State]] = attrs.field(factory=lambda: defaultdict(list))
    requests: list[Sent] = attrs.field(factory=list[Sent])
    _ticks: int = 0

    def now(self) -> Moment:
        """Return this moment, which comes after all others that were asked for."""
        self._ticks += 1
        return Moment(self._ticks, asyncio.get_running_loop().time())

    def identity(self, name: Name) -> Name:
        """Return what the server tells a tracking apart by."""
        return name if self.case_sensitive else (name[0].lower(), name[1].upper())

    def watch(self, sandbox: Sandbox) -> None:
        """Write down from now on what happens to the trackings of a sandbox."""
        trackings = sandbox.trackings
        for key in trackings.keys:
            self._note_state(trackings, key, "stocked", {})
        create, delete, set_fields = trackings.create, trackings.delete, trackings.set_fields
        change_carrier = trackings.change_carrier

        def watched_create(carrier: str, tracking_number: str, created: int, fields: dict[str, object]) -> int:
            key = create(carrier, tracking_number, created, fields)
            self._note_state(trackings, key, "create", fields)
            return key

        def watched_delete(carrier: str, tracking_number: str) -> bool:
            done = delete(carrier, tracking_number)
            if done:
                self._note((carrier, tracking_number), "delete", {})
            return done

        def watched_set_fields(key: int, fields: dict[str, object]) -> None:
            set_fields(key, fields)
            self._note_state(trackings, key, "edit", fields)

        def watched_change_carrier(key: int, carrier_code: str) -> None:
            self._note(trackings.name(key), "leave", {})
            change_carrier(key, carrier_code)
            self._note_state(trackings, key, "arrive", {})

        vars(trackings).update(
            create=watched_create,
            delete=watched_delete,
            set_fields=watched_set_fields,
            change_carrier=watched_change_carrier,
        )

    def _note_state(self, trackings: Trackings, key: int, kind: str, fields: Mapping[str, object]) -> None:
        record = trackings.record(key)
        shown = {name: record.fields.get(name) for name in FIELDS}
        self._note(trackings.name(key), kind, fields, shown, created_of(key))

    def _note(
        self,
        name: Name,
        kind: str,
        fields: Mapping[str, object],
        shown: Mapping[str, object] | None = None,
        created: int = 0,
    ) -> None:
        identity, request, now = self.identity(name), REQUEST.get(), self.now()
        late = request is not None and request.given_up
        self.events.append(Event(now, kind, identity, dict(fields), request, late))
        self.states[identity].append(State(now, name, shown, created))

    # What it can be asked

    def states_between(self, name: Name, begin: Moment, end: Moment) -> list[State]:
        """Return how a tracking stood at any moment from `begin` to `end`."""
        all_states = self.states[self.identity(name)]
        before = [state for state in all_states if state.since < begin][-1:] or [State(begin, name, None)]
        return [*before, *(state for state in all_states if begin < state.since < end)]

    def first_moment(self, time: float) -> Moment:
        """Return the first moment at which the clock showed `time`, or just before it."""
        return Moment(max((event.at.tick for event in self.events if event.at.time < time), default=0), time)

    def was_absent(self, name: Name, begin: Moment, end: Moment) -> bool:
        """Tell whether there was no such tracking at some moment."""
        return any(state.fields is None for state in self.states_between(name, begin, end))

    def was_present(self, name: Name, begin: Moment, end: Moment) -> bool:
        """Tell whether there was such a tracking at some moment."""
        return any(state.fields is not None for state in self.states_between(name, begin, end))

    def about(self, name: Name, buckets: Iterable[str]) -> Iterator[tuple[Sent, Asked]]:
        """Go through the requests to some buckets that name a tracking."""
        wanted, identity = set(buckets), self.identity(name)
        for request in self.requests:
            if request.bucket in wanted:
                yield from ((request, item) for item in request.items if self.identity(item.name) == identity)


class WatchedTransport(httpx.AsyncBaseTransport):
    """Passes requests on, and writes down what they ask and what they are answered."""

    def __init__(self, inner: httpx.AsyncBaseTransport, ledger: Ledger) -> None:
        self._inner = inner
        self._ledger = ledger

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        sent = self._write_down(request, await request.aread())
        token = REQUEST.set(sent)  # the task in which the sandbox works inherits it
        try:
            response = await self._inner.handle_async_request(request)
        except httpx.ConnectError:
            sent.left = False
            raise
        except (httpx.ReadTimeout, asyncio.CancelledError):
            sent.given_up = True
            raise
        finally:
            REQUEST.reset(token)
        parts = [part async for part in cast("httpx.AsyncByteStream", response.stream)]
        sent.answered = self._ledger.now()
        _read_answer(sent, response.status_code, b"".join(parts))
        return response

    def _write_down(self, request: httpx.Request, body: bytes) -> Sent:
        path, _, query = request.url.raw_path.partition(b"?")
        read = read_request(request.method, path.decode(), query, {}, body)
        if read.route.names[1]:
            items = [Asked(read.route.names, _fields(read.body))]
        elif isinstance(read.body, list | dict):
            rows: Any = read.body if isinstance(read.body, list) else [read.body]
            items = [Asked((row["carrier_code"], row["tracking_number"]), _fields(row)) for row in rows]
        else:
            items = [Asked(("", number), {}) for number in read.numbers]
        sent = Sent(read.route.bucket or "", tuple(items), CALL.get(), self._ledger.now())
        self._ledger.requests.append(sent)
        return sent

    async def aclose(self) -> None:
        """Close the transport behind it."""
        await self._inner.aclose()


def folded(name: Name) -> Name:
    """Return a name without regard to case."""
    return name[0].casefold(), name[1].casefold()


def _fields(body: Any) -> dict[str, object]:
    return {name: body[name] for name in FIELDS if isinstance(body, dict) and name in body}


def _read_answer(sent: Sent, status: int, body: bytes) -> None:
    try:
        answer: Any = json.loads(body)
        sent.code = answer["meta"]["code"]
    except (ValueError, TypeError, KeyError):
        sent.code = status if status >= 400 else None
        return
    data = answer.get("data")
    if not sent.bucket.endswith("_many") or not isinstance(data, dict):
        return
    sent.changed = next((data[name] for name in ("added", "updated", "delete") if name in data), None)
    for row in (*data.get("trackings", ()), *data.get("errors", ())):
        entry = {**row, **row.get("meta", {})}
        codes = sent.told.setdefault(str(entry["tracking_number"]).casefold(), set())
        codes |= {entry["code"]} if "code" in entry else set()
