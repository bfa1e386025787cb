"""10,000 callers who give up at every moment: nobody else is told anything wrong, and no slot is lost."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import httpx
import pytest

from trackingmore_async import (
    DeadlineExceededError,
    NotFoundError,
    Tracking,
    TrackingEcho,
    TrackingMore,
    TransportError,
)
from trackingmore_async.sandbox import Fault, Path, Sandbox

from .crowd import GRANTED, IN_FLIGHT, TOLD, WAITING, Call, Crowd, fill

pytestmark = pytest.mark.anyio

GIVE_UP = 2_000
SEEDS = (1, 2, 3, 4, 5)
BANNED = 1  # in this one there is a ban, in which most of those give up who do
PATH = Path(there=(0.1, 0.3), work=(0.05, 0.2), back=(0.1, 0.3))
BAN = Fault("list", on={25}, code=429, ban=True)
FAULTS = (
    Fault("list", on={6, 40}, status=503),
    Fault("list", on={10, 50}, reset="after"),
    Fault("list", on={15}, delay_back=60.0),
    Fault("update_many", on={5, 21}, status=502, performed=True),
    Fault("update_many", on={8}, reset="before"),
    Fault("create_many", on={5}, reset="after"),
    Fault("delete_many", on={7}, reset="after"),
)


@pytest.mark.parametrize("seed", SEEDS)
async def test_who_gives_up_disturbs_nobody(seed: int) -> None:
    """Whoever stays is told the truth about its own tracking; all slots are used or handed back; nothing is left."""
    sandbox = Sandbox(path=PATH, seed=seed, log_arrivals=True)
    fill(sandbox)
    sandbox.faults.add(*FAULTS, *[BAN] * (seed == BANNED))
    crowd = Crowd(sandbox, seed)
    async with (
        httpx.AsyncClient(transport=crowd.wire) as http,
        TrackingMore(sandbox.key, base_url=sandbox.url, http_client=http, limiter=crowd.limiter) as tm,
    ):
        async with asyncio.timeout(3600.0):
            await crowd.come(tm, enough=GIVE_UP)
        sandbox.faults.clear()
        served = len(sandbox.statistics().arrivals)
        await asyncio.sleep(30.0)  # what is in doubt of writes that nobody waits for is settled all the same
        again = await tm.trackings.get("zto", "READ0000000")
        await asyncio.sleep(120.0)
        _check_what_is_left(tm, crowd)
    for call in crowd.calls:
        _check(crowd, call)
    stages = crowd.stages()
    assert min(stages[stage] for stage in (WAITING, GRANTED, IN_FLIGHT, TOLD)) > 20
    assert again.timing is not None
    assert again.timing.waiting == pytest.approx(0.0, abs=1e-6)
    _check_the_pace(crowd, served, banned=seed == BANNED)


def _check(crowd: Crowd, call: Call) -> None:
    """See whether a call was told the truth; a write that was given up before its slot came was not carried out."""
    if call.stage is not None:
        if call.stage == WAITING:
            _check_not_done(crowd, call)
        return
    impatient = call.options.get("deadline") or call.options["max_wait"]
    if impatient and isinstance(call.error, DeadlineExceededError | TransportError):
        assert isinstance(call.error, DeadlineExceededError) or (call.error.sent and call.kind != "get")
    elif call.name[1].startswith("NONE"):
        assert isinstance(call.error, NotFoundError)
    else:
        assert call.error is None, call
        _check_done(crowd, call)


def _check_done(crowd: Crowd, call: Call) -> None:
    if call.kind == "delete":
        assert crowd.sandbox.find(*call.name) is None
        return
    assert isinstance(call.result, Tracking | TrackingEcho)
    assert (call.result.carrier_code, call.result.tracking_number) == call.name
    if call.kind == "get":
        assert call.result.title == f"{call.name[0]} {int(call.name[1][4:])}"
    elif call.kind == "create":
        assert crowd.sandbox.find(*call.name) is not None
    for field, value in call.fields.items():
        written = crowd.written[*call.name, field]
        assert any(int(str(later)) >= int(value) for later in written)


def _check_not_done(crowd: Crowd, call: Call) -> None:
    if call.kind in {"create", "delete"}:
        assert (crowd.sandbox.find(*call.name) is None) == (call.kind == "create")
    for field, value in call.fields.items():
        assert value not in crowd.written.get((*call.name, field), [])


def _check_what_is_left(tm: TrackingMore, crowd: Crowd) -> None:
    """See that nobody waits for anything, anywhere, and that each grant was used or handed back."""
    shared: Any = vars(tm)["_shared"]
    sharings = [shared.lookups._listed, shared.lookups._single, *shared.writes._sharings.values()]
    assert [list(sharing.line) for sharing in sharings] == [[]] * 5
    assert not any(sharing._calling or sharing._tasks or sharing._under_way for sharing in sharings)
    for bucket in tm.stats().buckets.values():
        assert (bucket.waiting, bucket.items_waiting, bucket.in_flight) == (0, 0, 0)
    for used in crowd.limiter.statistics().buckets.values():
        assert (used.waiting, used.in_flight) == (0, 0)
    assert crowd.limiter.open == set()
    assert crowd.limiter.sent == crowd.wire.requests == crowd.sandbox.statistics().total_requests


def _check_the_pace(crowd: Crowd, served: int, *, banned: bool) -> None:
    """See that the list was read at the pace of the limit as long as anybody came, but for the ban, and never faster.

    A lost slot would show as a gap: no answer holds up the next request by more than half a second.
    """
    arrivals = crowd.sandbox.statistics().arrivals[:served]
    times = [arrival.time for arrival in arrivals if arrival.bucket == "list"]
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(times))
    if banned:
        assert gaps.pop() > 120.0
    assert gaps[-1] < 1.8
    assert crowd.sandbox.statistics().total_violations == 0
