"""The tests of the transport see none of the computer's own variables."""

from __future__ import annotations

from tests.client.conftest import clean_environment

__all__ = ["clean_environment"]
