"""One attempt at a job: its token, what a worker receives, its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jobctl.core.errors import ErrorType
from jobctl.core.job import Progress
from jobctl.core.lifecycle import Ending


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed: class, a sentence for people, the raw text and the traceback."""

    kind: ErrorType
    message: str
    raw: str
    trace: str = ""
    retry_in: float | None = None  # seconds, the error's own delay


@dataclass(frozen=True, slots=True)
class Token:
    """The right to write: the fence of every write of a worker."""

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
class StoredResult:
    """A result that is too large for the job's row: JSON in the storage, ``size`` in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that a worker has claimed.

    Columns with untrusted content are JSON text: only the job's own attempt decodes them.
    """

    token: Token
    job_type: str
    title: str
    queue: str
    priority: int
    run_after: datetime
    input_data: str
    metadata: str
    retry_count: int
    max_retries: int
    progress: str
    records: tuple[Record, ...] = ()
    wait_s: float | None = None
    """Seconds from when the job was due until this attempt, where it is the first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended; settled in sets."""

    token: Token
    kind: Ending
    output: str | None = None
    """The result as JSON, where it is small enough for the row. Neither this nor ``stored``: None was returned."""
    progress: Progress | None = None
    failure: Failure | None = None
    retry_after: float | None = None
    """Seconds until the automatic retry; None: none."""
    stored: StoredResult | None = None
