"""What ``client.watch`` yields: one class for each kind of thing that can happen to a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobctl.core.job import Progress
from jobctl.core.lifecycle import DONE, Status


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The job moved; ``before`` is None for its submission. ``kind`` is the name of the move, ``at`` the database's clock."""

    job_id: int
    at: datetime
    kind: str
    before: Status | None
    status: Status
    actor: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noted:
    """Something without a change of status: a request to pause or cancel, a warning."""

    job_id: int
    at: datetime
    kind: str
    actor: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far the running job is now; steps between two polls are skipped."""

    job_id: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class Deleted:
    """The job is gone."""

    job_id: int


WatchEvent = StatusChanged | Noted | Progressed | Deleted


@dataclass(frozen=True, slots=True)
class Glance:
    """A job as a watch compares it. ``retries``: failed, and retried automatically."""

    id: int
    status: Status
    retries: bool
    progress: Progress
    updated_at: datetime

    @property
    def final(self) -> bool:
        """Whether only a person can move the job on."""
        return self.status in DONE and not self.retries
