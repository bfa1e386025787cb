"""Which names a job has certainly not met yet, in memory that does not grow with the job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

__all__ = ["Sieve"]

FEW: Final = 20_000
"""So many names are told apart without doubt, by their hashes, in some 3 MiB."""

WORDS: Final = 1 << 21  # of 64 bits, 16 MiB in all
LAST: Final = WORDS - 1
TWO_BITS: Final = tuple(1 << one | 1 << two for one in range(64) for two in range(64))
"""By twelve bits of a hash; in one of 64 both are the same."""


@attrs.define
class Sieve:
    """Remembers names, and may take a new one for one of them, but never the other way round.

    A few are remembered by their hashes. Of many there is a Bloom filter in which the bits of a name, four at most,
    stand in one word: that costs half as much as bits spread over all the memory. Behind 1,000,000 names one new name
    in 30,000 is held back, behind 10,000,000 one in 120.

    Example:
        >>> sieve = Sieve()
        >>> sieve.sift(["item/zto/1", "item/zto/2"]), sieve.sift(["item/zto/2"])
        ([], ['item/zto/2'])
    """

    _few: set[int] = attrs.field(factory=set[int], init=False)
    _words: memoryview[int] | None = attrs.field(default=None, init=False)

    def sift(self, names: Iterable[str]) -> list[str]:
        """Remember names; return those that may have been here before."""
        if self._words is not None:
            return [name for name in names if _mark(self._words, hash(name))]
        held = list[str]()
        for name in names:
            code = hash(name)
            if code in self._few:
                held.append(name)
            self._few.add(code)
        if len(self._few) > FEW:
            self._words = memoryview(bytearray(8 * WORDS)).cast("Q")
            for code in self._few:
                _mark(self._words, code)
            self._few.clear()
        return held


def _mark(words: memoryview[int], code: int) -> bool:
    """Set the bits of a hash; tell whether all were set before."""
    place = code & LAST
    bits = TWO_BITS[code >> 21 & 4095] | TWO_BITS[code >> 33 & 4095]
    known = words[place]
    words[place] = known | bits
    return known & bits == bits
