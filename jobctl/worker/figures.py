"""What a worker reads of its parts at each scrape, and whether it can start jobs."""

from __future__ import annotations

import time
from dataclasses import dataclass

from jobctl.worker.leases import LeaseKeeper
from jobctl.worker.monitor import ChildMonitor
from jobctl.worker.outage import Outage
from jobctl.worker.shutdown import Shutdown
from jobctl.worker.storage_watch import StorageWatch
from jobctl.worker.sweeper import Sweeper


@dataclass(frozen=True, slots=True)
class Figures:
    """The present values of a worker's parts. Read by another thread."""

    slots: int
    monitor: ChildMonitor
    outage: Outage
    storage: StorageWatch
    leases: LeaseKeeper
    sweeper: Sweeper
    shutdown: Shutdown

    def values(self) -> dict[str, float]:
        """By the name of the metric."""
        loads, held = self.monitor.loads(), self.monitor.held
        return {
            "jobctl_jobs_running": sum(loads) + held,
            "jobctl_slots": self.slots,
            "jobctl_children": len(loads) + held,
            "jobctl_database_away": float(not self.outage.over),
            "jobctl_database_errors_total": self.outage.failures,
            "jobctl_storage_away": float(self.storage.away is not None),
            "jobctl_storage_errors_total": self.storage.failures,
            "jobctl_jobs_rescued_total": self.sweeper.rescued,
            "jobctl_seconds_since_beat": time.monotonic() - self.leases.answered_at,
        }

    def not_ready(self) -> str | None:
        """Why no jobs can be started; None: they can."""
        if self.shutdown.requested:
            return "the worker is stopping"
        if not self.outage.over:
            return "the database can't be reached"
        if self.storage.away is not None:
            return self.storage.away
        return None if self.storage.may_claim() else "the storage is being checked"
