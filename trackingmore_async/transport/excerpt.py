"""What may be said of a body that is not the answer that was promised (DESIGN.md rule 14)."""

from __future__ import annotations

import msgspec

__all__ = ["describe_body"]

SHOWN = 80  # letters of a body that is certainly no JSON


def describe_body(body: bytes, secret: str) -> str:
    """Describe a body without showing anything of a JSON document, which may hold customers' data.

    Args:
        body: The body as it came.
        secret: Text that is never shown: some proxies echo the request, key included, in their error pages.
    """
    text = body.strip()
    if not text:
        return "an empty body"
    if text[:1] in {b"{", b"["}:
        return _describe_json(text)
    return _describe_text(text, secret)


def _describe_json(text: bytes) -> str:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return f"broken JSON of {len(text):,} bytes ({error})"
    except UnicodeDecodeError:
        return f"JSON of {len(text):,} bytes that is no UTF-8"
    return f"JSON of {len(text):,} bytes without meta.code"


def _describe_text(text: bytes, secret: str) -> str:
    readable = text.decode("utf-8", "replace").replace(secret, "***")
    words = " ".join(readable.split())
    shown = "".join(letter for letter in words[:SHOWN] if letter.isprintable())
    kind = "HTML" if readable.lstrip().startswith("<") else "text"
    return f"{kind} of {len(text):,} bytes that begins with {shown!r}"
