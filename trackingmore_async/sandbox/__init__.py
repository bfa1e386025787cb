"""A faithful stand-in for the TrackingMore API, version 2: on a socket, as an ASGI application, or in process.

It imports nothing from the rest of the package, so that a mistake there cannot hide here.
"""

from __future__ import annotations

from importlib import import_module

try:
    for _name in ("sortedcontainers", "uvicorn"):
        import_module(_name)
except ImportError as _error:
    raise ImportError('the sandbox needs more packages: pip install "trackingmore_async[sandbox]"') from _error

from trackingmore_async.sandbox.account import Account
from trackingmore_async.sandbox.clock import Clock
from trackingmore_async.sandbox.faults import Fault, Faults
from trackingmore_async.sandbox.inprocess import InProcessTransport
from trackingmore_async.sandbox.path import Delay, Path
from trackingmore_async.sandbox.police import BUCKETS, Rates
from trackingmore_async.sandbox.sandbox import DEFAULT_KEY, Sandbox
from trackingmore_async.sandbox.state import Trackings
from trackingmore_async.sandbox.statistics import Arrival, Statistics
from trackingmore_async.sandbox.switches import Switches
from trackingmore_async.sandbox.webhooks import Delivery, WebhookSender

__all__ = [
    "BUCKETS",
    "DEFAULT_KEY",
    "Account",
    "Arrival",
    "Clock",
    "Delay",
    "Delivery",
    "Fault",
    "Faults",
    "InProcessTransport",
    "Path",
    "Rates",
    "Sandbox",
    "Statistics",
    "Switches",
    "Trackings",
    "WebhookSender",
]
