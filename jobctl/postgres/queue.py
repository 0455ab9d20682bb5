"""The queue as people and sweeps use it: one method a verb, each one statement from ``sql/<verb>.sql``. psycopg only.

What only workers do stands in ``leases.py``: a command that lists or pauses does not load it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg
from psycopg.rows import DictRow

from jobctl.core.errors import StoreUnavailable, UsageError, first_line
from jobctl.core.job import NewJob, Submitted
from jobctl.core.lifecycle import ControlOutcome, Status, Verb
from jobctl.core.rows import (
    CheckpointRow,
    ControlRow,
    Dependency,
    Event,
    LogLine,
    Moved,
    PausedQueue,
    QueueChange,
    Reached,
    References,
    WorkerRow,
)
from jobctl.core.server import Blocker, Effective, Health
from jobctl.postgres.editing import EditVerb
from jobctl.postgres.firing import fire
from jobctl.postgres.identity import IdentityVerbs
from jobctl.postgres.limits import LimitVerbs
from jobctl.postgres.listing import Listing
from jobctl.postgres.retention import RetentionVerbs
from jobctl.postgres.rows import control_row, submitted_row
from jobctl.postgres.schedules import ScheduleVerbs
from jobctl.postgres.session import Connect
from jobctl.postgres.sweeping import Sweeping
from jobctl.postgres.titles import TitleVerbs

TTL = 30.0
"""Seconds a lease lasts without a beat."""
_UNLIMITED = 2**31 - 1


class Queue(Sweeping, LimitVerbs, ScheduleVerbs, EditVerb, IdentityVerbs, RetentionVerbs, TitleVerbs, Listing):
    """The jobs in one database. Opens its connection when first used, and again after it was lost.

    Every method raises ``StoreUnavailable`` when the database can't be reached and ``ConfigError`` when the schema
    is not there. Not safe for threads: one Queue a thread.
    """

    def __init__(self, connect: Connect, *, actor: str = "", ttl: float = TTL) -> None:
        super().__init__(connect)
        self.actor = actor
        self.ttl = ttl
        self._submits_directly = False
        """Whether this login has submitted with rights of its own on the tables."""

    # -- people --------------------------------------------------------------------------------------------------

    def submit(self, new: Sequence[NewJob], *, wake: bool = True) -> list[Submitted]:
        """Creates jobs in one statement; the answers are in the same order. Raises ``UsageError`` for what can't be stored.

        Without ``wake`` the jobs with a concurrency key are left to the next ``wake_keys``.
        """
        rows = [submitted_row(n, job) for n, job in enumerate(new)]
        try:
            if self._submits_directly and not any(
                job.key is not None or job.after or job.expires is not None for job in new
            ):
                answers = self._run("submit_plain", rows=json.dumps(rows))
                return self._submitted(new if wake else (), [Submitted(row["id"], created=True) for row in answers])
            answers = self._run("submit", rows=json.dumps(rows))
            if lost := [row["n"] for row in answers if row["id"] is None]:
                # another transaction took these keys after the statement's snapshot: now its jobs can be seen
                again = {row["n"]: row for row in self._run("submit", rows=json.dumps([rows[n] for n in lost]))}
                answers = [again.get(row["n"], row) for row in answers]
        except (psycopg.DataError, psycopg.errors.CheckViolation) as error:
            reason = error.diag.message_detail or first_line(error)
            raise UsageError(f"it can't be stored: {error.diag.message_primary}", hint=reason) from error
        self._submits_directly = not self._limited
        return self._submitted(new if wake else (), [Submitted(row["id"], row["created"]) for row in answers])

    def _submitted(self, new: Sequence[NewJob], answers: list[Submitted]) -> list[Submitted]:
        keys = {job.concurrency_key for job in new} - {None}
        if keys:
            self.wake_keys(keys)
        return answers

    def pause(self, ids: Sequence[int], *, reason: str | None = None, freeze: bool = False) -> list[ControlRow]:
        """Pauses what waits, requests it of what runs: at its next safe point, or with ``freeze`` where it is."""
        return self._control(Verb.PAUSE, ids, reason=reason, freezes=freeze)

    def resume(self, ids: Sequence[int], *, from_start: bool = False) -> list[ControlRow]:
        """Sends what is paused back to the queue; withdraws a request."""
        return self._control(Verb.RESUME, ids, from_start=from_start)

    def retry(self, ids: Sequence[int]) -> list[ControlRow]:
        """A person's retry, within the limit."""
        return self._control(Verb.RETRY, ids)

    def restart(self, ids: Sequence[int]) -> list[ControlRow]:
        """From scratch."""
        return self._control(Verb.RESTART, ids)

    def cancel(self, ids: Sequence[int], *, reason: str | None = None) -> list[ControlRow]:
        """Ends what does not run, requests it of what runs."""
        return self._control(Verb.CANCEL, ids, reason=reason)

    def delete(self, ids: Sequence[int]) -> list[ControlRow]:
        """Removes ended jobs; ``paths`` are the bytes that nothing refers to any more."""
        return self._control(Verb.DELETE, ids)

    def _control(self, verb: Verb, ids: Sequence[int], **values: object) -> list[ControlRow]:
        found = self._settling_keys(
            lambda: self._outlasting_commits(lambda: self._run(verb, ids=list(ids), actor=self.actor, **values))
        )
        rows = [control_row(row) for row in found]
        keys = {row.concurrency_key for row in rows if row.outcome is ControlOutcome.DONE} - {None}
        if keys:
            self.wake_keys(keys)
        return rows

    def _outlasting_commits(self, act: Callable[[], list[DictRow]]) -> list[DictRow]:
        """Runs a statement that may wait for the row of a job: a commit keeps it for half a lease at the most."""
        deadline = time.monotonic() + self.ttl / 2
        while True:
            try:
                return act()
            except StoreUnavailable as error:
                waited = isinstance(error.__cause__, psycopg.errors.LockNotAvailable)
                if not (waited and self._idle()) or time.monotonic() >= deadline:
                    raise

    def _settling_keys(self, act: Callable[[], list[DictRow]]) -> list[DictRow]:
        """Runs a statement that may lose a race for an idempotency key; when it did, it sees the winner the next time."""
        try:
            return act()
        except psycopg.errors.UniqueViolation:
            if not self._idle():
                raise
        return act()

    def checkpoints(self, ids: Sequence[int]) -> list[CheckpointRow]:
        """What is recorded of the jobs' checkpoints, in order."""
        return [CheckpointRow(**row) for row in self._run("checkpoints", ids=list(ids))]

    def events(self, ids: Sequence[int] | None, *, after: int = 0, limit: int = _UNLIMITED) -> list[Event]:
        """History after event number ``after``; of all jobs when ``ids`` is None."""
        rows = self._run("events", ids=None if ids is None else list(ids), after=after, limit=limit)
        return [Event(**row) for row in rows]

    def logs(
        self,
        job_id: int,
        *,
        after: int = 0,
        stage: str | None = None,
        attempt: int | None = None,
        tail: int = _UNLIMITED,
    ) -> list[LogLine]:
        """Lines that the job's handler logged."""
        rows = self._run("logs", id=job_id, after=after, stage=stage, attempt=attempt, tail=tail)
        return [LogLine(**row) for row in rows]

    def workers(self, *, everyone: bool = False) -> list[WorkerRow]:
        """Supervisors that are alive, or all that are known."""
        return [WorkerRow(**row) for row in self._run("workers", all=everyone)]

    def drain_workers(self, names: Sequence[str]) -> dict[int, str]:
        """Requests of supervisors, by name or id, to take no new jobs and end; returns the names of those found, by id."""
        return {row["id"]: row["name"] for row in self._run("drain_worker", names=list(names))}

    def pause_queue(self, kind: str, name: str, *, reason: str = "") -> QueueChange:
        """Pauses a queue or a type as a whole."""
        row = self._run("pause_queue", kind=kind, name=name, reason=reason, actor=self.actor)[0]
        return QueueChange(row["changed"], row["jobs"])

    def resume_queue(self, kind: str, name: str) -> QueueChange:
        """Lets a queue or a type go on."""
        row = self._run("resume_queue", kind=kind, name=name)[0]
        if row["keys"]:
            self.wake_keys(row["keys"])
        return QueueChange(row["changed"], row["jobs"])

    def paused_queues(self) -> list[PausedQueue]:
        """What is paused as a whole."""
        return [PausedQueue(**row) for row in self._run("paused_queues")]

    def reached_since(self, ids: Sequence[int], statuses: Sequence[str], since: datetime | None) -> Reached:
        """Which of these jobs have been in one of these statuses since a moment, however short; None: what time it is."""
        row = self._run("reached_since", ids=list(ids), statuses=list(statuses), since=since)[0]
        return Reached(row["now"], frozenset(row["ids"]))

    def references(self, ids: Sequence[int]) -> list[References]:
        """What may still refer to bytes of these jobs."""
        rows = self._run("attempts", ids=list(ids))
        return [References(row["id"], row["running"], frozenset(row["paths"]), row["ended_s"]) for row in rows]

    def dependencies(self, job_id: int) -> list[Dependency]:
        """What a job waits for."""
        rows = self._run("dependencies", id=job_id)
        return [Dependency(row["id"], row["status"] and Status(row["status"])) for row in rows]

    def health(self) -> Health:
        """What a person should know of the queue and of the server."""
        return Health(**self._run("health")[0])

    def wake(self) -> None:
        """Sends a wake-up that means nothing, to find out whether it arrives."""
        self._run("wake")

    def blockers(self, *, idle: float) -> list[Blocker]:
        """Sessions that others wait for, or that have kept locks on our tables for ``idle`` seconds without doing anything."""
        return [Blocker(**row) for row in self._run("blockers", idle_s=idle)]

    def effective(self) -> Effective:
        """The settings that hold in this session."""
        return Effective(**self._run("effective")[0])

    # -- sweep ---------------------------------------------------------------------------------------------------

    def fire_schedules(self) -> list[int]:
        """Submits the jobs of schedules that are due, before a ``wake_keys``; returns the ids of those that were created."""
        return fire(self, lambda jobs: self.submit(jobs, wake=False))

    def make_due(self, *, limit: int = 10_000) -> int:
        """Makes due what was submitted for now before the database's clock was set back; returns how many jobs.

        Retries that were set before that wait no longer than their backoff from now.
        """
        return len(self._run("make_due", limit=limit))

    def requeue(self, *, limit: int = 100) -> list[Moved]:
        """Moves automatic retries that are due."""
        rows = self._settling_keys(lambda: self._run("requeue", limit=limit, actor=self.actor))
        self._wake_after(rows)
        return [Moved(row["id"], Status.PENDING, row["concurrency_key"]) for row in rows]
