"""The memory of names that a job has met."""

from __future__ import annotations

from trackingmore_async.bulk.sieve import Sieve


def test_a_name_that_was_here_is_always_held_back() -> None:
    """Nothing that a job has met passes for new, within a batch or between two."""
    for count in (100, 40_000):
        sieve = Sieve()
        names = [f"item/zto/{index}" for index in range(count)]
        sieve.sift(names)
        assert sieve.sift(names) == names
        assert sieve.sift(["a", "b", "a"]) == ["a"]


def test_few_names_are_told_apart_without_doubt() -> None:
    """Of the first 20,000 names no new one is held back, and when there are more none of them is forgotten."""
    sieve = Sieve()
    names = [f"item/zto/{index}" for index in range(20_001)]
    assert sieve.sift(names) == []
    assert sieve.sift(names) == names


def test_hardly_a_new_name_is_held_back() -> None:
    """Behind 200,000 names, of 200,000 new ones next to none is taken for one of them."""
    sieve = Sieve()
    sieve.sift(f"item/zto/{index}" for index in range(200_000))
    held = sieve.sift(f"item/zto/{index}" for index in range(200_000, 400_000))
    assert len(held) <= 20
