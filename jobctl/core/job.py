"""A job as the shell and Python callers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobctl.core.lifecycle import Standing, Status, actions
from jobctl.core.names import display_name, type_label

ALIVE_WITHIN = 10.0
"""Seconds since the last beat within which a job is shown as alive."""

IDLE_AFTER = 60.0
"""Seconds without any movement after which a running job is shown as making no progress."""

PRIORITIES = {"lowest": 0, "low": 1, "normal": 2, "high": 3, "highest": 4}


_PROGRESS_TYPES: dict[str, tuple[type, ...]] = (
    dict.fromkeys(("stage", "substage", "details", "unit", "updated_at"), (str,))
    | dict.fromkeys(("current", "total"), (int,))
    | dict.fromkeys(("percent", "rate_per_s", "eta_s"), (int, float))
)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job is, in numbers and words; at most 2 KiB as JSON."""

    percent: float = 0.0
    stage: str | None = None
    substage: str | None = None
    details: str | None = None
    current: int | None = None
    total: int | None = None
    unit: str | None = None
    rate_per_s: float | None = None
    eta_s: float | None = None
    updated_at: str | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> Progress:
        """From the column. Fields of a newer version are ignored, and so is a value that is not what its field holds."""
        if not isinstance(data, Mapping):
            return cls()
        fields: dict[str, Any] = {
            key: value for key, value in data.items() if isinstance(value, _PROGRESS_TYPES.get(key, ()))
        }
        percent = min(100.0, max(0.0, fields.pop("percent", 0.0)))
        return cls(percent, **{key: value for key, value in fields.items() if not isinstance(value, bool)})

    @property
    def moved_at(self) -> datetime | None:
        """``updated_at`` as an instant; None where it is missing or is not one."""
        try:
            moved = datetime.fromisoformat(self.updated_at or "")
        except (TypeError, ValueError):
            return None
        return moved if moved.tzinfo else None


@dataclass(frozen=True, slots=True)
class Job:
    """One row of ``jobctl.jobs``; instants are aware datetimes of the database's clock."""

    id: int
    job_type: str
    status: Status
    title: str
    queue: str
    priority: int
    labels: dict[str, str]
    key: str | None
    concurrency_key: str | None
    waiting_on: str | None
    created_by: str
    metadata: dict[str, Any]
    progress: Progress
    retry_count: int
    max_retries: int
    next_retry_at: datetime | None
    crash_count: int
    resume_count: int
    error_type: str | None
    error_message: str | None
    last_error: str | None
    checkpoint_stage: str | None
    checkpoint_path: str | None
    checkpoint_hash: str | None
    checkpoint_at: datetime | None
    pause_requested_at: datetime | None
    cancel_requested_at: datetime | None
    cancel_reason: str | None
    pause_reason: str | None
    paused_at: datetime | None
    resumed_at: datetime | None
    created_at: datetime
    run_after: datetime
    started_at: datetime | None
    attempt_started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime
    heartbeat_at: datetime | None
    lease_seq: int
    entity_type: str | None
    entity_id: str | None
    worker: dict[str, Any] | None
    now: datetime
    """The database's clock when the row was read: ages are differences to this."""
    input_data: dict[str, Any] = field(default_factory=dict)
    output_data: Any = None
    error_trace: str | None = None
    logged_at: datetime | None = None
    """The newest log line of a running job."""

    @property
    def type_label(self) -> str:
        """What the display name starts with: "Processing" for process_document."""
        return self.metadata.get("label") or type_label(self.job_type)

    @property
    def display_name(self) -> str:
        """Label, title and mode: "Import: Oppose Book Worship (with embeddings)"."""
        return display_name(self.type_label, self.title, self.metadata.get("mode"))

    @property
    def actions(self) -> tuple[str, ...]:
        """The verbs that would do something now."""
        return actions(
            Standing(
                self.status,
                self.pause_requested_at is not None,
                self.cancel_requested_at is not None,
                self.retry_count,
                self.max_retries,
            )
        )

    @property
    def heartbeat_age(self) -> float | None:
        """Seconds since the last beat, while processing."""
        if self.status is not Status.PROCESSING or self.heartbeat_at is None:
            return None
        return max(0.0, (self.now - self.heartbeat_at).total_seconds())

    @property
    def alive(self) -> bool:
        """Processing, and its worker was heard within ten seconds."""
        age = self.heartbeat_age
        return age is not None and age < ALIVE_WITHIN

    @property
    def idle(self) -> float | None:
        """Seconds since the running attempt last moved: started, progressed, logged or recorded a checkpoint.

        None while it does not run. An instant after ``now`` was not written by the database's clock and is ignored.
        """
        if self.status is not Status.PROCESSING:
            return None
        marks = (self.attempt_started_at, self.progress.moved_at, self.logged_at, self.checkpoint_at)
        ages = [(self.now - mark).total_seconds() for mark in marks if mark is not None and mark <= self.now]
        return min(ages, default=None)

    @property
    def stalled(self) -> bool:
        """Running, alive, and without any movement for a minute."""
        return self.alive and self.idle is not None and self.idle >= IDLE_AFTER


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that is to be created: everything validated, nothing looked up."""

    job_type: str
    input_data: Mapping[str, Any]
    title: str = ""
    queue: str = "default"
    priority: int = PRIORITIES["normal"]
    labels: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    concurrency_key: str | None = None
    created_by: str = ""
    delay: float = 0.0  # seconds
    run_after: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    max_retries: int = 3
    entity_type: str | None = None
    entity_id: str | None = None
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer to a submit: ``created`` is false where an unfinished job had the same key."""

    id: int
    created: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The one truthful answer to a request on a job."""

    id: int
    answer: str  # done requested unchanged refused missing
    was: Status | None
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which jobs: every field narrows; None leaves out."""

    ids: tuple[int, ...] | None = None
    statuses: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    title: str | None = None
    labels: Mapping[str, str] | None = None
    label_keys: tuple[str, ...] | None = None
    queue: str | None = None
    error_types: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    stale: bool = False
    due: bool = False
    created_by: str | None = None
    before: int | None = None
    """Only ids below this one: the page after."""
