"""Rows that the queue returns: one class a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jobctl.core.job import Progress
from jobctl.core.lifecycle import ControlOutcome, Status

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def columns(row: DataclassInstance) -> dict[str, object]:
    """The fields of a row as they are: ``dataclasses.asdict`` would copy values, and cannot copy each of them."""
    return {each.name: getattr(row, each.name) for each in fields(row)}


@dataclass(frozen=True, slots=True)
class ControlRow:
    """What a request did with one job, and how the job was before it."""

    id: int
    outcome: ControlOutcome
    was: Status
    retry_count: int
    max_retries: int
    concurrency_key: str | None
    pausing: bool  # a pause is requested
    cancelling: bool
    freezing: bool  # the pause that is requested stops its processes where they are
    progress: Progress
    holder: int | None  # the unfinished job that has the same idempotency key
    paths: tuple[str, ...]  # bytes that nothing refers to any more


@dataclass(frozen=True, slots=True)
class Moved:
    """A job that a sweep moved, and its status now."""

    id: int
    status: Status
    concurrency_key: str | None


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A supervisor and the jobs that it runs."""

    id: int
    name: str
    host: str
    pid: int
    version: str
    capacity: int
    job_types: list[str]
    queues: list[str] | None  # None: all
    started_at: datetime
    heartbeat_at: datetime
    draining_at: datetime | None
    stopped_at: datetime | None
    lease_s: float
    silent: bool  # no heartbeat for longer than a worker that is alive would take
    heartbeat_age_s: float
    storage_away: str | None  # why it can't use the storage; None: it can
    jobs: list[int]


@dataclass(frozen=True, slots=True)
class StorageIdentity:
    """Which storage has the bytes of the jobs. ``storage_id`` None: none was identified yet."""

    storage_id: str | None
    location: str | None
    identified_at: datetime | None
    may_identify: bool
    """Whether this login may name one."""


@dataclass(frozen=True, slots=True)
class PausedQueue:
    """A queue or a job type that is paused as a whole. kind: queue or type."""

    kind: str
    name: str
    since: datetime
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class QueueChange:
    """What pausing or resuming a queue did: whether it was not so before, and how many jobs wait now, or wait no more."""

    changed: bool
    jobs: int


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A recorded checkpoint segment."""

    job_id: int
    seq: int
    lease_seq: int
    stage: str
    done: int
    complete: bool
    path: str
    sha256: str
    size: int  # bytes
    pause_safe: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A line of history. Without a status before: the job was created; without any: nothing moved."""

    id: int
    job_id: int
    at: datetime
    kind: str
    from_status: str | None
    to_status: str | None
    actor: str
    lease_seq: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a job's handler logged, printed or wrote to stderr."""

    id: int
    job_id: int
    attempt: int
    at: datetime
    level: str
    stage: str | None
    text: str


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
    ended_s: float | None = None
    """Seconds since the job ended; None: it has not."""


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
    recovered: int


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Seconds that a stage took in recently completed jobs, at the 50th, 90th and 99th percentile."""

    job_type: str
    stage: str
    jobs: int
    run_s: list[float]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar of a histogram: ``run`` (by decade of seconds) or ``hour`` (0: the present one)."""

    histogram: str
    position: int
    jobs: int


@dataclass(frozen=True, slots=True)
class Window:
    """Statistics that read the newest jobs only, and of older ones those that are unfinished or failed."""

    jobs: int
    """How many of the newest are read."""
    since: datetime | None
    """When the oldest of them was submitted."""
    about: int
    """How many jobs there are, by the server's estimate."""


@dataclass(frozen=True, slots=True)
class QueueCount:
    """Jobs of a queue and type in one state: ready, scheduled, waiting, running, paused or failed.

    ``claimable``: those that are ready or scheduled, as far as they are among the oldest; their number is in those states.
    """

    queue: str
    job_type: str
    state: str
    error_type: str | None
    """Of failed jobs."""
    jobs: int
    oldest_s: float | None
    """Seconds since the first of those that are ready was due."""
    retried: int
    """Of those that are unfinished, how many were retried before."""
    rescued: int
    """The same of those whose worker or process was lost."""
    retrying: int
    """Of those that have failed, how many will be retried automatically."""
    capped: bool
    """Whether there are more jobs than were read, of some queue or type."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts, times and retries."""

    by_type: list[TypeStats]
    failures: list[FailureStats]
    buckets: list[Bucket]
    stages: list[StageTimes]
    """The slowest first."""
    window: Window | None = None
    """None: of all jobs that were asked for."""
