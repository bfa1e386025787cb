"""The HTTP clients that requests go through: our own, or one that was lent to us."""

from __future__ import annotations

import attrs

from trackingmore_async.operations import Operation
from trackingmore_async.pacing.silence import Silence
from trackingmore_async.transport.connections import Connections
from trackingmore_async.transport.http import POOL_SIZE, HttpClient, make_clients

__all__ = ["Pool", "Pools", "borrowed_pools", "own_pools"]

SLOW_SECONDS = 60.0  # operations with a longer timeout have a pool of their own, so that they hold up nobody
SLOW_SHARE = 4  # connections of a borrowed client that are theirs


@attrs.frozen
class Pool:
    """An HTTP client, and how many requests may be under way on it."""

    client: HttpClient
    connections: Connections


@attrs.frozen
class Pools:
    """Two pools.

    Args:
        quick: For most operations.
        slow: For those that take minutes.
        owned: True when the clients are ours to close.
    """

    quick: Pool
    slow: Pool
    owned: bool

    def choose(self, operation: Operation) -> Pool:
        """Return the pool for an operation."""
        return self.slow if operation.timeout > SLOW_SECONDS else self.quick

    def listen(self, silence: Silence) -> None:
        """Let those who wait for a connection hear of bans."""
        for pool in (self.quick, self.slow):
            silence.tell(pool.connections)

    async def aclose(self) -> None:
        """Close the clients if they are ours."""
        if not self.owned:
            return
        try:
            await self.quick.client.aclose()
        finally:
            await self.slow.client.aclose()


def borrowed_pools(client: HttpClient) -> Pools:
    """Share one borrowed client between both pools."""
    quick, slow = Connections(POOL_SIZE - SLOW_SHARE), Connections(SLOW_SHARE)
    return Pools(Pool(client, quick), Pool(client, slow), owned=False)


async def own_pools() -> Pools:
    """Make two clients of our own; ConfigurationError when the environment does not let us."""
    quick, slow = [Pool(client, Connections(POOL_SIZE)) for client in await make_clients(2)]
    return Pools(quick, slow, owned=True)
