"""Which names a job has certainly not met yet, in memory that does not grow with the job."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

__all__ = ["Sieve"]

SIZE = 1 << 24  # bytes, of which few are touched by a small job
BITS = 8 * SIZE  # behind 1,000,000 names one new name in a million is held back, behind 10,000,000 one in 200


@attrs.define
class Sieve:
    """Remembers names, and may take a new one for one of them, but never the other way round (a Bloom filter).

    Example:
        >>> sieve = Sieve()
        >>> sieve.sift(["item/zto/1", "item/zto/2"]), sieve.sift(["item/zto/2"])
        ([], ['item/zto/2'])
    """

    _bits: bytearray = attrs.field(factory=lambda: bytearray(SIZE), init=False)

    def sift(self, names: Iterable[str]) -> list[str]:
        """Remember names; return those that may have been here before."""
        return [name for name in names if self._was_here(name)]

    def _was_here(self, name: str) -> bool:
        bits, code, known = self._bits, hash(name), True
        step = (code >> 32) | 1
        for turn in range(4):
            place, bit = divmod((code + turn * step) % BITS, 8)
            if not bits[place] >> bit & 1:
                bits[place] |= 1 << bit
                known = False
        return known
