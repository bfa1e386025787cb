"""The rate police."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from trackingmore_async.sandbox import BUCKETS
from trackingmore_async.sandbox.police import Police

SECOND = 1_000_000


def test_window_is_half_open() -> None:
    """N+1 arrivals exactly one period apart are allowed; one microsecond closer is a violation."""
    for limit in (1, 3):
        at = [0, *([1] * (limit - 1)), SECOND]
        exact = Police({"list": (limit, 1.0)})
        assert all(exact.arrive("list", time).allowed for time in at)
        closer = Police({"list": (limit, 1.0)})
        assert [closer.arrive("list", time).violation for time in [*at[:-1], SECOND - 1]][-1]


def test_defaults() -> None:
    """By default realtime may be asked three times a second, everything else once."""
    police = Police()
    assert {name: window.limit for name, window in police.windows.items()} == {
        **dict.fromkeys(BUCKETS, 1),
        "realtime": 3,
        "total": None,
    }


def test_buckets_do_not_share_and_total_does() -> None:
    """Two operations have windows of their own, unless a total is set."""
    police = Police()
    assert police.arrive("list", 0).allowed
    assert police.arrive("get", 0).allowed
    police = Police({"total": (1, 1.0)})
    assert police.arrive("list", 0).allowed
    assert not police.arrive("get", 0).allowed
    assert police.windows["total"].violations == 1


def test_none_switches_a_bucket_off() -> None:
    """A bucket whose rate is None is counted but never refused."""
    police = Police({"list": None})
    assert all(police.arrive("list", 0).allowed for _ in range(50))
    assert (police.windows["list"].violations, police.windows["list"].largest) == (0, 50)


def test_ban_refuses_everything_for_its_length() -> None:
    """After a violation every operation is refused until the ban is over, and served then."""
    police = Police(ban_restarts=False)
    police.arrive("list", 0)
    assert police.arrive("list", 1).wait == 120.0
    assert not police.arrive("get", 120 * SECOND).allowed
    assert police.arrive("get", 120 * SECOND + 1 + SECOND).allowed
    assert (police.bans, police.requests_during_bans) == (1, 1)


def test_request_during_a_ban_begins_it_anew() -> None:
    """By default the 120 seconds count from the last request that was refused."""
    police = Police()
    police.arrive("list", 0)
    police.arrive("list", 1)
    assert police.arrive("get", 100 * SECOND).wait == 120.0
    assert not police.arrive("get", 200 * SECOND).allowed
    assert police.arrive("get", 320 * SECOND).allowed
    assert police.bans == 1


def test_violations_are_counted_without_bans() -> None:
    """With bans off nothing is refused, yet every violation is counted."""
    police = Police(bans=False)
    assert all(police.arrive("list", time).allowed for time in (0, 1, 2))
    assert police.windows["list"].violations == 2


def test_length_zero_refuses_the_violation_only() -> None:
    """A ban of no length refuses the violating request and nothing else."""
    police = Police(ban_seconds=0)
    assert [police.arrive(name, 0).allowed for name in ("list", "list", "get")] == [True, False, True]


def test_agrees_with_counting_by_hand() -> None:
    """The largest window and the violations agree with counting every window by hand."""
    random = Random(5)
    times = sorted(random.randrange(20 * SECOND) for _ in range(300))
    police = Police({"list": (12, 1.0)}, bans=False)
    for time in times:
        police.arrive("list", time)
    sizes = [sum(time - SECOND < other <= time for other in times[: index + 1]) for index, time in enumerate(times)]
    window = police.windows["list"]
    assert (window.largest, window.violations) == (max(sizes), sum(size > 12 for size in sizes))


@pytest.mark.parametrize(
    "rates", [{"nonsense": (1, 1.0)}, {"list": (0, 1.0)}, {"list": (1, 0.0)}, {"list": 20}, {"list": (1, 1.0, 1)}]
)
def test_impossible_rates_are_refused(rates: Any) -> None:
    """An unknown bucket or an impossible rate is an error at once."""
    with pytest.raises(ValueError, match=r"bucket|rate"):
        Police(rates)
