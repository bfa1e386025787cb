"""Which names a job has certainly not met yet, in memory that does not grow with the job."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

__all__ = ["Sieve"]

SIZE = 1 << 24  # bytes, of which few are touched by a small job
MASK = 8 * SIZE - 1  # behind 1,000,000 names one new name in 90,000 is held back, behind 10,000,000 one in 120


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
            one, two = code & MASK, code >> 27 & MASK
            three = one + two & MASK
            first, second, third = 1 << (one & 7), 1 << (two & 7), 1 << (three & 7)
            one, two, three = one >> 3, two >> 3, three >> 3
            if bits[one] & first and bits[two] & second and bits[three] & third:
                held.append(name)
            else:
                bits[one] |= first
                bits[two] |= second
                bits[three] |= third
        return held
