"""The list and the counters: filters, order, pages (API.md 3.6, 3.12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from trackingmore_async.sandbox.call import Call, as_object, text
from trackingmore_async.sandbox.codes import Answer
from trackingmore_async.sandbox.keys import created_of, key_of
from trackingmore_async.sandbox.wire import parse_time

__all__ = ["STATUSES", "Query", "list_trackings", "read_query", "status_counts"]

STATUSES: tuple[str, ...] = (
    "pending",
    "notfound",
    "transit",
    "pickup",
    "delivered",
    "undelivered",
    "exception",
    "expired",
)
MAX_LIMIT = 2000
MAX_NAMES = 40
FOREVER = 1 << 31

Range = tuple[int | None, int | None]


@attrs.frozen(kw_only=True)
class Query:
    """The filters of a list, without its page.

    Args:
        status: Status word, or empty.
        created: Earliest and latest creation, unix seconds, None for open; the same for the next two.
        updated: Last refresh.
        ordered: Time of the order.
        numbers: Tracking numbers; empty means all.
        orders: Order ids; empty means all.
        archived: Only archived, only others, or None for both.
    """

    status: str = ""
    created: Range = (None, None)
    updated: Range = (None, None)
    ordered: Range = (None, None)
    numbers: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    archived: bool | None = None

    @property
    def plain(self) -> bool:
        """Whether only the time of creation matters, which needs no look at any tracking."""
        return not (self.status or self.numbers or self.orders or any(self.updated) or any(self.ordered))


def read_query(given: Mapping[str, object]) -> Query:
    """Read the filters of a list or of the counters; empty values are ignored (API.md 3.6).

    Args:
        given: The query string, or the JSON body.

    Example:
        >>> read_query({"created_at_max": "1710468478", "orders": ""}).created
        (None, 1710468478)
    """
    return Query(
        status=text(given.get("status")),
        created=_range(given, "created_at"),
        updated=_range(given, "update_time"),
        ordered=_range(given, "order_created_time"),
        numbers=_names(given.get("numbers")),
        orders=_names(given.get("orders")),
        archived={"true": True, "false": False}.get(text(given.get("archived"))),
    )


def _range(given: Mapping[str, object], name: str) -> Range:
    return parse_time(given.get(f"{name}_min")), parse_time(given.get(f"{name}_max"))


def _names(value: object) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text(value).split(","))))


def list_trackings(call: Call) -> Answer:
    """Answer GET /trackings/get, and POST with the same in a body (API.md 1.1, 3.6)."""
    if call.out_of_quota():
        return Answer(call.switches.quota_code)
    given = {**(as_object(call.body) or {}), **call.query}
    query, limit = read_query(given), _whole(given.get("limit")) or 100
    page = _whole(given.get("page")) or 1
    if query.status and query.status not in STATUSES:
        return Answer(4033)
    if max(len(query.numbers), len(query.orders)) > MAX_NAMES:
        return Answer(4020)
    if limit > MAX_LIMIT and call.switches.limit_too_large == "refuse":
        return Answer(4012)
    return _page(call, query, page, min(limit, MAX_LIMIT))


def _whole(value: object) -> int:
    return int(text(value)) if text(value).isdecimal() else 0


def _page(call: Call, query: Query, page: int, limit: int) -> Answer:
    total, keys = _select(call, query, (page - 1) * limit, limit)
    switches = call.switches
    empty = switches.empty_list
    if total and switches.page_beyond_end is not None:
        empty = switches.page_beyond_end
    if not keys and empty != 200:
        return Answer(empty)
    items = [call.account.renderer.item(key, call.now) for key in keys]
    shown: object = str(total) if switches.total_as == "string" else total
    return Answer(200, {"page": page, "limit": limit, "total": shown, "count": len(items), "items": items})


def _select(call: Call, query: Query, start: int, count: int) -> tuple[int, list[int]]:
    trackings = call.account.trackings
    whole = query.archived is None or (query.archived is False and not trackings.archived)
    if query.plain and whole and call.switches.list_order != "id":
        low, high = _bounds(call, query)
        return max(0, high - low), list(_slice(call, low, high, start, count))
    keys = call.account.found.get(query, call.now, lambda: _matching(call, query))
    return len(keys), keys[start : start + count]


def _bounds(call: Call, query: Query) -> tuple[int, int]:
    keys = call.account.trackings.keys
    low, high = query.created
    first = 0 if low is None else keys.bisect_left(key_of(low, 0))
    return first, len(keys) if high is None else keys.bisect_left(key_of(min(high, FOREVER << 2) + 1, 0))


def _slice(call: Call, low: int, high: int, start: int, count: int) -> Iterator[int]:
    keys = call.account.trackings.keys
    if call.switches.list_order == "oldest":
        return keys.islice(min(low + start, high), min(low + start + count, high))
    return keys.islice(max(low, high - start - count), max(low, high - start), reverse=True)


def _matching(call: Call, query: Query) -> list[int]:
    """Return all keys that match, in the order of the list."""
    keys = [key for key in _candidates(call, query) if _fits(call, query, key)]
    if call.switches.list_order == "id":
        renderer, name = call.account.renderer, call.account.trackings.name
        return sorted(keys, key=lambda key: renderer.id(*name(key)))
    return sorted(keys, reverse=call.switches.list_order == "newest")


def _candidates(call: Call, query: Query) -> Iterable[int]:
    trackings = call.account.trackings
    if query.numbers:
        found = {key for number in query.numbers for key in trackings.find_number(number)}
    elif query.orders:
        found = {key for order in query.orders for key in trackings.find_order(order)}
    elif query.archived:
        found = set(trackings.archived)
    else:
        return trackings.keys.islice(*_bounds(call, query))
    low, high = query.created
    return (key for key in found if (low or 0) <= created_of(key) <= (FOREVER if high is None else high))


def _fits(call: Call, query: Query, key: int) -> bool:
    renderer, trackings = call.account.renderer, call.account.trackings
    if query.archived is not None and (key in trackings.archived) is not query.archived:
        return False
    if query.status and renderer.status(key, call.now) != query.status:
        return False
    if any(query.updated) and not _within(renderer.updated(key, call.now), query.updated):
        return False
    record = trackings.records.get(key)
    fields: dict[str, object] = {} if record is None else record.fields
    if any(query.ordered) and not _within(fields.get("order_create_time"), query.ordered):
        return False
    return not query.orders or fields.get("order_id") in query.orders


def _within(value: object, bounds: Range) -> bool:
    low, high = bounds
    return isinstance(value, int) and (low or 0) <= value <= (FOREVER if high is None else high)


def status_counts(call: Call) -> Answer:
    """Answer GET /trackings/getstatusnumber (API.md 3.12)."""
    query = attrs.evolve(read_query(call.query), status="", numbers=(), orders=(), archived=None, updated=(None, None))
    names = (*STATUSES, "inforeceived") if call.switches.extra_counter else STATUSES
    counts = dict.fromkeys(names, 0)
    for key in _candidates(call, query):
        if _fits(call, query, key):
            counts[call.account.renderer.status(key, call.now)] += 1
    as_text = call.switches.counters_as == "string"
    return Answer(200, {name: str(count) if as_text else count for name, count in counts.items()})
