"""Rows that another session has locked: what is not locked goes on, and who keeps the lock is named."""

import json
import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from jobctl.core.attempt import Outcome
from jobctl.core.errors import StoreUnavailable
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import Ending, Status
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget, Request
from jobctl.postgres.leases import Leases
from jobctl.postgres.queue import Queue
from tests import servers
from tests.postgres.test_queue import later


@pytest.fixture
def forgotten(database_url):
    """A psql in a transaction that somebody forgot."""
    with psycopg.connect(servers.direct(database_url), application_name="psql") as connection:
        yield connection


def lock(forgotten: psycopg.Connection, table: str, row_id: int) -> None:
    forgotten.execute(f"SELECT FROM jobctl.{table} WHERE id = %s FOR UPDATE", [row_id])


def test_a_row_that_is_locked_stops_the_beat_of_no_other_job(queue, claim, conn, forgotten):
    queue.submit([NewJob("a", {}) for _ in range(3)])
    tokens = {c.token.job_id: c.token for c in claim()}
    lock(forgotten, "jobs", 2)
    lock(forgotten, "workers", queue.worker)
    later(queue, 20)
    leases = {i: (token, Progress(50.0)) for i, token in tokens.items()}
    assert queue.beat(queue.worker, leases).requests == dict.fromkeys(tokens, Request()), "all three are still ours"
    ahead = "SELECT id FROM jobs WHERE lease_expires_at > clock_timestamp() + interval '40 seconds' ORDER BY id"
    assert conn.execute(ahead).fetchall() == [(1,), (3,)]
    later(queue, 45)
    assert queue.rescue() == [], "nobody takes what is locked"
    forgotten.rollback()
    queue.beat(queue.worker, leases)
    assert queue.rescue() == []
    assert {job.progress.percent for job in queue.find(Filters())} == {50.0}


def test_a_standing_request_is_heard_for_a_row_that_is_locked(queue, claim, forgotten):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    queue.pause([1])
    lock(forgotten, "jobs", 1)
    assert queue.beat(queue.worker, {1: (token, None)}).requests == {1: Request(pause=True)}


def test_a_row_that_is_locked_is_settled_later_and_the_others_now(queue, claim, forgotten):
    queue.submit([NewJob("a", {}) for _ in range(3)])
    outcomes = [Outcome(c.token, Ending.COMPLETED, '{"n": 1}') for c in claim()]
    lock(forgotten, "jobs", 2)
    settled = queue.settle(outcomes)
    assert settled[2] is None
    assert {i: s.status for i, s in settled.items() if s} == {1: Status.COMPLETED, 3: Status.COMPLETED}
    forgotten.rollback()
    assert queue.settle(outcomes[1:2])[2].status is Status.COMPLETED


def test_lines_of_a_job_that_is_locked_are_written_later_and_those_of_others_now(queue, claim, forgotten):
    queue.submit([NewJob("a", {}) for _ in range(2)])
    claim()
    lines = [(job, 1, "info", None, f"line {n}") for job in (1, 2) for n in range(2)] + [(2, 7, "info", None, "stale")]
    lock(forgotten, "jobs", 1)
    left = queue.log(lines)
    assert left == lines[:2]
    assert [line.text for line in queue.logs(2)] == ["line 0", "line 1"]
    forgotten.rollback()
    assert queue.log(left) == []
    assert [line.text for line in queue.logs(1)] == ["line 0", "line 1"]


def test_a_dependent_that_is_locked_holds_nothing_up_and_is_woken_by_the_next_sweep(queue, claim, forgotten):
    queue.submit([NewJob("a", {})])
    queue.submit([NewJob("a", {}, after=(1,)), NewJob("a", {}, after=(1,))])
    (first,) = claim()
    lock(forgotten, "jobs", 2)
    assert queue.settle([Outcome(first.token, Ending.COMPLETED)])[1].status is Status.COMPLETED
    assert [c.token.job_id for c in claim()] == [3]
    forgotten.rollback()
    queue.wake_dependents(None)
    assert [c.token.job_id for c in claim()] == [2]


def test_a_worker_goes_on_while_one_of_its_rows_is_locked(shell, conn, forgotten, eventually):
    """A real worker: the job whose row is locked is settled when the lock is gone, all others before."""
    shell("submit", "-f", "-", stdin='{"type":"steps","input":{"items":2,"slow":0.5}}\n' + '{"type":"noop"}\n' * 20)
    worker = shell.start("worker", "run", "-c", "2", env={"JOBCTL_LEASE_TTL": "6"})
    eventually(lambda: conn.execute("SELECT status FROM jobs WHERE id = 1").fetchone() == ("processing",))
    lock(forgotten, "jobs", 1)
    done = "SELECT count(*) FROM jobs WHERE id > 1 AND status = 'completed'"
    eventually(lambda: conn.execute(done).fetchone() == (20,), 40)
    assert conn.execute("SELECT status FROM jobs WHERE id = 1").fetchone() == ("processing",)
    forgotten.rollback()
    eventually(lambda: conn.execute("SELECT status FROM jobs WHERE id = 1").fetchone() == ("completed",), 40)
    assert conn.execute("SELECT crash_count FROM jobs WHERE id = 1").fetchone() == (0,)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0


@pytest.mark.skipif(servers.POOLED, reason="the session's own limit is short here, and the pooler's server has another")
@pytest.mark.parametrize("statement", ["LOCK TABLE jobctl.jobs", "SELECT FROM jobctl.jobs WHERE id = 1 FOR UPDATE"])
def test_who_keeps_a_lock_is_named(queue, forgotten, statement):
    queue.submit([NewJob("a", {})])
    forgotten.execute(statement)
    queue.connection.execute("SET lock_timeout = '200ms'")
    queue.ttl = 0.5
    with pytest.raises(StoreUnavailable, match="the database is busy: psql") as busy:
        queue.cancel([1])
    pid = str(forgotten.info.backend_pid)
    assert pid in str(busy.value)
    assert f"pg_terminate_backend({pid})" in busy.value.hint


def test_list_answers_soon_and_doctor_names_the_session(cli, queue, forgotten, conn, eventually):
    queue.submit([NewJob("a", {})])
    lock(forgotten, "jobs", 1)
    pid = str(forgotten.info.backend_pid)
    assert "psql" not in cli("doctor").out, "a transaction of a moment is no news"
    assert [b.pid for b in queue.blockers(idle=0.0)] == [int(pid)]
    waiting = subprocess.Popen(
        [sys.executable, "-c", "import sys, psycopg\nwith psycopg.connect(sys.argv[1]) as c: c.execute('DELETE FROM jobctl.jobs')",
         servers.direct(conn.info.dsn)], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while not (found := queue.blockers(idle=1000.0)):
            assert time.monotonic() < deadline
        assert (found[0].pid, found[0].application, found[0].waiting) == (int(pid), "psql", 1)
        told = cli("doctor")
        (line,) = (line for line in told.out.splitlines() if " locks " in line)
        assert line.startswith("note")
        assert f"psql (pid {pid}, role " in line
        assert told.code == 0
    finally:
        waiting.kill()
        waiting.wait()
    # its session outlives it while it waits for the row, and would wait with us in a circle
    conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DELETE FROM jobctl.jobs%'")
    eventually(lambda: not queue.blockers(idle=1000.0))
    forgotten.execute("LOCK TABLE jobctl.jobs")
    listed = cli("list")
    assert (listed.code, "psql" in listed.err) == (6, True)


# -- frozen inside a commit ------------------------------------------------------------------------------------------

FROZEN = """
import os, signal, sys
from jobctl.core.attempt import Record
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
queue = Leases(lambda: connect(sys.argv[1]), ttl=2.0)
queue.connection.execute("SET idle_in_transaction_session_timeout = 0")  # as behind a pooler
worker = queue.register(name="f", host="h", pid=1, version="0", capacity=1, job_types=["a"], queues=[])
(job,) = queue.claim(worker, [ClaimTarget("default", "a", 2)], 1)
record = Record(1, "s", 0, True, "p", "0" * 64, 1, True)
queue.commit_stage(job.token, record, work=lambda _: os.kill(os.getpid(), signal.SIGSTOP))
"""


@pytest.fixture
def frozen(database_url):
    """A process that is stopped inside the transaction of a commit."""
    process = subprocess.Popen([sys.executable, "-c", FROZEN, database_url], stderr=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


def test_a_process_that_is_frozen_inside_a_commit_loses_its_lock_within_half_a_lease(queue, frozen, eventually, conn):
    queue.submit([NewJob("a", {})])
    os.waitid(os.P_PID, frozen.pid, os.WSTOPPED)
    assert queue.rescue() == [], "the row is locked"
    eventually(lambda: [row.id for row in queue.rescue()] == [1], 30)
    assert conn.execute("SELECT count(*) FROM checkpoints").fetchone() == (0,), "nothing of the commit"
    frozen.send_signal(signal.SIGCONT)
    assert frozen.wait(30) != 0


def test_a_pause_outlasts_a_commit_that_is_frozen(queue, frozen):
    queue.submit([NewJob("a", {})])
    os.waitid(os.P_PID, frozen.pid, os.WSTOPPED)
    queue.connection.execute("SET lock_timeout = '300ms'")
    assert queue.pause([1])[0].outcome == "requested"


@pytest.mark.parametrize("ttl", [2.0, 120.0])
def test_the_limits_of_a_commit_end_with_it(queue, claim, ttl):
    from tests.postgres.test_queue import RECORD

    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    queue.ttl = ttl
    names = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
    before = [queue.connection.execute(f"SHOW {name}").fetchone() for name in names]
    inside = []
    queue.commit_stage(
        token, RECORD, work=lambda c: inside.extend(c.execute(f"SHOW {name}").fetchone() for name in names)
    )
    assert [row[0] for row in inside] == [{2.0: "1s", 120.0: "1min"}[ttl]] * 3
    assert [queue.connection.execute(f"SHOW {name}").fetchone() for name in names] == before


def test_doctor_looks_at_the_settings_that_hold(cli, queue, monkeypatch):
    def session() -> dict:
        return next(c for c in json.loads(cli("doctor", "--json").out)["checks"] if c["id"] == "session")

    assert not session()["note"]
    assert "lock_timeout 3s" in session()["detail"]
    queue.connection.execute("SET jit = on")
    queue.connection.execute("SET lock_timeout = 0")
    dropped = queue.effective()
    assert dropped.missing == {"jit": "on", "lock_timeout": "0"}
    monkeypatch.setattr(Queue, "effective", lambda _: dropped)
    assert session()["note"]
    assert "jit is on, lock_timeout is 0" in session()["detail"]
    assert session()["hint"].endswith("ALTER ROLE … SET jit = 'off'; ALTER ROLE … SET lock_timeout = '3s';")


def test_a_claim_takes_nothing_that_is_locked_and_waits_for_nothing(queue, forgotten):
    queue.submit([NewJob("a", {}) for _ in range(2)])
    lock(forgotten, "jobs", 1)
    assert [c.token.job_id for c in queue.claim(queue.worker, [ClaimTarget("default", "a", 2)], 2)] == [2]
    queue.pause_queue("queue", "default")
    other = Leases(lambda: connect(queue.connection.info.dsn))
    try:
        forgotten.rollback()
        assert other.claim(queue.worker, [ClaimTarget("default", "a", 2)], 2) == [], (
            "what the hold passed by is held too"
        )
    finally:
        other.close()
