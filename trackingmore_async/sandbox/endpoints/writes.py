"""Changes to one tracking, as single operations and batches share them."""

from __future__ import annotations

from collections.abc import Mapping

from trackingmore_async.sandbox.account import COSTS
from trackingmore_async.sandbox.call import Call, text
from trackingmore_async.sandbox.wire import parse_time

__all__ = ["CREATED_FIELDS", "EDITED_FIELDS", "archived_of", "create_one", "delete_one", "edit_one", "stop_one"]

CREATED_FIELDS = (
    "title", "logistics_channel", "customer_name", "customer_email", "customer_phone", "order_id", "comment",
    "destination_code",
)  # fmt: skip
"""Fields of a create that are kept (API.md 3.1)."""

EDITED_FIELDS = (
    "title", "logistics_channel", "customer_name", "customer_email", "customer_phone", "order_id", "destination_code",
)  # fmt: skip
"""Fields that an edit can set (API.md 3.3)."""

_STATUSES: Mapping[str, int | None] = {"4": 4, "7": 7, "8": None}


def create_one(call: Call, item: dict[str, object]) -> tuple[int, int]:
    """Create a tracking (API.md 3.1).

    Args:
        call: The request.
        item: The create object.

    Returns:
        200 and the key of the new tracking, or the code of the error and 0. Known again: 201 and the key.
    """
    carrier, number = text(item.get("carrier_code")), call.number(item.get("tracking_number"))
    trouble = call.plan.item_code(number) or call.check_names(carrier, number)
    if trouble:
        return trouble, 0
    account = call.account
    if account.trackings.find(carrier, number) is not None:
        return 4016, 0
    id = account.renderer.id(carrier, number)  # noqa: A001
    known = id in account.known
    if not known and not account.spend(COSTS["create"]):
        return call.switches.quota_code, 0
    account.known.add(id)
    return 201 if known else 200, account.trackings.create(carrier, number, call.now, _created_fields(item))


def _created_fields(item: dict[str, object]) -> dict[str, object]:
    fields: dict[str, object] = {name: text(item[name]) for name in CREATED_FIELDS if item.get(name) is not None}
    ordered = parse_time(item.get("order_create_time"))
    if ordered is not None:
        fields["order_create_time"] = ordered
    return fields


def edit_one(call: Call, carrier: str, number: str, item: dict[str, object]) -> tuple[int, int]:
    """Edit a tracking (API.md 3.3).

    Args:
        call: The request.
        carrier: The carrier.
        number: The tracking number.
        item: What to set.

    Returns:
        200 and the tracking's key, or the code of the error and 0.
    """
    trouble = call.plan.item_code(number) or call.check_names(carrier, number)
    if trouble:
        return trouble, 0
    trackings = call.account.trackings
    key = trackings.find(carrier, number)
    if key is None:
        return 4017, 0
    status = text(item.get("status"))
    if status and status not in _STATUSES:
        return 4033, 0
    trackings.set_fields(key, _edited_fields(call, item))
    _set_status(call, key, status)
    archived = archived_of(item.get("archived"))
    if archived is not None:
        trackings.set_archived(key, archived)
    return 200, key


def _set_status(call: Call, key: int, status: str) -> None:
    record = call.account.trackings.record(key)
    if status:
        record.override, record.overridden_at = _STATUSES[status], call.now
    if call.switches.edit_moves_updated_at:
        record.touched_at = call.now


def _edited_fields(call: Call, item: dict[str, object]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name in EDITED_FIELDS:
        value = item.get(name, "unset")
        ignored = (value is None and call.switches.edit_null == "ignore") or (
            value == "" and call.switches.edit_empty == "ignore"
        )
        if name in item and not ignored:
            fields[name] = None if value is None else text(value)
    return fields


def archived_of(value: object) -> bool | None:
    """Read the string "true" or "false"; anything else, a JSON boolean too, says nothing (API.md 1.4, 3.3).

    Example:
        >>> archived_of("true")
        True
    """
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def delete_one(call: Call, carrier: str, number: str) -> int:
    """Delete a tracking (API.md 3.4) and return the code.

    Args:
        call: The request.
        carrier: The carrier.
        number: The tracking number.
    """
    trouble = call.plan.item_code(number) or call.check_names(carrier, number)
    if trouble:
        return trouble
    return 200 if call.account.trackings.delete(carrier, number) else 4017


def stop_one(call: Call, carrier: str, number: str) -> int:
    """Stop refreshing a tracking (API.md 3.13) and return the code.

    Args:
        call: The request.
        carrier: The carrier.
        number: The tracking number.
    """
    trouble = call.plan.item_code(number) or call.check_names(carrier, number)
    if trouble:
        return trouble
    key = call.account.trackings.find(carrier, number)
    if key is None:
        return 4017
    record = call.account.trackings.record(key)
    if record.stopped_at is None:
        record.stopped_at = call.now
        call.account.trackings.version += 1
    return 200
