"""For programs that are watched: hooks that tell OpenTelemetry, `logging` or structlog what the library does.

Each is imported from its own module, ``integrations.otel`` and ``integrations.logs``, so that nobody needs the packages
of another.
"""
