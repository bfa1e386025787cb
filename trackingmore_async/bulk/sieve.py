"""Which names a job has certainly not met yet, in memory that does not grow with the job."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

__all__ = ["Sieve"]

SIZE = 1 << 22  # bytes: behind 300,000 names one new name in 3,000 is held back, behind 3,000,000 one in 40


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
        bits, held = self._bits, list[str]()
        for name in names:
            code = hash(name)
            one, other = code % SIZE, (code >> 32) % SIZE
            one_bit, other_bit = 1 << (code >> 24 & 7), 1 << (code >> 56 & 7)
            if bits[one] & one_bit and bits[other] & other_bit:
                held.append(name)
            else:
                bits[one] |= one_bit
                bits[other] |= other_bit
        return held
