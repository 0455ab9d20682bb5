"""The time that an attempt of a job has taken, against the limit that its submitter set."""

from __future__ import annotations

import json
from dataclasses import dataclass

from jobctl.core.attempt import Claimed, Token
from jobctl.core.durations import format_duration


@dataclass(slots=True)
class JobClock:
    """How long one attempt has run; ``limit`` in seconds, None: without."""

    token: Token
    limit: float | None
    seen_at: float
    wall: float = 0.0


class JobTimer:
    """The clocks of all attempts that run, by the process id of their child process."""

    def __init__(self) -> None:
        self._clocks: dict[int, JobClock] = {}

    def check(self, pid: int, job: Claimed, now: float, *, counted: bool) -> str | None:
        """A sentence about the limit that was reached; None: none. Time that is not ``counted`` is left out."""
        clock = self._clocks.get(pid)
        if clock is None or clock.token != job.token:
            clock = self._clocks[pid] = JobClock(job.token, _limit(job), now)
        if counted:
            clock.wall += now - clock.seen_at
        clock.seen_at = now
        if clock.limit is None or clock.wall < clock.limit:
            return None
        return f"timed out after {format_duration(clock.limit)}"

    def forget(self, pid: int) -> None:
        """The process is gone."""
        self._clocks.pop(pid, None)


def _limit(job: Claimed) -> float | None:
    """Seconds; None where the job has no limit, or none that can be read."""
    if '"timeout_s"' not in job.metadata:
        return None
    try:
        value = json.loads(job.metadata)["timeout_s"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return float(value) if isinstance(value, (int, float)) and value > 0 else None
