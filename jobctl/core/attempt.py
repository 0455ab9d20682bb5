"""One attempt at a job: who may write, what is handed to a worker, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobctl.core.lifecycle import Ending


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt ended: class, a friendly sentence, the raw text and the traceback."""

    kind: str  # transient paywall invalid permanent
    message: str
    raw: str
    trace: str = ""
    retry_in: float | None = None  # seconds, the error's own delay


@dataclass(frozen=True, slots=True)
class Token:
    """Who may write: the fence of every write of a worker."""

    job_id: int
    lease_seq: int
    lease_id: str


@dataclass(frozen=True, slots=True)
class Record:
    """One recorded checkpoint segment."""

    seq: int
    stage: str
    done: int
    complete: bool
    path: str
    sha256: str
    size: int
    pause_safe: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in the hands of a worker."""

    token: Token
    job_type: str
    title: str
    queue: str
    priority: int
    run_after: datetime
    input_data: dict[str, Any]
    metadata: dict[str, Any]
    retry_count: int
    max_retries: int
    progress: dict[str, Any]
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended; settled in sets."""

    token: Token
    kind: Ending
    output: Any = None
    progress: Mapping[str, Any] | None = None
    failure: Failure | None = None
    retry_after: float | None = None  # seconds until the automatic retry; None: none
