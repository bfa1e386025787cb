"""What is in doubt is settled at the end of a job, forty by number at a time, and keeps its tracking's order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from tests.bulk.conftest import fill, in_process, number
from tests.bulk.test_outcomes import edits, news, outcomes_of, refs, states
from tests.conftest import VIRTUAL
from trackingmore_async import ClientStateError, RetryPolicy, TrackingUpdate
from trackingmore_async.sandbox import Fault, Sandbox, Switches

pytestmark = pytest.mark.anyio

ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def anyio_backend() -> Any:
    """These tests run on the virtual clock."""
    return VIRTUAL


async def test_doubts_of_many_batches_are_read_back_together() -> None:
    """One item of each of 40 batches is left out: one request reads them all back, in the bucket of the list."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", omit={number(index) for index in range(0, 1600, 40)}))
    async with in_process(sandbox) as tm:
        run = tm.trackings.create_many(news(*range(1600)))
        outcomes = await outcomes_of(run)
    assert states(outcomes) == ["succeeded"] * 1600
    assert sandbox.statistics().requests == {"create_many": 40, "list": 1}
    assert run.report.requests == 41


async def test_they_are_settled_at_the_end() -> None:
    """Nothing is read back while there is something to send."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("delete_many", on={1}, omit={number(3)}))
    fill(sandbox, 200)
    order: list[int] = []
    async with in_process(sandbox) as tm, tm.trackings.delete_many(refs(*range(200))) as run:
        async for outcome in run:
            order.append(outcome.index)
            assert run.progress.in_doubt == (1 if len(order) < 200 else 0)
    assert order[-1] == 3
    assert sorted(order) == list(range(200))


async def test_or_when_the_caller_says_so() -> None:
    """`reconcile()` settles at once what is in doubt by then; the outcomes come with the others."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("delete_many", on={1}, omit={number(3)}))
    fill(sandbox, 200)
    order: list[int] = []
    async with in_process(sandbox) as tm:
        job = tm.trackings.delete_many(refs(*range(200)))
        with pytest.raises(ClientStateError, match="does not run"):
            await job.reconcile()
        async with job as run:
            async for outcome in run:
                order.append(outcome.index)
                if len(order) == 39:
                    await run.reconcile()
                    assert run.progress.in_doubt == 0
    assert order[39:45].count(3) == 1 or order.index(3) < 120


async def test_settling_that_the_caller_cancels_leaves_the_items_in_doubt() -> None:
    """A `reconcile()` that was given too little time loses nothing: the end of the job settles the same items."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={1}, omit={number(3)}), Fault("list", on={1}, delay_work=20.0))
    order: list[int] = []
    async with in_process(sandbox) as tm, tm.trackings.create_many(news(*range(120))) as run:
        async for outcome in run:
            order.append(outcome.index)
            if len(order) == 39:
                with anyio.move_on_after(0.5):
                    await run.reconcile()
                assert run.progress.in_doubt == 1
    assert sorted(order) == list(range(120))


async def test_what_waited_for_an_item_that_the_caller_settles_is_sent() -> None:
    """A `reconcile()` that lasts longer than all else: the job goes on with what was held back by then."""
    sandbox = Sandbox()
    fill(sandbox, 40)
    sandbox.faults.add(Fault("update_many", on={1}, omit={number(3)}), Fault("list", on={1}, delay_work=5.0))
    items = [*edits(*range(40)), TrackingUpdate("dhl", number(3), title="x")]
    order: list[int] = []
    async with in_process(sandbox) as tm, tm.trackings.update_many(iter(items)) as run:
        async for outcome in run:
            order.append(outcome.index)
            if len(order) == 39:
                await run.reconcile()
    assert sorted(order) == list(range(41))


async def test_what_a_listener_raises_while_the_caller_settles_comes_out_as_it_is() -> None:
    """No group of exceptions reaches the caller of `reconcile()`."""

    def listener(_: object) -> None:
        if len(order) == 39:
            raise ZeroDivisionError

    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={1}, omit={number(3)}))
    order: list[int] = []
    async with in_process(sandbox) as tm:
        with pytest.raises(ZeroDivisionError):
            async with tm.trackings.create_many(news(*range(120)), progress=listener) as run:
                async for outcome in run:
                    order.append(outcome.index)
                    if len(order) == 39:
                        await run.reconcile()


async def test_a_lost_edit_is_sent_again_and_not_read_back() -> None:
    """An edit whose answer was lost has the same values a second time."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("update_many", on={1}, reset="after"))
    fill(sandbox, 2)
    async with in_process(sandbox, retry=ONCE) as tm:
        outcomes = await outcomes_of(tm.trackings.update_many(edits(0, 1)))
    assert states(outcomes) == ["succeeded"] * 2
    assert sandbox.statistics().requests == {"update_many": 2}


@pytest.mark.parametrize(
    ("reset", "times", "expected"), [("before", 2, "failed"), ("before", 1, "succeeded"), ("after", 1, "succeeded")]
)
@pytest.mark.parametrize("method", ["create_many", "delete_many"])
async def test_a_lost_create_or_deletion_is_read_back(method: str, reset: Any, times: int, expected: str) -> None:
    """Reading back tells what was done; what was not is sent once more, or has failed, and says so."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault(method, times=times, reset=reset))
    if method == "delete_many":
        fill(sandbox, 2)
    items: list[Any] = news(0, 1) if method == "create_many" else refs(0, 1)
    async with in_process(sandbox, retry=ONCE) as tm:
        await tm.account.info()  # shows the server's clock
        outcomes = await outcomes_of(getattr(tm.trackings, method)(items))
    assert states(outcomes) == [expected] * 2
    assert all("nothing was changed" in str(outcome.error) for outcome in outcomes if outcome.error)
    assert sandbox.statistics().requests["list"] == times


async def test_a_key_in_doubt_holds_back_later_items() -> None:
    """Later edits of a tracking wait until an earlier one is settled, so the last one is what stands."""

    def source() -> Iterator[TrackingUpdate]:
        yield from edits(0, title="first")
        yield from edits(*range(1, 100))
        yield from edits(0, title="last")

    sandbox = Sandbox()
    sandbox.faults.add(Fault("update_many", on={1}, reset="after"))
    fill(sandbox, 100)
    async with in_process(sandbox, retry=ONCE) as tm:
        outcomes = await outcomes_of(tm.trackings.update_many(source()))
    assert states(outcomes) == ["succeeded"] * 101
    assert (sandbox.find("zto", number(0)) or {})["title"] == "last"


async def test_a_create_does_not_pass_off_another_ones_tracking_as_its_own() -> None:
    """The second create of a tracking, a second behind the first, is superseded: dating could not tell whose it is."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={2}, reset="before"))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(iter(news(*range(60), 0))))
    assert states(outcomes) == ["succeeded"] * 60 + ["superseded"]


async def test_after_a_while_the_server_is_asked() -> None:
    """Ten seconds behind the first, what exists is older than the second create, so that one has failed."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={21}, reset="before"))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(iter(news(*range(800), 0))))
    assert states(outcomes) == ["succeeded"] * 800 + ["failed"]


async def test_doubts_do_not_pile_up() -> None:
    """A server that never says anything about an item: doubts are settled before they are 2,100."""
    sandbox = Sandbox(switches=Switches(delete_entry="number", delete_failures="omitted"))
    sandbox.faults.add(Fault("delete_many", counter=-1))
    fill(sandbox, 6000)
    seen: list[int] = []
    async with in_process(sandbox) as tm:
        job = tm.trackings.delete_many(refs(*range(6000)), progress=lambda progress: seen.append(progress.in_doubt))
        report = await job
    assert 1900 < max(seen) < 2100
    assert report.succeeded == 6000


async def test_what_cannot_be_read_back_is_unknown() -> None:
    """Where the list fails as well, nobody knows; the text says why."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", omit={number(1)}), Fault("list", code=500))
    async with in_process(sandbox) as tm:
        outcomes = await outcomes_of(tm.trackings.create_many(news(0, 1)))
    assert states(outcomes) == ["succeeded", "unknown"]
    assert "500" in str(outcomes[1].error)


async def test_after_three_bans_nothing_is_read_back() -> None:
    """A job that ends for a ban does not begin another one for the sake of its doubts."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("create_many", on={1}, omit={number(1)}), Fault("create_many", code=429, ban=True))
    async with in_process(sandbox) as tm:
        begun = anyio.current_time()
        outcomes = await outcomes_of(tm.trackings.create_many(news(*range(80))))
        assert anyio.current_time() - begun < 300
    assert states(outcomes)[1] in {"unknown", "failed"}
    assert "list" not in sandbox.statistics().requests
