"""Operations on one tracking (API.md 3.1 to 3.4, 3.9, 3.10)."""

from __future__ import annotations

import zlib

from trackingmore_async.sandbox.call import Call, as_object, text
from trackingmore_async.sandbox.codes import Answer
from trackingmore_async.sandbox.endpoints.writes import create_one, delete_one, edit_one
from trackingmore_async.sandbox.keys import created_of
from trackingmore_async.sandbox.lifecycle import COURSES, DAY

__all__ = ["change_carrier", "create", "delete", "get", "realtime", "update"]

TWO_HOURS = 7200


def create(call: Call) -> Answer:
    """Answer POST /trackings/post (API.md 3.1)."""
    item = as_object(call.body)
    if item is None:
        return Answer(4015 if call.body is None else 4012)
    code, key = create_one(call, item)
    if code not in {200, 201}:
        return Answer(code)
    success = call.switches.create_code if code == 200 else call.switches.recreate_code
    return Answer(success, call.account.renderer.created(key))


def get(call: Call) -> Answer:
    """Answer GET /trackings/{carrier_code}/{tracking_number} (API.md 3.2)."""
    if call.out_of_quota():
        return Answer(call.switches.quota_code)
    carrier, number = call.route.names
    trouble = call.plan.item_code(number) or call.check_names(carrier, number)
    if trouble:
        return Answer(trouble)
    key = call.account.trackings.find(carrier, number)
    if key is None:
        return Answer(call.switches.single_not_found)
    return Answer(200, call.account.renderer.item(key, call.now, utc=call.switches.single_get_in_utc))


def update(call: Call) -> Answer:
    """Answer PUT /trackings/{carrier_code}/{tracking_number} (API.md 3.3)."""
    item = as_object(call.body)
    if item is None:
        return Answer(4015 if call.body is None else 4012)
    code, key = edit_one(call, *call.route.names, item)
    return Answer(code, call.account.renderer.edited(key, call.now, item, single=True)) if key else Answer(code)


def delete(call: Call) -> Answer:
    """Answer DELETE /trackings/{carrier_code}/{tracking_number} (API.md 3.4)."""
    code = delete_one(call, *call.route.names)
    return Answer(code, []) if code == 200 else Answer(code)


def change_carrier(call: Call) -> Answer:
    """Answer POST /trackings/update (API.md 3.10)."""
    item = as_object(call.body)
    if item is None:
        return Answer(4015 if call.body is None else 4012)
    carrier, number = text(item.get("carrier_code")), call.number(item.get("tracking_number"))
    target = text(item.get("update_carrier_code"))
    trouble = call.plan.item_code(number) or call.check_names(carrier, number)
    trouble = trouble or (4012 if not target else call.check_carrier(target))
    return Answer(trouble) if trouble else _move(call, carrier, number, target)


def _move(call: Call, carrier: str, number: str, target: str) -> Answer:
    trackings = call.account.trackings
    key = trackings.find(carrier, number)
    if key is None:
        return Answer(4017)
    if trackings.find(target, number) is not None:
        return Answer(4016)
    trackings.change_carrier(key, target)
    return Answer(200, {"Usertag": ""})


def realtime(call: Call) -> Answer:
    """Answer POST /trackings/realtime (API.md 3.9)."""
    item = as_object(call.body)
    if item is None:
        return Answer(4015 if call.body is None else 4012)
    carrier, number = text(item.get("carrier_code")), call.number(item.get("tracking_number"))
    trouble = call.plan.item_code(number) or call.check_names(carrier, number)
    if trouble:
        return Answer(trouble)
    repeated = call.now - call.account.realtime_asked.get((carrier, number), -TWO_HOURS) < TWO_HOURS
    outcome = call.switches.realtime_repeat
    if repeated and outcome in {429, 4018}:
        return Answer(int(outcome))
    if not repeated and not call.account.spend(call.switches.realtime_quota):
        return Answer(call.switches.quota_code)
    return Answer(202 if repeated and outcome == 202 else 200, {"items": [_ask(call, carrier, number, repeated)]})


def _ask(call: Call, carrier: str, number: str, repeated: bool) -> dict[str, object]:
    account = call.account
    if not repeated:
        account.realtime_asked[carrier, number] = call.now
    asked = account.realtime_asked[carrier, number]
    key = account.trackings.find(carrier, number)
    course = zlib.crc32(number.encode()) % COURSES if key is None else account.trackings.course(key)
    created = asked - 3 * DAY if key is None else created_of(key)
    if key is None and call.switches.realtime_stores:
        account.trackings.create(carrier, number, call.now)
    return account.renderer.live_item(carrier, number, created, course, asked)
