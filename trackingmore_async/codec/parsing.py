"""From bytes to JSON values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from .explain import refuse
from .mending import mended

__all__ = ["parse"]

_DECODER: Final = msgspec.json.Decoder()
decode_strictly: Callable[[bytes | msgspec.Raw], Any] = _DECODER.decode
"""The quick way: strict JSON to values. Raises `ValueError` or `RecursionError`."""


def parse(raw: bytes | msgspec.Raw, path: str) -> Any:
    """Decode JSON; what is not quite JSON is mended first.

    Args:
        raw: The bytes.
        path: Where they stood, for the text of an error.

    Raises:
        DecodeError: They are no JSON, or nested too deeply.
    """
    try:
        return decode_strictly(raw)
    except (ValueError, RecursionError):
        pass
    try:
        return decode_strictly(mended(bytes(raw)))
    except (ValueError, RecursionError):
        raise refuse(f"{len(bytes(raw))} bytes that are no JSON", path) from None
