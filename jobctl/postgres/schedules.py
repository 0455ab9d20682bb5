"""Schedules in the database: one method a verb, each one statement from ``sql/<verb>.sql``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from jobctl.core.schedule import CatchUp, Overlap, Schedule, Timing
from jobctl.postgres.session import Session


@dataclass(frozen=True, slots=True)
class DueSchedule:
    """A schedule that is due, locked by the open transaction."""

    name: str
    timing: Timing
    job: Mapping[str, Any]
    catch_up: CatchUp
    overlap: Overlap
    next_at: datetime
    now: datetime
    unfinished: bool
    """Whether its previous job has not ended."""


class ScheduleVerbs(Session):
    """What can be done with schedules."""

    def schedules(self, names: Sequence[str] | None = None) -> list[Schedule]:
        """Schedules by name, those that exist; None: all."""
        rows = self._run("schedules", names=None if names is None else list(names))
        return [_schedule(row) for row in rows]

    def add_schedule(self, name: str, timing: Timing, job: Mapping[str, object], *, catch_up: CatchUp,
                     overlap: Overlap, actor: str) -> bool:  # fmt: skip
        """Adds a schedule; returns False where the name is taken."""
        values = {
            "name": name, "cron": timing.cron, "every": timing.every, "tz": timing.tz, "created_at": timing.start,
            "next_at": timing.after(timing.start), "job": Jsonb(dict(job)), "catch_up": catch_up, "overlap": overlap,
            "actor": actor,
        }  # fmt: skip
        return bool(self._run("add_schedule", **values))

    def pause_schedule(self, name: str, *, reason: str | None = None) -> bool:
        """Pauses a schedule; returns whether it was active."""
        return bool(self._run("pause_schedule", name=name, reason=reason))

    def resume_schedule(self, name: str, *, next_at: datetime) -> bool:
        """Resumes a schedule; returns whether it was paused."""
        return bool(self._run("resume_schedule", name=name, next_at=next_at))

    def remove_schedule(self, name: str) -> bool:
        """Removes a schedule; returns whether it existed."""
        return bool(self._run("remove_schedule", name=name))

    def due_schedule(self) -> DueSchedule | None:
        """Locks a schedule that is due and that no other transaction has locked."""
        rows = self._run("due_schedule")
        if not rows:
            return None
        row = rows[0]
        return DueSchedule(
            row["name"], _timing(row), row["job"], CatchUp(row["catch_up"]), Overlap(row["overlap"]), row["next_at"],
            row["now"], row["unfinished"],
        )  # fmt: skip

    def advance_schedule(
        self, name: str, *, last_at: datetime | None, job_id: int | None, next_at: datetime | None
    ) -> None:
        """Records an instant that was handled; None leaves a value as it is."""
        self._run("advance_schedule", name=name, last_at=last_at, job_id=job_id, next_at=next_at)

    def expire(self, *, limit: int = 100) -> list[int]:
        """Cancels jobs that have not started before their expiry; returns their ids."""
        return [row["id"] for row in self._run("expire", limit=limit)]


def _timing(row: DictRow) -> Timing:
    return Timing(row["cron"], row["every_s"], row["tz"], row["created_at"])


def _schedule(row: DictRow) -> Schedule:
    return Schedule(
        row["name"], _timing(row), row["job"], CatchUp(row["catch_up"]), Overlap(row["overlap"]), row["created_by"],
        row["created_at"], row["paused_at"], row["pause_reason"], row["next_at"], row["last_at"], row["last_job_id"],
        row["last_status"], row["served"], row["now"],
    )  # fmt: skip
