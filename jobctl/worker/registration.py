"""The row of a worker in the database: announced at the start, and again where it is gone after an outage."""

from __future__ import annotations

from jobctl.postgres.leases import Leases
from jobctl.system.process import this_process
from jobctl.worker.config import WorkerConfig


class Registration:
    """``worker``: the id of the row; 0 before the first."""

    def __init__(self, config: WorkerConfig, queue: Leases) -> None:
        self._config = config
        self._queue = queue
        self.worker = 0

    def register(self) -> None:
        """Adds a row, and the limits that the code of its job types declares."""
        config, process = self._config, this_process()
        self.worker = self._queue.register(
            name=config.name, host=config.host, pid=config.pid, version=config.version, capacity=config.concurrency,
            job_types=list(config.types), queues=list(config.queues or ()),
            boot_id=process and process.boot_id, pid_namespace=process and process.pid_namespace,
            process_start=process and process.start,
        )  # fmt: skip
        self._queue.actor = f"worker:{self.worker}"
        self._queue.declare_limits(config.types, config.declared)

    def register_again(self) -> bool:
        """After an outage: adds a row where the database was replaced, or the row removed meanwhile; returns whether it was."""
        config = self._config
        own = (self.worker, config.name, config.host, config.pid)
        if own in {(row.id, row.name, row.host, row.pid) for row in self._queue.workers(everyone=True)}:
            return False
        self.register()
        return True
