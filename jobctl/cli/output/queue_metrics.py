"""The state of the queue as metrics for Prometheus."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from operator import attrgetter

from jobctl.client import Client
from jobctl.core.exposition import Metric, Sample, exposition
from jobctl.core.lifecycle import Status
from jobctl.core.rows import QueueCount, WorkerRow

METRICS = (
    Metric("jobctl_database_up", "gauge", "1 where the database answers, else 0."),
    Metric("jobctl_queue_jobs", "gauge", "Unfinished jobs: ready, scheduled, waiting, running or paused.",
           ("queue", "type", "state")),
    Metric("jobctl_queue_oldest_ready_seconds", "gauge", "Time since the first of the jobs that are ready was due.",
           ("queue", "type")),
    Metric("jobctl_queue_failed_jobs", "gauge", "Jobs that have failed and are kept, by class of error.",
           ("queue", "type", "error_type")),
    Metric("jobctl_queue_pending_retries", "gauge", "Failed jobs that will be retried automatically.", ("queue", "type")),
    Metric("jobctl_queue_retried_jobs", "gauge", "Unfinished jobs that have failed before.", ("queue", "type")),
    Metric("jobctl_queue_rescued_jobs", "gauge", "Unfinished jobs that have lost a worker or a process before.",
           ("queue", "type")),
    Metric("jobctl_queue_capped", "gauge", "1 where there are more jobs than were counted."),
    Metric("jobctl_queue_paused", "gauge", "1 for a queue or job type that is paused as a whole.", ("of", "name")),
    Metric("jobctl_queue_expired_leases", "gauge", "Running jobs whose lease ran out."),
    Metric("jobctl_queue_overdue_retries", "gauge", "Automatic retries that have been due for five minutes."),
    Metric("jobctl_queue_unserved_type", "gauge", "1 for a job type with due jobs that no worker takes.", ("type",)),
    Metric("jobctl_queue_workers", "gauge", "Workers: alive, draining, silent or without their storage.", ("state",)),
)  # fmt: skip
SUMS = {
    "jobctl_queue_pending_retries": attrgetter("retrying"),
    "jobctl_queue_retried_jobs": attrgetter("retried"),
    "jobctl_queue_rescued_jobs": attrgetter("rescued"),
}
"""Metrics that add up a count over the states of jobs."""
CLAIMABLE = "claimable"
Samples = defaultdict[str, list[Sample]]
STATES = ("alive", "draining", "silent", "storage_away")


def queue_metrics(client: Client) -> str:
    """The page of a scrape. Raises what the client raises."""
    samples: Samples = defaultdict(list)
    counts, health = client.queue_counts(), client.health()
    for row in counts:
        _count(samples, row)
    for name, attribute in SUMS.items():
        for (queue, job_type), jobs in sorted(_sums(counts, attribute).items()):
            _add(samples, name, jobs, queue=queue, type=job_type)
    for paused in client.paused_queues():
        _add(samples, "jobctl_queue_paused", 1, of=paused.kind, name=paused.name)
    for job_type in health.unserved:
        _add(samples, "jobctl_queue_unserved_type", 1, type=job_type)
    states = Counter(map(_state, client.workers()))
    for state in STATES:
        _add(samples, "jobctl_queue_workers", states[state], state=state)
    _add(samples, "jobctl_queue_capped", float(any(row.capped for row in counts)))
    _add(samples, "jobctl_queue_expired_leases", health.stale)
    _add(samples, "jobctl_queue_overdue_retries", health.overdue)
    _add(samples, "jobctl_database_up", 1)
    return exposition(METRICS, samples)


def _add(samples: Samples, metric: str, value: float, **labels: str) -> None:
    samples[metric].append(Sample(value, tuple(labels.items())))


def _count(samples: Samples, row: QueueCount) -> None:
    """The number of jobs in a state, and of those that are ready the oldest."""
    of = {"queue": row.queue, "type": row.job_type}
    if row.state == Status.FAILED:
        _add(samples, "jobctl_queue_failed_jobs", row.jobs, **of, error_type=row.error_type or "")
    elif row.state != CLAIMABLE:
        _add(samples, "jobctl_queue_jobs", row.jobs, **of, state=row.state)
    if row.oldest_s is not None:
        _add(samples, "jobctl_queue_oldest_ready_seconds", row.oldest_s, **of)


def without_database() -> str:
    """The page while the database can't be reached."""
    return exposition(METRICS, {"jobctl_database_up": [Sample(0)]})


def _sums(counts: Iterable[QueueCount], count: Callable[[QueueCount], int]) -> Counter[tuple[str, str]]:
    """By queue and type; also of those of which there are none, so that what goes back to none is seen."""
    found: Counter[tuple[str, str]] = Counter()
    for row in counts:
        found[row.queue, row.job_type] += count(row)
    return found


def _state(worker: WorkerRow) -> str:
    if worker.silent:
        return "silent"
    if worker.draining_at:
        return "draining"
    return "storage_away" if worker.storage_away else "alive"
