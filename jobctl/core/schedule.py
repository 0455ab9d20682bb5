"""Schedules: when a job is due again and again. Arithmetic on instants, without a clock of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from jobctl.core.durations import format_duration
from jobctl.core.errors import UsageError
from jobctl.core.job import NewJob

SHORTEST = 1.0
"""Seconds: the shortest interval of a schedule."""
LONGEST = 366 * 86_400.0
"""Seconds: the longest interval of a schedule."""
ON_TIME = 60.0
"""Seconds after an instant for which it does not count as missed."""
MOST_CAUGHT_UP = 100
"""Jobs that one schedule submits for instants that were missed; older instants are left out."""


class CatchUp(StrEnum):
    """What becomes of instants that passed while nobody fired the schedule."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of an instant at which the previous job of the schedule has not ended."""

    SKIP = "skip"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Timing:
    """The instants of a schedule: a cron expression in a time zone, or an interval in seconds from ``start``."""

    cron: str | None
    every: float | None
    tz: str
    start: datetime

    def after(self, moment: datetime) -> datetime:
        """Returns the first instant after ``moment``, in UTC. Raises ``UsageError`` where there is none."""
        return next(self.instants(moment))

    def instants(self, moment: datetime) -> Iterator[datetime]:
        """Yields the instants after ``moment`` in order, in UTC. Raises ``UsageError`` for an invalid timing."""
        if self.every is not None:
            return self._regular(self.every, moment)
        return self._calendar(self.cron or "", moment)

    def _regular(self, every: float, moment: datetime) -> Iterator[datetime]:
        number = max(0, math.floor((moment - self.start).total_seconds() / every)) + 1
        while True:
            yield (self.start + timedelta(seconds=number * every)).astimezone(UTC)
            number += 1

    def _calendar(self, cron: str, moment: datetime) -> Iterator[datetime]:
        try:
            for local in CronSim(cron, moment.astimezone(zone(self.tz))):
                instant = local.astimezone(UTC)
                if instant > moment:  # in the second pass of a doubled hour the library starts from the first pass
                    yield instant
        except CronSimError as error:
            raise UsageError(f"{cron!r} is not a cron expression: {error}", hint="--cron '0 3 * * *'") from error
        raise UsageError(f"the cron expression {cron!r} never matches", hint="--cron '0 3 * * *'")

    def due(self, first: datetime, now: datetime, catch_up: CatchUp) -> list[datetime]:
        """Returns the instants from ``first`` until ``now`` for which a job is to be submitted, oldest first."""
        match catch_up:
            case CatchUp.ALL:
                return self._latest(first, now, MOST_CAUGHT_UP)
            case CatchUp.LATEST:
                return self._latest(first, now, 1)
            case CatchUp.SKIP:
                return self._latest(max(first, now - timedelta(seconds=ON_TIME)), now, 1)
            case _:
                assert_never(catch_up)

    def _latest(self, first: datetime, now: datetime, most: int) -> list[datetime]:
        """The last ``most`` instants of a span that may be years long: looks back in steps that double."""
        back = timedelta(seconds=self.every * most if self.every else 3600.0)
        while True:
            start = max(first, now - back)
            found = self._between(start - timedelta(microseconds=1), now)
            if start == first or len(found) >= most:
                return found[-most:]
            back *= 2

    def _between(self, after: datetime, until: datetime) -> list[datetime]:
        return list(takewhile(lambda instant: instant <= until, self.instants(after)))

    def local(self, instant: datetime) -> datetime:
        """Returns an instant in the time zone of the schedule; in UTC where that is unknown here."""
        try:
            return instant.astimezone(zone(self.tz))
        except UsageError:
            return instant.astimezone(UTC)

    @property
    def text(self) -> str:
        """``every 15m``, or ``0 3 * * * Europe/Berlin``."""
        return f"every {format_duration(self.every)}" if self.every is not None else f"{self.cron} {self.tz}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One row of ``jobctl.schedules``."""

    name: str
    timing: Timing
    job: Mapping[str, Any]
    """The fields of the job that is submitted, as ``NewJob`` has them."""
    catch_up: CatchUp
    overlap: Overlap
    created_by: str
    created_at: datetime
    paused_at: datetime | None
    pause_reason: str | None
    next_at: datetime
    last_at: datetime | None
    last_job_id: int | None
    last_status: str | None
    served: bool
    """Whether a running worker takes jobs of its type and queue."""
    now: datetime
    """The database's clock when the row was read."""

    def upcoming(self, count: int) -> list[datetime]:
        """The next ``count`` instants at which a job is submitted; empty while the schedule is paused."""
        if self.paused_at is not None:
            return []
        return [self.next_at, *islice(self.timing.instants(self.next_at), count - 1)]


def zone(name: str) -> ZoneInfo:
    """The time zone of a name. Raises ``UsageError``."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise UsageError(f"unknown time zone {name!r}", hint="--tz Europe/Berlin") from error


def timing(*, cron: str | None, every: float | None, tz: str, start: datetime) -> Timing:
    """A timing that has instants. ``every`` in seconds. Raises ``UsageError``."""
    if (cron is None) == (every is None):
        raise UsageError("give either a cron expression or an interval", hint="--cron '0 3 * * *', or --every 15m")
    if every is not None and not SHORTEST <= every <= LONGEST:
        limits = f"{format_duration(SHORTEST)} to {format_duration(LONGEST)}"
        raise UsageError(f"invalid interval: {every:g}s", hint=limits)
    zone(tz)
    checked = Timing(cron, every, tz, start)
    checked.after(start)
    return checked


def scheduled_job(name: str, job: Mapping[str, Any], instant: datetime | None) -> NewJob:
    """The job of a schedule for an instant; None: for now, whatever the schedule says.

    Jobs of one schedule never run at the same time: without a concurrency key of its type the job has that of its schedule.
    """
    known = {field.name for field in fields(NewJob)}
    values = {field: value for field, value in job.items() if field in known}
    marker = f"schedule:{name}"
    return NewJob(**values | {
        "key": None if instant is None else f"{marker}@{instant.isoformat()}",
        "concurrency_key": values.get("concurrency_key") or marker,
        "created_by": values.get("created_by") or marker,
        "after": (),
    })  # fmt: skip
