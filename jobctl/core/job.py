"""A job as the shell and Python callers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobctl.core.lifecycle import Standing, Status, actions
from jobctl.core.names import display_name, words

ALIVE_WITHIN = 10.0
"""Seconds since the last beat within which a job is shown as alive."""

PROGRESS_CAP = 2048
"""Bytes of a progress as JSON."""

PRIORITIES = {"lowest": 0, "low": 1, "normal": 2, "high": 3, "highest": 4}


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
        """From the column; fields of a newer version are ignored."""
        known = cls.__dataclass_fields__
        return cls(**{key: value for key, value in (data or {}).items() if key in known})

    def column(self) -> dict[str, float | int | str]:
        """The value of the column: what is None is left out."""
        values = ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        return {name: value for name, value in values if value is not None}


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

    @property
    def type_label(self) -> str:
        """What the display name starts with: the label that the job type had at submission."""
        return self.metadata.get("label") or words(self.job_type)

    @property
    def display_name(self) -> str:
        """As cli.md gives it: "Import: Oppose Book Worship (with embeddings)"."""
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
        """Processing, and its worker was heard within ten seconds."""
        age = self.heartbeat_age
        return age is not None and age < ALIVE_WITHIN


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
