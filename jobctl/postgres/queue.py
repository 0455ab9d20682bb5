"""The queue as people and sweeps use it: one method a verb, each one statement from ``sql/<verb>.sql``. psycopg only.

What only workers do stands in ``leases.py``: a command that lists or pauses does not load it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from jobctl.core.errors import StoreUnavailable, UsageError
from jobctl.core.job import Filters, Job, NewJob, Progress, Submitted
from jobctl.core.lifecycle import MAX_CRASHES, Status
from jobctl.core.rows import Bucket, Dependency, FailureStats, Reached, References, Stats, TypeStats
from jobctl.core.server import Blocker, Effective, Health
from jobctl.postgres import decode
from jobctl.postgres.session import Connect, Session, first_line

TTL = 30.0
"""Seconds a lease lasts without a beat."""
LOOK_AGAIN = (0.0, 0.01, 0.05)
"""Seconds before each look at rows that another session has locked: nearly always for a moment."""
_UNLIMITED = 2**31 - 1


class Queue(Session):
    """The jobs in one database. Opens its connection when first used, and again after it was lost.

    Every method raises ``StoreUnavailable`` when the database can't be reached and ``ConfigError`` when the schema
    is not there. Not safe for threads: one Queue a thread.
    """

    def __init__(self, connect: Connect, *, actor: str = "", ttl: float = TTL) -> None:
        super().__init__(connect)
        self.actor = actor
        self.ttl = ttl

    # -- people --------------------------------------------------------------------------------------------------

    def submit(self, new: Sequence[NewJob]) -> list[Submitted]:
        """Creates jobs in one statement; the answers are in the order given. Raises ``UsageError`` for what can't be stored."""
        rows = [_row(n, job) for n, job in enumerate(new)]
        try:
            answers = self._run("submit", rows=json.dumps(rows))
            if lost := [row["n"] for row in answers if row["id"] is None]:
                # another transaction took these keys after the statement's snapshot: now its jobs can be seen
                again = {row["n"]: row for row in self._run("submit", rows=json.dumps([rows[n] for n in lost]))}
                answers = [again.get(row["n"], row) for row in answers]
        except (psycopg.DataError, psycopg.errors.CheckViolation) as error:
            reason = error.diag.message_detail or first_line(error)
            raise UsageError(f"it can't be stored: {error.diag.message_primary}", hint=reason) from error
        keys = {job.concurrency_key for job in new} - {None}
        if keys:
            self.wake_keys(keys)
        return [Submitted(row["id"], row["created"]) for row in answers]

    def find(self, filters: Filters, *, limit: int | None = None, sort: str = "id", full: bool = False) -> list[Job]:
        """Jobs that match, newest first unless ``sort`` is oldest, updated, priority, type, status or title."""
        found = self._run("find", **_filters(filters), sort=sort, full=full, limit=limit)
        return [_job(row) for row in found]

    def count(self, filters: Filters, *, cap: int = 10_000) -> int:
        """How many match, counted up to ``cap``."""
        return int(self._run("count", **_filters(filters), cap=cap)[0]["count"])

    def statuses(self, ids: Sequence[int]) -> dict[int, Status]:
        """The status of each job that exists."""
        return {row["id"]: Status(row["status"]) for row in self._run("statuses", ids=list(ids))}

    def pause(self, ids: Sequence[int], *, reason: str | None = None) -> list[dict[str, Any]]:
        """Holds what waits, asks what runs."""
        return self._control("pause", ids, reason=reason)

    def resume(self, ids: Sequence[int], *, from_start: bool = False) -> list[dict[str, Any]]:
        """Sends what is paused back to the queue; withdraws a request."""
        return self._control("resume", ids, from_start=from_start)

    def retry(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """A person's retry, within the limit."""
        return self._control("retry", ids)

    def restart(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """From scratch."""
        return self._control("restart", ids)

    def cancel(self, ids: Sequence[int], *, reason: str | None = None) -> list[dict[str, Any]]:
        """Ends what does not run, asks what runs."""
        return self._control("cancel", ids, reason=reason)

    def delete(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Removes ended jobs; ``paths`` are the bytes that nothing refers to any more."""
        return self._control("delete", ids)

    def _control(self, verb: str, ids: Sequence[int], **values: Any) -> list[dict[str, Any]]:
        rows = self._settling_keys(
            lambda: self._outlasting_commits(lambda: self._run(verb, ids=list(ids), actor=self.actor, **values))
        )
        keys = {row["concurrency_key"] for row in rows if row["answer"] == "done"} - {None}
        if keys:
            self.wake_keys(keys)
        return rows

    def _outlasting_commits(self, act: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Runs a statement that may wait for the row of a job: a commit keeps it for half a lease at the most."""
        deadline = time.monotonic() + self.ttl / 2
        while True:
            try:
                return act()
            except StoreUnavailable as error:
                waited = isinstance(error.__cause__, psycopg.errors.LockNotAvailable)
                if not (waited and self._idle()) or time.monotonic() >= deadline:
                    raise

    def _settling_keys(self, act: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Runs a statement that may lose a race for an idempotency key; when it did, it sees the winner the next time."""
        try:
            return act()
        except psycopg.errors.UniqueViolation:
            if not self._idle():
                raise
        return act()

    def checkpoints(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """What is recorded of the jobs' checkpoints, in order."""
        return self._run("checkpoints", ids=list(ids))

    def events(self, ids: Sequence[int] | None, *, after: int = 0, limit: int = _UNLIMITED) -> list[dict[str, Any]]:
        """History after event number ``after``; of all jobs when ``ids`` is None."""
        return self._run("events", ids=None if ids is None else list(ids), after=after, limit=limit)

    def logs(
        self,
        job_id: int,
        *,
        after: int = 0,
        stage: str | None = None,
        attempt: int | None = None,
        tail: int = _UNLIMITED,
    ) -> list[dict[str, Any]]:
        """Lines that the job's handler logged."""
        return self._run("logs", id=job_id, after=after, stage=stage, attempt=attempt, tail=tail)

    def workers(self, *, everyone: bool = False) -> list[dict[str, Any]]:
        """Supervisors that are alive, or all that are known."""
        return self._run("workers", all=everyone)

    def drain_workers(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Asks supervisors, by name or id, to take no new jobs and end."""
        return self._run("drain_worker", names=list(names))

    def hold(self, kind: str, name: str, *, reason: str = "") -> dict[str, Any]:
        """Holds a queue or a type as a whole."""
        return self._run("hold", kind=kind, name=name, reason=reason, actor=self.actor)[0]

    def unhold(self, kind: str, name: str) -> dict[str, Any]:
        """Takes a hold away."""
        row = self._run("unhold", kind=kind, name=name)[0]
        if row["keys"]:
            self.wake_keys(row["keys"])
        return row

    def holds(self) -> list[dict[str, Any]]:
        """What is held as a whole."""
        return self._run("holds")

    def reached_since(self, ids: Sequence[int], statuses: Sequence[str], since: datetime | None) -> Reached:
        """Which of these jobs have been in one of these statuses since a moment, however short; None: what time it is."""
        row = self._run("passed", ids=list(ids), statuses=list(statuses), since=since)[0]
        return Reached(row["now"], frozenset(row["ids"]))

    def references(self, ids: Sequence[int]) -> list[References]:
        """What may still refer to bytes of these jobs."""
        rows = self._run("attempts", ids=list(ids))
        return [References(row["id"], row["running"], frozenset(row["paths"])) for row in rows]

    def dependencies(self, job_id: int) -> list[Dependency]:
        """What a job waits for."""
        rows = self._run("dependencies", id=job_id)
        return [Dependency(row["id"], row["status"] and Status(row["status"])) for row in rows]

    def stats(self, *, since: datetime | None, types: Sequence[str] | None, queue: str | None) -> Stats:
        """Counts, times and retries of jobs submitted since a moment; None leaves a filter out."""
        where: dict[str, Any] = {"since": since, "types": list(types) if types else None, "queue": queue}
        return Stats(
            [TypeStats(**row) for row in self._run("stats", **where)],
            [FailureStats(**row) for row in self._run("errors", **where)],
            [Bucket(**row) for row in self._run("spread", **where)],
        )

    def health(self) -> Health:
        """What a person should know of the queue and of the server."""
        return Health(**self._run("health")[0])

    def hint(self) -> None:
        """Sends a hint that means nothing: does it arrive?"""
        self._run("hint")

    def blockers(self, *, idle: float) -> list[Blocker]:
        """Sessions that others wait for, or that have kept locks on our tables for ``idle`` seconds without doing anything."""
        return [Blocker(**row) for row in self._run("blockers", idle_s=idle)]

    def effective(self) -> Effective:
        """The settings that hold in this session."""
        return Effective(**self._run("effective")[0])

    def prune(self, *, age: float, limit: int = 1000) -> list[dict[str, Any]]:
        """Forgets the checkpoints of jobs that ended ``age`` seconds ago; ``paths`` are the bytes to remove."""
        return self._run("prune", age=age, limit=limit, actor=self.actor)

    def prune_results(self, *, age: float, limit: int = 1000) -> list[dict[str, Any]]:
        """Forgets the stored results of jobs that were completed ``age`` seconds ago; ``path`` is what to remove."""
        return self._run("prune_results", age=age, limit=limit, actor=self.actor)

    # -- sweep ---------------------------------------------------------------------------------------------------

    def make_due(self, *, limit: int = 10_000) -> int:
        """Makes due what was submitted for now before the database's clock was set back; returns how many jobs."""
        return len(self._run("make_due", limit=limit))

    def rescue(self, *, limit: int = 100) -> list[dict[str, Any]]:
        """Takes back jobs whose lease ran out."""
        rows = self._run("rescue", ttl=self.ttl, limit=limit, max_crashes=MAX_CRASHES, actor=self.actor)
        self._wake_after(rows)
        return rows

    def requeue(self, *, limit: int = 100) -> list[dict[str, Any]]:
        """Moves automatic retries that are due."""
        rows = self._settling_keys(lambda: self._run("requeue", limit=limit, actor=self.actor))
        self._wake_after(rows)
        return rows

    def wake_keys(self, keys: Iterable[str | None] | None) -> int:
        """Lets the first due job of each free key through; None: of every key."""
        given = None if keys is None else sorted(key for key in keys if key)
        for _ in range(3):
            try:
                return len(self._run("wake_keys", keys=given))
            except (psycopg.errors.UniqueViolation, StoreUnavailable) as error:
                race = isinstance(
                    error.__cause__ or error, (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected)
                )
                if not race or not self._idle():
                    raise
        return 0  # others keep winning: they let the jobs through

    def wake_dependents(self, ids: Sequence[int] | None) -> int:
        """Moves on the jobs that waited for these; None: looks at all that wait."""
        woken: list[dict[str, Any]] = []
        waiting = None if ids is None else list(ids)
        for pause in LOOK_AGAIN:
            time.sleep(pause)
            rows = self._run("wake_dependents", ids=waiting)
            woken += [row for row in rows if row["woken"]]
            if not any(row["locked"] for row in rows):
                break  # what stays locked is left to the next sweep
        self._wake_after(woken)
        return len(woken)

    def _wake_after(self, rows: list[dict[str, Any]]) -> None:
        keys = {row["concurrency_key"] for row in rows} - {None}
        if keys:
            self.wake_keys(keys)


def _row(n: int, job: NewJob) -> dict[str, Any]:
    row = asdict(job) | {"n": n}
    row["run_after"] = job.run_after.isoformat() if job.run_after else None
    return row


def _filters(filters: Filters) -> dict[str, Any]:
    values = asdict(filters)
    for name in ("ids", "statuses", "types", "label_keys", "error_types"):
        values[name] = None if values[name] is None else [*values[name]]
    values["labels"] = None if not filters.labels else Jsonb(dict(filters.labels))
    return values


def _job(row: dict[str, Any]) -> Job:
    problems = tuple(decode.damaged(row))
    fields = decode.readable(row)
    return Job(
        **fields
        | {"status": Status(row["status"]), "progress": Progress.of(fields["progress"]), "undecodable": problems}
    )
