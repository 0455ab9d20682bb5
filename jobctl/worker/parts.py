"""What the parts of a supervisor share."""

from __future__ import annotations

from dataclasses import dataclass

from jobctl.worker.children import ChildPool
from jobctl.worker.config import WorkerConfig
from jobctl.worker.dispatch import Dispatcher
from jobctl.worker.leases import LeaseKeeper
from jobctl.worker.limits import StageTimer
from jobctl.worker.metrics import Metrics
from jobctl.worker.outcomes import OutcomeBuffer
from jobctl.worker.shutdown import Shutdown
from jobctl.worker.wakeups import Wakeups


@dataclass(frozen=True, slots=True)
class Parts:
    """Each has one task and does not use the others."""

    config: WorkerConfig
    pool: ChildPool
    wakeups: Wakeups
    shutdown: Shutdown
    metrics: Metrics
    leases: LeaseKeeper
    dispatch: Dispatcher
    outcomes: OutcomeBuffer
    timer: StageTimer
