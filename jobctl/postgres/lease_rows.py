"""What a worker sends to the queue and receives from it, as rows."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.rows import DictRow

from jobctl.core.attempt import Claimed, Outcome, Record, Token
from jobctl.core.lifecycle import Status
from jobctl.system.process import is_gone

LogRow = tuple[int, int, str, str | None, str]
"""A log line: job, attempt, level, stage, text."""


@dataclass(frozen=True, slots=True)
class ClaimTarget:
    """One probe of a claim: a queue, a type, a priority, and the lowest place where work can still be."""

    queue: str
    job_type: str
    priority: int
    low_run_after: str = "-infinity"
    low_id: int = 0
    served: float = 0.0
    """Turns that its queue has had, for its weight."""
    weight: int = 1
    queue_room: int | None = None
    """Jobs that its queue may start under a limit; None: any number."""
    type_room: int | None = None
    """The same of its type."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a settled attempt."""

    id: int
    job_type: str
    status: Status
    concurrency_key: str | None
    awaited: bool  # another job depends on it
    notify: bool = False  # a notification is due if it has ended


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A worker that has been seen on this machine, in this namespace of processes."""

    worker: int
    pid: int
    start: str

    def is_gone(self) -> bool:
        """Whether its process has ended."""
        return is_gone(self.pid, self.start)


@dataclass(frozen=True, slots=True)
class SweepTimers:
    """What a sweep learns about the time after it."""

    lease_end: float | None
    """Seconds until the next lease of any worker ends, None without one."""
    next_schedule: float | None
    """Seconds until the next instant of any schedule, None without one."""
    notifications_due: bool
    retention_due: bool = False
    outdated: bool = False
    """Whether the schema was upgraded beyond what this program can work with."""
    neighbours: tuple[Neighbour, ...] = ()
    work_due: bool = True
    """Whether a sweep has something to do."""


@dataclass(frozen=True, slots=True)
class Request:
    """The pending requests on a running job. ``pause``: at the next safe point; ``freeze``: where it is."""

    pause: bool = False
    cancel: bool = False
    freeze: bool = False

    @property
    def paused(self) -> bool:
        """Whether a pause of either kind stands."""
        return self.pause or self.freeze


@dataclass(frozen=True, slots=True)
class Beat:
    """The answer to a heartbeat."""

    draining: bool
    """Whether this worker was asked to drain."""
    requests: dict[int, Request]
    """By job id. A job that is missing is not ours any more."""


@dataclass(frozen=True, slots=True)
class LeftWaiting:
    """Jobs that wait for one reason: key, queue, type, dependency or time."""

    reason: str
    jobs: int
    first: int
    """The lowest id."""
    concurrency_key: str | None
    """Of the first."""
    holder: int | None
    """The job that uses that key."""
    holder_queue: str | None


def settled_row(outcome: Outcome) -> dict[str, object]:
    """An outcome as ``settle.sql`` reads it; what is not there is null."""
    token = outcome.token
    row: dict[str, object] = {
        "id": token.job_id, "lease_seq": token.lease_seq, "lease_id": token.lease_id, "outcome": outcome.kind,
        "output": outcome.output, "retry_after": outcome.retry_after,
    }  # fmt: skip
    if outcome.progress is not None:
        row["progress"] = outcome.progress.column()
    if (stored := outcome.stored) is not None:
        row |= {"path": stored.path, "sha256": stored.sha256, "size": stored.size}
    if (failure := outcome.failure) is not None:
        row |= {"kind": failure.kind, "message": failure.message, "raw": failure.raw, "trace": failure.trace}
    return row


def request_from(row: DictRow) -> Request:
    """The requests on a job as ``beat`` and ``requests`` return them."""
    return Request(row["pause"], row["cancel"], row["freeze"])


def claimed_job(row: DictRow) -> Claimed:
    """A job as ``claim`` returns it."""
    return Claimed(
        Token(row["id"], row["lease_seq"], row["lease_id"]),
        row["job_type"], row["title"], row["queue"], row["priority"], row["run_after"], row["input_data"],
        row["metadata"], row["retry_count"], row["max_retries"], row["progress"],
        tuple(Record(**record) for record in row["checkpoints"] or ()), row["wait_s"],
    )  # fmt: skip
