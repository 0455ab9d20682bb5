"""The queue: one method a verb, each one statement from ``sql/<verb>.sql``. psycopg only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from jobctl.core.errors import ConfigError, LeaseLost, StoreUnavailable, UsageError
from jobctl.core.job import Claimed, Failure, Filters, Job, NewJob, Outcome, Progress, Record, Submitted, Token
from jobctl.core.lifecycle import MAX_CRASHES, Ending, Status
from jobctl.core.retry import storable

Connect = Callable[[], "psycopg.Connection[Any]"]

TTL = 30.0
"""Seconds a lease lasts without a beat."""
LOG_BOUND = 5_000
"""Log lines kept of one job."""
_UNLIMITED = 2**31 - 1
_UNSTORABLE = (psycopg.DataError, psycopg.IntegrityError)
"""What the database says to a NUL, a NaN, or a value that breaks a rule of its column."""


@cache
def statement(verb: str) -> str:
    """The text of ``sql/<verb>.sql``."""
    return files(__package__).joinpath("sql", f"{verb}.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Lane:
    """One probe of a claim: a queue, a type, a priority, and the lowest place where work can still be."""

    queue: str
    job_type: str
    priority: int
    low_run_after: str = "-infinity"
    low_id: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a settled attempt."""

    id: int
    job_type: str
    status: Status
    concurrency_key: str | None
    awaited: bool  # another job depends on it


class Queue:
    """The jobs in one database. Opens its connection when first used, and again after it was lost.

    Every method raises ``StoreUnavailable`` when the database can't be reached and ``ConfigError`` when the schema
    is not there. Not safe for threads: one Queue a thread.
    """

    def __init__(self, connect: Connect, *, actor: str = "", ttl: float = TTL) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self.actor = actor
        self.ttl = ttl

    # -- the connection ------------------------------------------------------------------------------------------

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The live connection, in autocommit."""
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def close(self) -> None:
        """Closes the connection; the next call would open another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(self, *, rehearse: bool = False) -> Iterator[None]:
        """Several verbs as one; ``rehearse`` takes everything back at the end (``--dry-run``)."""
        with self._guarded(), self.connection.transaction(force_rollback=rehearse):
            yield

    def run(self, verb: str, **values: Any) -> list[dict[str, Any]]:
        """The rows that a statement gives back."""
        with self._guarded():
            try:
                return self._rows(statement(verb), values)
            except psycopg.errors.ProgramLimitExceeded:
                # nobody reads the hints and their queue is full: what was asked for is done without one
                return self._rows(statement(verb).replace("pg_notify(", "concat("), values)

    def _rows(self, text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        cursor = self.connection.cursor(row_factory=dict_row).execute(text, values)
        return cursor.fetchall() if cursor.description else []

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if isinstance(error, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)):
                raise StoreUnavailable(f"the database is busy: {_first(error)}", hint="Try again.") from error
            self.close()
            raise StoreUnavailable(f"the database can't be reached: {_first(error)}", hint="Try again.") from error
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedColumn,
                psycopg.errors.InvalidSchemaName) as error:  # fmt: skip
            raise ConfigError(
                "the database has no jobctl schema, or one of another version", hint="jobctl db upgrade"
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(
                f"the database refuses: {_first(error)}", hint="jobctl db roles prints the grants"
            ) from error
        except psycopg.errors.ReadOnlySqlTransaction as error:
            self.close()  # a standby, or a primary that is one no more: the next connection looks for the writable one
            raise StoreUnavailable("the database is read-only now", hint="Try again when it is writable.") from error

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
        except psycopg.DataError as error:
            raise UsageError(f"it can't be stored: {error.diag.message_detail or _first(error)}") from error
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

    def family(self, ids: Sequence[int]) -> dict[int, Status]:
        """The status of jobs and of the follow-up work that they submitted."""
        return {row["id"]: Status(row["status"]) for row in self.run("family", ids=list(ids))}

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

    def prune(self, *, age: float, limit: int = 1000) -> list[dict[str, Any]]:
        """Forgets the checkpoints of jobs that ended ``age`` seconds ago; ``paths`` are the bytes to remove."""
        return self.run("prune", age=age, limit=limit, actor=self.actor)

    # -- sweep ---------------------------------------------------------------------------------------------------

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
        rows = self.run("wake_dependents", ids=None if ids is None else list(ids))
        self._wake_after(rows)
        return len(rows)

    def _wake_after(self, rows: list[dict[str, Any]]) -> None:
        keys = {row["concurrency_key"] for row in rows} - {None}
        if keys:
            self.wake_keys(keys)

    # -- worker --------------------------------------------------------------------------------------------------

    def register(self, **facts: Any) -> int:
        """A supervisor says who it is; gives its id."""
        listed = {key: Jsonb(value) if isinstance(value, (list, tuple)) else value for key, value in facts.items()}
        return int(self.run("register", **listed)[0]["id"])

    def unregister(self, worker: int) -> None:
        """A supervisor says goodbye."""
        self.run("unregister", worker=worker)

    def lanes(self) -> list[str]:
        """Queues that have claimable work."""
        return [row["queue"] for row in self.run("lanes")]

    def claim(
        self, worker: int, lanes: Sequence[Lane], slots: int, *, only: Sequence[int] | None = None
    ) -> list[Claimed]:
        """Takes up to ``slots`` due jobs under new tokens; ``only`` these and what they submitted."""
        rows = self.run(
            "claim",
            worker=worker,
            actor=self.actor,
            ttl=self.ttl,
            slots=slots,
            only=None if only is None else list(only),
            queues=[lane.queue for lane in lanes],
            types=[lane.job_type for lane in lanes],
            priorities=[lane.priority for lane in lanes],
            low_run_after=[lane.low_run_after for lane in lanes],
            low_id=[lane.low_id for lane in lanes],
        )
        return [_claimed(row) for row in rows]

    def beat(
        self, worker: int, leases: Mapping[int, tuple[Token, Mapping[str, Any] | None]]
    ) -> dict[int, tuple[bool, bool]]:
        """Extends leases; gives (pause, cancel) by job id. A job that is missing is not ours any more.

        The key ``-1`` is present, as (True, False), when this worker was asked to drain.
        """
        try:
            rows = self._beat(worker, leases)
        except _UNSTORABLE:  # progress of some handler: no reason to let any lease run out
            rows = self._beat(worker, {i: (token, None) for i, (token, _) in leases.items()})
        heard = {row["id"]: (row["pause"], row["cancel"]) for row in rows if row["id"] is not None}
        return heard | ({-1: (True, False)} if rows[0]["draining"] else {})

    def _beat(self, worker: int, leases: Mapping[int, tuple[Token, Mapping[str, Any] | None]]) -> list[dict[str, Any]]:
        tokens = [token for token, _ in leases.values()]
        return self.run(
            "beat",
            worker=worker,
            ttl=self.ttl,
            ids=[t.job_id for t in tokens],
            seqs=[t.lease_seq for t in tokens],
            leases=[t.lease_id for t in tokens],
            progress=[None if p is None else Jsonb(p) for _, p in leases.values()],
        )

    def requests(self, worker: int, ids: Sequence[int]) -> dict[int, tuple[bool, bool]]:
        """Standing (pause, cancel) requests on jobs of this worker."""
        return {row["id"]: (row["pause"], row["cancel"]) for row in self.run("requests", worker=worker, ids=list(ids))}

    def strays(self, worker: int, known: Sequence[int]) -> list[Token]:
        """Jobs the worker holds without knowing: the answer to their claim was lost."""
        rows = self.run("strays", worker=worker, known=list(known))
        return [Token(row["id"], row["lease_seq"], row["lease_id"]) for row in rows]

    def settle(self, outcomes: Sequence[Outcome]) -> dict[int, Settled]:
        """Ends many attempts in one statement; those that are missing in the answer were not ours any more.

        A result that can't be stored fails its own job, and no other.
        """
        try:
            return self._settle(outcomes)
        except _UNSTORABLE:
            return {i: settled for outcome in outcomes for i, settled in self._settle_alone(outcome).items()}

    def _settle_alone(self, outcome: Outcome) -> dict[int, Settled]:
        try:
            return self._settle([replace(outcome, progress=None)])
        except _UNSTORABLE as error:
            reason = f"What it gave can't be stored: {_first(error)}"
            failure = Failure("permanent", storable(reason, 512), storable(str(error), 2048))
            return self._settle([Outcome(outcome.token, Ending.FAILED, failure=failure)])

    def _settle(self, outcomes: Sequence[Outcome]) -> dict[int, Settled]:
        failures = [outcome.failure for outcome in outcomes]
        rows = self.run(
            "settle",
            actor=self.actor,
            max_crashes=MAX_CRASHES,
            ids=[o.token.job_id for o in outcomes],
            seqs=[o.token.lease_seq for o in outcomes],
            leases=[o.token.lease_id for o in outcomes],
            outcomes=[o.kind for o in outcomes],
            outputs=[None if o.output is None else Jsonb(o.output) for o in outcomes],
            progress=[None if o.progress is None else Jsonb(o.progress) for o in outcomes],
            kinds=[f and f.kind for f in failures],
            messages=[f and f.message for f in failures],
            raws=[f and f.raw for f in failures],
            traces=[f and f.trace for f in failures],
            retry_after=[o.retry_after for o in outcomes],
        )
        self._wake_after(rows)
        if awaited := [row["id"] for row in rows if row["awaited"]]:
            self.wake_dependents(awaited)
        return {
            row["id"]: Settled(
                row["id"], row["job_type"], Status(row["status"]), row["concurrency_key"], row["awaited"]
            )
            for row in rows
        }

    def commit_stage(
        self,
        token: Token,
        record: Record,
        *,
        progress: Mapping[str, Any] | None = None,
        entity: tuple[str, str] | None = None,
        forget: Sequence[int] = (),
        follow_up: Sequence[NewJob] = (),
        work: Callable[[psycopg.Connection[Any]], None] | None = None,
    ) -> tuple[Status, bool]:
        """Records a checkpoint whose bytes are durable, with the stage's library writes and follow-up jobs, as one.

        ``work`` gets the connection inside the transaction. Gives (status, cancel requested); raises ``LeaseLost``.
        """
        with self.transaction():
            rows = self.run(
                "commit_stage",
                **asdict(record),
                id=token.job_id,
                lease_seq=token.lease_seq,
                lease_id=token.lease_id,
                actor=self.actor,
                ttl=self.ttl,
                progress=None if progress is None else Jsonb(progress),
                entity_type=entity and entity[0],
                entity_id=entity and entity[1],
                forget=list(forget),
            )
            if not rows:
                raise LeaseLost
            if work is not None:
                work(self.connection)
            if follow_up:
                self.submit(follow_up)
        return Status(rows[0]["status"]), bool(rows[0]["cancel"])

    def warn(self, token: Token, kind: str, **detail: Any) -> None:
        """A line of history that changes no status."""
        self.run(
            "note_event",
            id=token.job_id,
            lease_seq=token.lease_seq,
            lease_id=token.lease_id,
            kind=kind,
            actor=self.actor,
            detail=Jsonb(detail),
        )

    def log(self, lines: Sequence[tuple[int, int, str, str | None, str]]) -> None:
        """Lines of running jobs: (job, attempt, level, stage, text)."""
        ids, attempts, levels, stages, texts = (list(column) for column in zip(*lines, strict=True))
        self.run("log", ids=ids, attempts=attempts, levels=levels, stages=stages, texts=texts, bound=LOG_BOUND)

    def work_left(self, types: Sequence[str], queues: Sequence[str] | None) -> bool:
        """Whether a worker that drains has a reason to stay."""
        row = self.run("work_left", types=list(types), queues=None if queues is None else list(queues))[0]
        return bool(row["exists"])


class Listener:
    """Hints from the database on a connection of their own. Losing it costs speed, never truth."""

    CHANNELS = ("jobctl_ready", "jobctl_control")

    def __init__(self, connect: Connect) -> None:
        try:
            self._connection = connect()
            for channel in self.CHANNELS:
                self._connection.execute(f"LISTEN {channel}")
        except psycopg.Error as error:
            raise StoreUnavailable(f"can't listen: {_first(error)}") from error

    def fileno(self) -> int:
        """For ``select``: readable when a hint is there."""
        return self._connection.fileno()

    def hints(self) -> list[tuple[str, str]]:
        """(channel, payload) of what came; raises ``StoreUnavailable`` when the connection is gone."""
        try:
            return [(note.channel, note.payload) for note in self._connection.notifies(timeout=0)]
        except psycopg.Error as error:
            self.close()
            raise StoreUnavailable("the listening connection is gone") from error

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def _first(error: BaseException) -> str:
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
    return Job(**row | {"status": Status(row["status"]), "progress": Progress.of(row["progress"])})


def _claimed(row: dict[str, Any]) -> Claimed:
    return Claimed(
        Token(row["id"], row["lease_seq"], row["lease_id"]),
        row["job_type"], row["title"], row["queue"], row["priority"], row["run_after"], row["input_data"],
        row["metadata"], row["retry_count"], row["max_retries"], row["progress"],
        tuple(Record(**record) for record in row["checkpoints"] or ()),
    )  # fmt: skip


__all__ = ["Lane", "Listener", "Queue", "Settled", "statement"]
