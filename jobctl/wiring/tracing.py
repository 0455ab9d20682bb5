"""Traces of OpenTelemetry: whether they are wanted, the exporter, and the trace of who submits.

Configured as everywhere by ``OTEL_…`` variables; nothing of OpenTelemetry is imported where there are none, or without
the extra ``otel``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from jobctl import __version__
from jobctl.core.trace_context import trace_context
from jobctl.system.environment import variables
from jobctl.worker.tracing import NoTracer, Tracer

PREFIX = "OTEL_"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SERVICE = "jobctl"
LINGER = 3.0
"""Seconds that idle child processes get to send their last spans, when the worker ends."""


def submitter(environment: Mapping[str, str]) -> Callable[[], dict[str, str]]:
    """The trace context of who submits: of the present span of an application, else of the environment."""
    found = trace_context({name.lower(): environment.get(name) for name in ("TRACEPARENT", "TRACESTATE")})
    return lambda: _present_span() or found


def _present_span() -> dict[str, str]:
    """Only a process that has loaded OpenTelemetry can be in a span."""
    if "opentelemetry.trace" not in sys.modules:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return trace_context(carrier)


def variables_of(environment: Mapping[str, str], report: Callable[[str], None]) -> dict[str, str]:
    """The variables of a worker that its children make a tracer of; empty where there are to be no traces.

    What prevents traces that are wanted is reported, and prevents no work.
    """
    found = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    names = _exporters(found)
    if not names:
        return {}
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        report("no traces: they need jobctl[otel], which is not installed")
        return {}
    missing = [name for name in names if name not in _installed()]
    if missing:
        report(f"no traces: OTEL_TRACES_EXPORTER: no exporter named {missing[0]!r}; one of: {', '.join(_installed())}")
        return {}
    return found


def tracer(found: Mapping[str, str]) -> Tracer:
    """The tracer of a child process. The variables, which may hold a token, are not left to its handlers."""
    names = _exporters(found)
    if not names:
        return NoTracer()
    logging.getLogger("opentelemetry").propagate = False  # a span that can't be sent is not the running job's concern
    with _environment({"OTEL_SERVICE_NAME": SERVICE, **found}):
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from jobctl.worker.spans import SpanTracer

        provider = TracerProvider(shutdown_on_exit=False)
        for name in names:
            provider.add_span_processor(BatchSpanProcessor(_installed()[name].load()()))
    trace.set_tracer_provider(provider)
    return SpanTracer(provider, __version__)


def _exporters(found: Mapping[str, str]) -> list[str]:
    """The names of the exporters that the variables choose."""
    if found.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    default = "otlp" if any(found.get(name) for name in ENDPOINTS) else "none"
    names = [name.strip() for name in (found.get("OTEL_TRACES_EXPORTER") or default).split(",")]
    protocol = next((found[name] for name in PROTOCOLS if found.get(name)), "http/protobuf")
    otlp = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    return [otlp if name == "otlp" else name for name in names if name not in ("", "none")]


def _installed() -> dict[str, EntryPoint]:
    """Exporters of traces by name."""
    return {entry.name: entry for entry in entry_points(group="opentelemetry_traces_exporter")}


@contextmanager
def _environment(found: Mapping[str, str]) -> Iterator[None]:
    """Sets variables for the SDK, which reads them while it is made, and removes them again."""
    variables.update(found)
    try:
        yield
    finally:
        for name in found:
            variables.pop(name, None)
