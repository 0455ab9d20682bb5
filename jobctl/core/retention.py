"""How long ended jobs are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobctl.core.durations import parse_duration
from jobctl.core.errors import ConfigError
from jobctl.core.lifecycle import DONE, Status

FOREVER = "forever"
KEEP = {str(Status.COMPLETED): "7d", str(Status.FAILED): "30d", str(Status.CANCELLED): "30d"}
"""The defaults, by status."""


@dataclass(frozen=True, slots=True)
class Rules:
    """For how many seconds after its end something is kept; None: for ever."""

    jobs: Mapping[str, float | None]
    """By ``type.status``, by type, and by status: the first that is there holds."""
    checkpoints: float
    results: float | None
    """Results that are large, and so in the storage; a job that has one is kept as long."""
    history: float | None
    """Events of jobs that somebody deleted."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step through the jobs found."""

    position: int | None
    """The highest id that was examined; None: there was none."""
    examined: int
    checkpoints: Sequence[str] = ()
    """Storage keys of the checkpoints that were removed."""
    jobs: Sequence[int] = ()
    """Ids of the jobs that were removed."""
    stored: Sequence[int] = ()
    """Those of them that may have left bytes in the storage."""


def ages(keep: Mapping[str, str]) -> dict[str, float | None]:
    """Seconds by status, type, or ``type.status``, of durations; the defaults where nothing is said of a status.

    Raises ``ConfigError`` for what is no duration.
    """
    found: dict[str, float | None] = {}
    for name, text in {**KEEP, **keep}.items():
        try:
            found[name] = None if text == FOREVER else parse_duration(text)
        except ValueError as error:
            raise ConfigError(f"keep_jobs: {name}: {error}", hint="A duration such as 7d, or forever.") from error
        kind, _, status = name.rpartition(".")
        if kind and status not in DONE:
            raise ConfigError(
                f"keep_jobs: {name}: {status!r} is not the status of an ended job", hint=f"One of {', '.join(DONE)}."
            )
    return found
