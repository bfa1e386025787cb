"""The token: where a walk stands, as a text that outlives the process."""

from __future__ import annotations

import zlib
from base64 import b64decode, urlsafe_b64encode
from typing import Final, Literal

import attrs
import msgspec

from trackingmore_async.errors import ConfigurationError

__all__ = ["MOST_IDS", "ForwardPlace", "Memory", "Order", "Place", "Token", "read_token", "write_token"]

Order = Literal["oldest", "newest"]
"""Where a walk begins: "oldest" misses nothing, "newest" stops early and may miss what deletions move."""

VERSION: Final = "w1."
MOST_IDS: Final = 50_000  # digests of 8 bytes that a token takes: half a megabyte of text


@attrs.frozen(kw_only=True)
class Memory:
    """What `Seen` remembers: see there. Ids are digests, and nothing else of a tracking is kept.

    Args:
        edge: The time of creation that was passed; None before the first tracking.
        ids: Digests, joined.
        everything: Whether they are of everything that was handed out.
        in_order: Whether the list was in order so far.
        steps: In how many places it showed its order.
        pages: How many pages had rows.
        undated: Whether a tracking did not say when it was created.
    """

    edge: float | None
    ids: bytes
    everything: bool
    in_order: bool
    steps: int
    pages: int
    undated: bool


@attrs.frozen(kw_only=True)
class ForwardPlace:
    """Where a walk from the first page on stands: the fields of `Forward`."""

    page: int
    size: int
    until: int | None
    total: int | None
    ended: bool
    endless: bool


@attrs.frozen(kw_only=True)
class Place:
    """Where a walk from the last page to the first stands: the fields of `Backward` and `Oldest`.

    What is not `opened` begins anew, with what was created between `floor` and `ceiling`.
    """

    floor: int | None = None
    ceiling: int | None = None
    opened: bool = False
    size: int = 0
    unread: int = 0
    until: int | None = None
    clock: int | None = None
    clockless: bool = False
    newest: float | None = None
    passes: int = 1
    total: int | None = None
    known_from: int = 0
    overlap: int = 0
    tail: bool = False


@attrs.frozen(kw_only=True, repr=False)
class Token:
    """All that a walk needs to go on.

    Args:
        order: The order of the walk.
        page_size: Trackings a page, as the caller wished.
        filters: The caller's filters, a JSON document.
        part: Which part of a split list is being walked, from 0.
        totals: What the first page of each part said.
        gaps: Page and reason of each gap.
        memory: What was handed out; None: this part has to begin anew.
        back: The place of a walk from the last page to the first.
        on: The place of a walk from the first page on.
        again: Whether there were too many ids to take along.
    """

    order: Order
    page_size: int | None
    filters: bytes
    part: int = 0
    totals: dict[int, int] = attrs.field(factory=dict[int, int])
    gaps: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    memory: Memory | None = None
    back: Place | None = None
    on: ForwardPlace | None = None
    again: bool = False


def write_token(token: Token) -> str:
    """Write a token as a text of letters, digits, ``-``, ``_``, ``.`` and ``=``."""
    packed = zlib.compress(msgspec.msgpack.encode(token), 1)
    return VERSION + urlsafe_b64encode(packed).decode("ascii")


def read_token(text: str) -> Token:
    """Read a token.

    Raises:
        ConfigurationError: it is none, or damaged, or of another version of this library.
    """
    if not isinstance(text, str) or not text.startswith(VERSION):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            "resume is no token of a walk, or one of another version of this library: pass what `token` gave, "
            "unchanged, or begin a new walk."
        )
    try:
        packed = b64decode(text.removeprefix(VERSION), altchars="-_", validate=True)
        return msgspec.msgpack.decode(zlib.decompress(packed), type=Token)
    except (ValueError, zlib.error, msgspec.MsgspecError):
        raise ConfigurationError(
            "The token given as resume is damaged: pass what `token` gave, unchanged, or begin a new walk."
        ) from None
