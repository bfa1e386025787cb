"""The trackings of an account, against a plain dictionary and as a million."""

from __future__ import annotations

import time
from random import Random

import pytest

from trackingmore_async.sandbox.state import Trackings


def test_agrees_with_a_dictionary() -> None:
    """After thousands of random creations, deletions, moves and edits it holds what a dictionary holds."""
    random = Random(3)
    trackings = Trackings()
    trackings.seed(50, "china-ems", "LX", (0, 49))
    model = {("china-ems", f"LX{index:07}CN"): index for index in range(50)}
    for now in range(50, 4000):
        carrier = random.choice(["china-ems", "zto"])
        number = f"LX{random.randrange(80):07}CN"
        there = (carrier, number) in model
        assert ((carrier, number) in trackings) is there
        action = random.choice(["create", "delete", "move", "edit"])
        if action == "create" and not there:
            trackings.create(carrier, number, now)
            model[carrier, number] = now
        elif action == "delete":
            assert trackings.delete(carrier, number) is there
            model.pop((carrier, number), None)
        elif action == "move" and there and ("dhl", number) not in model:
            key = trackings.find(carrier, number)
            assert key is not None
            trackings.change_carrier(key, "dhl")
            model["dhl", number] = model.pop((carrier, number))
        elif action == "edit" and there:
            key = trackings.find(carrier, number)
            assert key is not None
            trackings.set_fields(key, {"order_id": str(now % 7)})
    assert list(trackings) == sorted(model, key=lambda pair: -model[pair])
    assert len(trackings) == len(model)


def test_order_ids_follow_edits() -> None:
    """A tracking is found by its newest order id, not by an older one, and not once it is deleted."""
    trackings = Trackings()
    key = trackings.create("zto", "ZT12345", 1, {"order_id": "A"})
    trackings.set_fields(key, {"order_id": "B"})
    assert (trackings.find_order("A"), trackings.find_order("B")) == (set(), {key})
    trackings.delete("zto", "ZT12345")
    assert trackings.find_order("B") == set()


def test_same_number_with_two_carriers() -> None:
    """One number with two carriers is two trackings."""
    trackings = Trackings()
    keys = {trackings.create("zto", "ZT12345", 1), trackings.create("dhl", "ZT12345", 2)}
    assert set(trackings.find_number("ZT12345")) == keys
    trackings.delete("zto", "ZT12345")
    assert list(trackings) == [("dhl", "ZT12345")]


@pytest.mark.parametrize("case_sensitive", [True, False])
def test_case(case_sensitive: bool) -> None:
    """Whether ``lx`` finds ``LX`` is a switch, for preloaded and for created trackings."""
    trackings = Trackings(case_sensitive=case_sensitive)
    trackings.seed(3, "china-ems", "LX", (0, 9))
    trackings.create("zto", "ZT12345", 1)
    assert (("china-ems", "lx0000001cn") in trackings) is not case_sensitive
    assert (("ZTO", "zt12345") in trackings) is not case_sensitive
    assert ("china-ems", "LX0000001CN") in trackings


def test_a_prefix_can_be_seeded_once() -> None:
    """Seeding the same numbers twice is an error."""
    trackings = Trackings()
    trackings.seed(3, "china-ems", "LX", (0, 9))
    with pytest.raises(ValueError, match="exist"):
        trackings.seed(3, "china-ems", "LX", (0, 9))


def test_a_million() -> None:
    """A million trackings are there in seconds, and found, deleted and paged without a search."""
    trackings = Trackings()
    started = time.process_time()
    trackings.seed(1_000_000, "china-ems", "LX", (1_700_000_000, 1_710_000_000))
    assert time.process_time() - started < 10
    started = time.process_time()
    for index in range(0, 1_000_000, 1000):
        assert trackings.delete("china-ems", f"LX{index:07}CN")
        assert len(list(trackings.keys.islice(index, index + 10))) == 10 or index > 998_000
    assert time.process_time() - started < 5
    assert len(trackings) == 999_000
