"""Spans and metrics for OpenTelemetry. It needs the extra: ``trackingmore_async[otel]``."""

from __future__ import annotations

from importlib import import_module

try:
    import_module("opentelemetry.trace")
except ImportError as _error:
    raise ImportError('OpenTelemetryHook needs one more package: pip install "trackingmore_async[otel]"') from _error

from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import TracerProvider, get_tracer

from trackingmore_async.hooks import HookDetails
from trackingmore_async.version import __version__

from .instruments import Instruments
from .spans import Spans

__all__ = ["OpenTelemetryHook"]

SCOPE = "trackingmore_async"


class OpenTelemetryHook:
    """Makes spans and metrics of what it hears: ``TrackingMore(hooks=[OpenTelemetryHook()])``.

    A call is a span of kind INTERNAL, such as ``trackingmore.get``, below the span that was current where it was made;
    each of its attempts is a span of kind CLIENT below it. A look-up that shares a request has a link to the call that
    sends it. docs/observing.md lists all names. Nothing is read of requests and answers but what `HookDetails` holds.

    Args:
        tracer_provider: Where the spans go; None: the one that is set for the whole program.
        meter_provider: Where the metrics go; None: the one that is set for the whole program.

    Raises:
        ImportError: (already when this module is imported) the package opentelemetry-api is not there.

    Example:
        >>> from trackingmore_async.integrations.otel import OpenTelemetryHook
        >>> hook = OpenTelemetryHook()
        >>> hook(HookDetails(event="retry", call=1, operation="get", attempt=1, seconds=0.25, error="ServerError"))
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._spans = Spans(get_tracer(SCOPE, __version__, tracer_provider))
        self._instruments = Instruments(get_meter(SCOPE, __version__, meter_provider))

    def __call__(self, details: HookDetails, /) -> None:
        """Hear of one event.

        Args:
            details: The event.
        """
        self._spans.hear(details)
        self._instruments.hear(details)
