"""The asyncio client for the TrackingMore parcel tracking API, version 2."""

__version__ = "0.1.0"
