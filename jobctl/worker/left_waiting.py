"""What a worker that drains leaves behind, in words."""

from __future__ import annotations

from jobctl.core.names import plural
from jobctl.postgres.leases import LeftWaiting


def describe(left: LeftWaiting) -> str:
    """``2 jobs left waiting (first: 5): concurrency key 'x' is used by job 3 in queue other``."""
    return f"{plural(left.jobs, 'job')} left waiting (first: {left.first}): {_reason(left)}"


def _reason(left: LeftWaiting) -> str:
    match left.reason:
        case "key" if left.holder is not None:
            return f"concurrency key {left.concurrency_key!r} is used by job {left.holder} in queue {left.holder_queue}"
        case "key":
            return f"concurrency key {left.concurrency_key!r} is used by another job"
        case "queue":
            return "the queue is paused"
        case "type":
            return "the job type is paused"
        case "dependency":
            return "another job has to be completed first"
        case "time":
            return "not due yet"
        case reason:
            return reason
