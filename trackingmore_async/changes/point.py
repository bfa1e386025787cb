"""The checkpoint of a feed: up to where everything was handed out, by the server's clock. Pure."""

from __future__ import annotations

import math
from datetime import datetime

import attrs

from trackingmore_async.errors import ConfigurationError

__all__ = ["Point", "read_since"]

LATEST = 32_503_680_000  # the year 3000: what lies behind it are milliseconds


@attrs.frozen
class Point:
    """Up to where everything that was created or refreshed has been handed out, in unix seconds.

    Args:
        since: What the caller began with; nothing from before it is wanted.
        after: All that was visible at this moment of the server's clock was handed out.
        newest: The newest time that a tracking had in the rounds that are over; None: there was none.
    """

    since: int
    after: int
    newest: int | None = None

    def start(self, overlap: float) -> int:
        """Return where the next window begins: what becomes visible only so many seconds late is still in it."""
        return max(self.since, self.after - math.ceil(overlap))

    def advance(self, as_of: int | None, newest: int | None) -> Point:
        """Return the point behind a round that missed nothing.

        Args:
            as_of: The server's clock when the round began. Where it shows none, the newest time in *earlier* rounds
                stands for it: it was over before this one began.
            newest: The newest time of a tracking in this round.
        """
        over = max(self.after, self.newest or 0) if as_of is None else as_of
        known = [moment for moment in (self.newest, newest) if moment is not None]
        return attrs.evolve(self, after=over, newest=max(known, default=None))


def read_since(value: datetime | float | None) -> int | None:
    """Return the point of time that a caller named, in whole unix seconds; None where none was named.

    Args:
        value: An aware datetime, or unix seconds.

    Raises:
        ConfigurationError: It is naive, or no time.
    """
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ConfigurationError(
                "since has no time zone, so nobody can say which moment it is. Pass an aware datetime, such as "
                "datetime.now(UTC), or unix seconds."
            )
        value = value.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"since has to be an aware datetime or unix seconds, not {value!r}.")
    return int(value)
