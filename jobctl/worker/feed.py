"""Sends claimed jobs to child processes, and spawns those that are missing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from jobctl.core.attempt import Claimed
from jobctl.core.errors import StoreUnavailable
from jobctl.worker.children import ChildProcess
from jobctl.worker.dispatch import unusable
from jobctl.worker.log_fields import of_job
from jobctl.worker.parts import Parts

log = logging.getLogger("jobctl.worker")

RETRY_SPAWN = 5.0
"""Seconds until the next try to start a child process."""


class Feeder:
    """``spawned`` is called with each new child process."""

    def __init__(self, parts: Parts, *, spawned: Callable[[ChildProcess], None]) -> None:
        self._parts = parts
        self._spawned = spawned
        self._spawn_at = float("-inf")

    def feed(self) -> None:
        """Sends everything that a child process is free for."""
        while self._parts.dispatch.ready and (child := self._free_child()) is not None:
            self._send(child, self._parts.dispatch.next_batch())

    def _send(self, child: ChildProcess, batch: Sequence[Claimed]) -> None:
        """A job that can't be sent fails alone."""
        try:
            child.assign(batch)
        except Exception as error:
            for job in batch:
                child.jobs.pop(job.token.job_id, None)
            if len(batch) > 1:
                for job in batch:
                    self._send(child, [job])
            else:
                (job,) = batch
                log.warning("job %d can't be sent to a child process: %s", job.token.job_id, error, extra=of_job(job))
                self._parts.outcomes.add(unusable(job.token, error), time.monotonic(), job=job)

    def _free_child(self) -> ChildProcess | None:
        usable = [c for c in self._parts.pool.children if not (c.retiring or c.frozen or c.returning_jobs)]
        idle = next((child for child in usable if not child.jobs), None)
        if idle is not None:
            return idle
        if len(self._parts.pool.children) < self._parts.config.concurrency and self._may_spawn():
            return self._spawn()
        return min(usable, key=lambda c: len(c.jobs), default=None) if self._parts.dispatch.may_prefetch() else None

    def _may_spawn(self) -> bool:
        return time.monotonic() >= self._spawn_at and not self._parts.pool.spawn_delay()

    def _spawn(self) -> ChildProcess | None:
        try:
            child = self._parts.pool.spawn()
        except (
            OSError,
            StoreUnavailable,
        ) as error:  # no process, memory or database: that passes, and no job is to blame
            log.warning("no child process can be started: %s; retrying in %g s", error, RETRY_SPAWN)
            self._spawn_at = time.monotonic() + RETRY_SPAWN
            return None
        self._spawned(child)
        return child
