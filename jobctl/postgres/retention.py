"""Removal of what was kept long enough: ended jobs, their history, checkpoints and results."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg.types.json import Jsonb

from jobctl.core.retention import Step
from jobctl.postgres.checked import RETAINING
from jobctl.postgres.identity import IdentityVerbs
from jobctl.postgres.session import Connect, Session

BATCH = 500
"""Jobs that one statement examines: it takes a small part of the time that a lock may last."""
LEASE = 60.0
"""Seconds after which another worker goes on where one died."""


class RetentionVerbs(Session):
    """One statement a step, so that no lock lasts longer."""

    actor: str

    def retain(
        self, position: int, *, keep: Mapping[str, float | None], checkpoints: float, batch: int = BATCH
    ) -> Step:
        """Examines the next ``batch`` jobs after id ``position``; removes what has been kept long enough."""
        (row,) = self._run(
            "retain",
            position=position,
            keep=Jsonb(dict(keep)),
            checkpoints_s=checkpoints,
            batch=batch,
            actor=self.actor,
        )
        return Step(row["position"], row["examined"], row["checkpoints"], row["jobs"], row["stored"])

    def prune_results(self, *, age: float, batch: int = BATCH) -> list[str]:
        """Forgets the stored results of jobs that were completed ``age`` seconds ago; returns the keys to remove."""
        return [row["path"] for row in self._run("prune_results", age=age, batch=batch, actor=self.actor)]

    def prune_history(self, *, age: float, batch: int = BATCH) -> int:
        """Removes events of ``batch`` jobs that were deleted ``age`` seconds ago; returns how many events."""
        return len(self._run("prune_history", age=age, batch=batch))

    def retention_begin(self) -> int | None:
        """The id after which to go on, where it is due and no other worker does it; else None."""
        rows = self._run("retention_begin", lease_s=LEASE)
        return int(rows[0]["position"]) if rows else None

    def retention_end(self, position: int, *, pause: float) -> None:
        """Lets the next step begin after ``position``, ``pause`` seconds from now."""
        self._run("retention_end", position=position, pause_s=pause)


class RetentionQueue(RetentionVerbs, IdentityVerbs):
    """For the thread of a worker, whose login may have no rights to remove: then the checked functions do it."""

    CHECKED = RETAINING

    def __init__(self, connect: Connect) -> None:
        super().__init__(connect)
        self.actor = "sweep"
