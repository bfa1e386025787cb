"""One request to an operation, as the operation sees it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from random import Random
from typing import cast

import attrs

from trackingmore_async.sandbox.account import Account
from trackingmore_async.sandbox.faults import Plan
from trackingmore_async.sandbox.routes import Route
from trackingmore_async.sandbox.switches import Switches

__all__ = ["Call", "as_list", "as_object", "numbers_in", "text"]

_CARRIER = re.compile(r"[0-9A-Za-z_-]+")
_NUMBER = re.compile(r"[0-9A-Za-z_-]{5,}")


@attrs.frozen(kw_only=True)
class Call:
    """A request that was let in.

    Args:
        account: Whose it is.
        switches: The unknowns.
        route: Operation, names and language of the path.
        query: The query string.
        headers: The HTTP headers, names in lower case.
        body: The JSON body, or None.
        now: Unix seconds.
        plan: The faults that it meets.
        random: The sandbox's random source.
        carriers: Codes of all carriers that the sandbox knows.
    """

    account: Account
    switches: Switches
    route: Route
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object
    now: int
    plan: Plan
    random: Random
    carriers: frozenset[str]

    def number(self, value: object) -> str:
        """Return a tracking number as it is stored."""
        return text(value).strip() if self.switches.trim_numbers else text(value)

    def check_names(self, carrier_code: str, tracking_number: str) -> int | None:
        """Return the code for a carrier or number that cannot be one (API.md 1.5, 6), or None."""
        if not tracking_number:
            return 4013
        if not _NUMBER.fullmatch(tracking_number):
            return 4014
        return self.check_carrier(carrier_code)

    def check_carrier(self, carrier_code: str) -> int | None:
        """Return the code for a carrier that cannot be one, or None."""
        if not _CARRIER.fullmatch(carrier_code):
            return 4015
        known = not self.switches.known_carriers_only or carrier_code.lower() in self.carriers
        return None if known else 4015

    def out_of_quota(self) -> bool:
        """Whether an empty quota refuses even this read (API.md 3.2)."""
        return self.switches.quota_blocks_reads and self.account.quota_left < 1


def text(value: object) -> str:
    """Return a string for what a client sent; PHP does not mind numbers.

    Example:
        >>> text(12345)
        '12345'
    """
    if value is None or isinstance(value, bool | list | dict):
        return ""
    return str(value)


def as_object(value: object) -> dict[str, object] | None:
    """Return a JSON object, or None where it is something else.

    Example:
        >>> as_object([1])
    """
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object] | None:
    """Return a JSON array, or None where it is something else.

    Example:
        >>> as_list({})
    """
    return cast("list[object]", value) if isinstance(value, list) else None


def numbers_in(route: Route, body: object, query: Mapping[str, str]) -> tuple[str, ...]:
    """Return all tracking numbers that a request names.

    Args:
        route: Where it goes.
        body: Its JSON body.
        query: Its query string.

    Example:
        >>> numbers_in(Route("create"), {"tracking_number": "LX900000017CN"}, {})
        ('LX900000017CN',)
    """
    if route.names[1]:
        return (route.names[1],)
    if route.bucket == "list":
        return tuple(filter(None, query.get("numbers", "").split(",")))
    single = as_object(body)
    items: Iterable[object] = [body] if single is not None else as_list(body) or ()
    found = (as_object(item) or {} for item in items)
    return tuple(text(item.get("tracking_number")) for item in found if item.get("tracking_number"))
