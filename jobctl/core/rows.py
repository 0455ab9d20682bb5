"""What the queue answers to questions about many jobs: one class a question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jobctl.core.lifecycle import Status


@dataclass(frozen=True, slots=True)
class Dependency:
    """A job that another waits for; without a status it is gone."""

    id: int
    status: Status | None


@dataclass(frozen=True, slots=True)
class Reached:
    """Jobs that have been in a status since a moment, and the database's clock now."""

    now: datetime
    ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class References:
    """Storage keys that a job's checkpoints refer to, and its running attempt, which may add more."""

    id: int
    running: int | None  # lease_seq
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a commit whose answer was lost."""

    status: Status
    cancel: bool  # a cancel is requested
    ours: bool  # the token is still good
    recorded: bool  # the commit happened


@dataclass(frozen=True, slots=True)
class TypeStats:
    """Jobs of one type and status. Times are seconds at the 50th, 90th and 99th percentile; None: nothing to measure."""

    job_type: str
    status: str
    jobs: int
    retries: int
    crashes: int
    wait_s: list[float] | None
    run_s: list[float] | None
    last_hour: int


@dataclass(frozen=True, slots=True)
class FailureStats:
    """Failures of one type and class of error, and how many of these jobs were completed by a retry."""

    job_type: str
    error_type: str | None
    failures: int
    jobs: int
    mended: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar of a histogram. what: run (by decade of seconds) or hour (0: the present one)."""

    what: str
    place: int
    jobs: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts, times and retries."""

    by_type: list[TypeStats]
    failures: list[FailureStats]
    buckets: list[Bucket]
