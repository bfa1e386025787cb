"""What happens to parcels."""

from __future__ import annotations

from random import Random

import pytest

from trackingmore_async.sandbox.endpoints.listing import STATUSES
from trackingmore_async.sandbox.lifecycle import DAY, make_courses

COURSES = make_courses(Random(0), 1.0)


def test_every_status_occurs() -> None:
    """Among the courses of any sandbox every status word occurs, and no other."""
    for seed in range(5):
        assert {word for course in make_courses(Random(seed), 1.0) for word in course.words} == set(STATUSES)


def test_same_seed_same_courses() -> None:
    """The courses depend on the seed alone."""
    assert make_courses(Random(7), 1.0) == make_courses(Random(7), 1.0)
    assert make_courses(Random(7), 1.0) != make_courses(Random(8), 1.0)


def test_status_changes_only_at_refreshes() -> None:
    """A new status is seen at a refresh, never before the event and never between two refreshes."""
    for course in COURSES:
        for step in course.steps:
            assert step.offset <= step.visible
            assert (step.visible - course.first) % course.every == 0
            assert course.refreshed_at(step.visible) == step.visible


def test_pending_until_the_first_look() -> None:
    """Before the server has looked, a tracking is pending and was never updated."""
    for course in COURSES:
        assert course.status_at(course.first - 1) == "pending"
        assert course.refreshed_at(course.first - 1) is None


def test_events_are_newest_first() -> None:
    """Both blocks list events newest first, and the last event is the newest of both."""
    for course in COURSES:
        for view in course.views:
            both = [*view.destination, *view.origin]
            assert both == sorted(both, key=lambda step: -step.offset)
            assert view.last == (both[0] if both else None)


def test_status_is_that_of_the_newest_event() -> None:
    """The main status is the newest event's, except where nothing is known or the parcel has expired."""
    for course in COURSES:
        for view in course.views:
            if view.last is not None:
                assert view.status == view.last.status


def test_refreshing_ends_with_delivery() -> None:
    """A delivered, returned or expired parcel is not refreshed any more; others are."""
    for course in COURSES:
        final = course.words[-1] in {"delivered", "exception", "expired"}
        assert (course.ends is not None) is final
        assert (course.refreshed_at(400 * DAY) == course.ends) is final


def test_speed_shortens_everything() -> None:
    """Ten times the speed makes parcels arrive in about a tenth of the time."""
    slow, fast = make_courses(Random(0), 1.0)[0], make_courses(Random(0), 10.0)[0]
    assert fast.steps[-1].offset == pytest.approx(slow.steps[-1].offset / 10, rel=0.01)
