"""What is said when the package that an integration needs is not there."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from trackingmore_async.integrations.logs import LoggingHook, StructlogHook


def test_without_opentelemetry_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing the hook without OpenTelemetry says what to install."""
    monkeypatch.delitem(sys.modules, "trackingmore_async.integrations.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with pytest.raises(ImportError, match=r'pip install "trackingmore_async\[otel\]"$'):
        importlib.import_module("trackingmore_async.integrations.otel")


def test_without_structlog_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making the hook without structlog says what to install; the one for `logging` needs nothing."""
    monkeypatch.setitem(sys.modules, "structlog", None)
    LoggingHook()
    with pytest.raises(ImportError, match=r'pip install "trackingmore_async\[structlog\]"$'):
        StructlogHook()


def test_each_integration_needs_only_its_own_package() -> None:
    """The hooks for logs load no OpenTelemetry, and that for OpenTelemetry loads no SDK and no structlog."""
    code = (
        "import sys, trackingmore_async.integrations.logs\n"
        "print([name for name in ('opentelemetry', 'structlog') if name in sys.modules])\n"
        "import trackingmore_async.integrations.otel\n"
        "print([name for name in ('opentelemetry.sdk', 'opentelemetry.semconv', 'structlog') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    assert done.stdout.split() == ["[]", "[]"]
