"""How much faster a page of the list becomes trackings here than by the obvious code.

The obvious code decodes the whole page with the standard library and hands it to a stock cattrs converter. Both run
in one process, turn by turn, so that their ratio means something on a noisy machine. Exit code 1 when a ratio is
under 2.

Run: ``python benchmarks/decode.py [--rounds 9]``
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import cattrs
import msgspec
from attrs import evolve
from cattrs.gen import make_dict_structure_fn, override

from trackingmore_async.codec import decode, decode_tracking
from trackingmore_async.codec.fields import wire_fields
from trackingmore_async.models import Checkpoint, Leg, Status, Tracking
from trackingmore_async.operations import LIST

ITEMS: Final = 2000
EVENTS: Final = (2, 8)
LEAST: Final = 2.0

_CHINA: Final = timezone(timedelta(hours=8))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS: Final = ("transit", "delivered", "pickup", "exception", "teleported")


def page(events: int) -> bytes:
    """Return a page of invented trackings, written as PHP would."""
    chance = random.Random(events)
    items = [_item(chance, number, events) for number in range(ITEMS)]
    data = {"page": 1, "limit": ITEMS, "total": str(ITEMS), "count": ITEMS, "items": items}
    return json.dumps(data, separators=(",", ":")).replace("/", "\\/").encode()


def _item(chance: random.Random, number: int, events: int) -> dict[str, Any]:
    start = datetime(2024, 3, 1, tzinfo=_CHINA) + timedelta(minutes=number)
    item: dict[str, Any] = {
        "id": f"{chance.getrandbits(128):032x}",
        "tracking_number": f"LX{number:09}CN",
        "carrier_code": "china-ems",
        "status": chance.choice(_WORDS),
        "track_update": True,
        "created_at": start.isoformat(),
        "updated_at": chance.choice([None, "1970-01-01T08:00:00+08:00", (start + timedelta(days=3)).isoformat()]),
        "order_create_time": f"{start:%Y-%m-%d %H:%M}",
        "customer_email": chance.choice(["", "ops@shop.example", None]),
        "customer_name": "Zo\u00eb Kim",
        "title": "a mug",
        "order_id": None,
        "comment": None,
        "archived": chance.choice([False, True, "false"]),
        "original_country": "China",
        "destination_country": "Canada",
        "itemTimeLength": chance.choice([6, 7, "8", None]),
        "stayTimeLength": 2,
        "service_code": None,
        "status_info": None,
        "packageStatus": None,
        "substatus": None,
        "origin_info": _leg(chance, start, events - events // 2),
        "destination_info": _leg(chance, start, events // 2),
        "lastEvent": "Arrived at sorting hub,Sample City/3,2024-03-08 07:40:00",
        "lastUpdateTime": "2024-03-08 07:40:00",
        "a_new_key": {"of": ["the", "server"]},
    }
    return item


def _leg(chance: random.Random, start: datetime, events: int) -> dict[str, Any]:
    return {
        "ReferenceNumber": None,
        "ItemReceived": f"{start:%Y-%m-%d %H:%M:%S}",
        "ItemDispatched": None,
        "DepartfromAirport": None,
        "ArrivalfromAbroad": None,
        "CustomsClearance": None,
        "DestinationArrived": None,
        "weblink": "http://carrier.example/",
        "phone": None,
        "carrier_code": "china-ems",
        "trackinfo": [_event(chance, start + timedelta(hours=hour)) for hour in reversed(range(events))],
    }


def _event(chance: random.Random, moment: datetime) -> dict[str, Any]:
    return {
        "Date": f"{moment:%Y-%m-%d %H:%M:%S}" if chance.random() < 0.7 else f"{moment:%Y-%m-%d %H:%M}",
        "StatusDescription": f"Arrived at sorting hub \u4e2d {chance.randrange(1000)}",
        "Details": f"Sample City/{chance.randrange(100)}",
        "checkpoint_status": chance.choice(_WORDS),
        "substatus": "transit002",
    }


def obvious() -> cattrs.Converter:
    """Return the converter that anybody would write: renamed keys, and hooks for what is special."""
    converter = cattrs.Converter()
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    converter.register_structure_hook(datetime | None, _maybe_datetime)
    converter.register_structure_hook(bool, lambda value, _: value in (True, "true"))
    converter.register_structure_hook(Status, lambda value, _: Status(value))
    converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _addresses)
    for cls in (Checkpoint, Leg, Tracking):
        names: dict[str, Any] = {field.name: override(rename=field.wire) for field in wire_fields(cls)}
        converter.register_structure_hook(cls, make_dict_structure_fn(cls, converter, **names))
    return converter


def _maybe_datetime(value: Any, _type: Any) -> datetime | None:
    found = datetime.fromisoformat(value) if value else None
    return None if found is not None and found.tzinfo is not None and found == _EPOCH else found


def _addresses(value: Any, _type: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value or ())


def compare(events: int, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds of the obvious code and of this library, round by round."""
    body, converter = page(events), obvious()
    raw = msgspec.Raw(body)
    ways: tuple[Callable[[], list[Tracking]], ...] = (
        lambda: [converter.structure(item, Tracking) for item in json.loads(body)["items"]],
        lambda: [decode_tracking(item) for item in decode(LIST, raw).items],
    )
    _same(ways[0](), ways[1]())
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        for index in (0, 1) if turn % 2 else (1, 0):
            taken[index].append(_seconds(ways[index]))
    return taken


def _same(plain: list[Tracking], ours: list[Tracking]) -> None:
    for one, other in zip(plain, ours, strict=True):
        if one != evolve(other, extra={}) or not other.extra:
            sys.exit("The two ways do not make the same trackings.")


def _seconds(way: Callable[[], list[Tracking]]) -> float:
    gc.collect()
    start = time.perf_counter()
    made = way()
    taken = time.perf_counter() - start
    del made
    return taken


def main() -> int:
    """Print the ratios; return 1 when one is under the least."""
    parser = argparse.ArgumentParser(description="Compare decoding with the obvious code.")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    ratios: list[float] = []
    for events in EVENTS:
        plain, ours = compare(events, rounds)
        ratios.append(statistics.median(one / other for one, other in zip(plain, ours, strict=True)))
        print(
            f"{ITEMS} items x {events} events: obvious {statistics.median(plain) * 1e3:.0f} ms, "
            f"here {statistics.median(ours) * 1e3:.0f} ms, {ratios[-1]:.2f} times faster (at least {LEAST})"
        )
    return int(min(ratios) < LEAST)


if __name__ == "__main__":
    sys.exit(main())
