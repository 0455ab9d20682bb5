"""The worker's timer for everything but running jobs: retries that are due, leases that ran out, waiters."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

from jobctl.postgres.lease_rows import Neighbour, SweepTimers
from jobctl.postgres.leases import Leases

SWEEP_EVERY = 5.0
"""Seconds between two sweeps; sooner where a lease ends before that."""
AFTER_LEASE = 0.1
"""Seconds after the end of a lease at which its job is rescued."""
REPAIR_EVERY = 60.0
"""Seconds between two sweeps that do everything, whether something seems to be due or not, and also wake what waits for a
dependency: a repair, settling wakes them at once."""
LOOK_EVERY = 1.0
"""Seconds between two looks at whether the processes of other workers on this machine are still there."""
LIMIT = 100
"""Jobs that one sweep rescues; when the limit is reached, the next follows at once."""


class Sweeper:
    """Due by the caller's monotonic clock; never waits for a running job."""

    def __init__(
        self,
        queue: Leases,
        *,
        auto_retry: bool = True,
        notifications_due: Callable[[], None] = lambda: None,
        retention_due: Callable[[], None] = lambda: None,
        outdated: Callable[[], None] = lambda: None,
    ) -> None:
        self._queue = queue
        self._notifications_due = notifications_due
        self._retention_due = retention_due
        self._outdated = outdated
        self.outdated = False
        """Whether the schema was upgraded beyond what this program can work with."""
        self.rescued = 0
        """Jobs of lost workers that were sent back to the queue, or ended."""
        self._auto_retry = auto_retry
        self._due_at = self._repaired = self._looked_at = self._spared_until = float("-inf")
        self._neighbours: tuple[Neighbour, ...] = ()
        self._gone: frozenset[int] = frozenset()

    def due_in(self, now: float) -> float:
        """Seconds until the next sweep."""
        return max(0.0, self._due_at - now)

    def look_in(self, now: float) -> float:
        """Seconds until the next ``look``."""
        return max(0.0, self._looked_at + LOOK_EVERY - now) if self._neighbours else float("inf")

    def wake_in(self, now: float) -> float:
        """Seconds until it has something to do."""
        return min(self.due_in(now), self.look_in(now))

    def look(self, now: float) -> None:
        """Makes the next sweep due at once where the process of a worker on this machine has ended."""
        if self.look_in(now) > 0:
            return
        self._looked_at = now
        gone = frozenset(other.worker for other in self._neighbours if other.is_gone())
        if gone - self._gone:
            self._due_at = now
        self._gone = gone

    def spare(self, until: float) -> None:
        """Takes back no lease that ended before then: this worker was away, and others may have been too."""
        self._spared_until = until

    def sweep(self, now: float, held: Collection[int] = ()) -> bool:
        """Sweeps if it is time; whether anything may have become claimable.

        ``held``: the jobs that this worker has. Their leases may end while a sweep waits for the database.
        """
        if self.due_in(now) > 0:
            return False
        self._due_at = now + SWEEP_EVERY
        timers = self._look_at(self._queue.sweep_timers())
        repairs = now - self._repaired >= REPAIR_EVERY
        if not (timers.work_due or self._gone or repairs):
            self._due_at = now + _pause(timers)
            return False
        rescued = self._rescue(now, held)
        moved = rescued + (len(self._queue.requeue()) if self._auto_retry else 0)
        self._queue.expire()
        moved += len(self._queue.fire_schedules())
        moved += self._queue.make_due()  # also of what was just moved
        moved += self._queue.wake_keys(None)
        if repairs:
            self._repaired = now
            moved += self._queue.wake_dependents(None)
        self._due_at = now if rescued == LIMIT else now + _pause(self._look_at(self._queue.sweep_timers()))
        return moved > 0

    def _rescue(self, now: float, held: Collection[int]) -> int:
        if now < self._spared_until:
            return 0
        rescued = len(self._queue.rescue(limit=LIMIT, gone=self._gone, held=held))
        self.rescued += rescued
        return rescued

    def _look_at(self, timers: SweepTimers) -> SweepTimers:
        """Passes on what is due beside the sweep."""
        self._neighbours = tuple(other for other in timers.neighbours if other.pid != os.getpid())
        if timers.notifications_due:
            self._notifications_due()
        if timers.retention_due:
            self._retention_due()
        if timers.outdated:
            self.outdated = True
            self._outdated()
        return timers


def _pause(timers: SweepTimers) -> float:
    """Seconds until the next sweep: the soonest of the usual, the end of the next lease and the next schedule."""
    return min(
        SWEEP_EVERY,
        SWEEP_EVERY if timers.lease_end is None else timers.lease_end + AFTER_LEASE,
        SWEEP_EVERY if timers.next_schedule is None else timers.next_schedule,
    )
