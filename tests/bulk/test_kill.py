"""Jobs whose process is killed, at random moments, and resumed: real processes, real kills, real sockets.

``TRACKINGMORE_EXAMPLES`` multiplies the number of kills, ``TRACKINGMORE_SEED`` draws other moments.
"""

from __future__ import annotations

import math
import os
from itertools import pairwise
from random import Random
from typing import Final, get_args

import anyio
import attrs
import pytest

from tests.bulk.conftest import number
from tests.bulk.job_process import COUNT, JobMethod, Source
from tests.bulk.killing import Rate, Report, Trial, a_program, a_trial
from trackingmore_async.sandbox import Fault

EXAMPLES = float(os.environ.get("TRACKINGMORE_EXAMPLES", "1"))
SEED = int(os.environ.get("TRACKINGMORE_SEED", "0"))

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(max(300, 300 * EXAMPLES)),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the program that is killed forks"),
]

METHODS: Final[tuple[JobMethod, ...]] = get_args(JobMethod)
KILLS: Final = max(1, round(30 * EXAMPLES))  # of each kind of job; with those in bans, 200 or more in all
JOBS_AT_ONCE: Final = 4
IDEAL: Final = COUNT // 40  # requests of a job
A_KILL_COSTS: Final = 6  # requests that are repeated at most, on average
A_FAULT_COSTS: Final = 2

FAST: Final[Rate] = (30, 0.5)
WHOLE: Final = 2.5  # seconds that a job takes at this rate when nobody disturbs it
OPENING: Final = 0.15  # seconds in which the journal is made or opened, and nothing is sent

SLOW: Final[Rate] = (1, 1.0)
BAN: Final = 5.0  # seconds
AT_ONCE: Final = 0.5  # seconds: less than any two processes of a job are apart
BANS: Final = max(1, round(2 * EXAMPLES))
PROBE: Final = 2.5  # seconds that the server takes for the first request after a ban


def trouble(method: JobMethod) -> list[Fault]:
    """Every tenth request of the job meets something; some entries are left out, and some that read back fail.

    Nothing meets the same items again and again: then it would be true that nobody knows what became of them.
    """
    # An edit that is carried out long after a later one of its tracking is beyond any client: there it is the answer
    # that is late, elsewhere the change itself.
    at = range(40, 10**6, 40)
    late = Fault(method, on=at, delay_back=2.2) if method == "update_many" else Fault(method, on=at, delay_work=2.2)
    return [
        Fault(method, on=range(10, 10**6, 40), reset="after"),
        Fault(method, on=range(20, 10**6, 40), code=503, status=503, performed=True),
        Fault(method, on=range(30, 10**6, 40), reset="before"),
        late,
        *(Fault(method, having=some, on={4}, times=1, omit=some) for some in map(every_tenth, range(0, COUNT, 500))),
        Fault("list", on=range(2, 10**6, 4), times=4, status=502, body="html"),
    ]


def every_tenth(first: int) -> frozenset[str]:
    """Return the numbers of every tenth of 500 trackings."""
    return frozenset(number(index) for index in range(first + 3, first + 500, 10))


def refusals(method: JobMethod) -> list[Fault]:
    """Every sixtieth request of the job is refused, and the account banned."""
    return [Fault(method, on=range(20, 10**6, 60), code=429, ban=True)]


@attrs.define
class Executioner:
    """Kills jobs of one kind at random moments, until there were enough kills.

    Args:
        method: What the jobs do.
        source: What their items come from.
        faults: What goes wrong beside.
        ban: Seconds that a ban lasts.
        kills: How often a job was killed.
        requests: How many requests there were beyond those that all jobs would have needed undisturbed.
        met: How many faults were met.
    """

    method: JobMethod
    source: Source
    faults: list[Fault]
    ban: float = 120.0
    kills: int = 0
    requests: int = 0
    met: int = 0

    async def work(self) -> None:
        """Run several jobs at once, one after the other, each killed again and again until it has ended."""
        async with anyio.create_task_group() as tasks:
            for lane in range(JOBS_AT_ONCE):
                tasks.start_soon(self._work_on, Random(f"{SEED} {self.method} {self.source} {lane}"))

    async def _work_on(self, dice: Random) -> None:
        async with a_program() as program:
            while self.kills < KILLS:
                async with a_trial(program, self.method, self.source, FAST, ban=self.ban, timeout=1.5) as trial:
                    trial.sandbox.faults.add(*self.faults)
                    trial.check(await self._run(trial, dice))
                    self.requests += trial.requests - IDEAL
                    self.met += sum(map(trial.sandbox.faults.met, self.faults))
                    self._check_bans(trial)

    async def _run(self, trial: Trial, dice: Random) -> Report:
        while self.kills < KILLS:
            report = await trial.live(dice.uniform(0, dice.choice([OPENING, WHOLE, WHOLE, WHOLE])))
            if report is not None:
                return report
            self.kills += 1
            if not self.faults:  # else what is carried out late would be mistaken for the job's doing
                await trial.undo_one(dice)
        return await trial.end()

    def _check_bans(self, trial: Trial) -> None:
        """Beside what was on its way when a ban began: one request for each kill, at most.

        Who is killed between a 429 and the record of it cannot know of the ban; a single probe meets it.
        """
        seen = trial.sandbox.statistics()
        refused = [-math.inf, *(arrival.time for arrival in seen.arrivals if not arrival.served)]
        assert sum(later - earlier > AT_ONCE for earlier, later in pairwise(refused)) <= seen.bans + trial.kills


@pytest.mark.parametrize("troubled", [False, True], ids=["calm", "troubled"])
@pytest.mark.parametrize("method", METHODS)
async def test_a_job_that_is_killed_at_random_moments_ends_as_if_it_had_not_been(
    method: JobMethod, troubled: bool
) -> None:
    """The server holds exactly what is wanted; all is done once, and little sent twice; no limit is broken."""
    source: Source = "generator" if troubled else "list"
    executioner = Executioner(method, source, trouble(method) if troubled else [])
    await executioner.work()
    assert executioner.kills >= KILLS
    assert executioner.requests <= A_KILL_COSTS * executioner.kills + A_FAULT_COSTS * executioner.met


@pytest.mark.skipif(EXAMPLES <= 1, reason="part of the long run: TRACKINGMORE_EXAMPLES=2 or more")
@pytest.mark.parametrize("method", METHODS)
async def test_a_job_that_is_killed_around_bans_ends_as_if_it_had_not_been(method: JobMethod) -> None:
    """At the fast rate, with a ban now and then: the same is true, and each kill costs one probe in a ban at most."""
    executioner = Executioner(method, "list", refusals(method), ban=2.0)
    await executioner.work()
    assert executioner.met >= 1


async def test_a_job_that_is_killed_in_a_ban_is_silent_to_its_end() -> None:
    """At one request a second: however often it is resumed, nothing is sent in the ban; one probe, then the rest."""
    async with anyio.create_task_group() as tasks:
        for method in METHODS:
            tasks.start_soon(kill_in_bans, method)


async def kill_in_bans(method: JobMethod) -> None:
    """Kill a job before, in and after some bans; then let it end, at a limit that has been raised meanwhile."""
    dice = Random(f"{SEED} {method}")
    async with a_program() as program, a_trial(program, method, "list", SLOW, ban=BAN) as trial:
        for _ in range(BANS):
            await kill_in_a_ban(trial, dice)
        seen = trial.sandbox.statistics()
        assert (seen.bans, seen.requests_during_bans, seen.total_violations) == (BANS, 0, 0)
        raise_the_limit(trial)
        trial.check(await trial.end())
        assert trial.sandbox.statistics().requests_during_bans == 0
        assert trial.requests <= IDEAL + A_KILL_COSTS * trial.kills + BANS
    assert trial.kills == 4 * BANS


async def kill_in_a_ban(trial: Trial, dice: Random) -> None:
    """Kill a job as soon as its journal knows of a ban, twice in the ban, and after it."""
    banned_on = dice.randint(1, 2)
    refused = Fault(trial.job.method, on={banned_on}, code=429, ban=True)
    trial.sandbox.faults.add(refused, Fault(trial.job.method, on={banned_on + 1}, delay_work=PROBE))
    await trial.begin()
    while not trial.sandbox.faults.met(refused):  # noqa: ASYNC110 - the sandbox tells nobody
        await anyio.sleep(0.02)
    banned_at = arrivals(trial)[-1]
    while await trial.ban_on_record() < banned_at + BAN:  # noqa: ASYNC110 - nor does the journal
        await anyio.sleep(0.02)
    await trial.kill()
    for _ in range(2):
        assert await trial.live(dice.uniform(0, 0.8)) is None
    await trial.begin()
    while len(after := arrivals(trial, banned_at)) < 3:  # noqa: ASYNC110
        await anyio.sleep(0.02)
    await anyio.sleep(dice.uniform(0, 1))
    await trial.kill()
    trial.kills += 2
    assert after[0] - banned_at >= BAN
    assert after[1] - after[0] >= PROBE


def arrivals(trial: Trial, since: float = 0.0) -> list[float]:
    """Return when requests arrived after a moment."""
    return [arrival.time for arrival in trial.sandbox.statistics().arrivals if arrival.time > since]


def raise_the_limit(trial: Trial) -> None:
    """Allow the job more requests, so that the rest of it does not take two minutes."""
    for bucket in (trial.job.method, "list"):
        window = trial.sandbox.account.police.windows[bucket]
        window.limit, window.period = FAST[0], round(FAST[1] * 1e6)
    trial.job = attrs.evolve(trial.job, rate=FAST)
