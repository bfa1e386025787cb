"""The envelope around every answer: ``{"meta": {"code", "type", "message"}, "data": ...}`` (API.md 1.2)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from attrs import field, frozen

from .mending import mended
from .values import number

__all__ = ["Envelope", "open_envelope"]


@frozen(repr=False)
class Envelope:
    """What every answer is wrapped in.

    Args:
        code: ``meta.code``.
        type: ``meta.type``; empty when missing.
        data: The content, undecoded; None when missing or null.

    Example:
        >>> open_envelope(b'{"meta": {"code": 200, "type": "Success"}, "data": []}')
        Envelope(code=200, type='Success', data=<2 bytes>)
    """

    code: int
    type: str = ""
    data: msgspec.Raw | None = field(default=None, hash=False)

    def __repr__(self) -> str:
        data = "None" if self.data is None else f"<{memoryview(self.data).nbytes} bytes>"
        return f"Envelope(code={self.code}, type={self.type!r}, data={data})"


class _Wire(msgspec.Struct):
    meta: dict[str, Any]
    data: msgspec.Raw = msgspec.Raw()


_DECODER: Final = msgspec.json.Decoder(_Wire)
_BROKEN: Final = (ValueError, RecursionError)


def open_envelope(body: bytes) -> Envelope | None:
    """Open the envelope of an answer, whatever its HTTP status was (API.md 1.3). Never raises.

    Args:
        body: The bytes of the answer.

    Returns:
        The envelope; None when the body is no JSON object with a ``meta.code`` that is a number.

    Example:
        >>> open_envelope(b"<html>Bad gateway</html>") is None
        True
    """
    try:
        return _opened(_DECODER.decode(body))
    except _BROKEN:
        pass
    try:
        return _opened(_DECODER.decode(mended(body)))
    except _BROKEN:
        return None


def _opened(wire: _Wire) -> Envelope | None:
    try:
        code = number(wire.meta.get("code"))
    except ValueError:
        return None
    if code is None:
        return None
    kind = wire.meta.get("type")
    return Envelope(code, kind if isinstance(kind, str) else "", None if _is_nothing(wire.data) else wire.data)


def _is_nothing(data: msgspec.Raw) -> bool:
    return bytes(memoryview(data)[:5]) in (b"", b"null")
