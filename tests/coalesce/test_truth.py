"""Random calls at the same time in random trouble: whatever breaks, every caller is told the truth.

``TRACKINGMORE_EXAMPLES`` multiplies the number of stories, ``TRACKINGMORE_SEED`` draws others; ``make soak`` does both.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings

from tests.bulk.faults import brief

from .truth import lies
from .truth_stories import Story, stories
from .truth_world import play

EXAMPLES = float(os.environ.get("TRACKINGMORE_EXAMPLES", "1"))
SEED = int(os.environ.get("TRACKINGMORE_SEED", "0"))

pytestmark = pytest.mark.timeout(max(600, 600 * EXAMPLES))  # seconds; it may take minutes to make a failing story short


def test_every_caller_is_told_the_truth() -> None:
    """Every call ends, with one result or one error, and it is true; nothing is left behind."""

    @seed(SEED)
    @settings(
        max_examples=max(1, round(500 * EXAMPLES)),
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(stories())
    def check(story: Story) -> None:
        note(f"The script: {', '.join(map(brief, story.faults))}")
        assert lies(play(story)) == []

    check()
