"""A client that one task closes while others use it, or that is used where it does not belong."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from tests.client.helpers import failure
from tests.web.servers import PATH, serve_asgi
from tests.web.shop import Shop
from tests.web.test_gone import until
from trackingmore_async import ClientStateError
from trackingmore_async.sandbox import Sandbox
from trackingmore_async.settings import Coalesce

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("coalesce", ["reads", False])
async def test_closing_under_the_hands_of_visitors(coalesce: Coalesce, sandbox: Sandbox) -> None:
    """Whoever closes the client of a running application ends all look-ups, and later ones say why; none hangs."""
    shop = Shop(coalesce=coalesce)
    async with serve_asgi(shop.starlette()) as site:
        assert (await site.get()).status_code == 200
        async with anyio.create_task_group() as visitors:
            for index in range(5):
                visitors.start_soon(site.get, PATH.replace("00CN", f"0{index}CN"))
            await until(lambda: shop.asking == 5)
            with anyio.fail_after(4.0):
                await shop.tm.aclose()
                await until(lambda: shop.asking == 0)
        assert (await site.get()).status_code == 500
    assert shop.endings == ["answered", *["ClientStateError"] * 6]
    assert sandbox.statistics().total_requests == 1


async def test_many_tasks_close_at_once(sandbox: Sandbox) -> None:
    """However many tasks close a client, none of them hangs or fails, and the client is closed."""
    shop = Shop()
    async with shop.life():
        call = asyncio.ensure_future(failure(shop.look_up("china-ems", "LX0000001CN")))
        await asyncio.sleep(0)
        async with anyio.create_task_group() as closers:
            for _ in range(10):
                closers.start_soon(shop.tm.aclose)
        assert isinstance(await call, ClientStateError)
    error = await failure(shop.look_up("china-ems", "LX0000001CN"))
    assert isinstance(error, ClientStateError)
    assert "closed" in str(error)


async def test_a_client_that_is_open_is_not_opened_for_each_request(sandbox: Sandbox) -> None:
    """A handler that enters the application's client again is told what to do, and takes nothing from the others."""
    shop = Shop()
    async with shop.life():
        with pytest.raises(ClientStateError, match=r"share the client from there"):
            async with shop.tm:
                pass
        assert (await shop.look_up("china-ems", "LX0000001CN"))["number"] == "LX0000001CN"


async def test_a_client_of_another_loop_is_refused(sandbox: Sandbox) -> None:
    """A worker thread with a loop of its own cannot use the application's client, and the error says what to do."""
    shop = Shop()
    async with shop.life():
        error = await asyncio.to_thread(asyncio.run, failure(shop.look_up("china-ems", "LX0000001CN")))
        assert isinstance(error, ClientStateError)
        assert "one TrackingMore(...) for each loop" in str(error)
        await shop.look_up("china-ems", "LX0000001CN")
