"""Spans of attempts and stages by the SDK of OpenTelemetry, which is in the extra ``otel``."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from jobctl.core.attempt import Claimed, Outcome
from jobctl.core.errors import Interrupt
from jobctl.system.environment import variables
from jobctl.worker.tracing import Ended, submitted_in

CLOSES_WITHIN = 2.0
"""Seconds that the last spans may take on their way; then they are dropped, and the process ends."""
_propagator = TraceContextTextMapPropagator()


class SpanTracer:
    """Records with ``provider``. A handler that makes spans of its own has them below its stage."""

    def __init__(self, provider: TracerProvider, version: str) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("jobctl", version)

    @contextmanager
    def attempt(self, job: Claimed) -> Iterator[Ended]:
        """A span in the trace of the job's submitter; a trace of its own where there is none."""
        attributes: dict[str, str | int] = {
            "jobctl.job.id": job.token.job_id, "jobctl.job.type": job.job_type, "jobctl.job.queue": job.queue,
            "jobctl.job.attempt": job.token.lease_seq,
        }  # fmt: skip
        with self._tracer.start_as_current_span(
            f"process {job.job_type}", _propagator.extract(submitted_in(job)), SpanKind.CONSUMER, attributes=attributes
        ) as span:
            yield lambda outcome: _show(span, outcome)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A span below that of the attempt, also for the programs that the stage starts.

        What a stage raises may hold secrets: only its class is recorded.
        """
        with self._tracer.start_as_current_span(
            f"stage {name}", attributes={"jobctl.stage": name}, record_exception=False, set_status_on_exception=False
        ) as span:
            context = {field.upper(): value for field, value in self.context().items()}
            variables.update(context)
            try:
                yield
            except Interrupt:
                raise
            except BaseException as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(Status(StatusCode.ERROR))
                raise
            finally:
                for field in context:
                    variables.pop(field, None)

    def context(self) -> dict[str, str]:
        """The trace context of the present span."""
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier

    def close(self) -> None:
        """Sends what has not been sent, while there is time for it."""
        last = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(CLOSES_WITHIN)


def _show(span: trace.Span, outcome: Outcome | None) -> None:
    """How the attempt ended; None: a commit has paused the job, or another worker has it."""
    span.set_attribute("jobctl.outcome", str(outcome.kind) if outcome else "settled")
    if outcome is not None and outcome.failure is not None:
        span.set_attribute("error.type", outcome.failure.kind)
        span.set_status(Status(StatusCode.ERROR, outcome.failure.message))
