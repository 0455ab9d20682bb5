"""A database that goes away while many jobs run: nobody is charged, nothing is done twice, all go on when it is back.

The server is started again by the test alone. ``JOBCTL_PROFILE=nightly``: fifty jobs, five minutes.
"""

import os
import secrets
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import BaseModel

from jobctl.client import Client, Options
from jobctl.core.pipeline import Pipeline
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.embedded.process import is_postmaster
from jobctl.postgres.leases import Leases
from tests.conftest import Shell
from tests.scrape import address, page

JOBS, AWAY, TTL = (50, 300.0, 30.0) if os.environ.get("JOBCTL_PROFILE") == "nightly" else (5, 2.5, 1.0)
SLOW = 0.2


class Nothing(BaseModel):
    pass


pipeline = Pipeline("noop", args=Nothing)


@pytest.fixture(scope="module")
def server(reachable_tmp):
    """A server of our own, with the smallest queue of notifications there is."""
    held = Server(reachable_tmp / secrets.token_hex(3), report=lambda _: None, environment=os.environ, durable=False)
    with connect(held.ensure()) as admin:
        admin.execute("ALTER SYSTEM SET max_notify_queue_pages = 64")
        admin.execute("ALTER SYSTEM SET max_connections = 300")
    held.stop(force=True)
    migrate.upgrade(held.ensure())
    yield held
    held.stop(force=True)


def crash(server: Server) -> None:
    """No checkpoint, no goodbye."""
    pid = server.status().pid
    os.kill(pid, signal.SIGQUIT)
    while is_postmaster(pid, server.cluster):
        pass


def test_a_worker_without_its_database_is_alive_and_not_ready_and_says_so(server, tmp_path, zygote, eventually):
    with connect(server.ensure()) as admin:  # each database has one storage, and that of the others is elsewhere
        admin.execute("CREATE DATABASE probed")
    database = make_conninfo(server.ensure(), dbname="probed")
    migrate.upgrade(database)
    shell = Shell(tmp_path, database, zygote)
    worker = shell.start("worker", "run", "--metrics", "0")
    url = address(worker)
    eventually(lambda: page(url + "/readyz")[0] == 200)
    crash(server)
    eventually(lambda: page(url + "/readyz") == (503, "the database can't be reached\n"))
    assert "jobctl_database_away 1" in page(url + "/metrics")[1].splitlines()
    assert page(url + "/healthz") == (200, "ok\n")
    server.ensure()
    eventually(lambda: page(url + "/readyz")[0] == 200, 30)
    worker.terminate()
    worker.communicate(timeout=40)
    assert worker.returncode == 0


@pytest.mark.timeout(AWAY + 500)
def test_an_outage_charges_nobody_and_repeats_nothing(server, tmp_path, zygote, eventually):
    url = server.ensure()
    shell = Shell(tmp_path, url, zygote)
    items = 2000  # more than are done before the test has seen enough
    trails = [tmp_path / f"trail-{n}" for n in range(JOBS)]
    for trail in trails:
        shell("submit", "steps", "--set", f"items={items}", "--set", f"slow={SLOW}", "--set", f"trail={trail}")
    worker = shell.start("worker", "run", "--drain", "-c", JOBS, env={"JOBCTL_LEASE_TTL": str(TTL)})
    eventually(lambda: all(t.exists() and "squares" in t.read_text() for t in trails), 60 + 4 * JOBS)
    crash(server)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(AWAY)
    with connect(server.ensure()) as conn:
        back = conn.execute("SELECT clock_timestamp()").fetchone()[0]
        beating = "SELECT count(*) FROM jobctl.jobs WHERE status = 'processing' AND heartbeat_at > %s"
        eventually(lambda: conn.execute(beating, [back]).fetchone() == (JOBS,), 15)
        for trail in trails:
            Path(f"{trail}.hurry").touch()
        said = worker.communicate(timeout=120)[1]
        rows = conn.execute("SELECT DISTINCT status, crash_count, retry_count, lease_seq FROM jobctl.jobs").fetchall()
    assert (worker.returncode, rows) == (0, [("completed", 0, 0, 1)])
    for trail in trails:
        lines = trail.read_text().splitlines()
        assert len(lines) == len(set(lines)) == items // 2 + 3
    assert said.count("can't be reached") == said.count("the database is back") == 1
    assert said.count("running jobs frozen until") == 1
    assert len(said.splitlines()) <= 3 * JOBS + 5


def test_hints_that_nobody_reads_fail_no_submit(server):
    """A backend that listens and never reads holds the queue of notifications until it is full."""
    with connect(server.ensure()) as deaf, connect(server.conninfo()) as loud:
        deaf.execute("LISTEN jobctl_ready")
        deaf.execute("BEGIN")
        deaf.execute("SELECT 1")
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            loud.execute("SELECT pg_notify('jobctl_ready', repeat(n::text, 3900)) FROM generate_series(10, 90) n")
        queue = Leases(lambda: connect(server.conninfo()))
        client = Client(queue, storage=lambda: None, load=lambda _: pipeline)
        job = client.submit("noop", {}, Options()).id
        assert [client.pause([job])[0].outcome, client.resume([job])[0].outcome] == ["done", "done"]
        deaf.execute("ROLLBACK")
        client.close()
