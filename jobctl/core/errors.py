"""The errors of jobctl.

::

    JobctlError
    ├── UsageError            the request makes no sense              exit 2
    │   ├── InvalidArguments  input of a job type does not validate
    │   └── UnknownJobType
    ├── JobNotFound                                                  exit 3
    ├── IllegalTransition     not possible in the present status      exit 4
    ├── ConfigError           settings, schema not at head            exit 5
    ├── StoreUnavailable      database or storage out of reach        exit 6
    │   ├── StorageUnavailable  the storage: full, read-only, gone
    │   └── DatabaseRefused     wrong password, role or database: no retry helps  exit 5
    ├── CheckpointError       recorded bytes are no good
    │   ├── CheckpointMissing
    │   └── CheckpointCorrupt
    └── JobFailure            what a handler raises to fail its job
        ├── Transient         worth another try (retry_in: its own delay)
        ├── Paywall           quota, credits, billing
        ├── Invalid           bad input: a retry can't help
        └── Permanent         everything else

    Interrupt (BaseException) how a stage is stopped at a safe point
    ├── PauseNow
    ├── CancelNow
    ├── ReleaseNow            the worker shuts down
    └── LeaseLost             another attempt owns the job now
"""

from __future__ import annotations

from typing import Literal

ErrorType = Literal["transient", "paywall", "invalid", "permanent"]
"""The classes of a job's errors: see ``core.retry``."""


class JobctlError(Exception):
    """A problem that a person can do something about.

    ``str(error)`` is what happened, ``hint`` the next thing to do.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(JobctlError):
    """The request makes no sense as it stands."""

    request: int | None = None
    """Which of several requests it was, from 0; None where that is not known."""


class InvalidArguments(UsageError):
    """The input of a job type does not validate; ``problems`` names every field at once."""

    def __init__(self, message: str, problems: list[str], *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class UnknownJobType(UsageError):
    """No installed pipeline has this name."""


class JobNotFound(JobctlError):
    """No job has this id."""


class IllegalTransition(JobctlError):
    """The move is not in the table for the job's present status; the hint says what is."""


class ConfigError(JobctlError):
    """A setting is wrong, or the schema does not fit this version of the program."""


class StoreUnavailable(JobctlError):
    """The database or the storage can't be reached now; trying again makes sense."""


class StorageUnavailable(StoreUnavailable):
    """The storage is full, read-only or out of reach: that passes less often by itself than a database's absence."""


class DatabaseRefused(StoreUnavailable):
    """The server answers and does not let us in: a setting is wrong here or there. A worker that runs goes on trying."""


class CheckpointError(JobctlError):
    """The bytes of a recorded checkpoint can't be used."""


class CheckpointMissing(CheckpointError):
    """The bytes are gone."""


class CheckpointCorrupt(CheckpointError):
    """The bytes are there and are not what was written."""


class JobFailure(JobctlError):
    """Raised by a handler to fail its job with a known class of error."""

    kind: ErrorType = "permanent"


class Transient(JobFailure):
    """Trouble that passes; ``retry_in`` (seconds) overrules the backoff."""

    kind: ErrorType = "transient"

    def __init__(self, message: str, *, retry_in: float | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_in = retry_in


class Paywall(JobFailure):
    """Quota, credits or billing: somebody has to pay or wait."""

    kind: ErrorType = "paywall"


class Invalid(JobFailure):
    """The input is bad; the same input will fail again."""

    kind: ErrorType = "invalid"


class Permanent(JobFailure):
    """It failed, and nothing suggests that another try would do better."""

    kind: ErrorType = "permanent"


class Interrupt(BaseException):
    """Stops a stage at a safe point. Not an ``Exception``: handlers must not swallow it."""


class PauseNow(Interrupt):
    """A pause was requested and this point is pause-safe."""


class CancelNow(Interrupt):
    """A cancel was requested."""


class ReleaseNow(Interrupt):
    """The worker is shutting down; the job goes back to the queue, nothing is charged."""


class LeaseLost(Interrupt):
    """Another attempt owns the job now; this one may write nothing more."""
