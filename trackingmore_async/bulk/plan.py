"""What a job will take, said before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from itertools import islice
from typing import Any

import attrs

from trackingmore_async.calls import Caller
from trackingmore_async.errors import ConfigurationError, InvalidRequestError
from trackingmore_async.models import Outcome
from trackingmore_async.operations import Operation
from trackingmore_async.pacing.projecting import Projecting, expected_interval

from .duplicates import LOOKED_AT, Duplicates, can_be_read_twice

__all__ = ["Plan", "make_plan"]

KEPT = 1000  # invalid items that a plan names


@attrs.frozen(kw_only=True)
class Plan:
    """What a job will take if nothing goes wrong.

    It looks at the first 200,000 items. What lies behind them is taken to be valid, and each of another tracking.

    Args:
        items: How many items there are.
        requests: How many requests they need.
        quota: What they cost, in units of quota.
        shortest: Seconds, if the server answered in no time: what the rate alone dictates.
        duration: Seconds, as the observed pace of this client's requests has it; equal to `shortest` before the first.
        longest: Seconds, if every answer came late, as the rules of the limiter allow for it.
        duplicates: How many items are folded into another one of the same tracking.
        invalid: How many items cannot be sent.
        reasons: The first 1,000 of those, as outcomes with their errors.
        looked_at: How many items were looked at.

    Example:
        >>> plan = Plan(items=100_000, requests=2_500, quota=0.0, shortest=2_499.0, duration=2_840.0, longest=3_748.5)
        >>> plan.requests
        2500
    """

    items: int
    requests: int
    quota: float
    shortest: float
    duration: float
    longest: float
    duplicates: int = 0
    invalid: int = 0
    reasons: tuple[Outcome[Any], ...] = ()
    looked_at: int = 0


def make_plan(caller: Caller, operation: Operation, items: Any, check: Callable[[object], None]) -> Plan:
    """Look at the items, count, and project the time; nothing is sent.

    Args:
        caller: Whose pace it is.
        operation: The row of the table.
        items: What the caller gave.
        check: Raises `InvalidRequestError` for an item that cannot be sent.
    """
    if not can_be_read_twice(items):
        raise ConfigurationError(
            "plan() looks at the items, and this source can be read only once: pass a list. A job on such a source "
            "finds duplicates while it runs, all of them with a journal."
        )
    caller.transport.lifetime.check()
    duplicates, reasons = Duplicates(), list[Outcome[Any]]()
    for _ in duplicates.search(items, check):
        pass
    invalid = _count_invalid(items, check, reasons)
    sent = len(items) - invalid - len(duplicates.indices)
    requests = math.ceil(sent / operation.batch_size)
    shortest, duration, longest = _seconds(caller, operation, requests)
    return Plan(
        items=len(items),
        requests=requests,
        quota=sent * operation.quota,
        shortest=shortest,
        duration=duration,
        longest=longest,
        duplicates=len(duplicates.indices),
        invalid=invalid,
        reasons=tuple(reasons),
        looked_at=min(len(items), LOOKED_AT),
    )


def _count_invalid(items: Collection[Any], check: Callable[[object], None], reasons: list[Outcome[Any]]) -> int:
    invalid = 0
    for index, item in enumerate(islice(items, LOOKED_AT)):
        try:
            check(item)
        except InvalidRequestError as error:
            invalid += 1
            if invalid <= KEPT:
                reasons.append(Outcome(index, item, "failed", error=error))
    return invalid


def _seconds(caller: Caller, operation: Operation, requests: int) -> tuple[float, float, float]:
    """Return the time at the full rate, at the observed pace, and at the slowest one."""
    limiter, gaps = caller.transport.limiter, max(0, requests - 1)
    nominal, expected = operation.rate.interval, expected_interval(limiter, operation)
    slowest = expected
    if isinstance(limiter, Projecting):
        nominal = limiter.rates[operation.bucket].interval
        slowest = max(expected, limiter.longest_interval(operation.bucket))
    wait = limiter.projected_wait(operation.bucket, lane="bulk") if requests else 0.0
    return gaps * nominal, wait + gaps * expected, wait + gaps * slowest
