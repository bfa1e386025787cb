"""Outcomes and the report of a bulk job."""

from __future__ import annotations

import pickle

import pytest

from trackingmore_async.errors import AlreadyExistsError, NotFoundError
from trackingmore_async.models import BulkReport, Outcome, TrackingRef

REF = TrackingRef("zto", "500600700800")


def test_an_outcome_pickles_and_compares_with_its_error() -> None:
    """Two outcomes are equal when their errors say the same, although exceptions compare by identity."""
    outcome = Outcome(1, REF, "failed", error=AlreadyExistsError("There.", code=4016), attempts=2)
    assert pickle.loads(pickle.dumps(outcome)) == outcome  # noqa: S301
    assert outcome != Outcome(1, REF, "failed", error=NotFoundError("There.", code=4016), attempts=2)
    assert outcome != Outcome(1, REF, "failed", attempts=2)
    assert hash(outcome) == hash(pickle.loads(pickle.dumps(outcome)))  # noqa: S301


@pytest.mark.parametrize(
    ("counts", "total", "ok"),
    [
        ({}, 0, True),
        ({"succeeded": 2, "superseded": 1}, 3, True),
        ({"succeeded": 2, "failed": 1}, 3, False),
        ({"unknown": 1}, 1, False),
        ({"not_attempted": 4}, 4, False),
    ],
)
def test_a_report_is_fine_when_nothing_is_left_undone(counts: dict[str, int], total: int, ok: bool) -> None:
    """Superseded items are fine; failed, unknown and untried ones are not."""
    report = BulkReport(**counts)  # type: ignore[arg-type]
    assert (report.total, report.ok) == (total, ok)


def test_a_report_pickles() -> None:
    """A report with failures survives a pickle."""
    report = BulkReport(failed=1, failures=(Outcome(0, REF, "failed", error=NotFoundError("No.")),), duration=1.5)
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301
