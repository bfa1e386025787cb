"""Shared requests run on the virtual clock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import VIRTUAL


@pytest.fixture(params=[pytest.param(VIRTUAL, id="virtual")])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run on the virtual clock."""
    return request.param
