"""Trackings as the remote API shows them: reads, echoes of writes, pushes (API.md 2, 3, 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import attrs

from trackingmore_async.sandbox.keys import created_of
from trackingmore_async.sandbox.lifecycle import Course, View
from trackingmore_async.sandbox.parcel import (
    NO_DESTINATION,
    Parcel,
    country,
    days,
    event_time,
    given,
    last_event,
    legs,
    shown,
)
from trackingmore_async.sandbox.state import Record, Trackings
from trackingmore_async.sandbox.switches import Switches
from trackingmore_async.sandbox.wire import EPOCH_TIME, utc_time, zone_time

__all__ = ["Renderer", "Situation"]

_ECHOED = ("customer_email", "customer_name", "order_id", "title", "destination_code", "logistics_channel")
_PUSH_DROPS = ("stayTimeLength", "order_create_time", "comment", "archived", "track_update", "status_info")
_WORDS: Mapping[int, str] = {4: "delivered", 7: "exception"}


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
        item.setdefault("destination_info", dict(NO_DESTINATION))
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
            "stayTimeLength": None if last is None else days((updated or 0) - parcel.created - last.offset),
            "service_code": None,
            "status_info": None,
            "substatus": view.substatus,
            **given(parcel, self._switches),
            **legs(parcel, view, self._switches),
            "lastEvent": ""
            if last is None
            else last_event(last, parcel.created, messy=self._courses[parcel.course].messy),
            "lastUpdateTime": None if last is None else event_time(last, parcel.created),
        }
        if view.destination or parcel.fields.get("destination_code"):
            item["destination_country"] = country(parcel)
        return item

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
            **{name: shown(fields.get(name)) for name in names},
            "logistics_channel": shown(fields.get("logistics_channel")),
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
            **{name: shown(record.fields.get(name)) for name in echoed},
        }
        if "archived" in sent:
            echo["archived"] = sent["archived"]
        if single and sent.get("status") not in {None, ""}:
            echo["status"] = self._status_echo(str(sent["status"]), key, now)
        return echo

    def _status_echo(self, number: str, key: int, now: int) -> str:
        return self.status(key, now) if number == "8" and self._switches.echo_of_automatic == "word" else number


def _transit_days(created: int, view: View, updated: int | None) -> int | None:
    """Count until the last event once delivered, until the last refresh before (API.md 2)."""
    if view.posted is None or view.last is None or updated is None:
        return None
    until = view.last.offset if view.status == "delivered" else updated - created
    return days(until - view.posted.offset)
