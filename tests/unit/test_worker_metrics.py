"""What a worker counts of an attempt, and what a probe learns."""

from datetime import UTC, datetime

import pytest

from jobctl.core.attempt import Claimed, Failure, Outcome, Token
from jobctl.core.lifecycle import Ending, Status
from jobctl.postgres.lease_rows import Settled
from jobctl.worker import metrics as module
from jobctl.worker.counts import count_claimed, count_settled
from jobctl.worker.metrics import METRICS, Metrics
from jobctl.worker.reports import EndedAttempt

TOKEN = Token(1, 1, "00000000-0000-0000-0000-000000000000")


def job(wait_s: float | None = None, retry_count: int = 0) -> Claimed:
    return Claimed(TOKEN, "a", "", "default", 2, datetime.now(UTC), "{}", "{}", retry_count, 3, "{}", (), wait_s)


def lines(metrics: Metrics) -> list[str]:
    return [line for line in metrics.text(worker="w").splitlines() if not line.startswith("#")]


def test_the_wait_of_a_job_is_counted_with_its_first_attempt():
    metrics = Metrics()
    count_claimed(metrics, [job(0.2), job(None)])
    shown = lines(metrics)
    assert "jobctl_jobs_claimed_total 2" in shown
    assert 'jobctl_job_wait_seconds_bucket{type="a",le="0.1"} 0' in shown
    assert 'jobctl_job_wait_seconds_bucket{type="a",le="0.5"} 1' in shown
    assert 'jobctl_job_wait_seconds_count{type="a"} 1' in shown


@pytest.mark.parametrize(
    ("ending", "kind", "status", "retry_after", "retry_count", "failed", "retried"),
    [
        (Ending.COMPLETED, None, Status.COMPLETED, None, 0, None, False),
        (Ending.FAILED, "transient", Status.FAILED, 5.0, 0, "transient", True),
        (Ending.FAILED, "transient", Status.FAILED, 5.0, 3, "transient", False),
        (Ending.FAILED, "invalid", Status.FAILED, None, 0, "invalid", False),
        (Ending.CRASHED, "permanent", Status.PENDING, None, 0, "crash", False),
        (Ending.FAILED, "transient", Status.CANCELLED, 5.0, 0, None, False),
    ],
)
def test_an_attempt_is_counted_by_its_end_and_its_class_of_error(
    ending, kind, status, retry_after, retry_count, failed, retried
):
    metrics = Metrics()
    failure = kind and Failure(kind, "no", "no")
    outcome = Outcome(TOKEN, ending, failure=failure, retry_after=retry_after)
    ended = EndedAttempt(outcome, job(retry_count=retry_count), 2.0)
    count_settled(metrics, ended, Settled(1, "a", status, None, awaited=False))
    shown = lines(metrics)
    assert f'jobctl_jobs_settled_total{{type="a",status="{status}"}} 1' in shown
    assert f'jobctl_job_run_seconds_sum{{type="a",status="{status}"}} 2' in shown
    failures = [line for line in shown if line.startswith("jobctl_attempts_failed_total")]
    assert failures == ([f'jobctl_attempts_failed_total{{type="a",error_type="{failed}"}} 1'] if failed else [])
    assert ('jobctl_retries_total{type="a"} 1' in shown) == retried


def test_counters_without_labels_begin_at_zero():
    assert "jobctl_jobs_claimed_total 0" in lines(Metrics())
    assert Metrics().text().count("# HELP") == len(METRICS)


def test_a_worker_is_healthy_while_its_loop_turns(monkeypatch):
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    metrics = Metrics()
    now += module.LOOP_LIMIT
    assert metrics.healthy().status == 200
    now += 1
    assert (metrics.healthy().status, metrics.healthy().body) == (503, "the worker's loop has not run for 121 s\n")
    metrics.turned()
    assert metrics.healthy().status == 200


def test_a_worker_that_can_start_no_jobs_says_why():
    metrics = Metrics()
    assert (metrics.ready().status, metrics.ready().body) == (503, "starting\n")
    metrics.not_ready = lambda: None
    assert metrics.ready().status == 200
