"""The errors of jobctl.

::

    JobctlError
    ├── UsageError            the request is invalid                  exit 2
    │   ├── InvalidArguments  input of a job type does not validate
    │   └── UnknownJobType
    ├── JobNotFound                                                  exit 3
    ├── IllegalTransition     not possible in the present status      exit 4
    ├── ConfigError           settings                                exit 5
    │   └── SchemaMismatch    the schema is too old, or too new
    ├── StoreUnavailable      database or storage out of reach        exit 6
    │   ├── StorageUnavailable  the storage: full, read-only, gone
    │   │   └── StorageRefused  not the storage of this database, or no right to use it  exit 5
    │   └── DatabaseRefused     wrong password, role or database: no retry helps  exit 5
    ├── CheckpointError       recorded bytes are unusable
    │   ├── CheckpointMissing
    │   └── CheckpointCorrupt
    └── JobFailure            what a handler raises to fail its job
        ├── Transient         worth a retry     (retry_in: its own delay)
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

from jobctl.core.installing import install_command

ErrorType = Literal["transient", "paywall", "invalid", "permanent"]
"""The classes of a job's errors: see ``core.retry``."""


class JobctlError(Exception):
    """A problem that the user can act on.

    ``str(error)`` is the reason, ``hint`` the advice.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(JobctlError):
    """The request is invalid."""

    request: int | None = None
    """Index of the request in a list of them, from 0; None where that is not known."""


class InvalidArguments(UsageError):
    """The input of a job type does not validate; ``problems`` names every field at once."""

    def __init__(self, message: str, problems: list[str], *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class UnknownJobType(UsageError):
    """No installed pipeline has this name."""


class JobNotFound(JobctlError):
    """No job has this id."""


class ScheduleNotFound(JobctlError):
    """There is no schedule of this name."""


class IllegalTransition(JobctlError):
    """The move is not in the table for the job's present status; the hint says what is."""


class ConfigError(JobctlError):
    """A setting is wrong, or the schema does not fit this version of the program."""


class SchemaMismatch(ConfigError):
    """The schema of the database is one that this program cannot work with."""


class MissingExtra(ConfigError):
    """An optional part of a package that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs {extra}", hint=install_command(extra))
        self.extra = extra


class StoreUnavailable(JobctlError):
    """The database or the storage can't be reached now; trying again makes sense."""


class StorageUnavailable(StoreUnavailable):
    """The storage is full, read-only or out of reach.

    ``full``: there is no room; what is small may still fit.
    """

    def __init__(self, message: str, *, hint: str | None = None, full: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.full = full


class StorageRefused(StorageUnavailable):
    """It is not the storage of this database, or it may not be used: a setting or a mount is wrong. A running worker keeps retrying."""


class DatabaseRefused(StoreUnavailable):
    """The server refuses the connection: a setting is wrong on one side. A running worker keeps retrying."""


class CheckpointError(JobctlError):
    """The bytes of a recorded checkpoint can't be used."""


class CheckpointMissing(CheckpointError):
    """The bytes are gone."""


class CheckpointCorrupt(CheckpointError):
    """The bytes differ from what was written."""


class JobFailure(JobctlError):
    """Raised by a handler to fail its job with a known class of error."""

    kind: ErrorType = "permanent"


class Transient(JobFailure):
    """A temporary problem; ``retry_in`` (seconds) overrides the backoff."""

    kind: ErrorType = "transient"

    def __init__(self, message: str, *, retry_in: float | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_in = retry_in


class Paywall(JobFailure):
    """Quota, credits or billing: a payment or a wait is needed."""

    kind: ErrorType = "paywall"


class Invalid(JobFailure):
    """The input is bad; the same input will fail again."""

    kind: ErrorType = "invalid"


class Permanent(JobFailure):
    """A failure that another attempt is not expected to fix."""

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


def first_line(error: BaseException) -> str:
    """The first line of an error's text; the name of its class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
