"""What a claim, a heartbeat and an outcome cost: nothing that Postgres could do once is called for each row."""

import re

import psycopg

from jobctl.core.job import NewJob


def plan(conn: psycopg.Connection, text: str) -> str:
    return "\n".join(row[0] for row in conn.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {text}"))


def test_the_clock_is_part_of_the_plan_and_an_index_serves_it(conn):
    text = plan(conn, "UPDATE jobs SET updated_at = jobctl.clock() WHERE run_after <= jobctl.clock()")
    assert not re.search(r"\bclock\(\)", text)
    conn.execute("SET enable_seqscan = off")
    text = plan(
        conn,
        "SELECT id FROM jobs WHERE status = 'pending' AND run_after - created_at <= '1s' AND run_after > jobctl.clock()",
    )
    assert "Index Cond: (jobs.run_after > CASE" in text


def test_all_rows_of_a_statement_have_one_time(conn, queue):
    queue.submit([NewJob("a", {}) for _ in range(50)])
    assert conn.execute("SELECT count(DISTINCT created_at), count(DISTINCT run_after) FROM jobs").fetchone() == (1, 1)


def test_the_clock_goes_on_inside_a_transaction(conn):
    with conn.transaction():
        first, second = (conn.execute("SELECT jobctl.clock()").fetchone()[0] for _ in range(2))
    assert first < second
