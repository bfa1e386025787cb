"""The parts of a read that tell of the parcel itself: legs, checkpoints, what the client gave (API.md 2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from trackingmore_async.sandbox.lifecycle import DAY, TWO_CODES, Step, View
from trackingmore_async.sandbox.switches import Switches
from trackingmore_async.sandbox.wire import escaped, naive_time

__all__ = ["NO_DESTINATION", "Parcel", "country", "days", "event_time", "given", "last_event", "legs", "shown"]

_TEXT_FIELDS = ("order_id", "comment", "customer_name")
_MILESTONES = ("ItemDispatched", "DepartfromAirport", "ArrivalfromAbroad", "CustomsClearance", "DestinationArrived")

NO_DESTINATION: Mapping[str, object] = MappingProxyType(
    dict.fromkeys(("ItemReceived", *_MILESTONES, "weblink", "phone", "carrier_code", "trackinfo"))
)
"""The shape of ``destination_info`` in which every member is null."""


@attrs.frozen
class Parcel:
    """What is drawn of a tracking, whether it is stored or not.

    Args:
        carrier_code: The carrier.
        tracking_number: The number.
        fields: What clients gave it.
        created: Unix seconds.
        course: Number of the course that it follows.

    Example:
        >>> Parcel("china-ems", "LX900000017CN", {}, 1710468478, 3)
    """

    carrier_code: str
    tracking_number: str
    fields: dict[str, object]
    created: int
    course: int


def shown(value: object) -> object:
    """Return a field ready to be encoded: text is escaped, anything else stays.

    Example:
        >>> shown("plain")
        'plain'
    """
    return escaped(value) if isinstance(value, str) else value


def given(parcel: Parcel, switches: Switches) -> dict[str, object]:
    """Return the part of a read that clients have given.

    Args:
        parcel: The parcel.
        switches: The unknowns.

    Example:
        >>> given(parcel, Switches())["title"]
        'mug'
    """
    fields = parcel.fields
    ordered = fields.get("order_create_time")
    part: dict[str, object] = {
        "order_create_time": naive_time(ordered, with_seconds=False) if isinstance(ordered, int) else None,
        "customer_email": _email(fields.get("customer_email") or "", switches),
        "customer_phone": shown(fields.get("customer_phone")),
        "title": shown(fields.get("title") or ""),
    }
    for name in _TEXT_FIELDS:
        part[name] = shown(fields.get(name))
    return part


def _email(value: object, switches: Switches) -> object:
    if switches.email_as == "list":
        return [shown(value)] if value else []
    return shown(value) if value or switches.email_as == "string" else None


def legs(parcel: Parcel, view: View, switches: Switches) -> dict[str, object]:
    """Return ``origin_info`` and, in one of its three shapes, ``destination_info`` (API.md 2).

    Args:
        parcel: The parcel.
        view: What is known of it.
        switches: The unknowns.

    Example:
        >>> list(legs(parcel, view, Switches(destination_info="absent")))
        ['origin_info']
    """
    mode, shape = switches.destination_info, switches.pending_shape
    if mode == "mixed":
        mode = ("absent", "filled", "null")[parcel.course % 3]
    events = view.origin if mode == "filled" else (*view.destination, *view.origin)
    part: dict[str, object] = {}
    if events or shape != "no_origin":
        part["origin_info"] = _origin(parcel, events, view.posted, shape)
    if mode == "null":
        part["destination_info"] = dict(NO_DESTINATION)
    elif mode == "filled" and (view.destination or switches.destination_info == "filled"):
        part["destination_info"] = _destination(parcel, view)
    return part


def _origin(parcel: Parcel, events: tuple[Step, ...], posted: Step | None, shape: str) -> dict[str, object]:
    leg: dict[str, object] = {
        "ReferenceNumber": None,
        "ItemReceived": None if posted is None else event_time(posted, parcel.created),
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


def _destination(parcel: Parcel, view: View) -> dict[str, object]:
    # One push had a carrier code but no trackinfo (API.md 2).
    silent = not view.destination or parcel.course % 10 == 1
    posted = view.posted
    return {
        **NO_DESTINATION,
        "ItemReceived": None if posted is None else naive_time(parcel.created + posted.offset, with_seconds=False),
        "weblink": "https://post.example/",
        "carrier_code": f"post-{_two_code(parcel).lower()}",
        "trackinfo": None if silent else [_checkpoint(step, parcel.created) for step in view.destination],
    }


def _checkpoint(step: Step, created: int) -> dict[str, object]:
    event: dict[str, object] = {
        "Date": event_time(step, created),
        "StatusDescription": escaped(step.text or ""),
        "Details": escaped(step.place),
        "checkpoint_status": step.status,
    }
    if step.substatus is not None:
        event["substatus"] = step.substatus
    if step.posted:
        event["ItemNode"] = "ItemReceived"
    return event


def event_time(step: Step, created: int) -> str:
    """Return the time of an event as its checkpoint prints it.

    Args:
        step: The event.
        created: Unix seconds: creation of the tracking.

    Example:
        >>> event_time(step, 1710468478)
        '2024-03-15 11:07:58'
    """
    return naive_time(created + step.offset, with_seconds=step.precise)


def last_event(step: Step, created: int, *, messy: bool) -> object:
    """Return ``lastEvent``: text, place and time joined by commas, empty parts left out (API.md 2).

    Args:
        step: The newest event.
        created: Unix seconds: creation of the tracking.
        messy: Whether it keeps a tab and a control character that the checkpoint has lost (API.md 1.4).

    Example:
        >>> last_event(step, 1710468478, messy=False)
        'Posted,Sample City,2024-03-15 11:07:58'
    """
    text = step.text or ""
    if messy:
        text = text.replace(" ", "\t ", 1) + "\x0b"
    return escaped(",".join(filter(None, (text, step.place, event_time(step, created)))))


def days(seconds: int) -> int:
    """Return a time in days, rounded up as the vendor's counters are (API.md 2).

    Example:
        >>> days(86401)
        2
    """
    return -(-seconds // DAY)


def country(parcel: Parcel) -> object:
    """Return the English name of the country of destination, or the code where the sandbox knows no name.

    Example:
        >>> country(parcel)
        'Canada'
    """
    code = _two_code(parcel)
    return next((name for name, two in TWO_CODES if two == code), code)


def _two_code(parcel: Parcel) -> str:
    told = parcel.fields.get("destination_code")
    return told.upper() if isinstance(told, str) and told else TWO_CODES[parcel.course % len(TWO_CODES)][1]
