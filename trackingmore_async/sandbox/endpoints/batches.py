"""Operations on many trackings: partial success, entries, counters (API.md 3.5, 3.7, 3.8, 3.13)."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from trackingmore_async.sandbox.call import Call, as_list, as_object, text
from trackingmore_async.sandbox.codes import Answer, describe
from trackingmore_async.sandbox.endpoints.writes import create_one, delete_one, edit_one, stop_one
from trackingmore_async.sandbox.switches import EntryShape, Failures, Switches

__all__ = ["batch_items", "create_many", "delete_many", "stop_updating_many", "update_many"]


@attrs.frozen
class Outcome:
    """What became of one item: its names, the code, and what a successful entry holds."""

    carrier_code: str
    tracking_number: str
    code: int
    entry: dict[str, object] = attrs.field(factory=dict[str, object])

    @property
    def failed(self) -> bool:
        """Whether the item failed."""
        return self.code not in {200, 201, 202}

    def error(self) -> dict[str, object]:
        """Return the flat entry of ``errors`` (API.md 3.5)."""
        return {
            "tracking_number": self.tracking_number,
            "carrier_code": self.carrier_code,
            "code": self.code,
            "message": describe(self.code)[1],
        }


def batch_items(call: Call) -> list[object] | Answer:
    """Return the items of a batch, or the refusal of the whole (API.md 1.1, 3.5, 6).

    Args:
        call: The request.
    """
    items = as_list(call.body)
    if items is None:
        return Answer(4015 if call.body is None else 4012)
    if not items:
        return Answer(call.switches.empty_array)
    most = _most_items(call)
    if len(items) > most and call.switches.oversize == "refuse":
        return Answer(4020)
    return items[:most]


def _most_items(call: Call) -> int:
    return call.switches.max_items_by_bucket.get(call.route.bucket or "", call.switches.max_items)


def _perform(call: Call, one: Callable[[dict[str, object]], Outcome]) -> list[Outcome] | Answer:
    items = batch_items(call)
    return items if isinstance(items, Answer) else [one(as_object(item) or {}) for item in items]


def _names(call: Call, item: dict[str, object]) -> tuple[str, str]:
    return text(item.get("carrier_code")), call.number(item.get("tracking_number"))


def create_many(call: Call) -> Answer:
    """Answer POST /trackings/batch (API.md 3.5)."""

    def one(item: dict[str, object]) -> Outcome:
        code, key = create_one(call, item)
        return Outcome(*_names(call, item), code, call.account.renderer.created(key) if key else {})

    return _answer(call, _perform(call, one), "added", failures="errors")


def update_many(call: Call) -> Answer:
    """Answer POST /trackings/updatemore (API.md 3.7)."""

    def one(item: dict[str, object]) -> Outcome:
        code, key = edit_one(call, *_names(call, item), item)
        echo = call.account.renderer.edited(key, call.now, item, single=False) if key else {}
        return Outcome(*_names(call, item), code, echo)

    return _answer(call, _perform(call, one), "updated", failures=call.switches.update_failures)


def delete_many(call: Call) -> Answer:
    """Answer POST /trackings/delete (API.md 3.8): each entry is wrapped in ``meta``."""

    def one(item: dict[str, object]) -> Outcome:
        names = _names(call, item)
        return _with_entry(*names, delete_one(call, *names), call.switches.delete_entry)

    return _answer(call, _perform(call, one), "delete", failures=call.switches.delete_failures, wrap=_in_meta)


def stop_updating_many(call: Call) -> Answer:
    """Answer POST /trackings/notupdate (API.md 3.13)."""

    def one(item: dict[str, object]) -> Outcome:
        names = _names(call, item)
        return _with_entry(*names, stop_one(call, *names), call.switches.stop_entry)

    return _answer(call, _perform(call, one), "change", failures=call.switches.stop_failures)


def _with_entry(carrier_code: str, tracking_number: str, code: int, shape: EntryShape) -> Outcome:
    entry: dict[str, object] = {"tracking_number": tracking_number}
    if shape in {"full", "number+carrier"}:
        entry["carrier_code"] = carrier_code
    if shape in {"full", "number+code"}:
        kind, message = describe(code)
        entry |= {"code": code, "type": kind, "message": message}
    return Outcome(carrier_code, tracking_number, code, entry)


def _in_meta(entry: dict[str, object]) -> dict[str, object]:
    return {"meta": entry}


def _answer(
    call: Call,
    outcomes: list[Outcome] | Answer,
    counter: str,
    *,
    failures: Failures,
    wrap: Callable[[dict[str, object]], dict[str, object]] = dict[str, object],
) -> Answer:
    if isinstance(outcomes, Answer):
        return outcomes
    failed = [outcome for outcome in outcomes if outcome.failed]
    if len(failed) == len(outcomes) and call.switches.all_failed_batch == "error":
        return Answer(failed[0].code)
    told = [outcome for outcome in outcomes if outcome.tracking_number not in call.plan.omitted]
    inline = failures == "inline"
    data: dict[str, object] = {
        "submitted": len(outcomes),
        counter: len(outcomes) - len(failed) + call.plan.counter,
        "trackings": [wrap(outcome.entry or _bare(outcome)) for outcome in told if inline or not outcome.failed],
    }
    errors = [outcome.error() for outcome in told if outcome.failed] if failures == "errors" else []
    if errors or call.switches.errors_when_empty == "list":
        data["errors"] = errors
    return Answer(_code(call, bool(failed)), data)


def _bare(outcome: Outcome) -> dict[str, object]:
    return outcome.error()


def _code(call: Call, some_failed: bool) -> int:
    switches: Switches = call.switches
    items = as_list(call.body) or []
    if len(items) > _most_items(call):
        return 202
    if some_failed and switches.partial_batch_code is not None:
        return switches.partial_batch_code
    return switches.batch_code if call.route.bucket == "create_many" else 200
