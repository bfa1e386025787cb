"""Cutting a page of the list into its items, without decoding them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from trackingmore_async.models import Page

from . import values
from .explain import refuse
from .parsing import parse

__all__ = ["decode_page"]


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    """A page as API.md 3.6 shows it; anything else goes the slow way."""

    items: list[msgspec.Raw]
    total: int | str
    page: int | None = None
    limit: int | None = None
    count: int | None = None


_PAGE: Final = msgspec.json.Decoder(_Wire)
_RAWS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def decode_page(data: msgspec.Raw | None, path: str = "$.data") -> Page:
    """Cut a page into its items, each an undecoded slice of the same buffer (API.md 3.6).

    Args:
        data: The ``data`` of the envelope; nothing gives an empty page.
        path: Where it stood, for the text of an error.

    Raises:
        DecodeError: It is no page, or it holds items but no readable ``total``: without it nobody can know whether
            there are more pages.

    Example:
        >>> page = decode_page(msgspec.Raw(b'{"page": 1, "limit": 25, "total": "1", "count": 1, "items": [{}]}'))
        >>> page, len(page.items)
        (Page(page=1, limit=25, count=1, total=1), 1)
    """
    if data is None:
        return Page(total=0)
    try:
        wire = _PAGE.decode(data)
        return Page(
            total=values.required_number(wire.total),
            page=wire.page,
            limit=wire.limit,
            count=wire.count,
            items=tuple(wire.items),
        )
    except (ValueError, RecursionError):
        return _odd_page(data, path)


def _odd_page(data: msgspec.Raw, path: str) -> Page:
    value = parse(data, path)
    if not value:
        return Page(total=0)
    if not isinstance(value, dict):
        raise refuse("no page", path)
    items = value.pop("items", None) or []
    if not isinstance(items, list):
        raise refuse("items is no list", f"{path}.items")
    raws = _RAWS.decode(msgspec.json.encode(items))
    return Page(total=_total(value, raws, path), items=tuple(raws), **_numbers(value), extra=value)


def _total(value: dict[str, Any], items: list[msgspec.Raw], path: str) -> int:
    try:
        total = values.number(value.pop("total", None))
    except (ValueError, TypeError):
        total = None
    if total is None and items:
        raise refuse("total is missing or unreadable", f"{path}.total")
    return total or 0


def _numbers(value: dict[str, Any]) -> dict[str, int | None]:
    """Take the small numbers out of a page; an odd one stays there, and so in ``extra``."""
    found: dict[str, int | None] = {}
    for name in ("page", "limit", "count"):
        try:
            found[name] = values.number(value.get(name))
        except (ValueError, TypeError):
            continue
        value.pop(name, None)
    return found
