"""A worker obeys its signals whatever is away, and an answer, a row or a child process cannot end it: real processes."""

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.embedded.process import is_postmaster
from tests.conftest import Shell

AWAY = {"JOBCTL_LEASE_TTL": "1.2"}
"""Children are frozen a second after the database became unreachable."""
LONG = 60.0
"""Seconds in which the busiest machine ends a worker; much less than the graces that are not to be waited for."""


@pytest.fixture
def server(reachable_tmp):
    """A server that only the test starts again."""
    held = Server(reachable_tmp / secrets.token_hex(3), report=lambda _: None, environment=os.environ, durable=False)
    migrate.upgrade(held.ensure())
    yield held
    held.stop(force=True)


def crash(server: Server) -> None:
    pid = server.status().pid
    os.kill(pid, signal.SIGQUIT)
    while is_postmaster(pid, server.cluster):
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def descendants(pid: int) -> list[int]:
    """Every process below one, not itself."""
    try:
        mine = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return mine + [below for child in mine for below in descendants(child)]


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def started(shell: Shell, eventually, *words: str, env: dict | None = None) -> tuple[subprocess.Popen, list[int]]:
    """A worker that runs a job which reaches no safe point, and the processes below it."""
    trail = shell.home / "trail"
    (shell.home / "trail.hold").write_text("first")
    assert shell("submit", "steps", "--set", f"trail={trail}").code == 0
    worker = shell.start("worker", "run", "-c1", *words, env=env)
    eventually(lambda: trail.exists(), LONG)
    return worker, descendants(worker.pid)


def frozen(pids: list[int]) -> bool:
    return any(state(pid) == "T" for pid in pids if alive(pid))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda n: n.name)
def test_a_worker_leaves_within_its_grace_while_its_database_is_away(server, tmp_path, zygote, eventually, number):
    shell = Shell(tmp_path, server.ensure(), zygote)
    worker, below = started(shell, eventually, "--grace", "1s", env=AWAY)
    crash(server)
    eventually(lambda: frozen(below), LONG)
    worker.send_signal(number)
    said = worker.communicate(timeout=LONG)[1]
    assert worker.returncode == 0
    assert not any(alive(pid) for pid in below)
    assert "the outcomes of 1 job are dropped" in said
    shell.close()


def test_a_second_signal_ends_a_worker_at_once_while_its_database_is_away(server, tmp_path, zygote, eventually):
    shell = Shell(tmp_path, server.ensure(), zygote)
    worker, below = started(shell, eventually, "--grace", "1h", env=AWAY)
    crash(server)
    eventually(lambda: frozen(below), LONG)
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.5)  # the grace: the database may come back
    worker.terminate()
    assert worker.wait(LONG) == 0
    assert not any(alive(pid) for pid in below)
    shell.close()


@pytest.mark.parametrize(("grace", "signals"), [("1s", 1), ("1h", 2)])
def test_a_worker_leaves_while_its_database_answers_nothing(server, tmp_path, zygote, eventually, grace, signals):
    """A server that is frozen: the connection is there, and a call does not return."""
    shell = Shell(tmp_path, server.ensure(), zygote)
    worker, below = started(shell, eventually, "--grace", grace, env=AWAY)
    postmaster = server.status().pid
    servers = [postmaster, *descendants(postmaster)]
    try:
        for pid in servers:
            with suppress(ProcessLookupError):  # a backend that was about to end
                os.kill(pid, signal.SIGSTOP)
        for _ in range(signals):
            time.sleep(0.5)  # until the next renewal waits for its answer, and the signal before was received
            worker.terminate()
        said = worker.communicate(timeout=LONG)[1]
    finally:
        for pid in servers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    assert worker.returncode == 0
    assert not any(alive(pid) for pid in below)
    assert "their leases expire" in said
    shell.close()


def test_a_worker_whose_database_comes_back_within_the_grace_loses_nothing(server, tmp_path, zygote, eventually):
    shell = Shell(tmp_path, server.ensure(), zygote)
    worker, below = started(shell, eventually, "--grace", "1h", env=AWAY)
    crash(server)
    eventually(lambda: frozen(below), LONG)
    worker.terminate()
    (tmp_path / "trail.hold").unlink()
    url = server.ensure()
    assert worker.wait(LONG) == 0
    with connect(url) as conn:
        row = conn.execute("SELECT status, crash_count FROM jobctl.jobs").fetchone()
    assert row == ("pending", 0)
    shell.close()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_releases_what_runs_and_charges_nothing(shell, conn, eventually, number):
    worker, below = started(shell, eventually)
    worker.send_signal(number)
    (shell.home / "trail.hold").unlink()
    assert worker.wait(LONG) == 0
    assert conn.execute("SELECT status, crash_count, retry_count FROM jobs").fetchone() == ("pending", 0, 0)
    assert not any(alive(pid) for pid in below)


def test_a_worker_under_nohup_ignores_the_end_of_its_terminal(shell, conn, eventually):
    worker = subprocess.Popen(
        ["nohup", sys.executable, "-m", "jobctl", "worker", "run"], env=shell.env, cwd=shell.home,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    shell.started.append(worker)
    eventually(lambda: conn.execute("SELECT count(*) FROM workers").fetchone() == (1,))
    worker.send_signal(signal.SIGHUP)
    shell("submit", "noop")
    eventually(lambda: conn.execute("SELECT status FROM jobs").fetchone() == ("completed",))
    worker.terminate()
    assert worker.wait(LONG) == 0


def test_a_job_that_cannot_store_its_checkpoint_does_not_keep_its_worker(shell, conn, eventually):
    """A full disk of the storage, by a storage that raises what such a disk makes of every write."""
    worker, _ = started(shell, eventually, "--grace", "1s", env={"JOBCTL_STORAGE": f"full://{shell.home / 'full'}"})
    (shell.home / "trail.hold").unlink()
    worker.terminate()
    assert worker.wait(LONG) == 0
    assert conn.execute("SELECT status IN ('pending', 'failed'), crash_count FROM jobs").fetchone() == (True, 0)


# -- what the database refuses ---------------------------------------------------------------------------------------


@contextmanager
def refusing(conn, condition: str, sqlstate: str):
    """The database refuses some updates of jobs with an error of its own."""
    conn.execute(
        f"CREATE FUNCTION refuse_for_test() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
        f"RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{sqlstate}'; END IF; RETURN NEW; END $$"
    )
    conn.execute("CREATE TRIGGER a_test BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION refuse_for_test()")
    try:
        yield
    finally:
        conn.execute("DROP FUNCTION refuse_for_test CASCADE")


def test_a_full_disk_of_the_database_is_logged_once_in_words_and_what_ended_is_written_when_there_is_room(
    shell, conn, eventually
):
    with refusing(conn, "NEW.status = 'completed'", "53100"):
        worker = shell.start("worker", "run", env=AWAY)
        shell("submit", "noop")
        started = "SELECT attempt_started_at FROM jobs WHERE status = 'processing'"
        eventually(lambda: conn.execute(started).fetchone(), LONG)
        beaten = "SELECT heartbeat_at > attempt_started_at + interval '3 seconds' FROM jobs"
        eventually(lambda: conn.execute(beaten).fetchone() == (True,), LONG)  # renewals go on: they fit
    eventually(lambda: conn.execute("SELECT status, crash_count FROM jobs").fetchone() == ("completed", 0), LONG)
    worker.terminate()
    said = worker.communicate(timeout=LONG)[1]
    assert said.count("the disk of the database is full: could not extend file") == 1
    assert said.count("the database is back") == 1
    assert "reached" not in said


@pytest.mark.parametrize("sqlstate", ["XX000", "54000", "23514"])
def test_an_outcome_that_the_database_refuses_fails_its_own_job_alone(shell, conn, eventually, sqlstate):
    with refusing(conn, "NEW.status = 'completed' AND NEW.id = 1", sqlstate):
        shell("submit", "noop")
        shell("submit", "noop")
        assert shell("worker", "run", "--drain").code == 0
    rows = conn.execute("SELECT status, error_type, crash_count FROM jobs ORDER BY id").fetchall()
    assert rows == [("failed", "permanent", 0), ("completed", None, 0)]


# -- what is lost, and what was never heard of -----------------------------------------------------------------------


def test_the_child_of_a_lost_job_is_stopped_and_its_worker_goes_on(shell, conn, eventually):
    worker, below = started(shell, eventually, env={"JOBCTL_LEASE_TTL": "1.2"})
    conn.execute("UPDATE jobs SET lease_seq = lease_seq + 1, lease_id = gen_random_uuid(), worker_id = NULL")
    of_the_child = "SELECT count(*) FROM events WHERE job_id = 1 AND lease_seq = 1"
    before = conn.execute(of_the_child).fetchone()
    eventually(lambda: not any(alive(pid) for pid in below), LONG)
    assert worker.poll() is None
    shell("submit", "noop")
    eventually(lambda: conn.execute("SELECT status FROM jobs WHERE id = 2").fetchone() == ("completed",), LONG)
    assert conn.execute(of_the_child).fetchone() == before
    worker.terminate()
    assert worker.wait(LONG) == 0


def test_a_job_whose_claim_was_answered_to_nobody_is_released_long_before_its_lease_ends(
    shell, conn, eventually, tmp_path
):
    faults = tmp_path / "faults"
    faults.mkdir()
    shell("submit", "noop")
    (faults / "1").write_text("after-claim:drop:1")
    worker = shell.start("worker", "run", env={"JOBCTL_TEST_FAULTS": str(faults), "JOBCTL_LEASE_TTL": "600"})
    eventually(lambda: conn.execute("SELECT status FROM jobs").fetchone() == ("completed",), LONG)
    moves = [kind for (kind,) in conn.execute("SELECT kind FROM events ORDER BY id")]
    assert moves == ["submit", "claim", "release", "claim", "complete"]
    assert conn.execute("SELECT crash_count FROM jobs").fetchone() == (0,)
    worker.terminate()
    assert worker.wait(LONG) == 0


@pytest.mark.parametrize("point", ["claim", "after-claim", "beat", "after-beat", "settle", "after-settle"])
def test_an_error_that_nobody_foresaw_ends_no_supervisor_and_charges_no_job(shell, conn, eventually, tmp_path, point):
    faults = tmp_path / "faults"
    faults.mkdir()
    jobs = [int(shell("submit", "steps", "--set", "slow=0.1", "--set", "items=4").out) for _ in range(2)]
    (faults / str(jobs[0])).write_text(f"{point}:raise:1")
    worker = shell.start("worker", "run", env={"JOBCTL_TEST_FAULTS": str(faults), "JOBCTL_LEASE_TTL": "1.2"})
    bad = "invalid" if point == "after-claim" else None
    eventually(
        lambda: not conn.execute("SELECT 1 FROM jobs WHERE status IN ('pending', 'processing')").fetchone(), LONG
    )
    assert worker.poll() is None
    eventually(lambda: (faults / f"{jobs[0]}.fired").exists() or point == "claim", LONG)
    assert conn.execute("SELECT max(crash_count) FROM jobs").fetchone() == (0,)
    kinds = conn.execute("SELECT array_agg(error_type ORDER BY id) FROM jobs").fetchone()[0]
    assert kinds in ([None, None], [bad, None])
    worker.terminate()
    assert worker.wait(LONG) == 0


def test_a_row_with_an_instant_that_python_does_not_have_is_done_like_its_neighbours(shell, conn):
    for _ in range(5):
        shell("submit", "noop")
    with conn.transaction():  # as a program did before the database refused it
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("UPDATE jobs SET run_after = '0044-03-15 BC' WHERE id = 3")
    assert shell("worker", "run", "--drain", "-c", 4).code == 0
    assert conn.execute("SELECT DISTINCT status, crash_count FROM jobs").fetchall() == [("completed", 0)]
