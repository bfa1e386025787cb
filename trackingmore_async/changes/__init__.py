"""The change feed: everything created or refreshed since a point, at least once, across restarts (API.md 3.6, 8)."""

from .feed import TrackingChanges

__all__ = ["TrackingChanges"]
