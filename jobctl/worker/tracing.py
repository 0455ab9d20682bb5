"""What an attempt tells a tracer. Without one, nothing is recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from jobctl.core.attempt import Claimed, Outcome
from jobctl.core.trace_context import KEY, trace_context

Ended = Callable[[Outcome | None], None]
"""Receives how an attempt ended."""


class Tracer(Protocol):
    """Records one span an attempt, and below it one a stage."""

    def attempt(self, job: Claimed) -> AbstractContextManager[Ended]:
        """A span in the trace of the job's submitter."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """A span below that of the attempt."""

    def context(self) -> dict[str, str]:
        """The trace context of the present span, for a job that is submitted within."""

    def close(self) -> None:
        """Sends what has not been sent."""


class NoTracer:
    """Where traces are not wanted."""

    def attempt(self, job: Claimed) -> AbstractContextManager[Ended]:
        """Nothing."""
        del job
        return nullcontext(lambda _: None)

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Nothing."""
        del name
        return nullcontext()

    def context(self) -> dict[str, str]:
        """None."""
        return {}

    def close(self) -> None:
        """Nothing to send."""


def submitted_in(job: Claimed) -> dict[str, str]:
    """The trace context in a job's metadata, which is untrusted; empty where there is none."""
    if f'"{KEY}"' not in job.metadata:
        return {}
    try:
        found = json.loads(job.metadata)[KEY]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    return trace_context(found) if isinstance(found, dict) else {}
