"""Bytes to models and models to bytes. Every quirk of the wire lives here and nowhere else (API.md 1.4)."""

from __future__ import annotations

from .checks import check_ref
from .documents import dumps, loads
from .envelope import Envelope, open_envelope
from .pages import decode_page
from .replies import decode, decode_tracking
from .requests import Wire, check, encode, encode_batch, encode_item

__all__ = [
    "Envelope",
    "Wire",
    "check",
    "check_ref",
    "decode",
    "decode_page",
    "decode_tracking",
    "dumps",
    "encode",
    "encode_batch",
    "encode_item",
    "loads",
    "open_envelope",
]
