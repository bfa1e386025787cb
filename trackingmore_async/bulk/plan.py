"""What a job will take, said before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sized
from typing import Any, Protocol, runtime_checkable

import attrs

from trackingmore_async.calls import Caller
from trackingmore_async.errors import ConfigurationError
from trackingmore_async.operations import Operation, Rate

__all__ = ["Plan", "make_plan"]


@attrs.frozen(kw_only=True)
class Plan:
    """What a job will take if nothing goes wrong.

    Args:
        items: How many items there are.
        requests: How many requests they need.
        quota: What they cost, in units of quota.
        shortest: Seconds, if the server answered in no time.
        duration: Seconds, as the observed pace of this client's requests has it; equal to `shortest` before the first.

    Example:
        >>> plan = Plan(items=100_000, requests=2_500, quota=0.0, shortest=2_499.0, duration=2_840.0)
        >>> plan.requests
        2500
    """

    items: int
    requests: int
    quota: float
    shortest: float
    duration: float


@runtime_checkable
class _Projecting(Protocol):
    """A limiter that knows its rates and what pace it reaches."""

    @property
    def rates(self) -> Mapping[str, Rate]: ...

    def expected_interval(self, bucket: str) -> float: ...


def make_plan(caller: Caller, operation: Operation, items: Any) -> Plan:
    """Count the items and project the time; nothing is sent, and the items are not touched."""
    if not isinstance(items, Sized):
        raise ConfigurationError("plan() needs a source that has a length and can be read again: pass a list.")
    caller.transport.lifetime.check()
    count = len(items)
    requests = math.ceil(count / operation.batch_size)
    gaps = max(0, requests - 1)
    limiter = caller.transport.limiter
    nominal = expected = operation.rate.interval
    if isinstance(limiter, _Projecting):
        nominal = limiter.rates[operation.bucket].interval
        expected = limiter.expected_interval(operation.bucket)
    return Plan(
        items=count,
        requests=requests,
        quota=count * operation.quota,
        shortest=gaps * nominal,
        duration=(limiter.projected_wait(operation.bucket, lane="bulk") if requests else 0.0) + gaps * expected,
    )
