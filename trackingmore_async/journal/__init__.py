"""What must outlive a crash: rows of jobs, of the change feed and of the limiter, in a store."""

from .place import open_store
from .sqlite import SqliteStore
from .store import Store

__all__ = ["SqliteStore", "Store", "open_store"]
