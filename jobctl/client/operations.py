"""The queue and its server as a whole: sweeps, statistics, health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from jobctl.client.base import Base
from jobctl.core.limits import Limit
from jobctl.core.rows import PausedQueue, QueueChange, QueueCount, Stats, StorageIdentity, WorkerRow
from jobctl.core.server import Blocker, Effective, Health


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did, as ids: requeued, rescued, cancelled as expired, submitted by schedules."""

    requeued: tuple[int, ...] = ()
    rescued: tuple[int, ...] = ()
    expired: tuple[int, ...] = ()
    submitted: tuple[int, ...] = ()


class Operations(Base):
    """Keeps a queue going."""

    def sweep(self, *, limit: int = 1000, dry_run: bool = False) -> Swept:
        """Requeues what is due and rescues what is lost; any number of sweeps may run at once."""
        requeued: list[int] = []
        rescued: list[int] = []
        with self._transaction(dry_run):
            gone = [neighbour.worker for neighbour in self.queue.sweep_timers().neighbours if neighbour.is_gone()]
            for done, act in ((requeued, self.queue.requeue), (rescued, partial(self.queue.rescue, gone=gone))):
                while len(done) < limit:
                    rows = act(limit=min(100, limit - len(done)))
                    done.extend(row.id for row in rows)
                    if not rows:
                        break
            expired = self.queue.expire(limit=limit)
            submitted = self.queue.fire_schedules()
            self.queue.make_due()  # also of what was just moved
            self.queue.wake_dependents(None)
            self.queue.wake_keys(None)
        return Swept(tuple(requeued), tuple(rescued), tuple(expired), tuple(submitted))

    def stats(
        self, *, since: datetime | None = None, types: Sequence[str] | None = None, queue: str | None = None
    ) -> Stats:
        """Counts, times and retries."""
        return self.queue.stats(since=since, types=types, queue=queue)

    def queue_counts(self) -> list[QueueCount]:
        """Unfinished and failed jobs by queue, type and state."""
        return self.queue.queue_counts()

    def health(self) -> Health:
        """What a person should know of the queue and of the server."""
        return self.queue.health()

    def effective(self) -> Effective:
        """The settings that hold in our session, whatever was asked for."""
        return self.queue.effective()

    def blockers(self, *, idle: float) -> list[Blocker]:
        """Sessions that others wait for, or that have kept locks for ``idle`` seconds without doing anything."""
        return self.queue.blockers(idle=idle)

    def storage_identity(self) -> StorageIdentity:
        """Which storage has the bytes of the jobs, as the database knows it."""
        return self.queue.storage_identity()

    def pause_queue(self, kind: str, name: str, *, reason: str = "") -> QueueChange:
        """Pauses a queue, or with the kind "type" a job type, as a whole: no worker starts its pending jobs."""
        return self.queue.pause_queue(kind, name, reason=reason)

    def resume_queue(self, kind: str, name: str) -> QueueChange:
        """Lets a paused queue or job type go on."""
        return self.queue.resume_queue(kind, name)

    def limits(self) -> list[Limit]:
        """What is set for queues and job types."""
        return self.queue.limits()

    def set_limit(self, limit: Limit) -> None:
        """Sets the limit of a queue or a job type, whole: what is None in it holds no longer."""
        self.queue.set_limit(limit)

    def remove_limit(self, kind: str, name: str) -> bool:
        """Removes a limit; whether there was one."""
        return self.queue.remove_limit(kind, name)

    def paused_queues(self) -> list[PausedQueue]:
        """Queues and job types that are paused as a whole."""
        return self.queue.paused_queues()

    def workers(self, *, everyone: bool = False) -> list[WorkerRow]:
        """Workers that are alive, or all that are known."""
        return self.queue.workers(everyone=everyone)

    def drain_workers(self, names: Sequence[str]) -> dict[int, str]:
        """Requests of workers, by name or id, to take no new jobs and end; returns the names of those found, by id."""
        return self.queue.drain_workers(names)
