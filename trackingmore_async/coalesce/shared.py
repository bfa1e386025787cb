"""All that the single calls of one client share."""

from __future__ import annotations

import attrs

from trackingmore_async.calls import Caller

from .lookups import Lookups
from .writes import Writes

__all__ = ["Shared"]


@attrs.frozen
class Shared:
    """The shared requests of one client.

    Args:
        lookups: Those that read.
        writes: Those that write.
    """

    lookups: Lookups
    writes: Writes

    @classmethod
    def of(cls, caller: Caller) -> Shared:
        """Make those of a client."""
        return cls(Lookups(caller.transport), Writes(caller))

    async def aclose(self) -> None:
        """Wait until all that was under way has ended; the transport is closed."""
        await self.lookups.aclose()
        await self.writes.aclose()
