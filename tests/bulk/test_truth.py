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


def random_stories(count: int) -> settings:
    """Return how often a property is tried; always with the same stories, unless the seed is changed."""
    return settings(
        max_examples=max(1, round(count * EXAMPLES)),
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("method", METHODS)
@seed(SEED)
@random_stories(500)
@given(data=st.data())
def test_every_input_has_one_outcome_and_it_is_true(method: Method, data: st.DataObject) -> None:
    """One outcome an input; what succeeded is so on the server; nothing it changed failed or was not attempted."""
    story = data.draw(stories(method, whole=True))
    assert lies(play(story)) == []


@pytest.mark.parametrize("method", METHODS)
@seed(SEED)
@random_stories(150)
@given(data=st.data())
def test_what_was_told_before_a_job_was_cut_short_is_true(method: Method, data: st.DataObject) -> None:
    """A caller who leaves, or is cancelled, has been told nothing that is not true an hour later."""
    story = data.draw(stories(method, whole=False))
    assert lies(play(story)) == []
