"""Counts outcomes as they are handed out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import attrs

from trackingmore_async.batches import Entry
from trackingmore_async.models import BulkReport, Outcome, OutcomeState

__all__ = ["Tally"]

KEPT = 1000  # failures that a report names; going through the outcomes gives all


@attrs.define
class Tally:
    """The running sum of a job."""

    counts: Counter[OutcomeState] = attrs.field(factory=Counter[OutcomeState])
    failures: list[Outcome[Any]] = attrs.field(factory=list[Outcome[Any]])
    recalled: int = 0

    @property
    def done(self) -> int:
        """How many inputs have an outcome."""
        return self.counts.total()

    def add(self, outcome: Outcome[Any]) -> None:
        """Count one outcome, and keep it if it is one of the first failures."""
        self.counts[outcome.state] += 1
        if outcome.state in {"failed", "unknown"} and len(self.failures) < KEPT:
            self.failures.append(outcome)

    def recall(self, entries: Iterable[Entry]) -> None:
        """Count the inputs whose outcome the journal knows, though not those that are left out on purpose."""
        known = [entry for entry in entries if entry.verdict is not None and entry.verdict.state != "not_attempted"]
        self.recalled += sum(len(entry.parts) for entry in known)

    def report(self, *, duration: float, requests: int, pauses: int) -> BulkReport:
        """Return the sum so far."""
        return BulkReport(
            succeeded=self.counts["succeeded"],
            failed=self.counts["failed"],
            superseded=self.counts["superseded"],
            unknown=self.counts["unknown"],
            not_attempted=self.counts["not_attempted"],
            recalled=self.recalled,
            failures=tuple(self.failures),
            duration=duration,
            requests=requests,
            pauses=pauses,
        )
