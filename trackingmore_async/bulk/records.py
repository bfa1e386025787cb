"""What a journal keeps of a job, as bytes: its name, what is about to be sent, what became of each tracking."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import msgspec

from trackingmore_async.errors import JournalError

__all__ = ["Digest", "Intent", "JobName", "Record", "RecordState", "RunMark", "pack", "unpack"]

RecordState = Literal["succeeded", "failed", "trouble", "unknown"]
"""What is known of a tracking: ``failed`` is the server's word on it; ``trouble`` has nothing to do with the item."""


@attrs.frozen
class JobName:
    """What makes a job the same job.

    Args:
        operation: The name of the operation.
        base_url: The address of the API.
        account: A salted digest of the key.
        job_id: The caller's name for the job.
        salt: What this journal's hashes are salted with.
        version: Of the layout.
    """

    operation: str
    base_url: str
    account: bytes
    job_id: str
    salt: bytes
    version: int = 1


@attrs.frozen
class RunMark:
    """The latest run of a job.

    Args:
        number: Counted from 1.
        ended: Whether it came to its end; else it was killed.
        limiter: What the limiter knew at that end, or at a ban; empty: nothing.
    """

    number: int
    ended: bool
    limiter: bytes = b""


@attrs.frozen
class Intent:
    """A batch that is about to be sent.

    Args:
        sent_at: When, by this computer's clock (unix seconds).
        by_their_clock: When, by the server's clock, if that is known.
        items: Key and digest of each item.
    """

    sent_at: float
    by_their_clock: float | None
    items: list[tuple[str, bytes]]


@attrs.frozen
class Record:
    """What is known of one tracking.

    Args:
        state: What became of the last item that was sent for it.
        run: In which run.
        digest: Of what was sent.
        code: The ``meta.code`` of a failure, if there was one.
        sent_at: If unknown, when it was sent first, by this computer's clock (unix seconds).
        by_their_clock: The same by the server's clock, if that is known.
        intent: The number of the batch of that run that it was last sent with; None: what it says is only assumed.
    """

    state: RecordState
    run: int
    digest: bytes
    code: int | None = None
    sent_at: float | None = None
    by_their_clock: float | None = None
    intent: int | None = None


class Digest:
    """Makes of payloads what tells them apart without telling them.

    Args:
        salt: 16 bytes, another for each journal.
    """

    __slots__ = ("_salted",)

    def __init__(self, salt: bytes) -> None:
        self._salted = hashlib.blake2b(digest_size=16, salt=salt)

    def of(self, payload: bytes) -> bytes:
        """Return the digest of a payload."""
        digest = self._salted.copy()  # at half the price of a new one
        digest.update(payload)
        return digest.digest()


def pack(value: JobName | RunMark | Intent | Record) -> bytes:
    """Write a value as bytes: its fields in their order."""
    return msgspec.msgpack.encode([getattr(value, name) for name in _NAMES[type(value)]])


def unpack(kind: type[Any], row: bytes) -> Any:
    """Read back what `pack` wrote."""
    try:
        fields = msgspec.msgpack.decode(row, type=list[Any])
        return msgspec.convert(dict(zip(_NAMES[kind], fields, strict=False)), kind)
    except msgspec.MsgspecError as error:
        raise JournalError(
            f"The journal holds a row that cannot be read ({error}). It was damaged, or written by something else: "
            "restore it from a copy, or begin anew with another file."
        ) from None


_NAMES: Mapping[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in attrs.fields(kind)) for kind in (JobName, RunMark, Intent, Record)
}
