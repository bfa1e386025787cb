"""Placeholder until the real room is here."""

from typing import Any, Literal

__all__ = ["Order", "TrackingPages"]
Order = Literal["oldest", "newest"]
TrackingPages = Any
