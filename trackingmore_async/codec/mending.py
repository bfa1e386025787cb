"""JSON that is not quite JSON, made readable."""

from __future__ import annotations

import json
import math
from typing import Any, Final

__all__ = ["mended"]

_LONGEST_NUMBER: Final = 4000
"""Python refuses to read integers of more than 4300 digits."""


def mended(body: bytes) -> bytes:
    """Rewrite a body that the strict decoder refuses, where it is clear what was meant.

    A byte order mark goes; bytes that are no UTF-8 and halves of surrogate pairs become question marks or U+FFFD;
    control characters inside texts (API.md 1.4) are escaped; NaN becomes null; numbers beyond all measure become texts.

    Args:
        body: Anything.

    Returns:
        Strict JSON.

    Raises:
        ValueError: It is no JSON at all.
        RecursionError: It is nested too deeply.

    Example:
        >>> mended(b'{"a": NaN}')
        b'{"a": null}'
    """
    text = body.decode("utf-8-sig", "replace")
    value = _LENIENT.decode(text.strip())
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) < _LONGEST_NUMBER else digits


def _fraction(digits: str) -> Any:
    value = float(digits)
    return value if math.isfinite(value) else digits


def _nothing(_constant: str) -> None:
    return None


_LENIENT: Final = json.JSONDecoder(parse_int=_integer, parse_float=_fraction, parse_constant=_nothing, strict=False)
