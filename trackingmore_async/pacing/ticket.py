"""The permit of the local limiter: what its holder sees, and the slots that it closes."""

from __future__ import annotations

import attrs

from .protocol import Permit
from .slots import Slot

__all__ = ["Ticket"]


@attrs.define(eq=False, kw_only=True)
class Ticket(Permit):
    """A permit that knows its slots.

    Args:
        slot: The slot of its bucket.
        owner: Who granted it.
        total_slot: The slot of the rate that bounds all buckets together, if there is one.
        reports: How many times its holder said what became of it.
    """

    slot: Slot = attrs.field(repr=False)
    owner: object = attrs.field(repr=False)
    total_slot: Slot | None = attrs.field(default=None, repr=False)
    reports: int = attrs.field(default=0, repr=False)

    def note(self, sent_at: float, answered_at: float | None) -> None:
        """Tell the slots what became of the request."""
        self.slot.note(sent_at, answered_at)
        if self.total_slot is not None:
            self.total_slot.note(sent_at, answered_at)
