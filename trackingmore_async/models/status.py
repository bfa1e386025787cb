"""The status of a tracking: an open enumeration."""

from __future__ import annotations

from typing import ClassVar

__all__ = ["Status"]


class Status(str):
    """A status word of the API. It is a `str` and equals its plain word.

    The constants are the words known today; a word that the vendor adds later is a `Status` as well, never an error.
    `AUTOMATIC` is for edits only: it takes back a status that was set by hand.

    Example:
        >>> Status.DELIVERED == "delivered", Status("delivered").is_final
        (True, True)
        >>> Status("teleported").is_known
        False
    """

    __slots__ = ()

    PENDING: ClassVar[Status]
    NOTFOUND: ClassVar[Status]
    INFORECEIVED: ClassVar[Status]
    TRANSIT: ClassVar[Status]
    PICKUP: ClassVar[Status]
    DELIVERED: ClassVar[Status]
    UNDELIVERED: ClassVar[Status]
    EXCEPTION: ClassVar[Status]
    EXPIRED: ClassVar[Status]
    AUTOMATIC: ClassVar[Status]

    @property
    def is_known(self) -> bool:
        """Whether the word is one of the constants."""
        return getattr(Status, self.upper(), None) == self

    @property
    def is_final(self) -> bool:
        """Whether the vendor stops refreshing: delivered or expired. An exception usually, but not always, ends too."""
        return self in ("delivered", "expired")

    def __repr__(self) -> str:
        return f"Status({str(self)!r})"


Status.PENDING = Status("pending")
Status.NOTFOUND = Status("notfound")
Status.INFORECEIVED = Status("inforeceived")
Status.TRANSIT = Status("transit")
Status.PICKUP = Status("pickup")
Status.DELIVERED = Status("delivered")
Status.UNDELIVERED = Status("undelivered")
Status.EXCEPTION = Status("exception")
Status.EXPIRED = Status("expired")
Status.AUTOMATIC = Status("automatic")
