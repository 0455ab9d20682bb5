"""The worker's half of the queue: leases, beats, checkpoints, outcomes. One method a verb, psycopg only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace

import msgspec
import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from jobctl.core.attempt import Failure, Outcome, Record, Token
from jobctl.core.errors import LeaseLost, first_line
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import MAX_CRASHES, Ending, Status
from jobctl.core.retry import storable
from jobctl.core.rows import Committed
from jobctl.postgres.claiming import Claiming
from jobctl.postgres.lease_rows import (
    Beat,
    LeftWaiting,
    LogRow,
    Request,
    Settled,
    request_from,
    settled_row,
)
from jobctl.postgres.revision import head
from jobctl.postgres.waking import LOCKED_RETRIES
from jobctl.system import clock

LOG_BOUND = 5_000
"""Log lines kept of one job."""
_UNSTORABLE = (psycopg.DataError, psycopg.IntegrityError)
"""What the database says to a NUL, a NaN, or a value that breaks a rule of its column."""


class Leases(Claiming):
    """What a worker does with the queue, besides what everybody can."""

    CHECKED = ()
    """A worker has its own rights on the tables; a follow-up job is not its login's."""

    AVOIDED = ("enable_seqscan", "enable_sort")
    """A plan that was made while the queue was empty is kept when many jobs come: it must not be one that reads them all."""

    def register(self, **facts: object) -> int:
        """Adds a supervisor, with the length of its leases; returns its id."""
        listed = {key: Jsonb(value) if isinstance(value, (list, tuple)) else value for key, value in facts.items()}
        unknown: dict[str, object] = dict.fromkeys(("boot_id", "pid_namespace", "process_start"))
        return int(self._run("register", **{**unknown, **listed}, lease_s=self.ttl, revision=head())[0]["id"])

    def unregister(self, worker: int) -> None:
        """A supervisor says goodbye."""
        self._run("unregister", worker=worker)

    def uncharge(self, worker: int, attempts: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
        """Takes back what rescues charged for attempts (job, lease_seq) of this worker, which is alive.

        Returns those whose rows another session has locked, to be asked for again.
        """
        ids, seqs = [job for job, _ in attempts], [seq for _, seq in attempts]
        rows = self._run("uncharge", worker=worker, ids=ids, seqs=seqs, actor=self.actor)
        return {(row["id"], row["lease_seq"]) for row in rows}

    def report_storage(self, worker: int, reason: str | None) -> None:
        """Shows people whether a supervisor can use the storage; ``reason``: why it can't."""
        self._run("worker_storage", worker=worker, reason=reason)

    def beat(
        self, worker: int, leases: Mapping[int, tuple[Token, Progress | None]], *, frozen: Collection[int] = ()
    ) -> Beat:
        """Extends leases, and returns the requests that stand on their jobs. ``frozen``: the jobs that are stopped.

        A job whose row another session has locked is in the answer and not extended: the next beat tries again.
        """
        try:
            rows = self._beat(worker, leases, frozen)
        except _UNSTORABLE:  # progress of some handler: no reason to let any lease run out
            rows = self._beat(worker, {i: (token, None) for i, (token, _) in leases.items()}, frozen)
        requests = {row["id"]: request_from(row) for row in rows if row["id"] is not None}
        return Beat(bool(rows[0]["draining"]), requests)

    def _beat(
        self, worker: int, leases: Mapping[int, tuple[Token, Progress | None]], frozen: Collection[int]
    ) -> list[DictRow]:
        tokens = [token for token, _ in leases.values()]
        return self._run(
            "beat",
            worker=worker,
            ttl=self.ttl,
            ids=[t.job_id for t in tokens],
            seqs=[t.lease_seq for t in tokens],
            leases=[t.lease_id for t in tokens],
            progress=[p and Jsonb(p.column()) for _, p in leases.values()],
            frozen=[t.job_id in frozen for t in tokens],
        )

    def requests(self, worker: int, ids: Sequence[int]) -> dict[int, Request]:
        """The requests that stand on jobs of this worker."""
        return {row["id"]: request_from(row) for row in self._run("requests", worker=worker, ids=list(ids))}

    def orphaned(self, worker: int, known: Sequence[int]) -> list[Token]:
        """Jobs of the worker of which it does not know: the answer to their claim was lost."""
        rows = self._run("orphaned", worker=worker, known=list(known))
        return [Token(row["id"], row["lease_seq"], row["lease_id"]) for row in rows]

    def settle(self, outcomes: Sequence[Outcome]) -> dict[int, Settled | None]:
        """Ends many attempts in one statement; those that are missing in the answer were not ours any more.

        None: another session has the row locked, try again later. A result that can't be stored fails its own job, and
        no other.
        """
        settled: dict[int, Settled | None] = {}
        left = list(outcomes)
        for pause in LOCKED_RETRIES:
            if pause:
                clock.sleep(pause)
            settled |= self._settle_once(left)
            locked = {job_id for job_id, end in settled.items() if end is None}
            left = [outcome for outcome in left if outcome.token.job_id in locked]
            if not left:
                break
        return settled

    def _settle_once(self, outcomes: Sequence[Outcome]) -> dict[int, Settled | None]:
        try:
            return self._settle(outcomes)
        except _UNSTORABLE:
            return {i: settled for outcome in outcomes for i, settled in self._settle_alone(outcome).items()}

    def _settle_alone(self, outcome: Outcome) -> dict[int, Settled | None]:
        try:
            return self._settle([replace(outcome, progress=None)])
        except _UNSTORABLE as error:
            reason = f"The result cannot be stored: {first_line(error)}"
            failure = Failure("permanent", storable(reason, 512), storable(str(error), 2048))
            return self._settle([Outcome(outcome.token, Ending.FAILED, failure=failure)])

    def _settle(self, outcomes: Sequence[Outcome]) -> dict[int, Settled | None]:
        encoded = msgspec.json.encode([settled_row(outcome) for outcome in outcomes]).decode()
        rows = self._run("settle", actor=self.actor, max_crashes=MAX_CRASHES, rows=encoded)
        self._wake_after(rows)
        if awaited := [row["id"] for row in rows if row["awaited"]]:
            self.wake_dependents(awaited)
        return {
            row["id"]: Settled(
                row["id"], row["job_type"], Status(row["status"]), row["concurrency_key"], row["awaited"], row["notify"]
            )
            if row["settled"]
            else None
            for row in rows
        }

    def commit_stage(
        self,
        token: Token,
        record: Record,
        *,
        progress: Progress | None = None,
        entity: tuple[str, str] | None = None,
        forget: Sequence[int] = (),
        follow_up: Sequence[NewJob] = (),
        work: Callable[[psycopg.Connection], None] | None = None,
    ) -> tuple[Status, bool]:
        """Records a checkpoint whose bytes are durable, with the stage's library writes and follow-up jobs, as one.

        ``work`` gets the connection inside the transaction. Returns (status, cancel requested); raises ``LeaseLost``.
        """
        with self.transaction():
            self._limit()
            rows = self._run(
                "commit_stage",
                **asdict(record),
                id=token.job_id,
                lease_seq=token.lease_seq,
                lease_id=token.lease_id,
                actor=self.actor,
                ttl=self.ttl,
                progress=progress and Jsonb(progress.column()),
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

    def committed(self, token: Token, record: Record) -> Committed | None:
        """After a lost answer: whether the commit of this checkpoint happened, and where the job is; None: it is gone."""
        rows = self._run(
            "committed", id=token.job_id, lease_seq=token.lease_seq, lease_id=token.lease_id, seq=record.seq,
            sha256=record.sha256,
        )  # fmt: skip
        return Committed(**rows[0] | {"status": Status(rows[0]["status"])}) if rows else None

    def _limit(self) -> None:
        """Ends this transaction by half a lease of doing nothing: a process that is frozen in it keeps the job's row locked.

        In the transaction itself, because a pooler drops what a connection asks for. The whole of it has no limit: a
        large commit takes its time, and a frozen one is idle.
        """
        half = f"{max(1, int(self.ttl * 500))}ms"
        names = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
        settings = ", ".join(f"set_config('{name}', %(half)s, true)" for name in names)
        self.connection.execute(f"SELECT {settings}", {"half": half})

    def warn(self, token: Token, kind: str, **detail: object) -> None:
        """A line of history that changes no status."""
        self._run(
            "note_event",
            id=token.job_id,
            lease_seq=token.lease_seq,
            lease_id=token.lease_id,
            kind=kind,
            actor=self.actor,
            detail=Jsonb(detail),
        )

    def log(self, lines: Sequence[LogRow]) -> list[LogRow]:
        """Adds lines of running jobs, of each job the newest ``LOG_BOUND``; returns those of jobs that another session has
        locked, to be tried again.
        """
        ids, attempts, levels, stages, texts = (list(column) for column in zip(*lines, strict=True))
        try:
            rows = self._run(
                "log", ids=ids, attempts=attempts, levels=levels, stages=stages, texts=texts, bound=LOG_BOUND
            )
        except _UNSTORABLE:  # such as lines of a job that has just been deleted: no reason to stop a worker
            return []
        locked = {row["id"] for row in rows}
        return [line for line in lines if line[0] in locked]

    def work_left(self, types: Sequence[str], queues: Sequence[str] | None) -> bool:
        """Whether a worker that drains has a reason to stay."""
        row = self._run("work_left", types=list(types), queues=None if queues is None else list(queues))[0]
        return bool(row["exists"])

    def left_waiting(self, types: Sequence[str], queues: Sequence[str] | None) -> list[LeftWaiting]:
        """What a worker that drains leaves behind, by the reason for which it waits."""
        rows = self._run("left_waiting", types=list(types), queues=None if queues is None else list(queues))
        return [LeftWaiting(**row) for row in rows]

    def descendants(self, ids: Sequence[int]) -> dict[int, Status]:
        """The status of jobs and of the follow-up work that they submitted."""
        return {row["id"]: Status(row["status"]) for row in self._run("descendants", ids=list(ids))}
