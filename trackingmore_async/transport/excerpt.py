"""What may be said of a body that is not the answer that was promised (DESIGN.md rule 14)."""

from __future__ import annotations

import re

import msgspec

__all__ = ["describe_body"]

SHOWN = 80  # letters of a body that is certainly no JSON
_BRACE = re.compile(r"[{\[]")


def describe_body(body: bytes, secret: str) -> str:
    """Describe a body without showing anything of a JSON document, which may hold customers' data.

    Args:
        body: The body as it came.
        secret: Text that is never shown: some proxies echo the request, key included, in their error pages.
    """
    text = body.strip()
    if not text:
        return "an empty body"
    if _letters(text[:64])[:1] in {"{", "["}:
        return _describe_json(text)
    return _describe_text(text, secret)


def _letters(text: bytes) -> str:
    """Return what can be read of a text in any encoding: JSON in UTF-16, or behind a byte order mark, is JSON too."""
    readable = text.decode("utf-8", "replace")
    return "".join(letter for letter in readable if letter.isprintable() and letter not in "\ufeff\ufffd").strip()


def _describe_json(text: bytes) -> str:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return f"broken JSON of {len(text):,} bytes ({error})"
    except RecursionError:
        return f"JSON of {len(text):,} bytes that is nested too deeply"
    except UnicodeDecodeError:
        return f"JSON of {len(text):,} bytes that is no UTF-8"
    return f"JSON of {len(text):,} bytes without meta.code"


def _describe_text(text: bytes, secret: str) -> str:
    words = _letters(b" ".join(text.split())).replace(secret, "***")
    shown = _BRACE.split(words, maxsplit=1)[0][:SHOWN]  # a script may carry a document of JSON
    kind = "HTML" if words.startswith("<") else "text"
    return f"{kind} of {len(text):,} bytes that begins with {shown!r}"
