"""Which creates may have made a tracking."""

from __future__ import annotations

from datetime import UTC, datetime

from trackingmore_async.creations import EACH, SIZE, Creations

THEN, LATER = datetime(2024, 3, 15, tzinfo=UTC), datetime(2024, 3, 16, tzinfo=UTC)


def test_a_create_alone_is_the_only_one() -> None:
    """Where no other create of the tracking is known, in whatever spelling, what was created is its own."""
    creations = Creations()
    mine = creations.begin("zto", "ZZ1")
    creations.begin("dhl", "ZZ1")
    assert creations.is_only("zto", "ZZ1", mine, THEN)
    creations.begin("ZTO", "zz1")
    assert not creations.is_only("zto", "ZZ1", mine, THEN)


def test_what_another_made_at_another_time_is_not_mine() -> None:
    """A create that is known to have made its tracking at some time may have made no other; unknown, it may."""
    creations = Creations()
    other, mine = creations.begin("zto", "ZZ1"), creations.begin("zto", "ZZ1")
    other.end(THEN)
    assert not creations.is_only("zto", "ZZ1", mine, THEN)
    assert creations.is_only("zto", "ZZ1", mine, LATER)
    other.end(None)
    assert not creations.is_only("zto", "ZZ1", mine, LATER)


def test_a_create_that_was_refused_is_no_rival() -> None:
    """What certainly made nothing is out of the question."""
    creations = Creations()
    other, mine = creations.begin("zto", "ZZ1"), creations.begin("zto", "ZZ1")
    other.is_possible = False
    assert creations.is_only("zto", "ZZ1", mine, THEN)


def test_they_are_bounded() -> None:
    """Of more trackings than are kept the creates of the one created longest ago are forgotten."""
    creations = Creations()
    for index in range(SIZE + 1):
        creations.begin("zto", f"ZZ{index}")
    assert creations.is_only("zto", "ZZ0", None, THEN)
    assert not creations.is_only("zto", "ZZ1", None, THEN)


def test_those_of_one_tracking_are_bounded() -> None:
    """What is created and deleted for ever takes no memory for ever: the latest creates are kept."""
    creations = Creations()
    made = [creations.begin("zto", "ZZ1") for _ in range(EACH + 1)]
    for one in made[1:]:
        one.is_possible = False
    assert creations.is_only("zto", "ZZ1", None, THEN)
    made[1].is_possible = True
    assert not creations.is_only("zto", "ZZ1", None, THEN)
