"""What a worker sets around a job, within the test's own process: the variables it may read, the time its stages may take."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from jobctl.core.attempt import Claimed, Failure
from jobctl.core.errors import Invalid, JobFailure, Transient
from jobctl.core.pipeline import Pipeline, Stage
from jobctl.system.environment import variables
from jobctl.wiring.configuration import Settings
from jobctl.wiring.confinement import child_environment
from jobctl.worker.limits import StageTimer

CHECK_EVERY = 0.05
"""Seconds between two looks at the time of a stage."""


class LimitReached(BaseException):
    """A stage has reached its limit. Not an ``Exception``: a worker would have killed the process."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    def error(self) -> JobFailure:
        """The failure as an error of a handler."""
        kind = Transient if self.failure.kind == "transient" else Invalid
        return kind(self.failure.message)


@contextmanager
def environment_of(pipeline: Pipeline, settings: Settings, workspace: str) -> Iterator[None]:
    """Leaves the variables that a worker's child has for this job type; the others are back afterwards."""
    before = dict(variables)
    allowed = child_environment(settings, before, {pipeline.name: pipeline.environment})
    variables.clear()
    variables.update(
        {**allowed.at_start, **allowed.set_by_child, **allowed.by_type[pipeline.name], "TMPDIR": workspace}
    )
    try:
        yield
    finally:
        variables.clear()
        variables.update(before)


class Watchdog:
    """Interrupts a stage that reaches its limit. Outside the main thread, where no signal arrives, nothing is limited."""

    def __init__(self, pipeline: Pipeline, job: Claimed) -> None:
        self._timer = StageTimer({pipeline.name: pipeline.stages}, timeout=0.0, cpu=0.0)
        self._limited = any(stage.limits.timeout or stage.limits.cpu for stage in pipeline.stages)
        self._job = job
        self._stage: str | None = None

    def on_stage(self, stage: Stage) -> None:
        """The stage begins."""
        self._stage = stage.name

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Raises ``LimitReached`` within the body."""
        if not self._limited or threading.current_thread() is not threading.main_thread():
            yield
            return
        with _ticking(self._check):
            yield

    def _check(self) -> None:
        reached = self._timer.check(os.getpid(), self._job, self._stage, time.monotonic(), counted=True)
        if reached is not None:
            raise LimitReached(reached)


@contextmanager
def _ticking(check: Callable[[], None]) -> Iterator[None]:
    """Calls ``check`` in the main thread again and again. A timer that is set already, such as a test runner's, goes on."""
    started = time.monotonic()
    remaining, interval = signal.getitimer(signal.ITIMER_REAL)
    before = signal.getsignal(signal.SIGALRM)

    def tick(number: int, frame: FrameType | None) -> None:
        if remaining and time.monotonic() - started >= remaining and callable(before):
            before(number, frame)
        check()

    signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, CHECK_EVERY, CHECK_EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        if remaining:
            left = max(remaining - (time.monotonic() - started), CHECK_EVERY)
            signal.setitimer(signal.ITIMER_REAL, left, interval)
