"""Trackings as the remote API shows them: reads, echoes of writes, pushes (API.md 2, 3, 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import attrs

from trackingmore_async.sandbox.keys import created_of
from trackingmore_async.sandbox.lifecycle import TWO_CODES, Course, Step, View
from trackingmore_async.sandbox.state import Record, Trackings
from trackingmore_async.sandbox.switches import Switches
from trackingmore_async.sandbox.wire import EPOCH_TIME, escaped, naive_time, utc_time, zone_time

__all__ = ["Renderer", "Situation"]

DAY = 86400
_TEXT_FIELDS = ("order_id", "comment", "customer_name")
_ECHOED = ("customer_email", "customer_name", "order_id", "title", "destination_code", "logistics_channel")
_MILESTONES = ("ItemDispatched", "DepartfromAirport", "ArrivalfromAbroad", "CustomsClearance", "DestinationArrived")
_NO_DESTINATION: Mapping[str, object] = MappingProxyType(
    dict.fromkeys(("ItemReceived", *_MILESTONES, "weblink", "phone", "carrier_code", "trackinfo"))
)
_PUSH_DROPS = ("stayTimeLength", "order_create_time", "comment", "archived", "track_update", "status_info")
_WORDS = {4: "delivered", 7: "exception"}


@attrs.frozen
class Situation:
    """How a tracking stands at one moment.

    Args:
        status: Main status, with an override applied.
        view: What the last refresh knew.
        updated: Unix seconds of the last refresh, or None before the first.
        refreshing: Whether the server still looks for news.

    Example:
        >>> renderer.situation(key, now).status
        'transit'
    """

    status: str
    view: View
    updated: int | None
    refreshing: bool


class Renderer:
    """Turns keys of one account's trackings into what is sent.

    Args:
        account: Name of the account; the derived ids depend on it (API.md 11.4).
        trackings: The account's trackings.
        courses: What can happen to a parcel.
        switches: The unknowns.

    Example:
        >>> Renderer("sandbox", trackings, courses, Switches()).item(key, now)
    """

    def __init__(self, account: str, trackings: Trackings, courses: tuple[Course, ...], switches: Switches) -> None:
        self._account = account
        self._trackings = trackings
        self._courses = courses
        self._switches = switches

    def id(self, carrier_code: str, tracking_number: str) -> str:
        """Return the id of a tracking: derived from its name, so stable over deletion and re-creation (API.md 1.4).

        Example:
            >>> len(renderer.id("china-ems", "LX900000017CN"))
            32
        """
        name = f"{self._account}:{carrier_code}:{tracking_number}"
        return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()

    def status(self, key: int, now: int) -> str:
        """Return the main status of a tracking; the quick way for counting.

        Args:
            key: The tracking.
            now: Unix seconds.

        Example:
            >>> renderer.status(key, now)
            'transit'
        """
        if key in self._trackings.records:
            return self.situation(key, now).status
        return self._courses[self._trackings.course(key)].status_at(now - created_of(key))

    def updated(self, key: int, now: int) -> int | None:
        """Return when a tracking was last refreshed, in unix seconds, or None.

        Args:
            key: The tracking.
            now: Unix seconds.

        Example:
            >>> renderer.updated(key, now)
            1710468478
        """
        return self.situation(key, now).updated

    def situation(self, key: int, now: int) -> Situation:
        """Return how a tracking stands.

        Args:
            key: The tracking.
            now: Unix seconds.

        Example:
            >>> renderer.situation(key, now).refreshing
            True
        """
        created = created_of(key)
        record = self._trackings.records.get(key)
        stopped = None if record is None else record.stopped_at
        age = (now if stopped is None else min(now, stopped)) - created
        course = self._courses[self._trackings.course(key)]
        refreshed = course.refreshed_at(age)
        updated = None if refreshed is None else created + refreshed
        view = course.view_at(age)
        refreshing = stopped is None and (course.ends is None or age < course.ends)
        if record is None:
            return Situation(view.status, view, updated, refreshing)
        return self._with_edits(record, Situation(view.status, view, updated, refreshing))

    def _with_edits(self, record: Record, plain: Situation) -> Situation:
        updated = plain.updated
        override = record.override
        if record.touched_at is not None:
            updated = max(record.touched_at, updated or 0)
        if override is not None and not self._switches.override_survives_refresh and plain.updated is not None:
            override = None if plain.updated > record.overridden_at else override
        if override is None:
            return attrs.evolve(plain, updated=updated)
        return Situation(_WORDS[override], plain.view, updated, plain.refreshing and override != 4)

    def item(self, key: int, now: int, *, utc: bool = False) -> dict[str, object]:
        """Return a tracking as reads show it (API.md 2).

        Args:
            key: The tracking.
            now: Unix seconds.
            utc: Whether the record's times have the ``+00:00`` offset.

        Example:
            >>> renderer.item(key, now)["status"]
            'transit'
        """
        carrier_code, tracking_number = self._trackings.name(key)
        record = self._trackings.records.get(key)
        fields: dict[str, object] = {} if record is None else record.fields
        parcel = Parcel(carrier_code, tracking_number, fields, created_of(key), self._trackings.course(key))
        item = self._body(parcel, self.situation(key, now), utc_time if utc else zone_time)
        if self._switches.archived_in_reads:
            item["archived"] = key in self._trackings.archived
        return item

    def live_item(
        self, carrier_code: str, tracking_number: str, created: int, course: int, now: int
    ) -> dict[str, object]:
        """Return what a carrier says now of any number, known or not (realtime, API.md 3.9).

        Args:
            carrier_code: The carrier.
            tracking_number: The number.
            created: Unix seconds: when it would have been added.
            course: The number of its course.
            now: Unix seconds.

        Example:
            >>> renderer.live_item("china-ems", "LX900000017CN", now - 86400, 3, now)["packageStatus"]
        """
        view = self._courses[course].live_view_at(now - created)
        parcel = Parcel(carrier_code, tracking_number, {}, created, course)
        item = self._body(parcel, Situation(view.status, view, now, view.status != "delivered"), zone_time)
        item |= {"destination_code": "", "packageStatus": None, "last_mile_tracking_supported": None}
        item.setdefault("destination_info", dict(_NO_DESTINATION))
        return item

    def push(self, key: int, now: int) -> dict[str, object]:
        """Return a tracking as a webhook push shows it: with fewer keys (API.md 4).

        Args:
            key: The tracking.
            now: Unix seconds.

        Example:
            >>> "archived" in renderer.push(key, now)
            False
        """
        item = {name: value for name, value in self.item(key, now).items() if name not in _PUSH_DROPS}
        origin = item.get("origin_info")
        if isinstance(origin, dict):
            item["origin_info"] = {name: value for name, value in origin.items() if name != "ReferenceNumber"}  # pyright: ignore[reportUnknownVariableType]
        return item | {"service_code": ""}

    def _body(self, parcel: Parcel, situation: Situation, stamp: Callable[[int], str]) -> dict[str, object]:
        view, updated = situation.view, situation.updated
        posted, last = view.posted, view.last
        never = EPOCH_TIME if self._switches.never_updated == "epoch" else None
        item: dict[str, object] = {
            "id": self.id(parcel.carrier_code, parcel.tracking_number),
            "tracking_number": parcel.tracking_number,
            "carrier_code": parcel.carrier_code,
            "status": situation.status,
            "track_update": situation.refreshing,
            "created_at": stamp(parcel.created),
            "updated_at": never if updated is None else stamp(updated),
            "original_country": "China",
            "itemTimeLength": None if posted is None else _transit_days(parcel.created, view, updated),
            "stayTimeLength": None if last is None else _days((updated or 0) - parcel.created - last.offset),
            "service_code": None,
            "status_info": None,
            "substatus": view.substatus,
            **self._given(parcel),
            **self._legs(parcel, view),
            "lastEvent": "" if last is None else self._last_event(last, parcel),
            "lastUpdateTime": None if last is None else _event_time(last, parcel.created),
        }
        if view.destination or parcel.fields.get("destination_code"):
            item["destination_country"] = _country(parcel)
        return item

    def _given(self, parcel: Parcel) -> dict[str, object]:
        fields = parcel.fields
        if not fields:
            return {
                "order_create_time": None, "customer_email": self._email(""), "customer_phone": None, "title": "",
                "order_id": None, "comment": None, "customer_name": None,
            }  # fmt: skip
        ordered = fields.get("order_create_time")
        given: dict[str, object] = {
            "order_create_time": naive_time(ordered, with_seconds=False) if isinstance(ordered, int) else None,
            "customer_email": self._email(fields.get("customer_email") or ""),
            "customer_phone": _text(fields.get("customer_phone")),
            "title": _text(fields.get("title") or ""),
        }
        return given | {name: _text(fields.get(name)) for name in _TEXT_FIELDS}

    def _email(self, value: object) -> object:
        kind = self._switches.email_as
        if kind == "list":
            return [_text(value)] if value else []
        return _text(value) if value or kind == "string" else None

    def _legs(self, parcel: Parcel, view: View) -> dict[str, object]:
        mode, shape = self._switches.destination_info, self._switches.pending_shape
        if mode == "mixed":
            mode = ("absent", "filled", "null")[parcel.course % 3]
        abroad = view.destination
        events = (*abroad, *view.origin) if mode != "filled" else view.origin
        legs: dict[str, object] = {}
        if events or shape != "no_origin":
            legs["origin_info"] = self._origin(parcel, events, view.posted, shape)
        if mode == "null":
            legs["destination_info"] = dict(_NO_DESTINATION)
        elif mode == "filled" and (abroad or self._switches.destination_info == "filled"):
            legs["destination_info"] = self._destination(parcel, abroad)
        return legs

    def _origin(self, parcel: Parcel, events: tuple[Step, ...], posted: Step | None, shape: str) -> dict[str, object]:
        leg: dict[str, object] = {
            "ReferenceNumber": None,
            "ItemReceived": None if posted is None else _event_time(posted, parcel.created),
            "ItemDispatched": None,
            "DepartfromAirport": None,
            "ArrivalfromAbroad": None,
            "CustomsClearance": None,
            "DestinationArrived": None,
            "weblink": "http://carrier.example/",
            "phone": None,
            "carrier_code": parcel.carrier_code,
        }
        if events:
            leg["trackinfo"] = [_checkpoint(step, parcel.created) for step in events]
        elif shape != "missing":
            leg["trackinfo"] = [] if shape == "list" else None
        return leg

    def _destination(self, parcel: Parcel, events: tuple[Step, ...]) -> dict[str, object]:
        # One push had a carrier code but no trackinfo (API.md 2).
        silent = not events or parcel.course % 10 == 1
        trackinfo = None if silent else [_checkpoint(step, parcel.created) for step in events]
        carrier = f"post-{_two_code(parcel).lower()}"
        return {**_NO_DESTINATION, "weblink": "https://post.example/", "carrier_code": carrier, "trackinfo": trackinfo}

    def _last_event(self, step: Step, parcel: Parcel) -> object:
        text = step.text or ""
        if self._courses[parcel.course].messy:
            text = text.replace(" ", "\t ", 1) + "\x0b"
        return escaped(",".join(filter(None, (text, step.place, _event_time(step, parcel.created)))))

    def created(self, key: int) -> dict[str, object]:
        """Return the answer to a create (API.md 3.1).

        Args:
            key: The tracking.

        Example:
            >>> renderer.created(key)["order_create_time"]
            0
        """
        record = self._trackings.record(key)
        fields = record.fields
        names = ("customer_email", "customer_name", "customer_phone", "order_id", "comment", "title")
        return {
            "id": self.id(record.carrier_code, record.tracking_number),
            "tracking_number": record.tracking_number,
            "carrier_code": record.carrier_code,
            "order_create_time": fields.get("order_create_time", 0),
            "status": "pending",
            "created_at": zone_time(created_of(key)),
            **{name: _text(fields.get(name)) for name in names},
            "logistics_channel": _text(fields.get("logistics_channel")),
            "destination": fields.get("destination_code") or "",
        }

    def edited(self, key: int, now: int, sent: dict[str, object], *, single: bool) -> dict[str, object]:
        """Return the echo of an edit (API.md 3.3, 3.7).

        Args:
            key: The tracking.
            now: Unix seconds.
            sent: What the client sent.
            single: True for PUT, which also echoes ``status`` and ``customer_phone``.

        Example:
            >>> renderer.edited(key, now, {"status": 7}, single=True)["status"]
            '7'
        """
        record = self._trackings.record(key)
        updated = self.updated(key, now)
        never = EPOCH_TIME if self._switches.never_updated_echo == "epoch" else None
        names = (*_ECHOED, "customer_phone") if single else _ECHOED
        echoed = [name for name in names if self._switches.edit_echo == "all" or name in sent]
        echo: dict[str, object] = {
            "id": self.id(record.carrier_code, record.tracking_number),
            "tracking_number": record.tracking_number,
            "carrier_code": record.carrier_code,
            "created_at": zone_time(created_of(key)),
            "updated_at": never if updated is None else zone_time(updated),
            **{name: _text(record.fields.get(name)) for name in echoed},
        }
        if "archived" in sent:
            echo["archived"] = sent["archived"]
        if single and sent.get("status") not in {None, ""}:
            echo["status"] = self._status_echo(str(sent["status"]), key, now)
        return echo

    def _status_echo(self, number: str, key: int, now: int) -> str:
        return self.status(key, now) if number == "8" and self._switches.echo_of_automatic == "word" else number


@attrs.frozen
class Parcel:
    """What is drawn of a tracking, whether it is stored or not."""

    carrier_code: str
    tracking_number: str
    fields: dict[str, object]
    created: int
    course: int


def _text(value: object) -> object:
    return escaped(value) if isinstance(value, str) else value


def _event_time(step: Step, created: int) -> str:
    return naive_time(created + step.offset, with_seconds=step.precise)


def _checkpoint(step: Step, created: int) -> dict[str, object]:
    event: dict[str, object] = {
        "Date": _event_time(step, created),
        "StatusDescription": escaped(step.text or ""),
        "Details": escaped(step.place),
        "checkpoint_status": step.status,
    }
    if step.substatus is not None:
        event["substatus"] = step.substatus
    if step.posted:
        event["ItemNode"] = "ItemReceived"
    return event


def _days(seconds: int) -> int:
    return -(-seconds // DAY)


def _transit_days(created: int, view: View, updated: int | None) -> int | None:
    """Count until the last event once delivered, until the last refresh before (API.md 2)."""
    if view.posted is None or view.last is None or updated is None:
        return None
    until = view.last.offset if view.status == "delivered" else updated - created
    return _days(until - view.posted.offset)


def _two_code(parcel: Parcel) -> str:
    given = parcel.fields.get("destination_code")
    return given.upper() if isinstance(given, str) and given else TWO_CODES[parcel.course % len(TWO_CODES)][1]


def _country(parcel: Parcel) -> object:
    code = _two_code(parcel)
    return next((name for name, two in TWO_CODES if two == code), code)
