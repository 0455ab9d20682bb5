"""What child processes report, and what they are sent besides jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import assert_never

from jobctl.core.attempt import Claimed, Failure, Outcome, Token
from jobctl.core.lifecycle import Ending
from jobctl.core.retry import SENTENCES, storable
from jobctl.worker.channel import (
    Ended,
    FromChild,
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
from jobctl.worker.children import ChildProcess
from jobctl.worker.counts import count_settled
from jobctl.worker.parts import Parts
from jobctl.worker.removal import Remover
from jobctl.worker.reports import report_paused

log = logging.getLogger("jobctl.worker")


class ChildMonitor:
    """Never queries the database: passes what it receives to the leases, the dispatcher and the outcomes."""

    def __init__(self, parts: Parts, remover: Remover) -> None:
        self._parts = parts
        self._remover = remover

    @property
    def busy(self) -> bool:
        """Whether any child process has a job."""
        return self._parts.pool.job_count() > 0

    def loads(self) -> list[int]:
        """Jobs of each child process; one that is frozen on request takes no more of them."""
        return [len(child.jobs) for child in self._parts.pool.children if not child.held]

    @property
    def held(self) -> int:
        """Child processes that are frozen on request: each keeps its slot."""
        return sum(child.held for child in self._parts.pool.children)

    def running(self) -> list[int]:
        """The jobs that are being worked on, without those that wait behind them."""
        return [child.running.token.job_id for child in self._parts.pool.children if child.running]

    def tokens(self) -> dict[int, Token]:
        """The leases of all jobs here, sent or not, without those that are lost."""
        jobs = [
            *self._parts.dispatch.ready,
            *(job for child in self._parts.pool.children for job in child.jobs.values()),
        ]
        return {job.token.job_id: job.token for job in jobs if not self._parts.leases.is_lost(job.token.job_id)}

    # -- sending -------------------------------------------------------------------------------------------------

    def watch(self, child: ChildProcess) -> None:
        """Receives what a new child process sends."""
        self._parts.wakeups.watch(child.channel, lambda: self._receive(child))
        if child.process.stderr:
            self._parts.wakeups.watch(child.process.stderr, lambda: self._read_stderr(child))

    def send_requests(self, job_id: int) -> None:
        """Sends the requests that stand on a job to the child process that runs it."""
        child = self._parts.pool.child_of(job_id)
        if child is None:
            return
        request = self._parts.leases.request(job_id)
        child.send(Stop(job_id, request.pause, request.cancel, self._parts.shutdown.requested))

    def flush_channels(self) -> bool:
        """Sends what child processes did not take at once; whether there is still some of it."""
        return self._parts.pool.flush()

    def release(self) -> None:
        """The worker stops: running jobs end at their next safe point, all others are released now."""
        self._remover.release_ready()
        for child in self._parts.pool.children:
            if len(child.jobs) > 1:
                self._remover.recall_waiting(child)
            if child.running:
                self.send_requests(child.running.token.job_id)

    # -- receiving -----------------------------------------------------------------------------------------------

    def _receive(self, child: ChildProcess) -> None:
        """What a child process sends can end its own job, and nothing else."""
        try:
            messages = child.channel.receive()
            if messages is None:
                self._remover.drop(child, self._remover.crashed, exiting=True)
                return
            now = time.monotonic()
            child.last_message_at = now
            for message in messages:
                self._on_message(child, message, now)
        except Exception as error:
            what = str(error) if isinstance(error, ProtocolError) else f"a message that led to {error!r}"
            log.warning("a child process sent %s; killed", what, exc_info=not isinstance(error, ProtocolError))
            text = f"The process of the job sent its supervisor {what}. {SENTENCES['permanent']}"
            failure = Failure("permanent", storable(text, 512), storable(what, 8192))
            self._remover.drop(child, lambda job, _: self._remover.failed(job, failure))

    def _on_message(self, child: ChildProcess, message: FromChild, now: float) -> None:
        """Raises ``ProtocolError`` for a message that is not valid at this point."""
        match message:
            case Up():
                child.ready, child.job_since = True, now
            case Ended(job_id, outcome):
                if job := self._job_of(child, job_id):
                    self._on_ended(child, job, outcome, now)
            case Reported(job_id, progress):
                check_progress(progress)
                if self._job_of(child, job_id):
                    self._parts.leases.report(job_id, progress)
            case Logged(job_id, lines):
                check_lines(lines)
                if job := self._job_of(child, job_id):
                    self._parts.outcomes.log(job.token, lines)
            case Returned(job_ids):
                self._on_returned(child, job_ids)
            case _:
                assert_never(message)

    def _job_of(self, child: ChildProcess, job_id: int) -> Claimed | None:
        """A job of this child process; None for one that was taken away while the message was under way."""
        if job_id not in child.assigned:
            raise ProtocolError(f"a message about job {job_id}, which it was never sent")
        return child.jobs.get(job_id)

    def _on_ended(self, child: ChildProcess, job: Claimed, outcome: Outcome | None, now: float) -> None:
        job_id = job.token.job_id
        if outcome is not None:
            check_outcome(outcome, job)
        del child.jobs[job_id]
        seconds = now - child.job_since
        self._parts.dispatch.pace.record(job.job_type, seconds)
        child.job_since = now
        child.jobs_ended += 1
        if outcome is not None and not self._parts.leases.is_lost(job_id):
            self._parts.outcomes.add(outcome, now, job=job, seconds=seconds)
        elif outcome is None and self._parts.leases.request(job_id).paused:
            count_settled(self._parts.metrics, *report_paused(job, seconds))
        self._parts.leases.forget(job_id)
        self._parts.dispatch.claim_now = True
        if outcome is not None and outcome.kind is Ending.RELEASED and not self._parts.shutdown.requested:
            # it could not use the storage: where that was mounted anew, only a new process sees it
            child.retiring = True
            if child.jobs:
                self._remover.recall_waiting(child)
        if (child.retiring or child.jobs_ended >= self._parts.config.recycle_after) and not child.jobs:
            self._retire(child)

    def _retire(self, child: ChildProcess) -> None:
        child.retiring = True
        child.send(Quit())

    def _on_returned(self, child: ChildProcess, job_ids: Sequence[int]) -> None:
        if not child.returning_jobs:
            raise ProtocolError("jobs back without a request for them")
        child.returning_jobs = False
        self._remover.requeue([child.jobs.pop(i) for i in job_ids if self._job_of(child, i)])
        if child.retiring and not child.jobs:
            self._retire(child)

    def _read_stderr(self, child: ChildProcess) -> None:
        if not child.read_stderr() and child.process.stderr:
            self._parts.wakeups.unwatch(child.process.stderr)
