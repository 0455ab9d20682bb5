"""Lists and statistics: what each reads has a bound, however many jobs have ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from jobctl.core.filters import Filters
from jobctl.core.job import Job
from jobctl.core.lifecycle import ACTIVE, DONE, Status
from jobctl.core.rows import Bucket, FailureStats, QueueCount, StageTimes, Stats, TypeStats, Window
from jobctl.postgres.rows import filter_values, job_from
from jobctl.postgres.session import Session

COUNTED, FAILURES = 50_000, 10_000
"""Jobs and failures that statistics read, the newest ones."""
MEASURED = 100_000
"""Jobs that metrics read of each kind: that can be claimed, that are unfinished, that have failed."""
MEASURED_PAIRS = 1_000
"""Queues and types, together, of which metrics count the jobs that can be claimed."""


class Listing(Session):
    """Statements that read many jobs."""

    def find(self, filters: Filters, *, limit: int | None = None, sort: str = "id", full: bool = False) -> list[Job]:
        """Jobs that match, newest first unless ``sort`` is oldest, updated, ended, priority, type, status or title.

        updated: by the latest change, with a ``limit`` of those that have ended by their end. ended: by their end.
        """
        if sort == "updated" and limit is not None:
            return self._latest(filters, limit, full=full)
        found = self._run("find", **filter_values(filters), sort=sort, full=full, limit=limit)
        return [job_from(row) for row in found]

    def _latest(self, filters: Filters, limit: int, *, full: bool) -> list[Job]:
        """The jobs that changed last: of those that have ended an index knows the order, the others are sorted."""
        found: list[Job] = []
        for statuses, sort in ((DONE, "ended"), (ACTIVE, "updated")):
            asked = [status for status in statuses if filters.statuses is None or status in filters.statuses]
            if asked:
                narrowed = filter_values(replace(filters, statuses=tuple(asked)))
                found += map(job_from, self._run("find", **narrowed, sort=sort, full=full, limit=limit))
        return sorted(found, key=lambda job: (job.updated_at, job.id), reverse=True)[:limit]

    def count(self, filters: Filters, *, cap: int = 10_000) -> int:
        """How many match, counted up to ``cap``."""
        return int(self._run("count", **filter_values(filters), cap=cap)[0]["count"])

    def matching(self, filters: Filters, *, after: int, limit: int) -> list[int]:
        """Ids of jobs that match, oldest first, beyond an id."""
        return [row["id"] for row in self._run("matching", **filter_values(filters), after=after, limit=limit)]

    def beyond(self, within: int) -> bool:
        """Whether there are jobs behind so many of the newest ids."""
        return bool(self._run("stats_window", since=None, within=within))

    def queue_counts(self) -> list[QueueCount]:
        """Unfinished and failed jobs by queue, type and state; ``MEASURED`` of each kind are read."""
        return [QueueCount(**row) for row in self._run("queue_metrics", cap=MEASURED, pairs=MEASURED_PAIRS)]

    def statuses(self, ids: Sequence[int]) -> dict[int, Status]:
        """The status of each job that exists."""
        return {row["id"]: Status(row["status"]) for row in self._run("statuses", ids=list(ids))}

    def stats(self, *, since: datetime | None, types: Sequence[str] | None, queue: str | None) -> Stats:
        """Counts, times and retries of jobs submitted since a moment; None leaves a filter out.

        Of the newest ``COUNTED`` jobs and the newest ``FAILURES`` failures: see ``Window``.
        """
        where: dict[str, object] = {"since": since, "types": list(types) if types else None, "queue": queue}
        windows = self._run("stats_window", since=since, within=COUNTED)
        return Stats(
            [TypeStats(**row) for row in self._run("stats", **where, within=COUNTED)],
            [FailureStats(**row) for row in self._run("errors", **where, failures=FAILURES)],
            [Bucket(**row) for row in self._run("duration_histogram", **where, within=COUNTED)],
            [StageTimes(**row) for row in self._run("stage_times", **where, within=COUNTED)],
            Window(COUNTED, **windows[0]) if windows else None,
        )
