"""The shortest network round trip to the server, earned by timing TCP connects and never guessed.

Why: a request was on the server one way back before its answer arrived, and the next one needs one way there
(LIMITS.md, first section). Each millisecond that is certain makes every cycle as much shorter; one that is wrong
costs 120 seconds. So the round trip is 0 until ten connects to the very address that answered were timed, without
name resolution, TLS or proxy in them; and without waiting for a busy event loop, which would count as network.
Ten, because the smallest of three is often too large on a path with jitter: on the path of LIMITS.md, 10,000 requests
with three samples met a ban in 13 of 60 simulated runs, with five in 6, with ten in none.
"""

from __future__ import annotations

import socket
import struct
import time

import anyio
import attrs

__all__ = ["RoundTrip"]

SAMPLES = 10
PATIENCE = 2.0  # seconds for one connect; a slower path is not worth measuring
KERNEL_ROUND_TRIP = struct.Struct("68xI")  # tcpi_rtt of Linux's struct tcp_info, in microseconds


@attrs.define
class RoundTrip:
    """Measures the shortest round trip to the address that answers.

    Args:
        trusted: False where a connect would measure something else: a proxy, a Unix socket, a borrowed client,
            an application in this process. Then the round trip stays 0.
    """

    trusted: bool
    _address: tuple[str, int] | None = None
    _samples: list[float] = attrs.field(factory=list[float])

    @property
    def shortest(self) -> float:
        """Seconds; 0.0 until enough connects were timed."""
        return min(self._samples) if len(self._samples) >= SAMPLES else 0.0

    @property
    def is_due(self) -> bool:
        """True while `measure` would add a sample."""
        return self.trusted and self._address is not None and len(self._samples) < SAMPLES

    def answered_from(self, address: object) -> None:
        """Note the address that an answer came from; another one than before begins the measurement anew."""
        if not self.trusted:
            return
        match address:
            case (str(host), int(port)) | (str(host), int(port), int(), int()):
                if (host, port) != self._address:
                    self._address, self._samples = (host, port), []
            case _:
                self.trusted = False

    async def measure(self) -> None:
        """Time one TCP connect to that address; on failure give up measuring for good."""
        if self._address is None:
            return
        address = self._address
        try:
            seconds = await anyio.to_thread.run_sync(_time_connect, address, abandon_on_cancel=True)
        except OSError:
            self.trusted = False
            return
        if address == self._address:
            self._samples.append(seconds)


def _time_connect(address: tuple[str, int]) -> float:
    """Time a connect; by the kernel's count where it tells, for threads wait for each other."""
    begun = time.perf_counter()
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        seconds = time.perf_counter() - begun
        if not hasattr(socket, "TCP_INFO"):
            return seconds
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, KERNEL_ROUND_TRIP.size)
        (microseconds,) = KERNEL_ROUND_TRIP.unpack(info)
        return min(seconds, microseconds / 1e6) if microseconds else seconds
