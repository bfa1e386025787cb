"""Which names a job has certainly not met yet, in memory that does not grow with the job."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

__all__ = ["Sieve"]

FEW = 20_000  # names that are told apart without doubt, in some 2 MiB
SIZE = 1 << 24  # bytes
MASK = 8 * SIZE - 1  # behind 1,000,000 names one new name in 90,000 is held back, behind 10,000,000 one in 120


@attrs.define
class Sieve:
    """Remembers names, and may take a new one for one of them, but never the other way round.

    A few are remembered by their hashes; of many there are bits (a Bloom filter).

    Example:
        >>> sieve = Sieve()
        >>> sieve.sift(["item/zto/1", "item/zto/2"]), sieve.sift(["item/zto/2"])
        ([], ['item/zto/2'])
    """

    _few: set[int] = attrs.field(factory=set[int], init=False)
    _bits: bytearray = attrs.field(factory=bytearray, init=False)

    def sift(self, names: Iterable[str]) -> list[str]:
        """Remember names; return those that may have been here before."""
        held = list[str]()
        for name in names:
            code = hash(name)
            if self._bits:
                is_met = _mark(self._bits, code)
            else:
                is_met = code in self._few
                self._note(code)
            if is_met:
                held.append(name)
        return held

    def _note(self, code: int) -> None:
        """Remember one of the first hashes; when there are too many, go over to bits."""
        self._few.add(code)
        if len(self._few) > FEW:
            self._bits = bytearray(SIZE)
            for known in self._few:
                _mark(self._bits, known)
            self._few.clear()


def _mark(bits: bytearray, code: int) -> bool:
    """Set the bits of a hash; tell whether all were set before."""
    one, two = code & MASK, code >> 27 & MASK
    three = one + two & MASK
    first, second, third = 1 << (one & 7), 1 << (two & 7), 1 << (three & 7)
    one, two, three = one >> 3, two >> 3, three >> 3
    if bits[one] & first and bits[two] & second and bits[three] & third:
        return True
    bits[one] |= first
    bits[two] |= second
    bits[three] |= third
    return False
