"""What the account has and holds: ``tm.account``."""

from __future__ import annotations

from datetime import datetime

from trackingmore_async.calls import Caller
from trackingmore_async.models import UNSET, Account, CountsQuery, StatusCounts, UnsetType
from trackingmore_async.operations import ACCOUNT_INFO, STATUS_COUNTS

__all__ = ["AccountResource"]


class AccountResource:
    """The account: its owner, its quota, its trackings by status."""

    __slots__ = ("_caller",)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def info(self) -> Account:
        """Read who owns the account, and what quota is left: GET /trackings/getuserinfo.

        Raises:
            TrackingMoreError: any failure, see docs/errors.md.

        Example:
            >>> async def left(tm: TrackingMore) -> int | None:
            ...     return (await tm.account.info()).track_number
        """
        account: Account = await self._caller.call(ACCOUNT_INFO, None)
        return account

    async def status_counts(
        self,
        *,
        created_at_min: datetime | UnsetType = UNSET,
        created_at_max: datetime | UnsetType = UNSET,
        order_created_time_min: datetime | UnsetType = UNSET,
        order_created_time_max: datetime | UnsetType = UNSET,
    ) -> StatusCounts:
        """Count the trackings by status: GET /trackings/getstatusnumber.

        Args:
            created_at_min: Only those created at this time or later; an aware datetime.
            created_at_max: Only those created at this time or earlier.
            order_created_time_min: Only those ordered at this time or later.
            order_created_time_max: Only those ordered at this time or earlier.

        Raises:
            TrackingMoreError: any failure, see docs/errors.md.

        Example:
            >>> async def on_the_way(tm: TrackingMore) -> int | None:
            ...     return (await tm.account.status_counts()).transit
        """
        query = CountsQuery(
            created_at_min=created_at_min,
            created_at_max=created_at_max,
            order_created_time_min=order_created_time_min,
            order_created_time_max=order_created_time_max,
        )
        counts: StatusCounts = await self._caller.call(STATUS_COUNTS, query)
        return counts
