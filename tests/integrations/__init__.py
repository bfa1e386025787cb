"""Tests of the hooks for OpenTelemetry, logging and structlog."""
