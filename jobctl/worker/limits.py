"""The time that a stage has taken, against its limits. Pure, except for reading a process's CPU time."""

from __future__ import annotations

import math
import os
import random
import resource
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from jobctl.core.attempt import Claimed, Failure
from jobctl.core.durations import format_duration
from jobctl.core.pipeline import Limits
from jobctl.core.retry_policy import delay_of
from jobctl.worker.job_timer import JobTimer

CHECK_EVERY = 0.5
"""Seconds between two readings of the processor time of a child process."""
NET_SLACK = 2
"""Seconds of processor time above its limit at which the kernel ends a process by itself (``RLIMIT_CPU``)."""


class TimedStage(Protocol):
    """A stage, as far as its time matters."""

    @property
    def name(self) -> str: ...
    @property
    def limits(self) -> Limits: ...


@dataclass(slots=True)
class StageClock:
    """How long one stage of one attempt has run."""

    job_id: int
    stage: TimedStage
    limits: Limits
    seen_at: float
    wall: float = 0.0
    cpu_at_start: float | None = None
    cpu: float = 0.0
    cpu_checked_at: float = field(default=float("-inf"))

    def advance(self, now: float, *, counted: bool) -> None:
        """Lets time pass; while the job is frozen or the database is away it does not count."""
        if counted:
            self.wall += now - self.seen_at
        self.seen_at = now

    def exceeded(self) -> str | None:
        """A sentence about the limit that was reached; None: none."""
        if self.limits.timeout and self.wall >= self.limits.timeout:
            return f"timed out after {format_duration(self.limits.timeout)} in {self.stage.name}"
        if self.limits.cpu and self.cpu >= self.limits.cpu:
            return self.out_of_cpu()
        return None

    def failure(self, reached: str) -> Failure:
        """A failure of the class that the author of the stage chose."""
        return Failure(self.limits.on_timeout, reached, reached)

    def out_of_cpu(self) -> str:
        """The limit on processor time was reached."""
        return f"used {format_duration(self.limits.cpu or 0.0)} of CPU time in {self.stage.name}"


class StageTimer:
    """The clocks of all child processes, by their process ids. ``stages``: those of each job type.

    ``timeout`` and ``cpu`` (seconds, 0: none) are for stages that set none themselves.
    """

    def __init__(
        self, stages: Mapping[str, Sequence[TimedStage]], *, timeout: float, cpu: float,
        cpu_seconds: Callable[[int], float | None] | None = None,
    ) -> None:  # fmt: skip
        self._stages = stages
        self._default = Limits(timeout, cpu)
        self._cpu_seconds = cpu_seconds or cpu_seconds_below
        self._clocks: dict[int, StageClock] = {}
        self._jobs = JobTimer()

    def check(self, pid: int, job: Claimed, stage: str | None, now: float, *, counted: bool) -> Failure | None:
        """The end of the attempt, when the running stage has reached a limit. ``stage`` None: it has not reported which."""
        overdue = self._jobs.check(pid, job, now, counted=counted)
        clock = self._clock(pid, job, stage, now)
        if overdue is not None:
            return Failure(clock.limits.on_timeout if clock else Limits().on_timeout, overdue, overdue)
        if clock is None:
            return None
        clock.advance(now, counted=counted)
        if clock.limits.cpu and now - clock.cpu_checked_at >= CHECK_EVERY:
            self._measure_cpu(pid, clock, now)
        return clock.failure(reached) if (reached := clock.exceeded()) else None

    def ended_by_kernel(self, pid: int, returncode: int | None) -> Failure | None:
        """The end of the attempt, when it was a limit for which the kernel ended the process."""
        clock = self._clocks.get(pid)
        if clock is None or not clock.limits.cpu or returncode != -signal.SIGXCPU:
            return None
        return clock.failure(clock.out_of_cpu())

    def forget(self, pid: int) -> None:
        """The process is gone."""
        self._jobs.forget(pid)
        self._clocks.pop(pid, None)

    def _clock(self, pid: int, job: Claimed, stage: str | None, now: float) -> StageClock | None:
        clock = self._clocks.get(pid)
        if clock is not None and clock.job_id == job.token.job_id and stage in (None, clock.stage.name):
            return clock
        found = self._running(job, stage)
        self._clocks.pop(pid, None)
        if found is None:
            return None
        limits = Limits(
            self._default.timeout if found.limits.timeout is None else found.limits.timeout,
            self._default.cpu if found.limits.cpu is None else found.limits.cpu,
            found.limits.on_timeout,
        )
        self._clocks[pid] = StageClock(job.token.job_id, found, limits, now)
        return self._clocks[pid]

    def _running(self, job: Claimed, stage: str | None) -> TimedStage | None:
        """The stage by its name, else the first that has no complete checkpoint."""
        stages = self._stages.get(job.job_type, ())
        if stage is not None:
            return next((known for known in stages if known.name == stage), None)
        done = {record.stage for record in job.records if record.complete}
        return next((known for known in stages if known.name not in done), None)

    def _measure_cpu(self, pid: int, clock: StageClock, now: float) -> None:
        clock.cpu_checked_at = now
        used = self._cpu_seconds(pid)
        if used is None:
            return
        if clock.cpu_at_start is None:
            clock.cpu_at_start = used
        clock.cpu = max(clock.cpu, used - clock.cpu_at_start)


def retry_after(job: Claimed, delays: Sequence[float] = ()) -> float:
    """Seconds until the automatic retry of a transient failure, by the delays of its job type."""
    return delay_of(delays, job.retry_count, random.random())  # noqa: S311 - jitter, not a secret


def cpu_seconds_below(pid: int) -> float | None:
    """Processor time of a process, of all below it, and of those that have ended; None where the kernel does not report it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(
        cpu_seconds_below(c) or 0.0 for c in _children(pid)
    )


def limit_own_cpu(seconds: float) -> None:
    """Has the kernel end this process when it uses ``seconds`` more of processor time than it has used; 0: no limit.

    A last net, for when the supervisor can't check: frozen, or kept by a call that does not return. Programs that are
    started from here inherit the limit.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = hard
    if seconds:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        soft = math.ceil(usage.ru_utime + usage.ru_stime + seconds) + NET_SLACK
    with suppress(ValueError):  # above the hard limit, which is the stricter one then
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found
