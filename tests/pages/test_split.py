"""``numbers`` and ``orders`` that are more than one request can name."""

from __future__ import annotations

import pytest

from tests.pages.scene import count, scene
from trackingmore_async.errors import ConfigurationError
from trackingmore_async.pages.reasons import SPLIT
from trackingmore_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


def names(count: int, first: int = 0) -> list[str]:
    """Return tracking numbers of seeded trackings."""
    return [f"LX{index:07}CN" for index in range(first, first + count)]


@pytest.mark.parametrize("ahead", [True, False])
async def test_long_numbers_are_asked_for_in_parts_of_forty(ahead: bool) -> None:
    """100 numbers take three requests; each tracking comes once, duplicates in the input are asked for once."""
    sandbox = Sandbox()
    sandbox.seed_trackings(200)
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(numbers=[*names(100), *names(50)])
        if ahead:
            async with pages as walk:
                found = await count(walk)
        else:
            found = await count(pages.__aiter__())
    assert set(found) == {("china-ems", name) for name in names(100)}
    assert max(found.values()) == 1
    assert [query["numbers"].split(",") for query in here.asked] == [names(40), names(40, 40), names(20, 80)]
    assert pages.total == 100


async def test_long_orders_are_split_and_a_part_may_have_several_pages() -> None:
    """An order id may have many trackings: each part is a list of its own."""
    sandbox = Sandbox()
    for index in range(450):
        sandbox.create("zto", f"ZZ{index:07}", order_id=f"A-{index % 45}")
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(orders=[f"A-{index}" for index in range(45)], page_size=100)
        assert await count(pages.__aiter__()) == dict.fromkeys(sandbox.trackings, 1)
        assert pages.total == 450
    assert [gap.reason for gap in pages.gaps] == [SPLIT]  # nobody can know whether an order id was edited


async def test_a_tracking_that_moves_to_another_part_comes_once() -> None:
    """When an order id is edited meanwhile, the tracking is not handed out with both."""
    sandbox = Sandbox()
    sandbox.create("zto", "ZZ0000001", order_id="A-0")
    calls: list[int] = []

    def edit() -> None:
        calls.append(1)
        if len(calls) == 2:
            sandbox.trackings.set_fields(sandbox.trackings.find("zto", "ZZ0000001") or 0, {"order_id": "A-44"})

    async with scene(sandbox, edit) as here:
        found = await count(here.tm.trackings.list(orders=[f"A-{index}" for index in range(45)]).__aiter__())
    assert found == {("zto", "ZZ0000001"): 1}


async def test_the_first_page_takes_as_many_parts_as_fill_it() -> None:
    """The first page of a split list asks for parts until it is full; only then total may stay unknown."""
    sandbox = Sandbox()
    sandbox.seed_trackings(200)
    async with scene(sandbox) as here:
        some = here.tm.trackings.list(numbers=names(200), page_size=50)
        page = await some
        assert (len(page), page.total, some.total, len(here.asked)) == (50, None, None, 2)
        everything = await here.tm.trackings.list(numbers=names(90))
        assert (len(everything), everything.total) == (90, 90)


async def test_both_filters_may_not_be_long() -> None:
    """One long filter goes with a short other one; two long ones are refused."""
    sandbox = Sandbox()
    for index in range(60):
        sandbox.create("zto", f"ZZ{index:07}", order_id=f"A-{index % 2}")
    numbers = [f"ZZ{index:07}" for index in range(60)]
    async with scene(sandbox) as here:
        assert len(await count(here.tm.trackings.list(numbers=numbers, orders="A-1").__aiter__())) == 30
        with pytest.raises(ConfigurationError, match="both longer than 40"):
            here.tm.trackings.list(numbers=numbers, orders=numbers)


async def test_maximum_and_newest_go_over_parts() -> None:
    """max_items counts over all parts, and order="newest" walks each of them forward."""
    sandbox = Sandbox()
    sandbox.seed_trackings(200)
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(numbers=names(200), order="newest", max_items=70)
        assert sum((await count(pages.__aiter__())).values()) == 70
    assert len(here.asked) == 2
