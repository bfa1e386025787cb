"""OpenTelemetry in memory, and events as a client tells them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from trackingmore_async.integrations.otel import OpenTelemetryHook

__all__ = ["Telemetry", "attributes", "identity", "key", "links"]


class OpenSpans(SpanProcessor):
    """Counts the spans that began and did not end, by name."""

    def __init__(self) -> None:
        self.counts = Counter[str]()

    def on_start(self, span: Span, parent_context: object = None) -> None:
        """Count one more."""
        self.counts[span.name] += 1

    def on_end(self, span: ReadableSpan) -> None:
        """Count one less."""
        self.counts[span.name] -= 1

    @property
    def names(self) -> set[str]:
        """The names of spans that are open."""
        return set(+self.counts)


class Telemetry:
    """All that OpenTelemetry got, of one program.

    Args:
        sampler: Which spans are recorded.
    """

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self.tracers = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.exporter = InMemorySpanExporter()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.open = OpenSpans()
        self.tracers.add_span_processor(self.open)

    def hook(self) -> OpenTelemetryHook:
        """Make a hook that tells it."""
        return OpenTelemetryHook(self.tracers, self.meters)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """The spans that ended, in the order in which they did."""
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Return the spans of a name that ended."""
        return [span for span in self.spans if span.name == name]

    def below(self, parent: ReadableSpan) -> list[ReadableSpan]:
        """Return the spans right below another, in the order in which they ended."""
        return [span for span in self.spans if span.parent and span.parent == parent.context]

    def points(self, name: str) -> Mapping[frozenset[tuple[str, Any]], Any]:
        """Return the points of a metric, by their attributes."""
        data = self.reader.get_metrics_data()
        scopes = [scope for resource in (data.resource_metrics if data else ()) for scope in resource.scope_metrics]
        return {
            frozenset((point.attributes or {}).items()): point
            for metric in itertools.chain.from_iterable(scope.metrics for scope in scopes)
            if metric.name == name
            for point in metric.data.data_points
        }


def key(**names: Any) -> frozenset[tuple[str, Any]]:
    """Return the attributes of a point: those of ours without prefix, and ``error``, ``status``."""
    full = {"error": "error.type", "status": "http.response.status_code"}
    return frozenset((full.get(name, f"trackingmore.{name}"), value) for name, value in names.items())


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})


def identity(span: ReadableSpan) -> int:
    """Return the number of a span."""
    assert span.context is not None
    return int(span.context.span_id)


def links(span: ReadableSpan) -> list[tuple[int, dict[str, Any]]]:
    """Return the numbers of the spans that a span has links to, and what the links say."""
    return [(link.context.span_id, dict(link.attributes or {})) for link in span.links]
