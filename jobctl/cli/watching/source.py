"""The jobs of a watch, its poll interval, and its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from jobctl.cli import cache
from jobctl.cli.app import State
from jobctl.cli.exits import ended, outcome_code
from jobctl.cli.selectors import Selection, filters, is_narrow
from jobctl.client import Client
from jobctl.core.errors import StoreUnavailable
from jobctl.core.job import Job
from jobctl.core.lifecycle import DONE, Status
from jobctl.core.names import plural

POLL_EVERY = 0.25
"""Seconds between two polls: at most four a second."""
SLOWEST = 1.0
"""Seconds between two polls of many jobs: a change is shown within this."""
SHARE = 60.0
"""A poll is followed by a pause of so many times the CPU time that it and its picture cost: under two percent of a core."""
MOST = 500
"""Jobs that are shown; the others are counted."""
RECENT = 20
"""Ended jobs that are shown behind the others."""
ORDER = (Status.PROCESSING, Status.PENDING, Status.PAUSED)


class Source:
    """The jobs that are watched; keeps the last picture while the database is away."""

    def __init__(self, state: State, ids: Sequence[int] | None, where: Selection) -> None:
        self.state = state
        self.ids = ids
        self.narrow = is_narrow(where)
        self._filters = filters(where, ids)
        self.jobs: list[Job] = []
        self.more: dict[Status, int] = {}
        """Jobs that match and are not in ``jobs``, by status; counted up to 10,000."""
        self.away_since: float | None = None
        self._spent = time.process_time()
        self._next = 0.0

    def poll(self) -> list[Job]:
        """The present picture, running first; the last one while the database is away."""
        self._spent = time.process_time()
        client = self.state.connect()
        try:
            if self.ids is not None and not self.jobs:
                for job_id in self.ids:
                    client.get(job_id, full=False)
            self.jobs, self.more = self._by_status(client) if self.ids is None else (self._by_id(client), {})
            self.away_since = None
        except StoreUnavailable:
            if not self.jobs and self.away_since is None:
                raise
            self.away_since = self.away_since or time.monotonic()
        return self.jobs

    def pause(self) -> float:
        """Seconds until the next poll: the longer, the more CPU time the last one and its picture took."""
        return min(SLOWEST, max(POLL_EVERY, SHARE * (time.process_time() - self._spent)))

    def closing_line(self) -> str:
        """The last line of a watch that is left: the jobs are still active."""
        moving = (Status.PENDING, Status.PROCESSING)
        count = sum(job.status in moving for job in self.jobs) + sum(self.more.get(status, 0) for status in moving)
        return f"Stopped watching; {plural(count, 'job')} still active" if count else "Stopped watching."

    def _by_id(self, client: Client) -> list[Job]:
        return _ordered(client.find(self._filters, limit=None))

    def _by_status(self, client: Client) -> tuple[list[Job], dict[Status, int]]:
        """Running ones first, then pending, paused, and the last that ended: the end of a long queue is only counted."""
        asked = self._filters.statuses
        found: list[Job] = []
        more: dict[Status, int] = {}
        for status in ORDER:
            limit = MOST - len(found)
            if asked is None or status in asked:
                narrowed = replace(self._filters, statuses=(status,))
                some = client.find(narrowed, limit=limit + 1, sort="oldest")
                if len(some) > limit:
                    more[status] = client.count(narrowed) - limit
                found += some[:limit]
        finished = tuple(status for status in DONE if asked is None or status in asked)
        if finished:
            limit = MOST - len(found) if self.narrow else RECENT
            found += client.find(replace(self._filters, statuses=finished), limit=max(RECENT, limit), sort="updated")
        if not self.narrow:
            cache.remember(found)
        return _ordered(found), more


def _ordered(jobs: list[Job]) -> list[Job]:
    place = {status: number for number, status in enumerate(ORDER)}
    return sorted(jobs, key=lambda job: (place.get(job.status, 3), job.id if job.status in place else -job.id))


class Ender:
    """When a watch is over, and with which code."""

    def __init__(self, ids: Sequence[int] | None, timeout: float | None, alive: Callable[[], bool] | None) -> None:
        self._ids = ids
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._alive = alive

    def code(self, jobs: Sequence[Job]) -> int | None:
        """The exit code when it is over, None while it continues. A job that was deleted meanwhile can't be awaited."""
        if self._ids is not None:
            known = {job.id: ended(job) for job in jobs}
            reasons = [known.get(job_id, "unreachable") for job_id in self._ids]
            worker_left = self._alive is not None and not self._alive()
            if all(reasons) and (self._alive is None or worker_left):
                return outcome_code([reason for reason in reasons if reason])
            if worker_left:
                return 20  # paused, or waiting for something that no worker here runs
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return 124
        return None
