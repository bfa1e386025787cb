"""Any number of items through batches, with one outcome for each."""

from .plan import Plan
from .run import BulkRun

__all__ = ["BulkRun", "Plan"]
