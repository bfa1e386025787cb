"""Carriers: ``tm.carriers``."""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from trackingmore_async.calls import Caller
from trackingmore_async.errors import NotFoundError, TrackingMoreError
from trackingmore_async.models import (
    UNSET,
    Carrier,
    CarrierGuess,
    CarriersQuery,
    DetectQuery,
    RemoteAreaQuery,
    RemoteAreas,
    TransitTime,
    TransitTimeQuery,
)
from trackingmore_async.operations import CARRIERS, DETECT, REMOTE_AREAS, TRANSIT_TIMES

__all__ = ["CarriersResource"]

NOTHING_FOUND = frozenset({4031, 4032})  # "fine, but nothing to return" (API.md 3.18, 6)


class CarriersResource:
    """Which carriers there are, which one a number belongs to, where and how fast they deliver."""

    __slots__ = ("_caller",)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def list(self, *, lang: str | None = None) -> builtins.list[Carrier]:
        """List all carriers: GET /carriers.

        Args:
            lang: ``en`` or ``cn``; None: the server's choice.

        Raises:
            TrackingMoreError: any failure, see docs/errors.md.

        Example:
            >>> async def codes(tm: TrackingMore) -> list[str]:
            ...     return [carrier.code for carrier in await tm.carriers.list()]
        """
        carriers: builtins.list[Carrier] = await self._caller.call(CARRIERS, CarriersQuery(lang=lang or UNSET))
        return carriers

    async def detect(self, tracking_number: str, *, lang: str | None = None) -> builtins.list[CarrierGuess]:
        """Guess the carriers of a number: POST /carriers/detect. Costs 0.2 units of quota.

        Args:
            tracking_number: The number of the parcel.
            lang: Two letters; None: the server's choice.

        Returns:
            The guesses, best first; empty when the server recognises none.

        Raises:
            TrackingMoreError: any failure, see docs/errors.md.

        Example:
            >>> async def best(tm: TrackingMore) -> str:
            ...     return (await tm.carriers.detect("LX900000017CN"))[0].code
        """
        query = DetectQuery(tracking_number, lang=lang or UNSET)
        guesses: builtins.list[CarrierGuess] = await self._caller.call(DETECT, query, settle=_no_guesses)
        return guesses

    async def remote_areas(self, queries: Iterable[RemoteAreaQuery]) -> RemoteAreas:
        """Ask which places are remote and may cost extra: POST /trackings/remote. 0.2 units of quota each.

        Args:
            queries: Up to 40 places.

        Raises:
            TrackingMoreError: any failure, see docs/errors.md.

        Example:
            >>> async def companies(tm: TrackingMore) -> list[str | None]:
            ...     areas = await tm.carriers.remote_areas([RemoteAreaQuery("JP", "9990001")])
            ...     return [area.company for area in areas.remote]
        """
        areas: RemoteAreas = await self._caller.call(REMOTE_AREAS, tuple(queries))
        return areas

    async def transit_times(self, queries: Iterable[TransitTimeQuery]) -> builtins.list[TransitTime]:
        """Ask how long routes usually take: POST /trackings/costtime.

        Args:
            queries: Up to 40 routes.

        Raises:
            TrackingMoreError: any failure, see docs/errors.md.

        Example:
            >>> async def sample_size(tm: TrackingMore) -> int | None:
            ...     return (await tm.carriers.transit_times([TransitTimeQuery("dhl", "CN", "US")]))[0].total
        """
        times: builtins.list[TransitTime] = await self._caller.call(TRANSIT_TIMES, tuple(queries))
        return times


async def _no_guesses(error: TrackingMoreError) -> builtins.list[CarrierGuess]:
    """Return no guesses where the server has none; raise any other error."""
    if isinstance(error, NotFoundError) and error.code in NOTHING_FOUND:
        return []
    raise error
