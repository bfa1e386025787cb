"""A sandbox on a socket, which the environment names as the service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.client.conftest import clean_environment
from trackingmore_async.sandbox import Sandbox

__all__ = ["clean_environment"]


@pytest.fixture
async def sandbox(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """Serve a sandbox with some parcels at its default rates, and let clients find it."""
    async with Sandbox(log_arrivals=True) as serving:
        serving.seed_trackings(40)
        monkeypatch.setenv("TRACKINGMORE_API_KEY", serving.key)
        monkeypatch.setenv("TRACKINGMORE_BASE_URL", serving.url)
        yield serving
