"""Jobs that are frozen on request: their processes stop where they are, their leases are renewed, until a request ends that."""

from __future__ import annotations

import logging
import time

from jobctl.worker.children import ChildProcess
from jobctl.worker.log_fields import of_job
from jobctl.worker.parts import Parts
from jobctl.worker.removal import Remover

log = logging.getLogger("jobctl.worker")


class Freezer:
    """Stops and continues child processes as the requests on their jobs say. A frozen job keeps its slot."""

    def __init__(self, parts: Parts, remover: Remover) -> None:
        self._parts = parts
        self._remover = remover

    def apply(self, now: float) -> None:
        """A cancel lets a job go on, so that it can end; so does the end of the worker, so that it is released."""
        for child in self._parts.pool.children:
            wanted = self._wanted(child)
            if wanted and not child.held:
                self._hold(child)
            elif child.held and not wanted:
                self._continue(child, now)
        if sum(child.held for child in self._parts.pool.children) >= self._parts.config.concurrency:
            self._remover.release_ready()  # other workers can run them

    def _wanted(self, child: ChildProcess) -> bool:
        job = child.running
        if job is None or self._parts.shutdown.requested:
            return False
        request = self._parts.leases.request(job.token.job_id)
        return request.freeze and not request.cancel

    def _hold(self, child: ChildProcess) -> None:
        """Once the jobs that wait behind the running one are back: a stopped process returns nothing."""
        if len(child.jobs) > 1 or child.returning_jobs:
            self._remover.recall_waiting(child)
        elif child.running is not None:
            child.held = True
            child.freeze()
            log.info(
                "job %d is frozen until it is resumed or cancelled",
                child.running.token.job_id,
                extra=of_job(child.running),
            )
            self._parts.leases.report_frozen(child.running.token.job_id, frozen=True)

    def _continue(self, child: ChildProcess, now: float) -> None:
        child.held = False
        if child.running is not None:
            self._parts.leases.report_frozen(child.running.token.job_id, frozen=False)
        if not self._parts.leases.must_freeze(now):  # else the renewal of the leases lets it go on
            child.thaw()
            child.last_message_at = time.monotonic()
