"""Any number of items through batches, with one outcome for each, and a journal that outlives a crash."""

from .options import JobFields, JobOptions, OnError
from .plan import Plan
from .progress import Progress, ProgressListener
from .run import BulkRun

__all__ = ["BulkRun", "JobFields", "JobOptions", "OnError", "Plan", "Progress", "ProgressListener"]
