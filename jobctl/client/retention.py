"""Removes ended jobs that were kept long enough, and the bytes that ended jobs have left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from jobctl.client.base import Base
from jobctl.core.checkpoint import lease_seq_of
from jobctl.core.retention import Rules
from jobctl.core.rows import References


@dataclass(slots=True)
class Pruned:
    """How many jobs, checkpoints and stored results, and files without an owner, were removed."""

    jobs: int = 0
    checkpoints: int = 0
    results: int = 0
    events: int = 0
    """Of jobs that were deleted before."""
    orphans: int = 0


class Retention(Base):
    """Removes what is no longer needed."""

    def prune(self, rules: Rules, *, dry_run: bool = False) -> Pruned:
        """Removes what the rules no longer keep, and bytes that nothing refers to.

        Safe at any moment: the storage is listed before the database is asked, and what an attempt that is over has left
        behind can never be referred to again, because its token is void. Each step is a transaction of its own.
        """
        keys = sorted(self._storage().keys("jobs"), key=_job_of)
        pruned = Pruned()
        gone: set[str] = set()
        jobs: set[int] = set()
        for step_jobs, paths in self._steps(rules, pruned, dry_run=dry_run):
            jobs.update(step_jobs)
            gone.update(paths)
        for start in range(0, len(keys), 1000):
            some = [key for key in keys[start : start + 1000] if key not in gone and _job_of(key) not in jobs]
            left = self._orphans(some, gone, rules.results)
            pruned.orphans += len(left)
            if not dry_run:
                self._remove(left)
        if not dry_run:
            self._remove(key for key in keys if _job_of(key) in jobs)
        return pruned

    def _steps(self, rules: Rules, pruned: Pruned, *, dry_run: bool) -> Iterator[tuple[Sequence[int], Sequence[str]]]:
        """Jobs that were removed, and keys of bytes that were, or would be."""
        if rules.results is not None:
            yield from (([], paths) for paths in self._results(rules.results, pruned, dry_run=dry_run))
        position: int | None = 0
        while position is not None:
            with self._transaction(dry_run):
                step = self.queue.retain(position, keep=rules.jobs, checkpoints=rules.checkpoints)
            position = step.position
            pruned.jobs += len(step.jobs)
            pruned.checkpoints += len(step.checkpoints)
            if not dry_run:
                self._remove(step.checkpoints)
            yield step.jobs, step.checkpoints
        if rules.history is not None:
            pruned.events = self._history(rules.history, dry_run=dry_run)

    def _results(self, age: float, pruned: Pruned, *, dry_run: bool) -> Iterator[Sequence[str]]:
        with self._transaction(dry_run):  # of a dry run it is one: what was forgotten is not found again
            while paths := self.queue.prune_results(age=age):
                pruned.results += len(paths)
                if not dry_run:
                    self._remove(paths)
                yield paths

    def _history(self, age: float, *, dry_run: bool) -> int:
        events = 0
        with self._transaction(dry_run):
            while found := self.queue.prune_history(age=age):
                events += found
        return events

    def _orphans(self, keys: Sequence[str], gone: AbstractSet[str], results_older: float | None) -> list[str]:
        known = {row.id: row for row in self.queue.references(sorted({_job_of(key) for key in keys}))}
        return [key for key in keys if not _referred(key, known.get(_job_of(key)), gone, results_older)]


def _job_of(key: str) -> int:
    """The job of a checkpoint's key; 0 for a key that is not one."""
    number = key.split("/")[1]
    return int(number) if number.isdecimal() else 0


def _referred(key: str, job: References | None, gone: AbstractSet[str], results_older: float | None) -> bool:
    if job is None:  # the job is gone
        return False
    if "/outputs/" in key:  # files that a result names are kept as long as results are
        return job.ended_s is None or results_older is None or job.ended_s < results_older
    if "/work/" in key:
        return not job.paths <= gone or job.running is not None
    return key in job.paths or (job.running is not None and lease_seq_of(key) >= job.running)
