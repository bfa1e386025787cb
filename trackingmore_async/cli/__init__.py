"""For programs that people watch: a display of how far a job is. It needs the extra: ``trackingmore_async[cli]``."""

from __future__ import annotations

from importlib import import_module

try:
    import_module("rich")
except ImportError as _error:
    raise ImportError('the display needs one more package: pip install "trackingmore_async[cli]"') from _error

from .bar import ProgressBar, ProgressLine

__all__ = ["ProgressBar", "ProgressLine"]
