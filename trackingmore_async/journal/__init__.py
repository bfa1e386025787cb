"""What must outlive a crash: rows of jobs, of the change feed and of the limiter, in a store."""

from .store import Store

__all__ = ["Store"]
