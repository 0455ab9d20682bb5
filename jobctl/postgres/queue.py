"""The queue as people and sweeps use it: one method a verb, each one statement from ``sql/<verb>.sql``. psycopg only.

What only workers do stands in ``leases.py``: a command that lists or pauses does not load it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from jobctl.core.errors import ConfigError, StoreUnavailable, UsageError
from jobctl.core.job import Filters, Job, NewJob, Progress, Submitted
from jobctl.core.lifecycle import MAX_CRASHES, Status
from jobctl.core.server import Blocker, Effective
from jobctl.postgres import decode
from jobctl.postgres.checked import CALL, CHECKED

Connect = Callable[[], "psycopg.Connection[Any]"]

SQL = Path(__file__).parent / "sql"
TTL = 30.0
"""Seconds a lease lasts without a beat."""
_UNLIMITED = 2**31 - 1


@cache
def statement(verb: str) -> str:
    """The text of ``sql/<verb>.sql``."""
    return (SQL / f"{verb}.sql").read_text(encoding="utf-8")


class Queue:
    """The jobs in one database. Opens its connection when first used, and again after it was lost.

    Every method raises ``StoreUnavailable`` when the database can't be reached and ``ConfigError`` when the schema
    is not there. Not safe for threads: one Queue a thread.
    """

    CHECKED: ClassVar[Collection[str]] = CHECKED
    """Verbs that run through a checked function where the login has no rights on the tables."""

    def __init__(self, connect: Connect, *, actor: str = "", ttl: float = TTL) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._limited: bool | None = None
        self.actor = actor
        self.ttl = ttl

    # -- the connection ------------------------------------------------------------------------------------------

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The live connection, in autocommit."""
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    @property
    def login(self) -> str:
        """The name under which the database knows this connection: what a limited login submits is in this name."""
        return self.connection.info.user

    def close(self) -> None:
        """Closes the connection; the next call would open another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(self, *, rehearse: bool = False) -> Iterator[None]:
        """Several verbs as one; ``rehearse`` takes everything back at the end (``--dry-run``)."""
        with self._guarded():
            if self._limited is None and self.CHECKED:  # a refusal would end the transaction
                self._limited = self._is_limited()
            with self.connection.transaction(force_rollback=rehearse):
                yield

    def run(self, verb: str, **values: Any) -> list[dict[str, Any]]:
        """The rows that a statement returns; through a checked function where the login has no rights on the tables."""
        with self._guarded():
            if self._limited and verb in self.CHECKED:
                return self._rows_of_checked(verb, values)
            try:
                return self._rows(statement(verb), values)
            except psycopg.errors.InsufficientPrivilege:
                if verb not in self.CHECKED or self._limited is False or not self._is_limited():
                    raise
                self._limited = True
                return self._rows_of_checked(verb, values)
            except psycopg.errors.ProgramLimitExceeded:
                # nobody reads the hints and their queue is full: what was asked for is done without one
                return self._rows(statement(verb).replace("pg_notify(", "concat("), values)

    def _rows(self, text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        cursor = self.connection.cursor(row_factory=dict_row).execute(text, values)
        return cursor.fetchall() if cursor.description else []

    def _rows_of_checked(self, verb: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        plain = {name: json.loads(value) if name == "rows" else value for name, value in values.items()}
        rows = self._rows(CALL.format(verb=verb), {"values": Jsonb(plain)})
        return [row["row_"] for row in rows]

    def _is_limited(self) -> bool:
        """Whether this login may call the checked functions and has not all rights on the tables."""
        row = self.connection.execute(
            "SELECT has_function_privilege(to_regprocedure('jobctl.checked_submit(jsonb)'), 'EXECUTE') "
            "AND NOT has_table_privilege('jobctl.jobs', 'DELETE')"
        ).fetchone()
        return bool(row and row[0])

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if isinstance(error, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)):
                raise self._busy(error) from error
            if isinstance(error, psycopg.errors.DiskFull):
                hint = "Free some space on the database's disk."
                raise StoreUnavailable(f"the disk of the database is full: {first_line(error)}", hint=hint) from error
            if isinstance(error, psycopg.errors.ProgramLimitExceeded):
                raise UsageError(f"it can't be stored: {first_line(error)}") from error
            self.close()
            raise StoreUnavailable(f"the database can't be reached: {first_line(error)}", hint="Try again.") from error
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedColumn,
                psycopg.errors.InvalidSchemaName) as error:  # fmt: skip
            raise ConfigError(
                "the database has no jobctl schema, or one of another version", hint="jobctl db upgrade"
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(
                f"the database refuses: {first_line(error)}", hint="jobctl db roles prints the grants"
            ) from error
        except psycopg.errors.ReadOnlySqlTransaction as error:
            self.close()  # a standby, or a primary that is one no more: the next connection looks for the writable one
            raise StoreUnavailable("the database is read-only now", hint="Try again when it is writable.") from error

    def _busy(self, error: psycopg.Error) -> StoreUnavailable:
        """The error of a wait for a lock that was too long, with the session that keeps the lock where it can be found."""
        with suppress(psycopg.Error):
            if self.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                for row in self._rows(statement("blockers"), {"idle_s": 0.0}):
                    session = Blocker(**row)
                    return StoreUnavailable(f"the database is busy: {session.sentence}", hint=session.way_out)
        return StoreUnavailable(f"the database is busy: {first_line(error)}", hint="Try again.")

    # -- people --------------------------------------------------------------------------------------------------

    def submit(self, new: Sequence[NewJob]) -> list[Submitted]:
        """Creates jobs in one statement; the answers are in the order given. Raises ``UsageError`` for what can't be stored."""
        rows = [_row(n, job) for n, job in enumerate(new)]
        try:
            answers = self.run("submit", rows=json.dumps(rows))
            if lost := [row["n"] for row in answers if row["id"] is None]:
                # another transaction took these keys after the statement's snapshot: now its jobs can be seen
                again = {row["n"]: row for row in self.run("submit", rows=json.dumps([rows[n] for n in lost]))}
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
        found = self.run("find", **_filters(filters), sort=sort, full=full, limit=limit)
        return [_job(row) for row in found]

    def count(self, filters: Filters, *, cap: int = 10_000) -> int:
        """How many match, counted up to ``cap``."""
        return int(self.run("count", **_filters(filters), cap=cap)[0]["count"])

    def statuses(self, ids: Sequence[int]) -> dict[int, Status]:
        """The status of each job that exists."""
        return {row["id"]: Status(row["status"]) for row in self.run("statuses", ids=list(ids))}

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
        rows = self._settling_keys(lambda: self.run(verb, ids=list(ids), actor=self.actor, **values))
        keys = {row["concurrency_key"] for row in rows if row["answer"] == "done"} - {None}
        if keys:
            self.wake_keys(keys)
        return rows

    def _settling_keys(self, act: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Runs a statement that may lose a race for an idempotency key; when it did, it sees the winner the next time."""
        try:
            return act()
        except psycopg.errors.UniqueViolation:
            if self.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                raise
        return act()

    def checkpoints(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """What is recorded of the jobs' checkpoints, in order."""
        return self.run("checkpoints", ids=list(ids))

    def events(self, ids: Sequence[int] | None, *, after: int = 0, limit: int = _UNLIMITED) -> list[dict[str, Any]]:
        """History after event number ``after``; of all jobs when ``ids`` is None."""
        return self.run("events", ids=None if ids is None else list(ids), after=after, limit=limit)

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
        return self.run("logs", id=job_id, after=after, stage=stage, attempt=attempt, tail=tail)

    def workers(self, *, everyone: bool = False) -> list[dict[str, Any]]:
        """Supervisors that are alive, or all that are known."""
        return self.run("workers", all=everyone)

    def drain_workers(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Asks supervisors, by name or id, to take no new jobs and end."""
        return self.run("drain_worker", names=list(names))

    def hold(self, kind: str, name: str, *, reason: str = "") -> dict[str, Any]:
        """Holds a queue or a type as a whole."""
        return self.run("hold", kind=kind, name=name, reason=reason, actor=self.actor)[0]

    def unhold(self, kind: str, name: str) -> dict[str, Any]:
        """Takes a hold away."""
        row = self.run("unhold", kind=kind, name=name)[0]
        if row["keys"]:
            self.wake_keys(row["keys"])
        return row

    def holds(self) -> list[dict[str, Any]]:
        """What is held as a whole."""
        return self.run("holds")

    def blockers(self, *, idle: float) -> list[Blocker]:
        """Sessions that others wait for, or that have kept locks on our tables for ``idle`` seconds without doing anything."""
        return [Blocker(**row) for row in self.run("blockers", idle_s=idle)]

    def effective(self) -> Effective:
        """The settings that hold in this session."""
        return Effective(**self.run("effective")[0])

    def prune(self, *, age: float, limit: int = 1000) -> list[dict[str, Any]]:
        """Forgets the checkpoints of jobs that ended ``age`` seconds ago; ``paths`` are the bytes to remove."""
        return self.run("prune", age=age, limit=limit, actor=self.actor)

    def prune_results(self, *, age: float, limit: int = 1000) -> list[dict[str, Any]]:
        """Forgets the stored results of jobs that were completed ``age`` seconds ago; ``path`` is what to remove."""
        return self.run("prune_results", age=age, limit=limit, actor=self.actor)

    # -- sweep ---------------------------------------------------------------------------------------------------

    def make_due(self, *, limit: int = 10_000) -> int:
        """Makes due what was submitted for now before the database's clock was set back; returns how many jobs."""
        return len(self.run("make_due", limit=limit))

    def rescue(self, *, limit: int = 100) -> list[dict[str, Any]]:
        """Takes back jobs whose lease ran out."""
        rows = self.run("rescue", ttl=self.ttl, limit=limit, max_crashes=MAX_CRASHES, actor=self.actor)
        self._wake_after(rows)
        return rows

    def requeue(self, *, limit: int = 100) -> list[dict[str, Any]]:
        """Moves automatic retries that are due."""
        rows = self._settling_keys(lambda: self.run("requeue", limit=limit, actor=self.actor))
        self._wake_after(rows)
        return rows

    def wake_keys(self, keys: Iterable[str | None] | None) -> int:
        """Lets the first due job of each free key through; None: of every key."""
        given = None if keys is None else sorted(key for key in keys if key)
        for _ in range(3):
            try:
                return len(self.run("wake_keys", keys=given))
            except (psycopg.errors.UniqueViolation, StoreUnavailable) as error:
                race = isinstance(
                    error.__cause__ or error, (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected)
                )
                if not race or self.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    raise
        return 0  # others keep winning: they let the jobs through

    def wake_dependents(self, ids: Sequence[int] | None) -> int:
        """Moves on the jobs that waited for these; None: looks at all that wait."""
        woken: list[dict[str, Any]] = []
        waiting = None if ids is None else list(ids)
        for pause in (0.01, 0.05, 0.0):
            rows = self.run("wake_dependents", ids=waiting)
            woken += [row for row in rows if row["woken"]]
            if not any(row["locked"] for row in rows):
                break
            time.sleep(pause)  # another sweep, as a rule; what stays locked is left to the next sweep
        self._wake_after(woken)
        return len(woken)

    def _wake_after(self, rows: list[dict[str, Any]]) -> None:
        keys = {row["concurrency_key"] for row in rows} - {None}
        if keys:
            self.wake_keys(keys)


def first_line(error: BaseException) -> str:
    """The first line of a driver's message."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


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
