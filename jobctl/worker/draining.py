"""When a worker that is to end by itself has nothing left to do, and a description of what is left."""

from __future__ import annotations

import logging

from jobctl.core.lifecycle import Status
from jobctl.core.names import plural
from jobctl.postgres.lease_rows import LeftWaiting
from jobctl.postgres.leases import Leases
from jobctl.worker.config import WorkerConfig

log = logging.getLogger("jobctl.worker")


def nothing_left(queue: Leases, config: WorkerConfig) -> bool:
    """Whether the jobs that the worker was started for have ended (``only``), else whether its queues are drained; logs
    what waits for something that this worker does not do.
    """
    if config.only is not None:
        states = queue.descendants(sorted(config.only))
        return not any(state in (Status.PENDING, Status.PROCESSING) for state in states.values())
    if queue.work_left(config.types, config.queues):
        return False
    for left in queue.left_waiting(config.types, config.queues):
        log.info("%s", describe(left))
    return True


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
