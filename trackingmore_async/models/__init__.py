"""What is sent and what is answered: attrs classes, frozen and slotted, one file a noun. No I/O, no clock."""

from __future__ import annotations

from .account import Account, StatusCounts
from .air import AirEvent, Airline, AirWaybill, Flight
from .base import Model, Result, timed
from .batches import BatchAnswer, BatchEntry
from .carriers import Carrier, CarrierGuess, RemoteArea, RemoteAreas, TransitTime
from .echo import TrackingEcho
from .outcomes import BulkReport, Outcome, OutcomeState
from .page import Page
from .queries import (
    AirQuery,
    CarriersQuery,
    CountsQuery,
    DetectQuery,
    RemoteAreaQuery,
    TrackingFilter,
    TransitTimeQuery,
)
from .requests import CarrierChange, GetQuery, NewTracking, RealtimeQuery, TrackingRef, TrackingUpdate
from .status import Status
from .tracking import Checkpoint, Leg, Tracking
from .unset import UNSET, UnsetType

__all__ = [
    "UNSET",
    "Account",
    "AirEvent",
    "AirQuery",
    "AirWaybill",
    "Airline",
    "BatchAnswer",
    "BatchEntry",
    "BulkReport",
    "Carrier",
    "CarrierChange",
    "CarrierGuess",
    "CarriersQuery",
    "Checkpoint",
    "CountsQuery",
    "DetectQuery",
    "Flight",
    "GetQuery",
    "Leg",
    "Model",
    "NewTracking",
    "Outcome",
    "OutcomeState",
    "Page",
    "RealtimeQuery",
    "RemoteArea",
    "RemoteAreaQuery",
    "RemoteAreas",
    "Result",
    "Status",
    "StatusCounts",
    "Tracking",
    "TrackingEcho",
    "TrackingFilter",
    "TrackingRef",
    "TrackingUpdate",
    "TransitTime",
    "TransitTimeQuery",
    "UnsetType",
    "timed",
]
