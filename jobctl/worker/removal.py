"""Removes child processes, and creates the outcomes of the jobs that they ran."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jobctl.core.attempt import Claimed, Failure, Outcome
from jobctl.core.lifecycle import MAX_CRASHES, Ending
from jobctl.core.retry import SENTENCES, names_memory, storable
from jobctl.worker.channel import LINE_CAP, GiveBack, Line
from jobctl.worker.crew import Member
from jobctl.worker.limits import retry_after
from jobctl.worker.parts import Parts

log = logging.getLogger("jobctl.worker")

STDERR_LINES = 20
"""Lines of a dead child's stderr that go to the log of the job it ran."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child process ended."""

    text: str
    stderr: str
    """The last lines of its stderr outside the streams of jobs."""
    reached_limit: Failure | None
    """Set when the kernel ended it for a limit of its stage."""


class Remover:
    """The only code that removes a child process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def drop(self, child: Member, outcome: Callable[[Claimed, Exit], Outcome | None]) -> None:
        """Removes a child process. ``outcome`` creates the outcome of the job that it ran; None: nothing to report.
        Jobs behind it are sent to another child process.
        """
        self._parts.wakeups.unwatch(child.channel)
        if child.process.stderr:
            self._parts.wakeups.unwatch(child.process.stderr)
        pid, exit_text = child.process.pid, self._parts.pool.dismiss(child)
        exit_ = Exit(exit_text, child.last_words(), self._parts.timer.ended_by_kernel(pid, child.process.returncode))
        jobs = list(child.jobs.values())
        child.jobs = {}
        for running in jobs[:1]:
            self._end(running, outcome(running, exit_), exit_)
        self._parts.timer.forget(pid)
        self.requeue(jobs[1:])
        self._parts.dispatch.claim_now = True

    def _end(self, job: Claimed, outcome: Outcome | None, exit_: Exit) -> None:
        now = time.monotonic()
        if outcome is not None and not self._parts.leases.is_lost(job.token.job_id):
            self._parts.outcomes.add(outcome, now)
            lines = [
                Line("error", None, storable(line, LINE_CAP)) for line in exit_.stderr.splitlines()[-STDERR_LINES:]
            ]
            self._parts.outcomes.log(job.token, lines)
        self._parts.leases.forget(job.token.job_id)

    def crashed(self, job: Claimed, exit_: Exit) -> Outcome:
        """A child process died, or hung: counts as a crash of the job that it ran, unless a limit was reached."""
        if exit_.reached_limit is not None:
            return self.failed(job, exit_.reached_limit)
        self._parts.metrics.count("jobctl_children_lost_total", type=job.job_type)
        text = exit_.text + (" (out of memory)" if names_memory(exit_.stderr) else "")
        log.warning("a child process was %s while it ran job %d", text, job.token.job_id)
        message = f"Its process was {text}, {MAX_CRASHES} times in a row. {SENTENCES['permanent']}"
        raw = storable(f"{text}\n{exit_.stderr}".strip(), 8192)
        return self.ended(job, Ending.CRASHED, Failure("permanent", message, raw))

    def ended(self, job: Claimed, ending: Ending, failure: Failure | None = None) -> Outcome:
        """The end of an attempt, with the newest progress."""
        return Outcome(job.token, ending, progress=self._parts.leases.progress(job.token.job_id), failure=failure)

    def failed(self, job: Claimed, failure: Failure) -> Outcome:
        """The end of an attempt that its supervisor ended; a transient failure is retried automatically."""
        retries = failure.kind == "transient" and self._parts.config.auto_retry
        outcome = self.ended(job, Ending.FAILED, failure)
        return replace(outcome, retry_after=retry_after(job)) if retries else outcome

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

    def take_back(self, child: Member) -> None:
        """Requests the jobs that wait behind the running one, once."""
        if child.asked_back:
            return
        child.asked_back = True
        child.tell(GiveBack())
