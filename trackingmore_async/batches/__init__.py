"""One batch: sent, read item by item, halved when it is refused whole; and what is in doubt, settled."""

from .batch import Batches, Watch
from .entry import Entry, Part, give_up
from .settling import Settling, chunks

__all__ = ["Batches", "Entry", "Part", "Settling", "Watch", "chunks", "give_up"]
