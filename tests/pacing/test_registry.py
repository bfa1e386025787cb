"""The clients of one key share one limiter, one after another and at the same time, and from loop to loop."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import gc
import time
import weakref

import pytest

from tests.conftest import REAL, virtual_loop
from trackingmore_async.errors import ConfigurationError
from trackingmore_async.operations import Rate
from trackingmore_async.pacing import LocalLimiter
from trackingmore_async.pacing.registry import Registry, leave_limiter, shared_limiter

pytestmark = pytest.mark.anyio

URL = "https://api.example/v2"


async def test_clients_of_one_key_share_a_limiter() -> None:
    """One account, one loop, one limiter, however the address is spelt."""
    registry = Registry()
    first = registry.join(URL, "a")
    assert registry.join("HTTPS://API.example:443/v2/", "a") is first
    assert registry.join(URL, "b") is not first
    assert registry.join("https://api.example/v3", "a") is not first
    assert registry.join("http://api.example/v2", "a") is not first


async def test_a_client_after_another_has_the_same_limiter() -> None:
    """Closing the first does not forget what it sent."""
    registry = Registry()
    first = registry.join(URL, "a")
    registry.leave(first)
    assert registry.join(URL, "a") is first


async def test_accounts_that_come_and_go_are_forgotten() -> None:
    """A limiter that nobody uses stays as long as its requests or a ban count, or somebody has set its rates."""
    registry = Registry()
    limiters = {name: registry.join(URL, name) for name in ("used", "left", "banned")}
    limiters["slow"] = registry.join(URL, "slow", rates={"get": Rate(1, 4.0)})
    for limiter in limiters.values():
        permit = await limiter.acquire("get")
        await limiter.release(permit, sent_at=permit.granted_at)
    await limiters["banned"].penalise(permit := await limiters["banned"].acquire("list"), 120.0)
    await limiters["banned"].release(permit, sent_at=permit.granted_at, answered_at=permit.granted_at, refused=True)
    for name in ("left", "banned", "slow"):
        registry.leave(limiters[name])
    registry.join(URL, "another")
    assert registry.join(URL, "left") is limiters["left"]
    registry.leave(limiters["left"])
    await asyncio.sleep(10.0)
    registry.join(URL, "one more")
    assert {name for name, limiter in limiters.items() if registry.join(URL, name) is not limiter} == {"left"}


def test_accounts_of_loops_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one `asyncio.run` for each of many accounts leaves behind is kept while it counts, and no longer."""
    registry = Registry()

    async def use(account: str) -> None:
        limiter = registry.join(URL, account)
        permit = await limiter.acquire("get")
        await limiter.release(permit, sent_at=permit.granted_at)

    for account in ("a", "b", "c"):
        asyncio.run(use(account))
    assert {account for _, account in registry._legacies} == {"a", "b"}
    later = time.monotonic() + 10.0
    monkeypatch.setattr("trackingmore_async.pacing.registry.time.monotonic", lambda: later)
    asyncio.run(use("d"))
    assert not registry._legacies


async def test_another_open_client_with_other_rates_is_an_error_that_says_what_to_do() -> None:
    """Two limits for one account would be none; not naming any takes those in place."""
    registry = Registry()
    first = registry.join(URL, "a", rates={"get": Rate(2)})
    with pytest.raises(ConfigurationError, match="same values, or close the other first"):
        registry.join(URL, "a", rates={"get": Rate(3)})
    with pytest.raises(ConfigurationError):
        registry.join(URL, "a", pause_after_429=60.0)
    assert registry.join(URL, "a", rates={"get": Rate(2), "list": Rate(1)}) is first
    assert registry.join(URL, "a") is first


@pytest.mark.parametrize("anyio_backend", [pytest.param(REAL, id="real-clock")], indirect=True)
async def test_once_all_clients_are_closed_the_rates_may_change() -> None:
    """The next limiter has the new rates, and knows the ban and the requests of the last."""
    registry = Registry()
    first = registry.join(URL, "a")
    await first.penalise(await first.acquire("get"), 120.0)
    registry.leave(first)
    second = registry.join(URL, "a", rates={"get": Rate(3)})
    assert second is not first
    assert second.projected_wait("get") == pytest.approx(121.0, abs=1.0)


def test_the_next_loop_inherits_requests_and_bans() -> None:
    """Two `asyncio.run` in one program: the second one waits for what the first one sent."""
    registry = Registry()

    async def first() -> None:
        limiter = registry.join(URL, "a")
        permit = await limiter.acquire("get")
        await limiter.release(permit, sent_at=permit.granted_at)

    async def second() -> tuple[float, float]:
        limiter = registry.join(URL, "a")
        waits = limiter.projected_wait("get"), limiter.projected_wait("list")
        await limiter.penalise(await limiter.acquire("list"), 120.0)
        return waits

    async def third() -> float:
        return registry.join(URL, "a").projected_wait("carriers")

    asyncio.run(first())
    wait_get, wait_list = asyncio.run(second())
    assert wait_get == pytest.approx(1.5, abs=0.3)
    assert wait_list == 0.0
    assert asyncio.run(third()) == pytest.approx(121.0, abs=1.0)


def test_an_heir_of_several_loops_knows_them_all() -> None:
    """What two threads sent, each on its loop, the next one knows together."""
    registry = Registry()

    async def use(bucket: str) -> None:
        await registry.join(URL, "a").acquire(bucket)

    async def main() -> None:
        await asyncio.gather(*(asyncio.to_thread(asyncio.run, use(name)) for name in ("get", "list")))

    async def heir() -> list[float]:
        limiter = registry.join(URL, "a")
        return [limiter.projected_wait(name) for name in ("get", "list", "update")]

    asyncio.run(main())
    assert asyncio.run(heir()) == [pytest.approx(1.5, abs=0.3), pytest.approx(1.5, abs=0.3), 0.0]


def test_a_loop_with_a_clock_of_its_own_bequeaths_nothing() -> None:
    """Times of clocks that do not compare are not compared."""
    registry = Registry()

    async def one() -> float:
        limiter = registry.join(URL, "a")
        wait = limiter.projected_wait("get")
        await limiter.penalise(await limiter.acquire("get"), 120.0)
        return wait

    for _ in range(2):
        with asyncio.Runner(loop_factory=virtual_loop) as runner:
            assert runner.run(one()) == 0.0


def test_a_closed_loop_is_forgotten() -> None:
    """The registry keeps what the heirs need, and not the loop or its limiter."""
    registry = Registry()

    async def one() -> tuple[weakref.ref[asyncio.AbstractEventLoop], weakref.ref[LocalLimiter]]:
        limiter = registry.join(URL, "a")
        await limiter.acquire("get")
        return weakref.ref(asyncio.get_running_loop()), weakref.ref(limiter)

    loop, limiter = asyncio.run(one())
    asyncio.run(one())
    gc.collect()
    assert loop() is None
    assert limiter() is None


def test_two_threads_have_two_limiters() -> None:
    """Each running loop has its own."""
    registry = Registry()

    async def one() -> LocalLimiter:
        return registry.join(URL, "a")

    async def main() -> None:
        mine = registry.join(URL, "a")
        assert await asyncio.to_thread(asyncio.run, one()) is not mine

    asyncio.run(main())


async def test_the_registry_of_the_process_is_behind_the_functions() -> None:
    """`shared_limiter` and `leave_limiter` speak to one registry."""
    first = shared_limiter(URL, "test", rates={"get": Rate(2)})
    with pytest.raises(ConfigurationError):
        shared_limiter(URL, "test", rates={"get": Rate(3)})
    leave_limiter(first)
    second = shared_limiter(URL, "test", rates={"get": Rate(3)})
    assert second is not first
    leave_limiter(second)


async def test_an_unknown_bucket_is_refused() -> None:
    """A typing mistake in the rates is named."""
    with pytest.raises(ConfigurationError, match="'lists'"):
        Registry().join(URL, "a", rates={"lists": Rate(2)})
