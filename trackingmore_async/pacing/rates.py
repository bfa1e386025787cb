"""The rate of each bucket, and which bucket may try first whether a ban is over: read from the table of operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trackingmore_async.errors import ConfigurationError
from trackingmore_async.operations import OPERATIONS, Operation, Rate, Safety

__all__ = ["PROBES", "TOTAL", "all_rates"]

TOTAL: Final = "total"
"""The name under which a rate bounds all buckets together."""

_ORDER = (Safety.READ, Safety.KEYED, Safety.PAID, Safety.NEVER)


def _price(row: Operation) -> tuple[int, float, int]:
    return _ORDER.index(row.safety), row.quota, row.batch_size


PROBES: Final = tuple(row.bucket for row in sorted(OPERATIONS.values(), key=_price))
"""The buckets in the order in which their heads serve as probes after a ban: cheap reads first, dear calls last."""


def all_rates(rates: Mapping[str, Rate] | None) -> dict[str, Rate]:
    """Return the rate of every bucket: the given ones, and the defaults of the table for the others.

    Args:
        rates: Bucket -> rate; the name "total" bounds all buckets together.

    Raises:
        ConfigurationError: there is no bucket of that name, or its rate is none.

    Example:
        >>> all_rates({"list": Rate(2)})["list"], "total" in all_rates(None)
        (Rate(requests=2, seconds=1.0), False)
    """
    if rates is not None and not isinstance(rates, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("rates has to be a mapping from bucket to Rate, such as {'list': Rate(2)}; it is not.")
    for name, rate in (rates or {}).items():
        if name != TOTAL and name not in OPERATIONS:
            raise ConfigurationError(f"There is no bucket {name!r}. Known: {', '.join(sorted(OPERATIONS))}, {TOTAL}.")
        if not isinstance(rate, Rate):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a checker
            raise ConfigurationError(f"The rate of {name!r} has to be a Rate, such as Rate(3, 1.0), not {rate!r}.")
    return {row.bucket: row.rate for row in OPERATIONS.values()} | dict(rates or {})
