"""What a sweep does about workers that are gone, and what it learns about the time after it."""

from __future__ import annotations

from collections.abc import Collection

from jobctl.core.lifecycle import MAX_CRASHES, Status
from jobctl.core.rows import Moved
from jobctl.postgres.lease_rows import Neighbour, SweepTimers
from jobctl.postgres.revision import head
from jobctl.postgres.waking import Waking
from jobctl.system.process import here


class Sweeping(Waking):
    """Part of ``Queue``."""

    actor: str
    ttl: float

    def rescue(self, *, limit: int = 100, gone: Collection[int] = (), held: Collection[int] = ()) -> list[Moved]:
        """Takes back jobs whose lease ran out, and those of the workers ``gone``, whose processes have ended.

        Never the jobs ``held`` by the worker that asks.
        """
        rows = self._run(
            "rescue", ttl=self.ttl, limit=limit, gone=list(gone), held=list(held),
            max_crashes=MAX_CRASHES, actor=self.actor,
        )  # fmt: skip
        self._wake_after(rows)
        return [Moved(row["id"], Status(row["status"]), row["concurrency_key"]) for row in rows]

    def sweep_timers(self) -> SweepTimers:
        """What decides when the next sweep comes, what is due beside it, and which workers there are on this machine."""
        place = here()
        (row,) = self._run(
            "sweep_timers",
            revision=head(),
            boot_id=place and place.boot_id,
            pid_namespace=place and place.pid_namespace,
        )
        return SweepTimers(**{**row, "neighbours": tuple(Neighbour(**worker) for worker in row["neighbours"])})
