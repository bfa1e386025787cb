"""The slot rule is exact in every sliding window, as the server sees it; and the referee is awake."""

from __future__ import annotations

import math
from random import Random

import anyio
import pytest

from tests.pacing.network import HEAVY, QUIET, SLOW, USUAL, Path, drive, violations
from trackingmore_async.operations import Rate
from trackingmore_async.pacing import LocalLimiter
from trackingmore_async.pacing.slots import Slot, Slots

pytestmark = pytest.mark.anyio

NUMBERS = [1, 3, 10, 20]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("path", "round_trip"),
    [(USUAL, 0.18), (USUAL, 0.0), (QUIET, 0.18), (HEAVY, 0.18), (SLOW, 0.18)],
    ids=["usual", "usual, nothing vouched for", "quiet", "heavy tail", "slow answers"],
)
async def test_no_window_holds_more_than_the_limit(number: int, path: Path, round_trip: float) -> None:
    """However late single packets are, no window of a period holds more requests than allowed."""
    limiter = LocalLimiter({"get": Rate(number)})
    arrivals = await drive(limiter, 1000, seed=number, path=lambda _: (path, round_trip))
    assert violations(arrivals, number, 1.0) == 0


@pytest.mark.parametrize("number", [1, 3, 10])
async def test_bursts_after_idle_times_are_bounded_as_well(number: int) -> None:
    """A bucket that rested does not make up for it."""
    limiter = LocalLimiter({"get": Rate(number)})
    arrivals = await drive(
        limiter,
        1500,
        seed=number,
        path=lambda _: (USUAL, 0.18),
        pause=lambda random: random.uniform(0.0, 3.0) if random.random() < 0.1 else 0.0,
    )
    assert violations(arrivals, number, 1.0) == 0


@pytest.mark.parametrize("rate", [Rate(1, 1.0), Rate(3, 1.0), Rate(7, 2.5), Rate(20, 60.0)], ids=str)
async def test_a_path_without_any_delay_is_exact_to_the_microsecond(rate: Rate) -> None:
    """An application in the same process is reached in no time, and its windows are kept too."""
    instant = Path(least=0.0, jitter=0.0, late=0.0, work=(0.0, 0.0))
    limiter = LocalLimiter({"get": rate})
    arrivals = await drive(limiter, 500, path=lambda _: (instant, 0.0))
    assert violations(arrivals, rate.requests, rate.seconds) == 0
    least = 499 // rate.requests * rate.seconds
    assert least <= max(arrivals) / 1e6 < least + rate.seconds


async def test_without_the_spread_the_referee_counts_violations() -> None:
    """D = 0 breaks the limit where answers are slow: the second bound needs its spread."""
    limiter = LocalLimiter({"get": Rate(3)}, spread=0.0)
    arrivals = await drive(limiter, 1000, path=lambda _: (SLOW, 0.18))
    assert violations(arrivals, 3, 1.0) > 50


async def test_with_too_large_a_round_trip_the_referee_counts_violations() -> None:
    """A round trip that nobody measured breaks the limit: it must be vouched for."""
    limiter = LocalLimiter({"get": Rate(3)}, round_trip=0.32)
    arrivals = await drive(limiter, 1000)
    assert violations(arrivals, 3, 1.0) > 20


@pytest.mark.parametrize("vouched", [0.0, 0.5], ids=["one path unknown", "both known"])
async def test_requests_over_two_paths_keep_the_limit(vouched: float) -> None:
    """What one path vouches for is never credited to the other."""
    near, far = Path(late=0.0), Path(least=0.25, late=0.0)
    limiter = LocalLimiter({"get": Rate(3)})
    arrivals = await drive(limiter, 2000, path=lambda random: (near, 0.18) if random.random() < 0.5 else (far, vouched))
    assert violations(arrivals, 3, 1.0) == 0


async def test_the_round_trip_of_the_limiter_stands_above_what_senders_say() -> None:
    """`round_trip=0` makes a limiter deaf to senders."""
    limiter = LocalLimiter({"get": Rate(1)}, round_trip=0.0)
    permit = await limiter.acquire("get", round_trip=5.0)
    assert permit.round_trip == 0.0


async def test_a_slot_reopens_one_credited_round_trip_before_a_period_after_the_answer() -> None:
    """The first bound: answered_at + P - 0.9 m."""
    limiter = LocalLimiter({"get": Rate(1)})
    permit = await limiter.acquire("get", round_trip=0.2)
    await limiter.release(permit, sent_at=0.0)
    await anyio.sleep(0.3)
    await limiter.release(permit, sent_at=0.0, answered_at=0.3)
    await limiter.acquire("get", round_trip=0.2)
    assert anyio.current_time() == pytest.approx(0.3 + 1.0 - 0.18, abs=1e-5)


async def test_a_slot_without_an_answer_reopens_a_period_and_the_spread_after_it_was_sent() -> None:
    """The second bound: sent_at + P + D."""
    limiter = LocalLimiter({"get": Rate(1)})
    permit = await limiter.acquire("get")
    await limiter.release(permit, sent_at=anyio.current_time())
    await limiter.acquire("get")
    assert anyio.current_time() == pytest.approx(1.5, abs=1e-5)


async def test_a_permit_that_was_not_reported_keeps_its_slot_closed() -> None:
    """A request may wait for its connection for minutes: nobody takes its slot."""
    limiter = LocalLimiter({"get": Rate(1)})
    permit = await limiter.acquire("get")
    with anyio.move_on_after(600) as scope:
        await limiter.acquire("get")
    assert scope.cancelled_caught
    await limiter.release(permit, sent_at=None)
    await limiter.acquire("get")
    assert anyio.current_time() == pytest.approx(600, abs=1e-5)


async def test_an_unused_slot_is_free_at_once() -> None:
    """What was never sent counts nowhere."""
    limiter = LocalLimiter({"get": Rate(1)})
    for _ in range(5):
        await anyio.sleep(0.5)  # the meter
        await limiter.release(await limiter.acquire("get"), sent_at=None)
    assert anyio.current_time() == pytest.approx(2.5, abs=1e-5)


async def test_a_late_answer_does_not_open_the_slot_of_somebody_else() -> None:
    """A request that was answered after its slot was taken over has nothing to say about it."""
    limiter = LocalLimiter({"get": Rate(1)})
    slow = await limiter.acquire("get")
    await limiter.release(slow, sent_at=0.0)
    second = await limiter.acquire("get")
    await limiter.release(slow, sent_at=0.0, answered_at=anyio.current_time())
    await limiter.release(second, sent_at=anyio.current_time())
    await limiter.acquire("get")
    assert anyio.current_time() == pytest.approx(3.0, abs=1e-5)


def test_reported_times_are_never_before_the_grant() -> None:
    """A caller with a wrong clock cannot reopen a slot early."""
    slot = Slot(granted_at=10.0)
    slot.note(sent_at=3.0, answered_at=4.0)
    assert (slot.sent_at, slot.answered_at) == (10.0, 10.0)


def test_the_first_report_of_a_time_stands() -> None:
    """When a request was sent is known best at that moment; a later report only adds the answer."""
    slot = Slot(granted_at=0.0)
    slot.note(sent_at=1.0, answered_at=None)
    slot.note(sent_at=2.0, answered_at=3.0)
    slot.note(sent_at=4.0, answered_at=5.0)
    assert (slot.sent_at, slot.answered_at) == (1.0, 3.0)


def test_slots_of_an_earlier_limiter_are_kept_by_their_latest_opening() -> None:
    """When there are more old requests than slots, the latest ones close them."""
    slots = Slots(number=2, period=1.0, spread=0.5)
    slots.restore([Slot(t, sent_at=t) for t in (3.0, 1.0, 2.0)])
    assert sorted(slot.granted_at for slot in slots.closed()) == [2.0, 3.0]
    assert slots.opening(0.0) == 3.5


def test_random_histories_keep_requests_of_one_slot_a_period_apart() -> None:
    """Whatever order answers and reports come in, a slot is handed on only after its bounds."""
    random = Random(7)
    slots, now, held = Slots(number=3, period=1.0, spread=0.5), 0.0, list[Slot]()
    for _ in range(5000):
        now += random.uniform(0.0, 0.3)
        if slots.opening(0.1) <= now:
            taken = slots.next(0.1) if slots.full() else None
            assert taken is None or (taken.sent_at is not None and now >= taken.sent_at + 1.0 - 0.09)
            held.append(slots.take(now, 0.1))
        elif held:
            slot = held.pop(random.randrange(len(held)))
            slot.note(now, now if random.random() < 0.5 else None)
        assert len(slots.closed()) <= 3
    assert slots.opening(0.1) > -math.inf


@pytest.mark.parametrize("seed", range(40))
def test_the_slot_that_reopens_first_is_found(seed: int) -> None:
    """Whatever became of which request, no closed slot reopens earlier than the one that is taken over next."""
    random = Random(seed)
    slots = Slots(number=random.choice([1, 3, 30]), period=1.0, spread=0.5)
    now, taken = 0.0, list[Slot]()
    for _ in range(400):
        now += random.choice([0.0, 0.01, 0.1])
        trip = random.choice([0.0, 0.18, 1.5, math.inf])
        if slots.full():
            reopens = [slots.opens_at(slot, trip) for slot in slots.closed()]
            assert slots.opens_at(slots.next(trip), trip) == slots.opening(trip) == min(reopens)
        act = random.random()
        if act < 0.5:
            taken.append(slots.take(now, random.choice([0.0, 0.18, 1.5])))
        elif act < 0.9 and taken:
            sent_at = now + random.uniform(-1.0, 0.1)
            random.choice(taken[-40:]).note(sent_at, random.choice([None, sent_at + random.expovariate(3.0)]))
        elif act < 0.95 and taken:
            slots.free(random.choice(taken[-40:]))
        elif act < 0.98:
            slots.restore([Slot(now - 0.3, sent_at=now - random.random() / 4, settled=True) for _ in range(5)])
        else:
            slots.fill(now)


def test_of_many_slots_few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 1,000 requests a second whose answers take 50 ms, no turn compares all that are closed."""
    looked_at, opens_at = list[Slot](), Slots.opens_at

    def counted(slots: Slots, slot: Slot, round_trip: float) -> float:
        looked_at.append(slot)
        return opens_at(slots, slot, round_trip)

    monkeypatch.setattr(Slots, "opens_at", counted)
    slots, now = Slots(number=1000, period=1.0, spread=0.5), 0.0
    for _ in range(3000):
        now = max(now + 0.0005, slots.opening(round_trip=0.0))
        slots.take(now, round_trip=0.0).note(now, now + 0.05)
    assert 2000 < len(looked_at) < 3000 * 150
