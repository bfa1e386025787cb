"""Cutting a page of the list into its items, without decoding them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from trackingmore_async.models import Page

from . import values
from .explain import refuse
from .parsing import parse
from .shapes import is_list, is_object, kind

__all__ = ["decode_page"]


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    """A page as API.md 3.6 shows it; anything else goes the slow way."""

    items: list[msgspec.Raw]
    total: int | str
    page: int | None = None
    limit: int | None = None
    count: int | None = None


_PAGE: Final = msgspec.json.Decoder(_Wire)
_PARTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


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
        total = values.number(wire.total)
    except (ValueError, RecursionError):
        return _odd_page(data, path)
    if total is None:
        return _odd_page(data, path)
    return Page(total=total, page=wire.page, limit=wire.limit, count=wire.count, items=tuple(wire.items))


def _odd_page(data: msgspec.Raw, path: str) -> Page:
    """Cut a page that has more keys, fewer keys, or other types of values."""
    parts = _parts(data, path)
    items = _items(parts.pop("items", None), f"{path}.items")
    rest = {name: parse(raw, f"{path}.{name}") for name, raw in parts.items()}
    numbers = {name: _number(rest, name) for name in ("total", "page", "limit", "count")}
    total = numbers.pop("total")
    if total is None and items:
        raise refuse("total is missing or unreadable", f"{path}.total")
    return Page(total=total or 0, items=items, **numbers, extra=rest)


def _parts(data: msgspec.Raw, path: str) -> dict[str, msgspec.Raw]:
    try:
        return _PARTS.decode(data)
    except (ValueError, RecursionError):
        value = parse(data, path)
    if value and not is_object(value):
        raise refuse(f"{kind(value)} instead of a page", path)
    return _PARTS.decode(msgspec.json.encode(value or {}))


def _items(raw: msgspec.Raw | None, path: str) -> tuple[msgspec.Raw, ...]:
    if raw is None:
        return ()
    try:
        return tuple(_ITEMS.decode(raw))
    except (ValueError, RecursionError):
        value = parse(raw, path)
    if value and not is_list(value):
        raise refuse(f"{kind(value)} instead of a list", path)
    return tuple(_ITEMS.decode(msgspec.json.encode(value or [])))


def _number(rest: dict[str, Any], name: str) -> int | None:
    """Take a number out of a page; an odd one stays there, and so in ``extra``."""
    try:
        number = values.number(rest.get(name))
    except (ValueError, TypeError):
        return None
    rest.pop(name, None)
    return number
