"""The virtual clock of the tests stands still while a store works."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.conftest import VIRTUAL
from trackingmore_async import SqliteStore

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock."""
    return request.param


async def test_a_store_takes_no_virtual_time(path: Path) -> None:
    """While somebody else sleeps, opening, writing, reading and closing happen in one moment."""
    sleeper = asyncio.ensure_future(asyncio.sleep(3600))
    begin = anyio.current_time()
    async with SqliteStore(path) as store:
        for index in range(20):
            await store.write({f"{index}": b"x"})
            await store.scan("")
    assert anyio.current_time() - begin < 0.001
    assert not sleeper.done()
    sleeper.cancel()
