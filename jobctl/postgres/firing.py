"""Submits the jobs of schedules that are due: each instant once, however many processes look."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg

from jobctl.core.errors import UsageError, first_line
from jobctl.core.job import NewJob, Submitted
from jobctl.core.schedule import Overlap, scheduled_job
from jobctl.postgres.schedules import DueSchedule, ScheduleVerbs

log = logging.getLogger("jobctl.schedules")

UNUSABLE = (UsageError, TypeError, ValueError, ArithmeticError, LookupError, psycopg.IntegrityError, psycopg.DataError)
"""What a schedule raises that nobody checked: it was written by SQL, or by another version."""
LIMIT = 100
"""Schedules that one sweep fires."""


Submit = Callable[[Sequence[NewJob]], list[Submitted]]


def fire(verbs: ScheduleVerbs, submit: Submit, *, limit: int = LIMIT) -> list[int]:
    """Fires the schedules that are due; returns the ids of the jobs that were created.

    One transaction a schedule locks its row, submits its jobs and advances it. A schedule that can't be fired is paused with
    the reason, so that the others go on.
    """
    created: list[int] = []
    for _ in range(limit):
        with verbs.transaction():
            schedule = verbs.due_schedule()
            if schedule is None:
                break
            try:
                with verbs.transaction():  # a savepoint: a job that can't be stored leaves the row locked, to be paused
                    created += _fire(verbs, submit, schedule)
            except UNUSABLE as error:
                log.warning("schedule %s can't be fired: %s; paused", schedule.name, first_line(error))
                verbs.pause_schedule(schedule.name, reason=f"it can't be fired: {first_line(error)}")
    return created


def _fire(verbs: ScheduleVerbs, submit: Submit, schedule: DueSchedule) -> list[int]:
    instants = schedule.timing.due(schedule.next_at, schedule.now, schedule.catch_up)
    jobs = _jobs(schedule, instants)
    answers = submit(jobs) if jobs else []
    verbs.advance_schedule(
        schedule.name,
        last_at=instants[-1] if instants else None,
        job_id=answers[-1].id if answers else None,
        next_at=schedule.timing.after(schedule.now),
    )
    return [answer.id for answer in answers if answer.created]


def _jobs(schedule: DueSchedule, instants: list[datetime]) -> list[NewJob]:
    if schedule.overlap is Overlap.SKIP:
        instants = [] if schedule.unfinished else instants[-1:]
    return [scheduled_job(schedule.name, schedule.job, instant) for instant in instants]
