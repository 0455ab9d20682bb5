"""What a worker counts of the jobs it takes and of the attempts that end."""

from __future__ import annotations

from collections.abc import Iterable

from jobctl.core.attempt import Claimed
from jobctl.core.lifecycle import Ending, Status
from jobctl.postgres.lease_rows import Settled
from jobctl.worker.metrics import Metrics
from jobctl.worker.reports import EndedAttempt, retries


def count_claimed(metrics: Metrics, jobs: Iterable[Claimed]) -> None:
    """Jobs were taken from the queue."""
    for job in jobs:
        metrics.count("jobctl_jobs_claimed_total")
        if job.wait_s is not None:
            metrics.observe("jobctl_job_wait_seconds", job.wait_s, type=job.job_type)


def count_settled(metrics: Metrics, ended: EndedAttempt, settled: Settled) -> None:
    """An attempt ended."""
    kind, failure = settled.job_type, ended.outcome.failure
    metrics.count("jobctl_jobs_settled_total", type=kind, status=str(settled.status))
    if ended.seconds is not None:
        metrics.observe("jobctl_job_run_seconds", ended.seconds, type=kind, status=str(settled.status))
    if failure is not None and settled.status is not Status.CANCELLED:
        error_type = "crash" if ended.outcome.kind is Ending.CRASHED else failure.kind
        metrics.count("jobctl_attempts_failed_total", type=kind, error_type=error_type)
    if retries(ended, settled.status):
        metrics.count("jobctl_retries_total", type=kind)
