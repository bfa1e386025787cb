"""One batch: sent, read item by item, halved when it is refused whole; and what is in doubt, settled."""

from .batch import Batches, Watch, WithdrawnError
from .entry import Entry, Part, give_up, halves
from .folding import can_fold, fold, outcomes, same, unfold
from .settling import Settling, chunks

__all__ = [
    "Batches",
    "Entry",
    "Part",
    "Settling",
    "Watch",
    "WithdrawnError",
    "can_fold",
    "chunks",
    "fold",
    "give_up",
    "halves",
    "outcomes",
    "same",
    "unfold",
]
