"""Air waybills: ``tm.air``."""

from __future__ import annotations

from collections.abc import Iterable

from trackingmore_async.calls import Caller
from trackingmore_async.models import UNSET, AirQuery, AirWaybill
from trackingmore_async.operations import AIR

__all__ = ["AirResource"]


class AirResource:
    """Air cargo, asked by the number of its waybill."""

    __slots__ = ("_caller",)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def track(self, awbs: str | Iterable[str], *, lang: str | None = None) -> dict[str, AirWaybill]:
        """Ask where air cargo is: POST /trackings/aircargo. Each waybill costs 20 units of quota or more.

        Once sent the question is never repeated by itself, because it would be paid for again.

        Args:
            awbs: One waybill or several: three digits, a dash or none, seven or eight digits.
            lang: Two letters, such as ``en``.

        Returns:
            Dashed waybill -> what is known of it; one of which nothing is known is missing.

        Raises:
            TrackingMoreError: any failure, see docs/errors.md.

        Example:
            >>> async def weight(tm: TrackingMore) -> str | None:
            ...     found = await tm.air.track("172-00000000")
            ...     return found["172-00000000"].weight
        """
        query = AirQuery((awbs,) if isinstance(awbs, str) else tuple(awbs), lang=lang or UNSET)
        waybills: dict[str, AirWaybill] = await self._caller.call(AIR, query)
        return waybills
