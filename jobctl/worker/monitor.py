"""The child processes of a worker, as its loop sees them: what they report, what they are sent, when they are removed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from jobctl.core.attempt import Claimed, Failure, Outcome, Token
from jobctl.core.errors import ErrorType
from jobctl.core.lifecycle import MAX_CRASHES, Ending
from jobctl.core.retry import SENTENCES, names_memory, storable
from jobctl.worker.channel import (
    LINE_CAP,
    Ended,
    FromChild,
    GiveBack,
    Line,
    Logged,
    ProtocolError,
    Quit,
    Reported,
    Returned,
    Stop,
    Up,
    check_lines,
    check_outcome,
    check_progress,
)
from jobctl.worker.config import WorkerConfig
from jobctl.worker.crew import Crew, Member
from jobctl.worker.dispatch import Dispatcher
from jobctl.worker.leases import LeaseKeeper
from jobctl.worker.metrics import Metrics
from jobctl.worker.outcomes import OutcomeBuffer
from jobctl.worker.shutdown import Shutdown
from jobctl.worker.wakeups import Wakeups

log = logging.getLogger("jobctl.worker")

STARTUP_LIMIT = 60.0
"""Seconds that a child process may take for its imports on a busy machine, whatever the limit on silence."""
STUCK_AFTER = 0.5
"""Seconds after which the jobs that wait behind a slow one are taken back from a child process."""
STDERR_LINES = 20
"""Lines of a dead child's stderr that go to the log of the job it ran."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child process ended."""

    text: str
    stderr: str
    """The end of what it wrote to its stderr outside any job's own streams."""


class ChildMonitor:
    """Asks the database nothing: what it learns goes to the leases, the dispatcher and the outcomes."""

    def __init__(
        self, config: WorkerConfig, pool: Crew, wakeups: Wakeups, shutdown: Shutdown, metrics: Metrics, *,
        leases: LeaseKeeper, dispatch: Dispatcher, outcomes: OutcomeBuffer,
    ) -> None:  # fmt: skip
        self._config = config
        self._pool = pool
        self._wakeups = wakeups
        self._shutdown = shutdown
        self._metrics = metrics
        self._leases = leases
        self._dispatch = dispatch
        self._outcomes = outcomes

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether any child process has a job."""
        return self._pool.load() > 0

    def loads(self) -> list[int]:
        """Jobs of each child process."""
        return [len(child.jobs) for child in self._pool.members]

    def running(self) -> list[int]:
        """The jobs that are being worked on, without those that wait behind them."""
        return [child.running.token.job_id for child in self._pool.members if child.running]

    def tokens(self) -> dict[int, Token]:
        """The leases of all jobs here, sent or not, without those that are lost."""
        jobs = [*self._dispatch.ready, *(job for child in self._pool.members for job in child.jobs.values())]
        return {job.token.job_id: job.token for job in jobs if not self._leases.is_lost(job.token.job_id)}

    # -- sending -------------------------------------------------------------------------------------------------

    def watch(self, child: Member) -> None:
        """Receives what a new child process sends."""
        self._wakeups.watch(child.channel, lambda: self._receive(child))
        if child.process.stderr:
            self._wakeups.watch(child.process.stderr, lambda: self._read_stderr(child))

    def pass_on(self, job_id: int) -> None:
        """Sends the requests that stand on a job to the child process that runs it."""
        child = self._pool.holder(job_id)
        if child is None:
            return
        request = self._leases.request(job_id)
        child.tell(Stop(job_id, request.pause, request.cancel, self._shutdown.requested))

    def send_rest(self) -> bool:
        """Sends what child processes did not take at once; whether there is still some of it."""
        return self._pool.flush()

    def release(self) -> None:
        """The worker stops: running jobs end at their next safe point, all others are released now."""
        self._release_ready()
        for child in self._pool.members:
            if len(child.jobs) > 1:
                self._take_back(child)
            if child.running:
                self.pass_on(child.running.token.job_id)

    def _release_ready(self) -> None:
        for outcome in self._dispatch.release_ready():
            self._outcomes.add(outcome, time.monotonic())

    def _take_back(self, child: Member) -> None:
        child.asked_back = True
        child.tell(GiveBack())

    # -- receiving -----------------------------------------------------------------------------------------------

    def _receive(self, child: Member) -> None:
        """What a child process sends can end its own job, and nothing else."""
        try:
            messages = child.channel.receive()
            if messages is None:
                self._drop(child, self._crashed)
                return
            now = time.monotonic()
            child.heard = now
            for message in messages:
                self._on_message(child, message, now)
        except Exception as error:
            what = str(error) if isinstance(error, ProtocolError) else f"a message that led to {error!r}"
            log.warning("a child process sent %s; killed", what, exc_info=not isinstance(error, ProtocolError))
            text = f"The process of the job sent its supervisor {what}. {SENTENCES['permanent']}"
            self._drop(child, lambda job, _: self._failed(job, "permanent", text, what))

    def _on_message(self, child: Member, message: FromChild, now: float) -> None:
        """Raises ``ProtocolError`` for what no child process of ours sends."""
        match message:
            case Up():
                child.up, child.since = True, now
            case Ended(job_id, outcome):
                if job := self._job_of(child, job_id):
                    self._on_ended(child, job, outcome, now)
            case Reported(job_id, progress):
                check_progress(progress)
                if self._job_of(child, job_id):
                    self._leases.report(job_id, progress)
            case Logged(job_id, lines):
                check_lines(lines)
                if job := self._job_of(child, job_id):
                    self._outcomes.log(job.token, lines)
            case Returned(job_ids):
                self._on_returned(child, [job for i in job_ids if (job := self._job_of(child, i))])
            case _:
                assert_never(message)

    def _job_of(self, child: Member, job_id: int) -> Claimed | None:
        """A job of this child process; None for one that was taken away while the message was under way."""
        if job_id not in child.assigned:
            raise ProtocolError(f"a message about job {job_id}, which it was never sent")
        return child.jobs.get(job_id)

    def _on_ended(self, child: Member, job: Claimed, outcome: Outcome | None, now: float) -> None:
        job_id = job.token.job_id
        if outcome is not None:
            check_outcome(outcome, job)
        del child.jobs[job_id]
        self._dispatch.pace.record(job.job_type, now - child.since)
        child.since = now
        child.done += 1
        if outcome is not None and not self._leases.is_lost(job_id):
            self._outcomes.add(outcome, now)
        self._leases.forget(job_id)
        self._dispatch.claim_now = True
        if child.done >= self._config.recycle_after and not child.jobs:
            child.leaving = True
            child.tell(Quit())

    def _on_returned(self, child: Member, jobs: Sequence[Claimed]) -> None:
        child.asked_back = False
        for job in jobs:
            child.jobs.pop(job.token.job_id, None)
        self._requeue(jobs)

    def _requeue(self, jobs: Sequence[Claimed]) -> None:
        """Jobs that their child process did not come to."""
        self._dispatch.put_back(job for job in jobs if not self._leases.is_lost(job.token.job_id))
        for job in jobs:
            self._leases.forget(job.token.job_id)
        if self._shutdown.requested:
            self._release_ready()

    def _read_stderr(self, child: Member) -> None:
        stream = child.process.stderr
        data = stream.read(65_536) if stream else None
        if data:
            child.words.append(data)
        elif data == b"" and stream:
            self._wakeups.unwatch(stream)

    # -- removing ------------------------------------------------------------------------------------------------

    def _drop(self, child: Member, outcome: Callable[[Claimed, Exit], Outcome | None]) -> None:
        """Takes a child process away. ``outcome`` makes the end of the job that it ran; None: there is none to report.
        Jobs behind it are sent to another child process.
        """
        self._wakeups.unwatch(child.channel)
        if child.process.stderr:
            self._wakeups.unwatch(child.process.stderr)
        exit_ = Exit(self._pool.dismiss(child), child.last_words())
        jobs = list(child.jobs.values())
        child.jobs = {}
        for running in jobs[:1]:
            self._end(running, outcome(running, exit_), exit_)
        self._requeue(jobs[1:])
        self._dispatch.claim_now = True

    def _end(self, job: Claimed, outcome: Outcome | None, exit_: Exit) -> None:
        now = time.monotonic()
        if outcome is not None and not self._leases.is_lost(job.token.job_id):
            self._outcomes.add(outcome, now)
            lines = [
                Line("error", None, storable(line, LINE_CAP)) for line in exit_.stderr.splitlines()[-STDERR_LINES:]
            ]
            self._outcomes.log(job.token, lines)
        self._leases.forget(job.token.job_id)

    def _crashed(self, job: Claimed, exit_: Exit) -> Outcome:
        """A child process died, or hung: the job that it ran is charged with that."""
        self._metrics.count("jobctl_children_lost_total", type=job.job_type)
        text = exit_.text + (" (out of memory)" if names_memory(exit_.stderr) else "")
        log.warning("a child process was %s while it ran job %d", text, job.token.job_id)
        message = f"Its process was {text}, {MAX_CRASHES} times in a row. {SENTENCES['permanent']}"
        raw = storable(f"{text}\n{exit_.stderr}".strip(), 8192)
        return self._ended(job, Ending.CRASHED, Failure("permanent", message, raw))

    def _ended(self, job: Claimed, ending: Ending, failure: Failure | None = None) -> Outcome:
        return Outcome(job.token, ending, progress=self._leases.progress(job.token.job_id), failure=failure)

    def _failed(self, job: Claimed, kind: ErrorType, message: str, raw: str) -> Outcome:
        return self._ended(job, Ending.FAILED, Failure(kind, storable(message, 512), storable(raw, 8192)))

    def on_lease_lost(self, job_id: int) -> None:
        """The job is another worker's: what works on it here is stopped, and reports nothing more."""
        log.warning("job %d was taken over by another worker", job_id)
        self._dispatch.drop(job_id)
        child = self._pool.holder(job_id)
        if child is None:
            self._leases.forget(job_id)
            return
        self._leases.lose(job_id)
        if child.running is None or child.running.token.job_id != job_id:
            self._take_back(child)

    def abandon(self) -> None:
        """The worker leaves now: every child process is killed, frozen or not, and its job released."""
        self._release_ready()
        for child in list(self._pool.members):
            if child.running:
                log.warning("job %d did not stop in time; killed", child.running.token.job_id)
            self._drop(child, lambda job, _: self._ended(job, Ending.RELEASED))

    def close(self) -> None:
        """Ends all child processes."""
        self._pool.close()

    # -- enforcing -----------------------------------------------------------------------------------------------

    def freeze(self) -> None:
        """No job may go on under a lease that could have ended unseen."""
        frozen = [child for child in self._pool.members if child.jobs and not child.frozen]
        for child in frozen:
            child.freeze()
        if frozen:
            log.warning("no answer to the heartbeat: %d running jobs are frozen until there is one", len(frozen))

    def thaw(self) -> None:
        """The leases are good again."""
        now = time.monotonic()
        for child in self._pool.members:
            if child.frozen:
                child.thaw()
                child.heard = now  # it could not send anything while it was frozen

    def enforce(self, now: float) -> None:
        """Kills what does not stop in its grace or hangs, takes back what waits behind a slow job."""
        for child in list(self._pool.members):
            if child.running is not None and self._leases.is_lost(child.running.token.job_id):
                self._drop(child, lambda *_: None)
            elif child.running is not None and not child.frozen:
                self._enforce(child, child.running, now)

    def _enforce(self, child: Member, job: Claimed, now: float) -> None:
        job_id = job.token.job_id
        if self._leases.cancelled_for(job_id, now) > self._config.cancel_grace:
            log.warning("job %d did not stop within %g s; killed", job_id, self._config.cancel_grace)
            self._drop(child, lambda job, _: self._ended(job, Ending.CANCELLED))
        elif now - max(child.heard, child.since) > (limit := self._silent_limit(child)):
            log.warning("job %d has sent nothing for %.0f s; killed", job_id, limit)
            child.put_to_rest(f"killed: it sent nothing for {limit:g} s")
            self._drop(child, self._crashed)
        elif len(child.jobs) > 1 and now - child.since > STUCK_AFTER and not child.asked_back:
            self._dispatch.pace.slow(job.job_type, now - child.since)
            self._take_back(child)

    def _silent_limit(self, child: Member) -> float:
        return self._config.silent_limit if child.up else max(self._config.silent_limit, STARTUP_LIMIT)
