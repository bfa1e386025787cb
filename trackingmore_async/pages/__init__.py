"""Walking GET /trackings/get (API.md 3.6): the first page, or every tracking exactly once, in constant memory."""

from .first import FirstPage
from .notes import Gap
from .trackings import Order, TrackingPages
from .walk import Walk

__all__ = ["FirstPage", "Gap", "Order", "TrackingPages", "Walk"]
