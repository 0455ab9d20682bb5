"""What a claim, a heartbeat and an outcome cost: nothing that Postgres could do once is called for each row."""

import re
from collections.abc import Callable

import psycopg

from jobctl.core.attempt import Outcome
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending, Status
from jobctl.postgres.leases import Leases
from jobctl.postgres.session import PREPARED, statement


def plan(conn: psycopg.Connection, text: str) -> str:
    return "\n".join(row[0] for row in conn.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {text}"))


def test_the_clock_is_part_of_the_plan_and_an_index_serves_it(conn):
    text = plan(conn, "UPDATE jobs SET updated_at = jobctl.clock() WHERE run_after <= jobctl.clock()")
    assert not re.search(r"\bclock\(\)", text)
    conn.execute("SET enable_seqscan = off")
    conn.execute(
        "CREATE TEMPORARY TABLE waiting (run_after timestamptz PRIMARY KEY)"
    )  # one index: no choice of another
    assert "Index Cond: (waiting.run_after > CASE" in plan(conn, "SELECT FROM waiting WHERE run_after > jobctl.clock()")


def test_all_rows_of_a_statement_have_one_time(conn, queue):
    queue.submit([NewJob("a", {}) for _ in range(50)])
    assert conn.execute("SELECT count(DISTINCT created_at), count(DISTINCT run_after) FROM jobs").fetchone() == (1, 1)


def test_the_clock_goes_on_inside_a_transaction(conn):
    with conn.transaction():
        first, second = (conn.execute("SELECT jobctl.clock()").fetchone()[0] for _ in range(2))
    assert first < second


def prepared(queue: Leases) -> set[str]:
    rows = queue.connection.execute("SELECT statement FROM pg_prepared_statements", prepare=False)
    return {verb for (text,) in rows for verb in PREPARED if text.startswith(statement(verb)[:200])}


def work(queue: Leases, claim: Callable[..., list], rounds: int) -> None:
    for _ in range(rounds):
        queue.submit([NewJob("a", {})])
        (job,) = claim()
        queue.beat(queue.worker, {job.token.job_id: (job.token, None)})
        assert queue.settle([Outcome(job.token, Ending.COMPLETED)])[job.token.job_id].status is Status.COMPLETED


def test_statements_that_are_repeated_are_prepared_and_no_others(queue, claim):
    queue.submit([NewJob("a", {})])
    assert prepared(queue) == set()
    claim()
    work(queue, claim, 7)  # more often than a session plans a prepared statement anew
    for _ in range(7):
        queue.find(Filters())
    assert prepared(queue) == {"submit_plain", "ready_queues", "claim", "beat", "settle"}
    count = "SELECT count(*) FROM pg_prepared_statements"
    assert queue.connection.execute(count).fetchone() == (5,)


def rows_read(queue: Leases, conn: psycopg.Connection) -> int:
    """Rows of jobs and entries of their indexes that were read so far."""
    queue.connection.execute("SELECT pg_stat_force_next_flush()", prepare=False)
    queue.work()
    return conn.execute(
        "SELECT sum(i.idx_tup_read) + min(t.seq_tup_read) FROM pg_stat_user_indexes i JOIN pg_stat_user_tables t USING (relid) "
        "WHERE i.relname = 'jobs' AND i.schemaname = 'jobctl'"
    ).fetchone()[0]


def test_plans_made_while_the_queue_was_empty_do_not_read_all_jobs_that_come(queue, claim, conn):
    work(queue, claim, 3)
    conn.execute("VACUUM ANALYZE jobs, events, limits, holds")
    work(queue, claim, 12)
    queue.submit([NewJob("a", {}) for _ in range(5_000)])
    before = rows_read(queue, conn)
    jobs = claim()
    queue.beat(queue.worker, {job.token.job_id: (job.token, None) for job in jobs})
    queue.settle([Outcome(job.token, Ending.COMPLETED) for job in jobs])
    assert rows_read(queue, conn) - before < 1_000


def test_what_is_prepared_is_not_planned_again(queue, claim):
    """Planning a claim takes longer than running it."""
    work(queue, claim, 12)
    plans = "SELECT statement, custom_plans FROM pg_prepared_statements"
    often = {text[:60] for text, custom in queue.connection.execute(plans, prepare=False) if custom > 5}
    assert often == set()


def test_nothing_is_prepared_where_another_process_answers_than_a_cancel_would_reach(queue, claim, monkeypatch):
    """As behind a pooler, which hands out keys of its own."""
    monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", property(lambda _: 0))
    work(queue, claim, 7)
    assert prepared(queue) == set()


def test_a_new_connection_is_asked_again(queue, claim, monkeypatch):
    work(queue, claim, 2)
    queue.connection.close()
    monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", property(lambda _: 0))
    work(queue, claim, 3)
    assert prepared(queue) == set()
