"""Who has the next turn while both lanes wait, and what is foretold of it."""

from __future__ import annotations

import math
from concurrent.futures import Future
from random import Random
from typing import Any

import pytest

from trackingmore_async.pacing import Lane
from trackingmore_async.pacing.lanes import Lanes, Waiter
from trackingmore_async.pacing.share import BURST, Share

SHARES = (1e-9, 0.1, 0.2, 0.3, 1 / 3, 0.5, 0.6, 0.75, 0.9, 1 - 1e-9)
LANES: tuple[Lane, Lane] = ("interactive", "bulk")


def waiter(lane: Lane) -> Waiter:
    """Return one who waits."""
    turn: Any = Future[None]()
    return Waiter(lane, 0.0, math.inf, 0.0, turn)


def turns(lanes: Lanes, number: int, *, newcomers: bool = True) -> str:
    """Give so many turns while somebody comes for each lane that has one; return the lanes by their initials."""
    given = ""
    for _ in range(number):
        popped = lanes.pop(lanes.next_lane())
        given += popped.lane[0]
        if newcomers:
            lanes.join(waiter(popped.lane), again=False)
    return given


def lanes_with_history(random: Random, share: float) -> Lanes:
    """Return lanes that have seen busy and idle times, and in which some wait."""
    lanes = Lanes(Share(share))
    for _ in range(random.randrange(60)):
        if lanes.anybody() and random.random() < 0.55:
            lane = lanes.next_lane()
            if random.random() < 0.2 and all(lanes.counts().values()):  # as a total rate may have it
                lane = random.choice(LANES)
            lanes.pop(lane, decided=lane == lanes.next_lane())
        else:
            lanes.join(waiter(random.choice(LANES)), again=random.random() < 0.2)
    return lanes


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("again", [False, True])
def test_the_projected_place_is_the_place_that_it_gets(share: float, lane: Lane, again: bool) -> None:
    """Whoever waits, whatever was before: so many turns come before that of a newcomer, if nobody else comes."""
    random = Random(17)
    for _ in range(200):
        lanes = lanes_with_history(random, share)
        place, newcomer = lanes.place(lane, lanes.ahead(lane, again=again)), waiter(lane)
        lanes.join(newcomer, again=again)
        order = [lanes.pop(lanes.next_lane()) for _ in range(len(lanes))]
        assert order.index(newcomer) == place


@pytest.mark.parametrize("share", SHARES)
def test_bulk_has_its_share_of_any_row_of_turns_while_both_wait(share: float) -> None:
    """Wherever the row begins, bulk has its part of the turns, rounded up or down."""
    lanes = Lanes(Share(share))
    for lane in LANES:
        lanes.join(waiter(lane), again=False)
    given = turns(lanes, 200)
    for begin in range(100):
        for number in range(100):
            bulk = given[begin : begin + number].count("b")
            assert math.floor(number * share) <= bulk <= math.ceil(number * share)


def test_what_bulk_had_to_itself_counts() -> None:
    """After turns alone, as many calls in a row overtake, up to a limit; then turn and turn about."""
    for alone, calls in ((0, 1), (1, 2), (3, 4), (BURST, BURST + 1), (1000, BURST + 1)):
        lanes = Lanes(Share(0.5))
        lanes.join(waiter("bulk"), again=False)
        turns(lanes, alone)
        lanes.join(waiter("interactive"), again=False)
        assert turns(lanes, calls + 6) == "i" * calls + "bibibi"


def test_a_larger_share_is_paid_back_more_slowly() -> None:
    """With three quarters for bulk, three turns alone are worth one call."""
    lanes = Lanes(Share(0.75))
    lanes.join(waiter("bulk"), again=False)
    turns(lanes, 6)
    lanes.join(waiter("interactive"), again=False)
    assert turns(lanes, 11) == "iiibbbibbbi"


def test_counted_from_its_first_turn_bulk_never_has_less_than_its_share() -> None:
    """Calls at random while a job goes on: at each moment bulk has had half of all turns, but for one."""
    random = Random(5)
    for _ in range(20):
        lanes, given = Lanes(Share(0.5)), ""
        for _ in range(500):
            lanes.join(waiter("bulk"), again=False)
            for _ in range(random.choice((0, 0, 0, 1, 1, 4))):
                lanes.join(waiter("interactive"), again=False)
            given += turns(lanes, 1, newcomers=False)
            assert given.count("b") >= math.floor(len(given) / 2)
        assert given.count("i") > 100


def test_an_old_credit_is_not_held_against_a_new_job() -> None:
    """Once no bulk request waits while a call has its turn, the next job begins with its full share."""
    lanes = Lanes(Share(0.5))
    lanes.join(waiter("bulk"), again=False)
    turns(lanes, 100)
    lanes.pop("bulk")
    lanes.join(waiter("interactive"), again=False)
    turns(lanes, 1)
    lanes.join(waiter("bulk"), again=False)
    assert turns(lanes, 4) == "ibib"


def test_a_turn_that_somebody_else_decided_is_not_owed() -> None:
    """Where the total rate says whose turn it is, the bucket's own share neither gains nor loses."""
    share = Share(0.5)
    for lane in ("interactive", "interactive", "bulk"):
        share.note(lane, {"interactive": 1, "bulk": 1}, decided=False)
    assert share.next({"interactive": 1, "bulk": 1}) == "interactive"


def test_a_twin_goes_its_own_way() -> None:
    """What is tried on the twin changes nothing about the share."""
    share = Share(0.5)
    both: dict[Lane, int] = {"interactive": 1, "bulk": 1}
    twin = share.twin()
    twin.note("interactive", both)
    assert (twin.next(both), twin.twin().next(both), share.next(both)) == ("bulk", "bulk", "interactive")
