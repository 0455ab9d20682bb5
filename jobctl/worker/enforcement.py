"""Ends child processes that work without a lease, ignore a request, hang or exceed the time limit of their stage."""

from __future__ import annotations

import logging
import time

from jobctl.core.attempt import Claimed, Failure
from jobctl.core.lifecycle import Ending
from jobctl.core.names import plural
from jobctl.worker.children import ChildProcess
from jobctl.worker.freezing import Freezer
from jobctl.worker.log_fields import of_id, of_job
from jobctl.worker.parts import Parts
from jobctl.worker.removal import Remover

log = logging.getLogger("jobctl.worker")

STARTUP_LIMIT = 60.0
"""Seconds that a child process may take for its imports on a busy machine, whatever the limit on silence."""
STUCK_AFTER = 0.5
"""Seconds after which the jobs that wait behind a slow one are taken back from a child process."""


class Enforcer:
    """Checks every child process at each turn of the loop."""

    def __init__(self, parts: Parts, remover: Remover) -> None:
        self._parts = parts
        self._remover = remover
        self._freezer = Freezer(parts, remover)

    def on_lease_lost(self, job_id: int) -> None:
        """The job belongs to another worker: its child process here is killed, and reports nothing more."""
        child = self._parts.pool.child_of(job_id)
        fields = of_job(child.jobs[job_id]) if child else of_id(job_id)
        log.warning("job %d was taken over by another worker", job_id, extra=fields)
        self._parts.dispatch.drop(job_id)
        if child is None:
            self._parts.leases.forget(job_id)
            return
        self._parts.leases.mark_lost(job_id)
        if child.running is None or child.running.token.job_id != job_id:
            self._remover.recall_waiting(child)

    def abandon(self) -> None:
        """The worker leaves now: every child process is killed, frozen or not, and its job released."""
        self._remover.release_ready()
        for child in list(self._parts.pool.children):
            if child.running:
                log.warning(
                    "job %d did not stop in time; killed", child.running.token.job_id, extra=of_job(child.running)
                )
            self._remover.drop(child, lambda job, _: self._remover.ended(job, Ending.RELEASED))

    def replace(self) -> None:
        """The database was replaced, and with it the address that every child process was started with."""
        for child in list(self._parts.pool.children):
            self._remover.drop(child, lambda job, _: self._remover.ended(job, Ending.RELEASED))

    def freeze(self) -> None:
        """No job may go on under a lease that could have ended unseen."""
        frozen = [child for child in self._parts.pool.children if child.jobs and not child.frozen]
        for child in frozen:
            child.freeze()
        if frozen:
            log.warning("no answer to the heartbeat: %s frozen until there is one", plural(len(frozen), "running job"))

    def thaw(self) -> None:
        """The leases are renewed."""
        now = time.monotonic()
        for child in self._parts.pool.children:
            if child.frozen and not child.held:
                child.thaw()
                child.last_message_at = now  # it could not send anything while it was frozen

    def enforce(self, now: float, *, away: bool) -> None:
        """Freezes what is to be frozen; kills what does not stop in its grace, hangs or reaches a limit; takes back what waits.

        ``away``: the database can't be reached now, and the time of a stage does not count.
        """
        self._freezer.apply(now)
        for child in list(self._parts.pool.children):
            if child.running is not None and self._parts.leases.is_lost(child.running.token.job_id):
                self._remover.drop(child, lambda *_: None)
            elif child.running is not None:
                reached = self._reached_limit(child, child.running, now, counted=not (away or child.frozen))
                if not child.frozen:
                    self._enforce(child, child.running, reached, now)

    def _reached_limit(self, child: ChildProcess, job: Claimed, now: float, *, counted: bool) -> Failure | None:
        if not child.ready:
            return None
        progress = self._parts.leases.progress(job.token.job_id)
        stage = progress.stage if progress else None
        return self._parts.timer.check(child.process.pid, job, stage, now, counted=counted)

    def _enforce(self, child: ChildProcess, job: Claimed, reached: Failure | None, now: float) -> None:
        job_id = job.token.job_id
        if self._parts.leases.cancelled_for(job_id, now) > self._parts.config.cancel_grace:
            grace = self._parts.config.cancel_grace
            log.warning("job %d did not stop within %g s; killed", job_id, grace, extra=of_job(job))
            self._remover.drop(child, lambda job, _: self._remover.ended(job, Ending.CANCELLED))
        elif reached is not None:
            log.warning("job %d %s; killed", job_id, reached.message, extra=of_job(job))
            self._remover.drop(child, lambda job, _: self._remover.failed(job, reached))
        elif now - max(child.last_message_at, child.job_since) > (limit := self._silent_limit(child)):
            log.warning("job %d has sent nothing for %.0f s; killed", job_id, limit, extra=of_job(job))
            child.kill(f"killed: it sent nothing for {limit:g} s")
            self._remover.drop(child, self._remover.crashed)
        elif len(child.jobs) > 1 and now - child.job_since > STUCK_AFTER and not child.returning_jobs:
            self._parts.dispatch.pace.raise_to(job.job_type, now - child.job_since)
            self._remover.recall_waiting(child)

    def _silent_limit(self, child: ChildProcess) -> float:
        return self._parts.config.silent_limit if child.ready else max(self._parts.config.silent_limit, STARTUP_LIMIT)
