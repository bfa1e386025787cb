"""Cutting a page into undecoded items."""

from __future__ import annotations

import json
import pickle
from typing import Any

import msgspec
import pytest

from trackingmore_async.codec import decode_page, decode_tracking
from trackingmore_async.errors import DecodeError
from trackingmore_async.models import Page

from .samples import BARE, TRACKING, raw

PAGE: dict[str, Any] = {"page": 1, "limit": 25, "total": "2", "count": 2, "items": [TRACKING, BARE]}


def items(page: Page) -> list[Any]:
    """Return the items, decoded as JSON."""
    return [json.loads(bytes(item)) for item in page.items]


@pytest.mark.parametrize("total", ["2", 2, 2.0, "2.0"])
def test_a_total_is_a_number_however_sent(total: Any) -> None:
    """The vendor sends the total as a text."""
    page = decode_page(raw({**PAGE, "total": total}))
    assert (page.total, page.page, page.limit, page.count, page.extra) == (2, 1, 25, 2, {})
    assert items(page) == PAGE["items"]


def test_items_are_decoded_one_by_one() -> None:
    """An item that is no tracking hurts no other."""
    page = decode_page(raw({**PAGE, "items": [TRACKING, {"odd": 1}]}))
    assert decode_tracking(page.items[0]).order_id == "A-77"
    with pytest.raises(DecodeError, match=r"items\[1\]"):
        decode_tracking(page.items[1], "$.data.items[1]")


@pytest.mark.parametrize(
    "changes",
    [{"later": {"a": 1}}, {"page": "1"}, {"limit": None}, {"count": "2"}, {"count": [2]}, {"page": "one"}],
)
def test_an_odd_page_is_read_all_the_same(changes: dict[str, Any]) -> None:
    """New keys and odd numbers go to extra at most."""
    page = decode_page(raw({**PAGE, **changes}))
    assert (page.total, items(page)) == (2, PAGE["items"])
    assert page.extra == {name: value for name, value in changes.items() if value in ([2], "one", {"a": 1})}


@pytest.mark.parametrize("empty", [[], {}, None, "", "missing"])
def test_a_page_without_items_is_empty(empty: Any) -> None:
    """An empty list in any shape is no items."""
    data = {**PAGE, "total": "0", "items": empty}
    if empty == "missing":
        del data["items"]
    page = decode_page(raw(data))
    assert (page.total, page.items) == (0, ())


@pytest.mark.parametrize("data", [None, *map(msgspec.Raw, (b"[]", b"{}", b"null", b" [ ] "))])
def test_nothing_is_an_empty_page(data: msgspec.Raw | None) -> None:
    """No data at all is an empty page (API.md 3.6)."""
    assert decode_page(data) == Page(total=0)


@pytest.mark.parametrize("total", [None, "", "many", [], "missing"])
def test_items_without_a_total_are_refused(total: Any) -> None:
    """Without a total nobody can know whether more pages follow."""
    data = {**PAGE, "total": total}
    if total == "missing":
        del data["total"]
    with pytest.raises(DecodeError) as caught:
        decode_page(raw(data))
    assert caught.value.path == "$.data.total"


@pytest.mark.parametrize("data", [5, "text", [TRACKING], {**PAGE, "items": {"0": TRACKING}}, {**PAGE, "items": 5}])
def test_what_is_no_page_is_refused(data: Any) -> None:
    """A page is an object with a list of items."""
    with pytest.raises(DecodeError):
        decode_page(raw(data))


def test_a_page_with_broken_unicode_is_mended() -> None:
    """Half a surrogate pair in one item does not lose the page."""
    page = decode_page(msgspec.Raw(json.dumps(PAGE).encode().replace(b"mug", b"\\ud83d")))
    assert [decode_tracking(item).tracking_number for item in page.items] == ["LX900000017CN"] * 2


def test_a_page_pickles() -> None:
    """A page with its undecoded items survives a pickle."""
    page = decode_page(raw(PAGE))
    assert pickle.loads(pickle.dumps(page)) == page  # noqa: S301
