"""Whether a failed request is sent again, and after how long: over all operations, errors and attempts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackingmore_async.errors import (
    ClientStateError,
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.operations import OPERATIONS, Operation, Safety
from trackingmore_async.retry import RetryPolicy, delay_before_retry, is_transient, may_replay

UNSENT, SENT, UNCLEAR = (TransportError("", sent=sent) for sent in (False, True, None))
FAILED, GARBLED = ServerError("", code=500), DecodeError("")
FINAL = [
    NotFoundError("", code=4017),
    RateLimitedError("", code=429),
    DeadlineExceededError(""),
    ClientStateError(""),
    ConfigurationError(""),
    DecodeError("", code=200),
    DecodeError("", http_status=301),
]
ROWS = list(OPERATIONS.values())
EXPECTED: dict[Safety, dict[TrackingMoreError, int]] = {
    Safety.READ: {UNSENT: 2, SENT: 2, UNCLEAR: 2, FAILED: 2, GARBLED: 2},
    Safety.KEYED: {UNSENT: 2, SENT: 2, UNCLEAR: 2, FAILED: 2, GARBLED: 2},
    Safety.PAID: {UNSENT: 1, SENT: 0, UNCLEAR: 0, FAILED: 0, GARBLED: 0},
    Safety.NEVER: {UNSENT: 2, SENT: 0, UNCLEAR: 0, FAILED: 0, GARBLED: 0},
}
"""After how many of the first two failures the request goes out again."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("error", [UNSENT, SENT, UNCLEAR, FAILED, GARBLED], ids=repr)
def test_only_what_is_safe_is_replayed(row: Operation, error: TrackingMoreError) -> None:
    """Reads and keyed writes go again after any trouble, paid questions once if unsent, the others only if unsent."""
    replays = sum(may_replay(row, error, attempt) for attempt in (1, 2))
    assert replays == EXPECTED[row.safety][error]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("error", FINAL, ids=repr)
def test_what_will_not_change_is_not_replayed(row: Operation, error: TrackingMoreError) -> None:
    """Refusals, deadlines, redirects and answers that were understood are not asked for again."""
    assert not is_transient(error)
    assert delay_before_retry(RetryPolicy(), row, error, 1, 1.0) is None


@given(
    attempts=st.integers(1, 10**6),
    base=st.floats(0, 1e6),
    cap=st.floats(0, 1e6),
    attempt=st.integers(1, 10**6),
    draw=st.floats(0, 1),
)
def test_pauses_are_bounded(attempts: int, base: float, cap: float, attempt: int, draw: float) -> None:
    """There are as many attempts as allowed, and each pause lies between zero and the doubled base, the cap at most."""
    policy = RetryPolicy(attempts=attempts, base=base, cap=cap)
    delay = delay_before_retry(policy, OPERATIONS["get"], FAILED, attempt, draw)
    if attempt >= attempts:
        assert delay is None
    else:
        assert delay is not None
        assert 0 <= delay <= cap
        assert attempt > 1 or delay <= base


def test_jitter_is_full() -> None:
    """A draw of zero gives no pause, a draw of one the longest, which doubles up to the cap."""
    policy, row = RetryPolicy(attempts=9, base=0.5, cap=3.0), OPERATIONS["list"]
    assert [delay_before_retry(policy, row, FAILED, attempt, 1.0) for attempt in range(1, 6)] == [0.5, 1, 2, 3, 3]
    assert {delay_before_retry(policy, row, FAILED, attempt, 0.0) for attempt in range(1, 6)} == {0.0}


@pytest.mark.parametrize("name", ["attempts", "bans"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "3", True, None])
def test_bad_counts_are_refused(name: str, value: Any) -> None:
    """Counts are whole numbers from one on."""
    with pytest.raises(ConfigurationError, match=f"{name} of RetryPolicy"):
        RetryPolicy(**{name: value})


@pytest.mark.parametrize("name", ["base", "cap"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", None])
def test_bad_pauses_are_refused(name: str, value: Any) -> None:
    """Pauses are numbers of seconds from zero on."""
    with pytest.raises(ConfigurationError, match=f"{name} of RetryPolicy"):
        RetryPolicy(**{name: value})
