"""Feeds wait for minutes: these tests run on the virtual clock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import VIRTUAL


@pytest.fixture
def anyio_backend() -> Any:
    """Run on the virtual clock."""
    return VIRTUAL
