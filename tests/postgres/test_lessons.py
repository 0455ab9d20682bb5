"""What failed in public elsewhere, and here has no other test: docs/JOB_SYSTEM.md has the whole list."""

import re

import psycopg
import pytest

from jobctl.core.attempt import Outcome
from jobctl.core.errors import StoreUnavailable, UsageError
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob, Progress
from jobctl.postgres.connect import SETTINGS, connect
from jobctl.postgres.lease_rows import ClaimTarget
from tests import servers
from tests.postgres.test_queue import later


def test_a_job_that_is_beaten_for_is_never_rescued_however_long_it_runs(queue, claim):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    for beat in range(1, 200):  # more than an hour, each time within a lease of the last
        later(queue, 20 * beat)
        assert queue.rescue() == []
        assert token.job_id in queue.beat(queue.worker, {token.job_id: (token, None)}).requests
    assert queue.find(Filters())[0].crash_count == 0


def test_a_job_is_rescued_though_its_worker_left_no_trace(queue, claim, conn):
    queue.submit([NewJob("a", {})])
    claim()
    conn.execute("DELETE FROM workers")
    later(queue, 31)
    assert [row.id for row in queue.rescue()] == [1]


def test_recovery_waits_for_no_key_and_no_hold(queue, claim):
    queue.submit([NewJob("a", {}, concurrency_key="doc"), NewJob("a", {}, concurrency_key="doc")])
    assert len(claim()) == 1
    queue.pause_queue("queue", "default")
    later(queue, 31)
    assert [row.status for row in queue.rescue()] == ["pending"]
    assert claim() == []
    queue.resume_queue("queue", "default")
    assert [c.token.job_id for c in claim()] == [1]


@pytest.mark.parametrize("forced", ["enable_hashjoin", "enable_mergejoin", "enable_nestloop", "enable_indexscan"])
def test_a_claim_takes_no_more_than_asked_whatever_the_plan(queue, conn, forced):
    conn.execute("INSERT INTO jobs (job_type, priority) SELECT 'a', n % 5 FROM generate_series(1, 500) n")
    with queue.transaction():
        queue.connection.execute(f"SET LOCAL {forced} = off")
        queue.connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        got = queue.claim(1, [ClaimTarget("default", "a", p) for p in range(5)], 7)
    assert len(got) == 7
    assert conn.execute("SELECT count(*) FROM jobs WHERE status = 'processing'").fetchone() == (7,)


@pytest.mark.parametrize("output", ['{"text": "a\\u0000b"}', '{"number": NaN}', '{"half": "\\ud800"}'])
def test_a_result_that_cannot_be_stored_fails_its_job_and_stops_no_other(queue, claim, output):
    queue.submit([NewJob("a", {}) for _ in range(3)])
    one, two, three = (c.token for c in claim())
    settled = queue.settle(
        [Outcome(one, "completed", '{"n": 1}'), Outcome(two, "completed", output), Outcome(three, "completed", "3")]
    )
    assert {i: str(s.status) for i, s in settled.items()} == {1: "completed", 2: "failed", 3: "completed"}
    failed = queue.find(Filters(ids=(2,)))[0]
    assert failed.error_type == "permanent"
    assert failed.error_message.startswith("The result cannot be stored")


def test_progress_that_cannot_be_stored_costs_no_lease_and_no_result(queue, claim):
    queue.submit([NewJob("a", {}) for _ in range(2)])
    tokens = [c.token for c in claim()]
    progress = [Progress(5.0), Progress(float("nan"), details="x" * 5000)]
    heard = queue.beat(queue.worker, {t.job_id: (t, p) for t, p in zip(tokens, progress, strict=True)})
    assert set(heard.requests) == {1, 2}
    queue.settle([Outcome(t, "completed", '{"n": 1}', p) for t, p in zip(tokens, progress, strict=True)])
    assert [(str(j.status), j.output_data) for j in queue.find(Filters(), full=True)] == [("completed", {"n": 1})] * 2


def test_a_text_that_cannot_be_stored_is_refused_at_the_door(queue):
    for job in (
        NewJob("a", {"x": "\x00"}),
        NewJob("a", {}, key="\x00"),
        NewJob("a", {}, max_retries=1 << 40),
        NewJob("a", {"x": "\ud800"}),
    ):
        with pytest.raises(UsageError, match="can't be stored"):
            queue.submit([job])
    assert queue.find(Filters()) == []


@pytest.mark.skipif(servers.POOLED, reason="the session that is made read-only is the pooler's, and stays so")
def test_a_server_that_became_read_only_is_a_connection_lost(queue):
    queue.submit([NewJob("a", {})])
    queue.connection.execute("SET default_transaction_read_only = on")
    with pytest.raises(StoreUnavailable, match="read-only"):
        queue.cancel([1])
    assert queue.cancel([1])[0].outcome == "done"  # on a new connection


def test_every_connection_has_its_time_limits_and_looks_for_a_writable_server(database_url):
    with connect(database_url) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0] for name in SETTINGS if not name.startswith("tcp_")
        }
        given = connection.info.get_parameters()
    assert shown == {
        "jit": "off", "statement_timeout": "1min", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "1min",
        "datestyle": "ISO, MDY", "intervalstyle": "postgres", "timezone": "UTC", "client_encoding": "UTF8",
        "standard_conforming_strings": "on", "extra_float_digits": "1", "array_nulls": "on",
        "default_transaction_isolation": "read committed", "client_connection_check_interval": "5s",
    }  # fmt: skip
    assert given["target_session_attrs"] == "read-write"
    assert {"connect_timeout", "keepalives_idle", "tcp_user_timeout"} <= given.keys()


def test_nothing_of_a_job_lives_in_a_session(queue, claim):
    """Prepared statements are of the program: their number does not grow with the jobs."""
    look = queue.connection.execute
    prepared = []
    for _ in range(2):
        for _ in range(12):
            queue.submit([NewJob("a", {})])
            queue.settle([Outcome(c.token, "completed") for c in claim()])
        prepared += look("SELECT count(*) FROM pg_prepared_statements").fetchone()
    assert prepared[0] == prepared[1]
    assert look("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)
    assert look("SELECT count(*) FROM pg_class WHERE relpersistence = 't'").fetchone() == (0,)


def test_triggers_and_what_a_worker_does_at_each_beat_send_no_notification(conn):
    from jobctl.postgres.session import statement

    functions = conn.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'jobctl'::regnamespace AND prorettype = 'trigger'::regtype"
        " AND prosrc ~ 'pg_notify|NOTIFY'"
    ).fetchall()
    assert functions == []
    for verb in ("claim", "beat", "settle", "commit_stage", "requests", "log"):
        assert not re.search(r"\bpg_notify\b|\bNOTIFY\b", statement(verb)), verb


def test_a_sequence_number_is_never_given_out_twice(queue, claim):
    """Also not after restart: keys of bytes hold it, and bytes of an older attempt are never taken for newer ones."""
    queue.submit([NewJob("a", {})])
    seen = []
    for end in ("released", "completed"):
        token = claim()[0].token
        seen.append(token.lease_seq)
        queue.settle([Outcome(token, end)])
    queue.restart([1])
    seen.append(claim()[0].token.lease_seq)
    assert seen == [1, 2, 3]


def test_ids_of_deleted_jobs_are_not_used_again(queue, conn):
    queue.submit([NewJob("a", {})])
    queue.cancel([1])
    queue.delete([1])
    assert queue.submit([NewJob("a", {})])[0].id == 2
    with pytest.raises(psycopg.errors.GeneratedAlways):
        conn.execute("INSERT INTO jobs (id, job_type) VALUES (1, 'a')")
