"""What a batch answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import frozen

from .base import Model, Result, extra_field
from .echo import TrackingEcho

__all__ = ["BatchAnswer", "BatchEntry"]


@frozen(repr=False, kw_only=True, weakref_slot=False)
class BatchEntry(Model):
    """What a batch says about one of its items.

    Args:
        tracking_number: The number of the parcel; None when the entry does not name it.
        carrier_code: The vendor's code of the carrier; None when the entry does not name it.
        code: The item's own ``meta.code``; None when the entry holds none.
        refused: Whether the entry stands among the ``errors``; then it failed even if it holds no code.
        tracking: The echo of a create or an edit; None for failures, and where nothing is echoed.
        extra: What else the entry holds, when there is no echo to hold it.

    Example:
        >>> BatchEntry(tracking_number="ZZ900000019CN", code=4016)
        BatchEntry(tracking_number='ZZ900000019CN', code=4016)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("carrier_code", "tracking_number", "code")

    tracking_number: str | None = None
    carrier_code: str | None = None
    code: int | None = None
    refused: bool = False
    tracking: TrackingEcho | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen(repr=False, kw_only=True, weakref_slot=False)
class BatchAnswer(Result):
    """The answer to create_many, update_many, delete_many or stop_updating_many, for one request.

    Args:
        submitted: How many items the server saw; None when it did not say.
        changed: How many it carried out (``added``, ``updated``, ``delete`` or ``change``); None when it did not say.
        entries: What it says about single items: first those of ``trackings``, then those of ``errors``.
        extra: What else the server sent.

    Example:
        >>> BatchAnswer(submitted=2, changed=2)
        BatchAnswer(submitted=2, changed=2)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("submitted", "changed")

    submitted: int | None = None
    changed: int | None = None
    entries: tuple[BatchEntry, ...] = ()
    extra: Mapping[str, Any] = extra_field()
