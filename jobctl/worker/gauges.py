"""The present values of a worker, for its metrics."""

from __future__ import annotations

import time

from jobctl.worker.leases import LeaseKeeper
from jobctl.worker.monitor import ChildMonitor
from jobctl.worker.outage import Outage
from jobctl.worker.storage_watch import StorageWatch


def gauges(
    slots: int, monitor: ChildMonitor, outage: Outage, storage: StorageWatch, leases: LeaseKeeper
) -> dict[str, float]:
    """Read by another thread."""
    loads, held = monitor.loads(), monitor.held
    return {
        "jobctl_jobs_running": sum(loads) + held,
        "jobctl_slots": slots,
        "jobctl_children": len(loads) + held,
        "jobctl_database_away": float(not outage.over),
        "jobctl_storage_away": float(storage.away is not None),
        "jobctl_seconds_since_beat": time.monotonic() - leases.answered_at,
    }
