"""The trace that a job belongs to: what the W3C's headers ``traceparent`` and ``tracestate`` say of who submitted it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from jobctl.core.job import NewJob

KEY = "trace"
"""Of a job's metadata."""
STATE_CAP = 512
"""Characters of a ``tracestate`` that are kept; a longer one is left out."""
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def trace_context(found: Mapping[str, object]) -> dict[str, str]:
    """The two fields, where the first is well-formed; else nothing."""
    parent, state = found.get("traceparent"), found.get("tracestate")
    if not isinstance(parent, str) or not _PARENT.fullmatch(parent):
        return {}
    if isinstance(state, str) and state.isascii() and state.isprintable() and 0 < len(state) <= STATE_CAP:
        return {"traceparent": parent, "tracestate": state}
    return {"traceparent": parent}


def traced(job: NewJob, context: Mapping[str, str]) -> NewJob:
    """The job with the context of its submitter; an empty one adds nothing."""
    return replace(job, metadata={**job.metadata, KEY: dict(context)}) if context else job
