"""A job as the shell and Python callers see it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from jobctl.core.lifecycle import ControlOutcome, JobFlags, Status, Verb, actions
from jobctl.core.names import display_name, words

ALIVE_WITHIN = 1 / 3
"""Share of a lease since the last beat within which a job is shown as alive."""
CLOCK_SLACK = 1.0
"""Seconds that a heartbeat may lie in the future, where the database's clock is adjusted; more: the clock was set back."""

FOR_NOW = timedelta(seconds=1)
"""A delay up to this is none (sql/make_due.sql)."""

PROGRESS_CAP = 2048
"""Bytes of a progress as JSON."""

IDLE_AFTER = 60.0
"""Seconds without any movement after which a running job is shown as making no progress."""

PRIORITIES = {"lowest": 0, "low": 1, "normal": 2, "high": 3, "highest": 4}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int)


def _is_amount(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value < math.inf


def _is_percent(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 100


_PROGRESS: dict[str, Callable[[object], bool]] = {
    "percent": _is_percent,
    **dict.fromkeys(("stage", "substage", "details", "unit", "updated_at", "pause_support"), _is_text),
    **dict.fromkeys(("current", "total"), _is_count),
    **dict.fromkeys(("rate_per_s", "eta_s"), _is_amount),
}
"""What each field of a progress may be."""
_progress_values = attrgetter(*_PROGRESS)


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
    pause_support: str | None = None
    """Of a stage that runs a program: see ``ports.PauseSupport``."""

    @classmethod
    def of(cls, data: Mapping[str, object] | None) -> Progress:
        """From the column; fields of a newer version, and values of another type, are ignored."""
        if not isinstance(data, Mapping):
            return cls()
        values: dict[str, Any] = {k: value for k, value in data.items() if k in _PROGRESS and _PROGRESS[k](value)}
        return cls(**values)

    def column(self) -> dict[str, float | int | str]:
        """The value of the column: what is None is left out."""
        return {name: value for name, value in zip(_PROGRESS, _progress_values(self), strict=True) if value is not None}

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
    result_path: str | None = None
    result_sha256: str | None = None
    result_size: int | None = None
    lease_expires_at: datetime | None = None
    lease_ttl: float = 30.0
    """Seconds that a lease of its worker lasts."""
    ended_run_s: float = 0.0
    """Seconds that the attempts before this one ran."""
    undecodable: tuple[str, ...] = ()
    """What can't be decoded in the row, a sentence each; empty: nothing."""
    logged_at: datetime | None = None
    """The newest log line of a running job."""
    pause_freezes: bool = False
    """The pause that is requested, if any, stops the job's processes where they are."""
    frozen_at: datetime | None = None
    """Since when the processes of the running attempt are stopped."""

    @property
    def type_label(self) -> str:
        """What the display name starts with: the label that the job type had at submission."""
        label = self.metadata.get("label")
        return label if label and isinstance(label, str) else words(self.job_type)

    @property
    def display_name(self) -> str:
        """Label, title and mode: "Import: Oppose Book Worship (with embeddings)"."""
        mode = self.metadata.get("mode")
        return display_name(self.type_label, self.title, mode if isinstance(mode, str) else None)

    @property
    def actions(self) -> tuple[Verb, ...]:
        """The verbs that would do something now."""
        return actions(
            JobFlags(
                self.status,
                self.pause_requested_at is not None,
                self.cancel_requested_at is not None,
                self.retry_count,
                self.max_retries,
            )
        )

    @property
    def result_location(self) -> str | None:
        """Where the result is: row, storage, or pruned when it was there; None before the job is completed."""
        if self.status is not Status.COMPLETED:
            return None
        if self.result_size is None:
            return "row"
        return "storage" if self.result_path else "pruned"

    @property
    def heartbeat_age(self) -> float | None:
        """Seconds since the last beat, while processing."""
        if self.status is not Status.PROCESSING or self.heartbeat_at is None:
            return None
        return max(0.0, (self.now - self.heartbeat_at).total_seconds())

    @property
    def alive(self) -> bool:
        """Processing, with a heartbeat within a third of its worker's lease, and none from the future."""
        if self.status is not Status.PROCESSING or self.heartbeat_at is None:
            return False
        return -CLOCK_SLACK <= (self.now - self.heartbeat_at).total_seconds() < self.lease_ttl * ALIVE_WITHIN

    @property
    def due_in(self) -> float:
        """Seconds until the job is due, 0 when it is. What was submitted for now is, whatever the clock does."""
        if self.run_after - self.created_at <= FOR_NOW:
            return 0.0
        return max(0.0, (self.run_after - self.now).total_seconds())

    @property
    def run_s(self) -> float | None:
        """Seconds that the job ran: the sum of its attempts, the running one so far included; None: never started."""
        if self.started_at is None:
            return None
        if self.status is not Status.PROCESSING or self.attempt_started_at is None:
            return self.ended_run_s
        until = min(self.now, self.lease_expires_at or self.now)
        return self.ended_run_s + max(0.0, (until - self.attempt_started_at).total_seconds())

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
        """Running, alive, not frozen, and without any movement for a minute."""
        return self.alive and self.frozen_at is None and self.idle is not None and self.idle >= IDLE_AFTER


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
    expires: float | None = None
    """Seconds after which it is cancelled if it has not started."""
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer to a submit: ``created`` is false where an unfinished job had the same key."""

    id: int
    created: bool


@dataclass(frozen=True, slots=True)
class ControlResult:
    """The one truthful answer to a request on a job."""

    id: int
    outcome: ControlOutcome
    was: Status | None
    message: str
    hint: str | None = None
