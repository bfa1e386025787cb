"""`UNSET`: the mark of a field that was not given, or not echoed."""

from __future__ import annotations

from typing import ClassVar, Final, Literal, final

__all__ = ["UNSET", "Text", "UnsetType"]


@final
class UnsetType:
    """The type of `UNSET`, for annotations and ``isinstance``.

    There is one instance. It is falsy, differs from None, and pickles and copies to itself.

    Example:
        >>> UnsetType() is UNSET, bool(UNSET), UNSET == None
        (True, False, False)
    """

    __slots__ = ()
    _only: ClassVar[UnsetType | None] = None

    def __new__(cls) -> UnsetType:
        """Return the one instance."""
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Final = UnsetType()
"""Not given by the caller (requests: the field is not sent), or not echoed by the server (`TrackingEcho`)."""

Text = str | None | UnsetType
"""A text that may be absent: ``UNSET`` is not sent, None and ``""`` are."""
