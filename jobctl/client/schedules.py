"""Schedules: jobs that are submitted again and again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobctl.client.new_jobs import Options
from jobctl.client.submission import Submission
from jobctl.core.errors import IllegalTransition, ScheduleNotFound, UsageError
from jobctl.core.job import NewJob, Submitted
from jobctl.core.schedule import CatchUp, Overlap, Schedule, scheduled_job, timing

if TYPE_CHECKING:  # a command that prints its help must not pay for the driver
    from jobctl.postgres.queue import Queue

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
DEFAULT_TZ = "UTC"


class Schedules:
    """The schedules of one database. Every method that names one raises ``ScheduleNotFound`` where it does not exist."""

    def __init__(
        self, queue: Queue, prepare: Callable[[str, Mapping[str, object], Options], NewJob], user: str
    ) -> None:
        self._queue = queue
        self._prepare = prepare
        self._user = user

    def add(
        self,
        name: str,
        job_type: str,
        data: Mapping[str, object],
        options: Options | None = None,
        *,
        cron: str | None = None,
        every: float | None = None,
        tz: str = DEFAULT_TZ,
        catch_up: CatchUp = CatchUp.LATEST,
        overlap: Overlap = Overlap.SKIP,
    ) -> Schedule:
        """Adds a schedule: either ``cron`` in the time zone ``tz``, or ``every`` so many seconds from now.

        The job is validated now, and its input files are taken into the storage. Raises ``UsageError`` for what can't be
        scheduled, ``IllegalTransition`` where the name is taken.
        """
        if not NAME.fullmatch(name):
            raise UsageError(f"{name!r} can't be the name of a schedule", hint="1 to 100 letters, digits, _ . and -")
        chosen = options or Options()
        if chosen.delay or chosen.at is not None or chosen.after or chosen.key is not None:
            raise UsageError("a schedule sets the time and the key of its jobs itself")
        when = timing(cron=cron, every=every, tz=tz, start=self._now())
        job = asdict(self._prepare(job_type, data, chosen))
        fields = {field: value for field, value in job.items() if field not in OWN}
        if not self._queue.add_schedule(name, when, fields, catch_up=catch_up, overlap=overlap, actor=self._user):
            raise IllegalTransition(f"the schedule {name} exists already", hint=f"jobctl schedule remove {name}")
        return self.get(name)

    def list(self) -> list[Schedule]:
        """All schedules, by name."""
        return self._queue.schedules()

    def get(self, name: str) -> Schedule:
        """One schedule."""
        found = self._queue.schedules([name])
        if not found:
            raise ScheduleNotFound(f"no such schedule: {name}", hint="jobctl schedule list")
        return found[0]

    def pause(self, name: str, *, reason: str | None = None) -> bool:
        """Submits nothing more until it is resumed; returns whether it was active."""
        self.get(name)
        return self._queue.pause_schedule(name, reason=reason)

    def resume(self, name: str) -> bool:
        """Goes on with the next instant from now: what passed in the pause is left out. Returns whether it was paused."""
        schedule = self.get(name)
        return self._queue.resume_schedule(name, next_at=schedule.timing.after(schedule.now))

    def remove(self, name: str) -> None:
        """Removes a schedule; its jobs stay."""
        self.get(name)
        self._queue.remove_schedule(name)

    def run_now(self, name: str) -> Submitted:
        """Submits a job at once, also of a paused schedule; the next instant stays as it is."""
        schedule = self.get(name)
        submitted = self._queue.submit([scheduled_job(name, schedule.job, None)])[0]
        self._queue.advance_schedule(name, last_at=None, job_id=submitted.id, next_at=None)
        return submitted

    def _now(self) -> datetime:
        """The database's clock."""
        return self._queue.reached_since([], [], None).now.astimezone(UTC)


OWN = ("delay", "run_after", "after", "key", "created_by")
"""Fields of a job that its schedule sets."""


class Scheduling(Submission):
    """A client with schedules."""

    @property
    def schedules(self) -> Schedules:
        """The schedules of the database."""
        return Schedules(self.queue, lambda *request: self._prepare(*request, take=True), self.user)
