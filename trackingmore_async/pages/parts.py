"""From what the caller wants to lists that one request each can name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

import attrs

from trackingmore_async.codec import encode
from trackingmore_async.errors import ConfigurationError
from trackingmore_async.models import UNSET, TrackingFilter
from trackingmore_async.models.fields import FilterFields
from trackingmore_async.models.moments import Moment
from trackingmore_async.operations import LIST, MAX_NUMBERS, MAX_PAGE_SIZE

__all__ = ["check_count", "check_page_size", "given_filters", "make_parts", "moves", "narrowed", "upper_bound"]

MOVING = ("status", "archived", "update_time_min", "update_time_max", "orders")
"""Filters by something that changes: trackings may enter and leave such a list, whenever they were created."""


def check_page_size(value: int | None) -> int | None:
    """Return a page size that the API takes, or None; raise `ConfigurationError` for any other (API.md 3.6)."""
    if value is None or (_is_count(value) and value <= MAX_PAGE_SIZE):
        return value
    raise ConfigurationError(f"page_size has to be a whole number from 1 to {MAX_PAGE_SIZE}, not {value!r}. Or None.")


def check_count(value: int | None) -> int | None:
    """Return a usable ``max_items``, or None; raise `ConfigurationError` for any other."""
    if value is None or _is_count(value):
        return value
    raise ConfigurationError(f"max_items has to be a whole number of at least 1, not {value!r}. Or None for all.")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def make_parts(filters: FilterFields) -> tuple[TrackingFilter, ...]:
    """Split a list whose ``numbers`` or ``orders`` are more than one request can name (API.md 3.6, 7).

    Args:
        filters: What the caller gave. Numbers that are given twice are asked for once.

    Raises:
        ConfigurationError: ``numbers`` or ``orders`` are empty, no text, or both are too long; ``page`` or ``limit``
            were given.
        InvalidRequestError: a value can certainly not be sent.
    """
    _refuse_what_no_filter_takes(filters)
    whole = TrackingFilter(**filters)
    numbers, orders = (_names(field, filters, getattr(whole, field)) for field in ("numbers", "orders"))
    if min(len(numbers), len(orders)) > MAX_NUMBERS:
        raise ConfigurationError(
            f"numbers and orders are both longer than {MAX_NUMBERS}. Pass one of them, and compare the other yourself."
        )
    chunks = [(some, others) for some in _chunks(numbers) for others in _chunks(orders)]
    parts = tuple(attrs.evolve(whole, numbers=some, orders=others) for some, others in chunks)
    for part in parts:
        encode(LIST, part)  # what cannot be sent is refused now, and takes no slot
    return parts


def _refuse_what_no_filter_takes(filters: FilterFields) -> None:
    given: dict[str, object] = dict(filters)
    for field in ("page", "limit"):
        if field in given:
            raise ConfigurationError(
                f"{field} cannot be chosen: all pages are read in turn. page_size says how large they are, and "
                "max_items how many trackings are wanted."
            )
    for field in ("numbers", "orders"):
        value = given.get(field)
        if value is not None and value is not UNSET and not isinstance(value, Iterable):
            raise ConfigurationError(f"{field} has to be a text or several, not {value!r}.")


def _names(field: str, filters: FilterFields, given: Sequence[str]) -> tuple[str, ...]:
    if filters.get(field) is None:
        return ()
    names = tuple(dict.fromkeys(given))
    if not names:
        raise ConfigurationError(f"{field} is empty, so nothing can match. Leave it out to list all trackings.")
    if not all(isinstance(name, str) and name.strip() for name in names):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{field} has an entry that is empty or no text. Take it out.")
    return names


def _chunks(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [names[start : start + MAX_NUMBERS] for start in range(0, len(names), MAX_NUMBERS)] or [()]


def moves(part: TrackingFilter) -> bool:
    """Tell whether trackings may enter or leave a list because they change."""
    return any(getattr(part, field) not in (UNSET, None, "", ()) for field in MOVING)


def upper_bound(part: TrackingFilter) -> int | None:
    """Return the caller's own ``created_at_max`` in unix seconds, or None."""
    return _seconds(part.created_at_max)


def narrowed(part: TrackingFilter, floor: int | None, ceiling: int | None) -> TrackingFilter:
    """Return the trackings of a list that were created within these unix seconds; None leaves an end as it is."""
    lowest = [second for second in (floor, _seconds(part.created_at_min)) if second is not None]
    highest = [second for second in (ceiling, upper_bound(part)) if second is not None]
    if floor is not None:
        part = attrs.evolve(part, created_at_min=max(lowest))
    return part if ceiling is None else attrs.evolve(part, created_at_max=min(highest))


def _seconds(value: Moment) -> int | None:
    if isinstance(value, datetime):
        return int(value.timestamp())
    return int(value) if value else None


def given_filters(whole: TrackingFilter) -> FilterFields:
    """Return what was given of a filter, as `make_parts` takes it."""
    values = {field.name: getattr(whole, field.name) for field in attrs.fields(TrackingFilter)}
    given = {name: value for name, value in values.items() if value is not UNSET and value != ()}
    return cast("FilterFields", {name: given[name] for name in given if name not in ("page", "limit")})
