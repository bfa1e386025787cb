"""Pages without rows: a list that is empty, and a page that is empty although rows were promised."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pages.scene import count, scene
from trackingmore_async.errors import NotFoundError
from trackingmore_async.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("empty_list", [4031, 4017, 200])
@pytest.mark.parametrize("http_status", ["ok", "real"])
@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_an_empty_list_is_simply_empty(empty_list: Any, http_status: Any, order: Any) -> None:
    """Nothing at all is no error and no gap, however the server says it."""
    sandbox = Sandbox(switches=Switches(empty_list=empty_list, http_status_of_errors=http_status))
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(order=order)
        assert await count(pages.__aiter__()) == {}
        assert (pages.total, pages.gaps) == (0, ())
        async with pages as walk:
            assert await count(walk) == {}
        page = await pages
    assert (page.items, page.total, len(here.asked)) == ((), 0, 3)


async def test_a_wrong_address_is_no_empty_list() -> None:
    """A 404 of the API itself, or of another server, is an error and not an empty list."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("list", on={1}, code=404), Fault("list", on={2}, status=404, body="html"))
    async with scene(sandbox) as here:
        for _ in range(2):
            with pytest.raises(NotFoundError):
                await here.tm.trackings.list()


@pytest.mark.parametrize("code", [4031, 4017])
async def test_a_page_that_is_empty_once_is_read_again(code: int) -> None:
    """One empty answer in the middle costs one more request and nothing else."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100)
    sandbox.faults.add(Fault("list", on={4}, code=code))
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(page_size=20)
        assert len(await count(pages.__aiter__())) == 100
    assert here.pages == [1, 5, 4, 3, 3, 2, 1]
    assert pages.gaps == ()


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_page_that_stays_empty_is_a_gap(order: Any) -> None:
    """Two empty answers where rows were promised are a gap, with the number of the page."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100)
    sandbox.faults.add(Fault("list", on={3, 4}, code=4031))
    async with scene(sandbox) as here:
        pages = here.tm.trackings.list(page_size=20, order=order)
        found = await count(pages.__aiter__())
    assert len(found) == (80 if order == "oldest" else 40)
    assert [(gap.page, "promised" in gap.reason) for gap in pages.gaps] == [(4 if order == "oldest" else 3, True)]


async def test_rows_that_are_really_gone_are_no_gap() -> None:
    """When the next total shows that the rows of an empty page were deleted, nothing is said."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100)
    calls: list[int] = []

    def delete() -> None:
        calls.append(1)
        if len(calls) == 2:
            for one in list(sandbox.trackings)[30:]:
                sandbox.delete(*one)

    async with scene(sandbox, delete) as here:
        pages = here.tm.trackings.list(page_size=20)
        found = await count(pages.__aiter__())
    assert set(found) == set(sandbox.trackings)
    assert pages.gaps == ()


async def test_everything_deleted_meanwhile_is_no_gap() -> None:
    """A walk over a list that others empty ends quietly."""
    sandbox = Sandbox()
    sandbox.seed_trackings(100, created_between=(1_700_000_000, 1_700_000_100))
    calls: list[int] = []

    def delete() -> None:
        calls.append(1)
        if len(calls) == 3:
            for one in list(sandbox.trackings):
                sandbox.delete(*one)

    async with scene(sandbox, delete) as here:
        pages = here.tm.trackings.list(page_size=20)
        assert len(await count(pages.__aiter__())) == 20
    assert pages.gaps == ()


async def test_a_total_shows_at_once_where_the_list_ends_now() -> None:
    """An empty page that tells the total saves the way through all other empty pages."""
    sandbox = Sandbox(switches=Switches(empty_list=200))
    sandbox.seed_trackings(1000)
    calls: list[int] = []

    def delete() -> None:
        calls.append(1)
        if len(calls) == 3:
            for one in list(sandbox.trackings)[15:]:
                sandbox.delete(*one)

    async with scene(sandbox, delete) as here:
        pages = here.tm.trackings.list(page_size=10)
        assert set(await count(pages.__aiter__())) >= set(sandbox.trackings)
    assert here.pages == [1, 100, 99, 2, 1]
    assert pages.gaps == ()
