"""Many single look-ups and writes share requests: formed when a slot is granted, of all that wait by then."""

from .lookups import Lookups
from .shared import Shared
from .writes import Writes

__all__ = ["Lookups", "Shared", "Writes"]
