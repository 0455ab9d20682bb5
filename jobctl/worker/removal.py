"""Removes child processes, and creates the outcomes of the jobs that they ran."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jobctl.core.attempt import Claimed, Failure, Outcome
from jobctl.core.lifecycle import MAX_CRASHES, Ending
from jobctl.core.retry import OUT_OF_MEMORY, SENTENCES, storable
from jobctl.worker.channel import LINE_CAP, Line, ReturnWaiting
from jobctl.worker.children import ChildExit, ChildProcess
from jobctl.worker.limits import retry_after
from jobctl.worker.log_fields import of_job
from jobctl.worker.parts import Parts

log = logging.getLogger("jobctl.worker")

STDERR_LINES = 20
"""Lines of a dead child's stderr that go to the log of the job it ran."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child process ended."""

    process: ChildExit
    reached_limit: Failure | None
    """Set when the kernel ended it for a limit of its stage."""


class Remover:
    """The only code that removes a child process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def drop(
        self, child: ChildProcess, outcome: Callable[[Claimed, Exit], Outcome | None], *, exiting: bool = False
    ) -> None:
        """Takes a child process away. ``outcome`` makes the end of the job that it ran; None: there is none to report.

        Jobs behind it are sent to another child process. ``exiting``: it closed its channel by itself; one that had not
        yet done its imports has run no job.
        """
        self._parts.wakeups.unwatch(child.channel)
        if child.process.stderr:
            self._parts.wakeups.unwatch(child.process.stderr)
        now = time.monotonic()
        process = self._parts.pool.remove(child, exiting=exiting)
        pid = child.process.pid
        exit_ = Exit(process, self._parts.timer.ended_by_kernel(pid, process.code))
        jobs = list(child.jobs.values())
        child.jobs = {}
        started = child.ready or not exiting
        if not started:
            self._failed_to_start(process)
        for running in jobs[:1] if started else ():
            self._end(running, outcome(running, exit_), exit_, now - child.job_since)
        self._parts.timer.forget(pid)
        self.requeue(jobs[1:] if started else jobs)
        self._parts.dispatch.claim_now = True

    def _failed_to_start(self, process: ChildExit) -> None:
        log.warning("a child process was not able to start: it was %s: %s", process.reason, process.stderr[-400:])
        if self._parts.pool.start_failure is not None and not self._parts.shutdown.requested:
            log.error("no child process is able to start: the worker stops")
            self._parts.shutdown.request()

    def _end(self, job: Claimed, outcome: Outcome | None, exit_: Exit, seconds: float) -> None:
        if outcome is not None and not self._parts.leases.is_lost(job.token.job_id):
            self._parts.outcomes.add(outcome, time.monotonic(), job=job, seconds=seconds)
            lines = exit_.process.stderr.splitlines()[-STDERR_LINES:]
            self._parts.outcomes.log(job.token, [Line("error", None, storable(line, LINE_CAP)) for line in lines])
        self._parts.leases.forget(job.token.job_id)

    def crashed(self, job: Claimed, exit_: Exit) -> Outcome:
        """A child process died, or hung: the job that it ran is charged with that, unless it reached a limit."""
        if exit_.reached_limit is not None:
            return self.failed(job, exit_.reached_limit)
        self._parts.metrics.count("jobctl_children_lost_total", type=job.job_type)
        process = exit_.process
        log.warning("a child process was %s while it ran job %d", process.reason, job.token.job_id, extra=of_job(job))
        raw = storable(f"{process.reason}\n{process.stderr}".strip(), 8192)
        if process.out_of_memory:
            return self.failed(job, Failure(OUT_OF_MEMORY.kind, OUT_OF_MEMORY.message, raw))
        message = f"Its process was {process.reason}, {MAX_CRASHES} times in a row. {SENTENCES['permanent']}"
        return self.ended(job, Ending.CRASHED, Failure("permanent", message, raw))

    def ended(self, job: Claimed, ending: Ending, failure: Failure | None = None) -> Outcome:
        """The end of an attempt, with the newest progress."""
        return Outcome(job.token, ending, progress=self._parts.leases.progress(job.token.job_id), failure=failure)

    def failed(self, job: Claimed, failure: Failure) -> Outcome:
        """The end of an attempt that its supervisor ended; a transient failure is retried automatically."""
        retries = failure.kind == "transient" and self._parts.config.auto_retry
        outcome = self.ended(job, Ending.FAILED, failure)
        return (
            replace(outcome, retry_after=retry_after(job, self._parts.config.delays.get(job.job_type, ())))
            if retries
            else outcome
        )

    def requeue(self, jobs: Sequence[Claimed]) -> None:
        """Returns jobs that their child process did not start."""
        self._parts.dispatch.put_back(job for job in jobs if not self._parts.leases.is_lost(job.token.job_id))
        for job in jobs:
            self._parts.leases.forget(job.token.job_id)
        if self._parts.shutdown.requested:
            self.release_ready()

    def release_ready(self) -> None:
        """Releases what no child process was sent."""
        for outcome in self._parts.dispatch.release_ready():
            self._parts.outcomes.add(outcome, time.monotonic())

    def recall_waiting(self, child: ChildProcess) -> None:
        """Asks for the jobs that wait behind the running one, once."""
        if child.returning_jobs:
            return
        child.returning_jobs = True
        child.send(ReturnWaiting())
