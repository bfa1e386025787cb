"""The order of an account's trackings: one integer each, sorted by time of creation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, cast

import sortedcontainers  # type: ignore[import-untyped, unused-ignore] # pyright: ignore[reportMissingTypeStubs]

__all__ = ["Keys", "created_of", "key_of", "new_keys", "serial_of"]

_SERIAL_BITS = 32


class Keys(Protocol):
    """The part of ``sortedcontainers.SortedList`` that the sandbox uses; every call costs O(log n)."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[int]: ...
    def __contains__(self, key: object) -> bool: ...
    def add(self, value: int) -> None:
        """Insert a key."""

    def remove(self, value: int) -> None:
        """Take a key out; ValueError where it is not in."""

    def update(self, iterable: Iterable[int]) -> None:
        """Insert many keys."""

    def bisect_left(self, value: int) -> int:
        """Return how many keys are less."""
        ...

    def islice(self, start: int | None = None, stop: int | None = None, reverse: bool = False) -> Iterator[int]:
        """Iterate over the keys of some positions."""
        ...


def new_keys() -> Keys:
    """Return an empty order.

    Example:
        >>> len(new_keys())
        0
    """
    return cast("Keys", sortedcontainers.SortedList())  # pyright: ignore[reportUnknownMemberType]


def key_of(created: int, serial: int) -> int:
    """Return the key of a tracking: sorts by time, then by serial number.

    Args:
        created: Unix seconds.
        serial: The sandbox's own number of the tracking.

    Example:
        >>> created_of(key_of(1710468478, 7))
        1710468478
    """
    return created << _SERIAL_BITS | serial


def created_of(key: int) -> int:
    """Return the time of creation in a key, in unix seconds.

    Example:
        >>> created_of(key_of(1710468478, 7))
        1710468478
    """
    return key >> _SERIAL_BITS


def serial_of(key: int) -> int:
    """Return the serial number in a key.

    Example:
        >>> serial_of(key_of(1710468478, 7))
        7
    """
    return key & ((1 << _SERIAL_BITS) - 1)
