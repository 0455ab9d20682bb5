"""Exit codes: one table for errors, for waits, for the help and the manual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from jobctl.core import errors
from jobctl.core.job import Job
from jobctl.core.lifecycle import Status

MEANINGS: tuple[tuple[int, str], ...] = (
    (0, "done, or nothing to do"),
    (1, "a bug in jobctl"),
    (2, "usage, invalid input"),
    (3, "no such job"),
    (4, "not possible in the present status"),
    (5, "configuration, schema not at head"),
    (6, "database unreachable (retrying makes sense)"),
    (10, "an awaited job failed"),
    (11, "an awaited job was cancelled"),
    (12, "a threshold was crossed"),
    (20, "the awaited status can no longer be reached"),
    (124, "--timeout ran out"),
    (130, "interrupted"),
    (143, "terminated"),
    (141, "output pipe closed"),
)

OF_ERRORS: dict[type[BaseException], int] = {
    errors.UsageError: 2,
    errors.JobNotFound: 3,
    errors.ScheduleNotFound: 3,
    errors.IllegalTransition: 4,
    errors.ConfigError: 5,
    errors.StoreUnavailable: 6,
    errors.DatabaseRefused: 5,
    errors.StorageRefused: 5,
    errors.CheckpointError: 4,
    errors.JobFailure: 2,
    errors.JobctlError: 1,
}


def of_error(error: BaseException) -> int:
    """The code of an error: that of the nearest class in its ancestry; 1 for what is none of ours."""
    return next((OF_ERRORS[kind] for kind in type(error).__mro__ if kind in OF_ERRORS), 1)


PRECEDENCE = ((Status.FAILED, 10), ("unreachable", 20), (Status.CANCELLED, 11), ("timeout", 124))
"""How several outcomes become one exit code: the first that occurs."""


def outcome_code(reasons: Sequence[str]) -> int:
    """The exit code of an awaited set of jobs."""
    return next((code for reason, code in PRECEDENCE if reason in reasons), 0)


def ended(job: Job) -> str | None:
    """Why a wait for this job is over: reached, failed, cancelled; None while it can still move without a person."""
    match job.status:
        case Status.FAILED:
            return None if job.next_retry_at else str(job.status)
        case Status.CANCELLED:
            return str(job.status)
        case Status.COMPLETED:
            return "reached"
        case Status.PENDING | Status.PROCESSING | Status.PAUSED:
            return None
        case _:
            assert_never(job.status)
