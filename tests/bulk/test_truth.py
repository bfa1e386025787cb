"""Random jobs in random trouble: whatever breaks, every outcome is true.

``TRACKINGMORE_EXAMPLES`` multiplies the number of stories, ``TRACKINGMORE_SEED`` draws others; ``make soak`` does both.
"""

from __future__ import annotations

import os

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings

from tests.bulk.faults import brief
from tests.bulk.items import METHODS, Method, Odd
from tests.bulk.stories import Story, stories
from tests.bulk.truth import lies
from tests.bulk.world import play
from trackingmore_async import Outcome, ServerError

EXAMPLES = float(os.environ.get("TRACKINGMORE_EXAMPLES", "1"))
SEED = int(os.environ.get("TRACKINGMORE_SEED", "0"))

pytestmark = pytest.mark.timeout(max(600, 600 * EXAMPLES))  # seconds; it may take minutes to make a failing story short


def explore(method: Method, *, whole: bool, count: int) -> None:
    """Play random stories, always the same ones unless the seed is changed, until one of them tells a lie."""

    @seed(SEED * len(METHODS) + METHODS.index(method))
    @settings(
        max_examples=max(1, round(count * EXAMPLES)),
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(stories(method, whole=whole))
    def check(story: Story) -> None:
        note(f"The script: {', '.join(map(brief, story.faults))}")
        assert lies(play(story)) == []

    check()


@pytest.mark.parametrize("method", METHODS)
def test_every_input_has_one_outcome_and_it_is_true(method: Method) -> None:
    """One outcome an input; what succeeded is so on the server; nothing it changed failed or was not attempted."""
    explore(method, whole=True, count=800)


@pytest.mark.parametrize("method", METHODS)
def test_what_was_told_before_a_job_was_cut_short_is_true(method: Method) -> None:
    """A caller who leaves, or is cancelled, has been told nothing that is not true an hour later."""
    explore(method, whole=False, count=200)


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_outcome_is_noticed(method: Method) -> None:
    """Whichever outcome of a job is turned into its opposite, left out or told twice, the judge objects."""
    ending = play(Story(method=method, plain=3, odd=(Odd("stray", at=1), Odd("empty", at=2))))
    assert lies(ending) == []
    true = list(ending.outcomes)
    for place, outcome in enumerate(true):
        for wrong in ([], [outcome, outcome], [opposite(outcome)], [attrs.evolve(outcome, item=object())]):
            ending.outcomes[:] = [*true[:place], *wrong, *true[place + 1 :]]
            assert lies(ending) != [], (outcome, wrong)


def opposite(outcome: Outcome[object]) -> Outcome[object]:
    """Return the same outcome, saying the contrary."""
    if outcome.state == "succeeded":
        return attrs.evolve(outcome, state="failed", error=ServerError("It broke."))
    return attrs.evolve(outcome, state="succeeded", error=None, attempts=1)
