"""What all tests of journals share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is; there is nothing yet."""
    return tmp_path / "job.sqlite3"
