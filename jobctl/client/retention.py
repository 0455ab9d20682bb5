"""Removes the bytes that ended jobs have left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobctl.client.base import Base
from jobctl.core.checkpoint import lease_seq_of
from jobctl.core.rows import References


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many checkpoints and stored results of ended jobs, and how many files without an owner, were removed."""

    checkpoints: int
    orphans: int
    results: int = 0


class Retention(Base):
    """Removes what is no longer needed."""

    def prune(self, *, older: float, results_older: float | None = None, dry_run: bool = False) -> Pruned:
        """Removes checkpoint bytes of jobs that ended ``older`` seconds ago, and bytes that nothing refers to.

        Stored results of jobs that were completed ``results_older`` seconds ago go too; None: they stay.

        Safe at any moment: the storage is listed before the database is asked, and what an attempt that is over has left
        behind can never be referred to again, because its token is void.
        """
        storage = self._storage()
        keys = sorted(storage.keys("jobs"), key=_job_of)
        forgotten: set[str] = set()
        results: set[str] = set()
        orphans = 0
        with self._transaction(dry_run):
            while paths := self.queue.prune(age=older):
                forgotten.update(paths)
                if not dry_run:
                    self._remove(paths)
            while results_older is not None and (paths := self.queue.prune_results(age=results_older)):
                results.update(paths)
                if not dry_run:
                    self._remove(paths)
            for start in range(0, len(keys), 1000):
                left = [
                    key
                    for key in self._orphans(keys[start : start + 1000], results_older)
                    if key not in forgotten | results
                ]
                orphans += len(left)
                if not dry_run:
                    self._remove(left)
        return Pruned(len(forgotten), orphans, len(results))

    def _orphans(self, keys: Sequence[str], results_older: float | None) -> list[str]:
        known = {row.id: row for row in self.queue.references(sorted({_job_of(key) for key in keys}))}
        return [key for key in keys if not _referred(key, known.get(_job_of(key)), results_older)]


def _job_of(key: str) -> int:
    """The job of a checkpoint's key; 0 for a key that is not one."""
    number = key.split("/")[1]
    return int(number) if number.isdecimal() else 0


def _referred(key: str, job: References | None, results_older: float | None) -> bool:
    if job is None:  # the job is gone
        return False
    if "/outputs/" in key:  # files that a result names are kept as long as results are
        return job.ended_s is None or results_older is None or job.ended_s < results_older
    if "/work/" in key:
        return bool(job.paths) or job.running is not None
    return key in job.paths or (job.running is not None and lease_seq_of(key) >= job.running)
