"""The log line of an attempt that ended: what it was, how long it took, why it failed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import assert_never

from jobctl.core.attempt import Claimed, Outcome
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.names import display_name, span, words
from jobctl.postgres.lease_rows import Settled
from jobctl.worker.columns import label
from jobctl.worker.log_fields import of_attempt

log = logging.getLogger("jobctl.worker")


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An outcome, and what is logged with it. ``job`` None: its row can't be read; ``seconds`` None: it never started."""

    outcome: Outcome
    job: Claimed | None = None
    seconds: float | None = None


def report(ended: EndedAttempt, settled: Settled) -> None:
    """Logs one line for people, with the same facts as fields for a JSON formatter."""
    if not log.isEnabledFor(logging.INFO):
        return
    duration = None if ended.seconds is None else round(ended.seconds, 3)
    fields = of_attempt(ended.outcome.token, settled.job_type, status=str(settled.status), duration_s=duration)
    log.info("%s", line(ended, settled.status), extra=fields)


def paywall(ended: EndedAttempt, settled: Settled) -> str | None:
    """Why the whole job type has to wait for a payment; None: it need not."""
    failure = ended.outcome.failure
    if failure is None or failure.kind != "paywall" or settled.status is not Status.FAILED:
        return None
    return failure.message


def report_paused(job: Claimed, seconds: float) -> tuple[EndedAttempt, Settled]:
    """As ``report``, for a job that the commit of a stage has paused: its attempt has no outcome. Returns what it reports."""
    settled = Settled(job.token.job_id, job.job_type, Status.PAUSED, None, awaited=False)
    ended = EndedAttempt(Outcome(job.token, Ending.PAUSED), job, seconds)
    report(ended, settled)
    return ended, settled


def line(ended: EndedAttempt, status: Status) -> str:
    """``job 4 failed after 0.4s: Processing: x.pdf: the PDF is encrypted (invalid)``."""
    parts = [f"job {ended.outcome.token.job_id} {_ending(ended, status)}{_duration(ended, status)}"]
    if ended.job is not None:
        parts.append(_name(ended.job))
    failure = ended.outcome.failure
    if failure is not None and status is not Status.CANCELLED:
        crashed = ended.outcome.kind is Ending.CRASHED and status is Status.PENDING
        parts.append(failure.raw.partition("\n")[0] if crashed else f"{failure.message} ({failure.kind})")
    return ": ".join(parts) + _next(ended, status)


def _ending(ended: EndedAttempt, status: Status) -> str:
    match status:
        case Status.PENDING | Status.PROCESSING:
            return "crashed" if ended.outcome.kind is Ending.CRASHED else "released"
        case Status.COMPLETED | Status.FAILED | Status.PAUSED | Status.CANCELLED:
            return str(status)
        case _:
            assert_never(status)


def _duration(ended: EndedAttempt, status: Status) -> str:
    if ended.seconds is None:
        return ""
    length = f"{ended.seconds:.1f}s" if ended.seconds < 60 else span(ended.seconds)
    return f" {'in' if status is Status.COMPLETED else 'after'} {length}"


def _next(ended: EndedAttempt, status: Status) -> str:
    """When the job runs again by itself."""
    if ended.outcome.kind is Ending.CRASHED and status is Status.PENDING:
        return "; runs again"
    return f"; retrying in {span(ended.outcome.retry_after or 0)}" if retries(ended, status) else ""


def retries(ended: EndedAttempt, status: Status) -> bool:
    """Whether the job failed and is retried automatically."""
    outcome, failure, job = ended.outcome, ended.outcome.failure, ended.job
    if status is not Status.FAILED or failure is None or job is None or outcome.retry_after is None:
        return False
    return outcome.kind is Ending.FAILED and failure.kind == "transient" and job.retry_count < job.max_retries


def _name(job: Claimed) -> str:
    shown = label(job.metadata)
    return display_name(shown.label or words(job.job_type), job.title, shown.mode)
