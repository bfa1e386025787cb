"""A sandbox on a socket and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.client.helpers import KEY
from trackingmore_async import TrackingMore
from trackingmore_async.sandbox import Sandbox


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the variables of the computer that it runs on."""
    for name in ("TRACKINGMORE_API_KEY", "TRACKINGMORE_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Serve a sandbox on a socket."""
    async with Sandbox(keys=[KEY]) as serving:
        yield serving


@pytest.fixture
async def tm(sandbox: Sandbox) -> AsyncIterator[TrackingMore]:
    """Open a client for it; each call is a request of its own."""
    async with TrackingMore(sandbox.key, base_url=sandbox.url) as client:
        yield client.with_options(coalesce=False)
