"""All ordered pairs of operations, interleaved on two connections: each ends as if one had come after the other.

The first runs inside an open transaction; the second starts; when it is done or waits for a lock, the first commits or
rolls back. What then stands must be what one of the two serial orders gives. A sweep or a claim that meets a locked row
passes it by, so that for them "not at all" counts too. Nothing deadlocks, nothing raises but the published refusals.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import pytest

from jobctl.core.attempt import Failure, Outcome, Record, Token
from jobctl.core.errors import LeaseLost
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import Ending
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from tests import servers

LEASE = "11111111-1111-1111-1111-111111111111"
STARTS = {
    "pending": "status => 'pending'",
    "running": "status => 'processing'",
    "pausing": "status => 'processing', pause => true",
    "cancelling": "status => 'processing', cancel => true",
    "paused": "status => 'paused'",
    "due": "status => 'failed', due => true",
    "failed": "status => 'failed'",
    "completed": "status => 'completed'",
    "cancelled": "status => 'cancelled'",
}
PUT = """
CREATE FUNCTION pg_temp.put(status text, pause boolean DEFAULT false, cancel boolean DEFAULT false, due boolean DEFAULT false)
RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO jobctl.jobs (
        job_type, status, lease_seq, lease_id, lease_expires_at, pause_requested_at, cancel_requested_at, next_retry_at,
        error_type, completed_at, idempotency_key, concurrency_key
    ) VALUES (
        'a', put.status, 1, CASE WHEN put.status = 'processing' THEN '11111111-1111-1111-1111-111111111111'::uuid END,
        CASE WHEN put.status = 'processing' THEN now() END, CASE WHEN put.pause THEN now() END,
        CASE WHEN put.cancel THEN now() END, CASE WHEN put.due THEN now() END,
        CASE WHEN put.status = 'failed' THEN 'transient' END,
        CASE WHEN put.status IN ('failed', 'completed', 'cancelled') THEN now() END, 'the key', NULL
    ) RETURNING id
$$"""


def record(token: Token) -> Record:
    return Record(1, "s", 0, True, f"jobs/{token.job_id}/1-11111111/1-s-0", "0" * 64, 1, True)


def settle(ending: Ending) -> Callable[[Leases, Token], object]:
    failure = Failure("transient", "m", "r") if ending in (Ending.FAILED, Ending.CRASHED) else None
    return lambda q, t: q.settle([Outcome(t, ending, failure=failure, retry_after=0.0 if failure else None)])


OPERATIONS: dict[str, Callable[[Leases, Token], object]] = {
    "pause": lambda q, t: q.pause([t.job_id]),
    "resume": lambda q, t: q.resume([t.job_id]),
    "cancel": lambda q, t: q.cancel([t.job_id]),
    "retry": lambda q, t: q.retry([t.job_id]),
    "restart": lambda q, t: q.restart([t.job_id]),
    "delete": lambda q, t: q.delete([t.job_id]),
    "submit": lambda q, _: q.submit([NewJob("b", {}, key="the key", delay=9e5)]),
    "claim": lambda q, _: q.claim(0, [ClaimTarget("default", "a", 2)], 1),
    "beat": lambda q, t: q.beat(0, {t.job_id: (t, Progress(5.0))}),
    "commit": lambda q, t: q.commit_stage(t, record(t)),
    "complete": settle(Ending.COMPLETED),
    "fail": settle(Ending.FAILED),
    "release": settle(Ending.RELEASED),
    "crash": settle(Ending.CRASHED),
    "rescue": lambda q, _: q.rescue(),
    "requeue": lambda q, _: q.requeue(),
    "hold": lambda q, _: q.pause_queue("queue", "default"),
}
PASSING_BY = {"claim", "rescue", "requeue"}
SENT_AGAIN = {"beat", "complete", "fail", "release", "crash"}
"""What a worker sends for all its jobs at once: a row that is locked is passed by, and sent again a moment later."""


@dataclass
class Arena:
    """One job, two connections, and a third that looks."""

    admin: psycopg.Connection
    one: Leases
    two: Leases
    pool: ThreadPoolExecutor
    serial: dict[tuple[str, ...], object]

    def put(self, start: str) -> Token:
        self.admin.execute("SET session_replication_role = replica")
        for table in ("checkpoints", "events", "jobs", "holds"):
            self.admin.execute(f"DELETE FROM {table}")
        self.admin.execute("SET session_replication_role = origin")
        job_id = self.admin.execute(f"SELECT pg_temp.put({STARTS[start]})").fetchone()[0]
        return Token(job_id, 1, LEASE)

    def seen(self, token: Token) -> object:
        """What stands, with nothing of when."""
        return self.admin.execute(
            """
            SELECT
                array_agg((status, pause_requested_at IS NULL, cancel_requested_at IS NULL, retry_count, crash_count,
                    resume_count, lease_seq, lease_id IS NULL, next_retry_at IS NULL,
                    waiting_on IS NULL AND NOT EXISTS (SELECT FROM holds), progress->>'percent',
                    last_checkpoint_path IS NULL, id = %(id)s)::text ORDER BY id),
                (SELECT count(*) FROM checkpoints)
            FROM jobs
            """,
            {"id": token.job_id},
        ).fetchone()

    def one_after_the_other(self, start: str, *names: str) -> object:
        if (start, *names) not in self.serial:
            token = self.put(start)
            for name in names:
                with suppress(LeaseLost):
                    OPERATIONS[name](self.one, token)
            self.serial[start, *names] = self.seen(token)
        return self.serial[start, *names]

    def interleaved(self, start: str, first: str, second: str, *, commit: bool) -> object:
        token = self.put(start)
        with suppress(LeaseLost, Rollback), self.one.transaction():
            with suppress(LeaseLost):
                OPERATIONS[first](self.one, token)
            other = self.pool.submit(self._second, second, token)
            while not wait([other], timeout=0.002).done and not self._waits():
                pass
            if not commit:
                raise Rollback
        other.result(timeout=20)
        if second in SENT_AGAIN:
            self._second(second, token)
        return self.seen(token)

    def _second(self, name: str, token: Token) -> None:
        with suppress(LeaseLost):
            OPERATIONS[name](self.two, token)

    def _waits(self) -> bool:
        waiting = (
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return self.admin.execute(waiting).fetchone()[0]


class Rollback(Exception):
    pass


@pytest.fixture
def arena(conn, database_url):
    database = conn.info.dbname
    # far from the start of the server, where nothing is rescued; for whatever session comes, also behind a pooler
    conn.execute(
        f"DO $$ BEGIN EXECUTE format('ALTER DATABASE {database} SET jobctl.clock = %L', now() + interval '1 day'); END $$"
    )
    if servers.POOLED:
        servers.reconnect(database_url)
    queues = [Leases(lambda: connect(database_url), actor=name) for name in ("one", "two")]
    conn.execute(PUT)
    with ThreadPoolExecutor(1) as pool:
        yield Arena(conn, *queues, pool, {})
    conn.execute(f"ALTER DATABASE {database} RESET jobctl.clock")
    for queue in queues:
        queue.close()


@pytest.mark.parametrize("start", STARTS)
def test_any_two_operations_end_as_if_one_had_come_after_the_other(arena, start):
    for first in OPERATIONS:
        for second in OPERATIONS:
            allowed = [arena.one_after_the_other(start, *order) for order in ((first, second), (second, first))]
            alone = [arena.one_after_the_other(start, second)]
            if second in PASSING_BY:
                allowed.append(arena.one_after_the_other(start, first))
                alone.append(arena.one_after_the_other(start))
            case = f"{start}: {first} || {second}"
            assert arena.interleaved(start, first, second, commit=True) in allowed, case
            assert arena.interleaved(start, first, second, commit=False) in alone, f"{case}, rolled back"
