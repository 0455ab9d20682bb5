"""Reads jobs, their history and their logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from jobctl.client.base import Base
from jobctl.client.explain import explain
from jobctl.core.errors import JobNotFound
from jobctl.core.filters import Filters
from jobctl.core.job import Job
from jobctl.core.lifecycle import Status
from jobctl.core.rows import CheckpointRow, Event, LogLine

MANY = 10_000
"""Jobs up to which a count is exact unless more is wanted."""
PART = 500
"""Jobs that a verb changes in one transaction."""
SEARCHED = 100_000
"""Newest jobs that are searched for what no index serves, unless all are wanted."""


class Inspection(Base):
    """Reads jobs."""

    def get(self, job_id: int, *, full: bool = True) -> Job:
        """One job. Raises ``JobNotFound``."""
        found = self.queue.find(Filters(ids=(job_id,)), full=full)
        if not found:
            raise JobNotFound(f"no such job: {job_id}", hint="jobctl list")
        return found[0]

    def find(self, filters: Filters, *, limit: int | None = 50, sort: str = "id", full: bool = False) -> list[Job]:
        """Jobs that match, newest first."""
        return self.queue.find(filters, limit=limit, sort=sort, full=full)

    def searched(self, filters: Filters, *, sort: str = "id") -> Filters:
        """The same filters among the newest ``SEARCHED`` jobs, where neither they nor the order are served by an index."""
        served = bool(filters.ids or filters.labels or filters.label_keys or filters.stale or filters.due)
        ended = {Status.COMPLETED, Status.CANCELLED}
        served = served or (filters.statuses is not None and not ended.intersection(filters.statuses))
        everything = replace(filters, before=None) == Filters()
        if filters.until is not None or (sort in ("id", "updated") and (served or everything)):
            return filters
        return replace(filters, within=SEARCHED)

    def skipped(self, filters: Filters) -> bool:
        """Whether there are jobs that a search among the newest did not see."""
        return filters.within is not None and self.queue.beyond(filters.within)

    def pages(self, filters: Filters, *, size: int = 1000, full: bool = False) -> Iterator[Job]:
        """All jobs that match, newest first, in constant memory."""
        below = filters.before
        while True:
            page = self.queue.find(replace(filters, before=below), limit=size, full=full)
            yield from page
            if len(page) < size:
                return
            below = page[-1].id

    def matching(self, filters: Filters, *, size: int = PART) -> Iterator[list[int]]:
        """Ids of all jobs that match, oldest first, in parts; jobs that are submitted meanwhile are not among them."""
        newest = self.queue.find(filters, limit=1)
        if not newest:
            return
        held, after = replace(filters, before=newest[0].id + 1), 0
        while page := self.queue.matching(held, after=after, limit=size):
            yield page
            after = page[-1]

    def count(self, filters: Filters, *, cap: int = MANY) -> int:
        """How many match, counted up to ``cap``."""
        return self.queue.count(filters, cap=cap)

    def events(self, ids: Sequence[int] | None, *, after: int = 0, limit: int = 10_000) -> list[Event]:
        """History: every change of status, request, checkpoint and warning."""
        return self.queue.events(ids, after=after, limit=limit)

    def logs(
        self, job_id: int, *, after: int = 0, stage: str | None = None, attempt: int | None = None, tail: int = 10_000
    ) -> list[LogLine]:
        """What the job's handler logged."""
        return self.queue.logs(job_id, after=after, stage=stage, attempt=attempt, tail=tail)

    def checkpoints(self, job_id: int) -> list[CheckpointRow]:
        """What is recorded, in order."""
        return self.queue.checkpoints([job_id])

    def newest(self) -> int:
        """The id behind ``@last``: the newest job this user submitted."""
        found = self.queue.find(Filters(created_by=self.user), limit=1) or self.queue.find(
            Filters(created_by=self.queue.login), limit=1
        )
        if not found:
            raise JobNotFound("@last: you have not submitted a job yet", hint="jobctl submit --help")
        return found[0].id

    def why(self, job_id: int) -> list[str]:
        """Why the job is where it is, one sentence a line; the last may be the command to type next."""
        return explain(
            self.get(job_id), self.queue.workers(), self.queue.dependencies(job_id), self.queue.paused_queues(),
            self.queue.rooms().values(),
        )  # fmt: skip
