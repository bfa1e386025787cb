"""The pause between two attempts of one call; beside the limiter, the only sleep on purpose."""

from __future__ import annotations

import anyio

__all__ = ["back_off"]


async def back_off(seconds: float) -> None:
    """Sleep for `seconds` while holding neither a slot nor a connection."""
    await anyio.sleep(seconds)
