"""Random jobs in random trouble: whatever breaks, every outcome is true.

``TRACKINGMORE_EXAMPLES`` multiplies the number of stories, ``TRACKINGMORE_SEED`` draws others; ``make soak`` does both.
"""

from __future__ import annotations

import os
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.bulk.items import METHODS, Method, Odd
from tests.bulk.stories import Story, stories
from tests.bulk.truth import lies
from tests.bulk.world import Ending, play

EXAMPLES = float(os.environ.get("TRACKINGMORE_EXAMPLES", "1"))
SEED = int(os.environ.get("TRACKINGMORE_SEED", "0"))

pytestmark = pytest.mark.timeout(max(600, 600 * EXAMPLES))  # seconds; a failing story takes minutes to become short


def explore(method: Method, *, whole: bool, count: int) -> None:
    """Play random stories, always the same ones unless the seed is changed, until one of them tells a lie."""

    @seed(SEED * len(METHODS) + METHODS.index(method))
    @settings(
        max_examples=max(1, round(count * EXAMPLES)),
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(stories(method, whole=whole))
    def check(story: Story) -> None:
        assert lies(play(story)) == []

    check()


@pytest.mark.parametrize("method", METHODS)
def test_every_input_has_one_outcome_and_it_is_true(method: Method) -> None:
    """One outcome an input; what succeeded is so on the server; nothing it changed failed or was not attempted."""
    explore(method, whole=True, count=500)


@pytest.mark.parametrize("method", METHODS)
def test_what_was_told_before_a_job_was_cut_short_is_true(method: Method) -> None:
    """A caller who leaves, or is cancelled, has been told nothing that is not true an hour later."""
    explore(method, whole=False, count=150)
