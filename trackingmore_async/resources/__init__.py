"""The methods of the client, one short method for each endpoint."""

from .account import AccountResource
from .air import AirResource
from .carriers import CarriersResource
from .trackings import TrackingsResource

__all__ = ["AccountResource", "AirResource", "CarriersResource", "TrackingsResource"]
