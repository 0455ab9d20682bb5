"""Jobs that are frozen where they run: nothing moves, nothing is lost, and every way out works."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.flow.test_programs_stop import COUNT_SH, WORK, job, named, read, status, submit, support

COUNTING = "i=0; while [ -e hold ] || [ $i -lt 5 ]; do i=$((i+1)); echo $i >> numbers; sleep 0.02; done; echo done"
FROZEN = "SELECT frozen_at IS NOT NULL FROM jobs WHERE id = %s"


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "hold").touch()
    return folder


def frozen(conn, job_id: int = 1) -> bool:
    return conn.execute(FROZEN, [job_id]).fetchone()[0]


def states(mark: str) -> set[str]:
    """The states of the processes with a text in their command line: T is stopped."""
    found = set()
    for pid in named(mark):
        found.add(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
    return found


def start(shell, conn, eventually, here, *words: object) -> object:
    """A worker with a program that counts and that no pause can stop."""
    submit(shell, "--chdir", here, "--shell", "--", COUNTING)
    worker = shell.start(*WORK, *words, "--input-root", here)
    eventually(lambda: support(conn) == "none" and len(read(here / "numbers")) >= 2)
    return worker


def test_a_program_without_checkpoint_is_frozen_and_goes_on_where_it_was(shell, conn, eventually, here):
    shell.env["JOBCTL_LEASE_TTL"] = "1"
    worker = start(shell, conn, eventually, here, "--drain")
    refused = shell("pause", 1)
    assert (refused.code, "jobctl pause 1 --freeze" in refused.err) == (4, True)
    done = shell("pause", 1, "--freeze", "--wait", "--timeout", "30s", "--reason", "a demo")
    assert (done.code, "freezing: its processes stop where they are" in done.out, "job 1: frozen" in done.err) == (
        0,
        True,
        True,
    )
    before = read(here / "numbers")
    lease = conn.execute("SELECT lease_expires_at FROM jobs").fetchone()[0]
    eventually(lambda: conn.execute("SELECT lease_expires_at > %s + interval '3 s' FROM jobs", [lease]).fetchone()[0])
    assert (status(conn), frozen(conn), read(here / "numbers")) == ("processing", True, before)
    shown = job(shell)
    assert (shown["frozen"], shown["pause_support"], shown["alive"], shown["actions"]) == (
        True,
        "none",
        True,
        ["resume", "cancel"],
    )
    assert "‖ frozen" in shell("list").out.replace("●", "‖")
    assert "Frozen on worker" in shell("why", 1).out
    assert "a demo" in shell("why", 1).out
    assert shell("pause", 1).out == "job 1: already frozen\n"
    (here / "hold").unlink()
    assert shell("resume", 1).out == "job 1: resumed\n"
    assert worker.wait(30) == 0
    done = job(shell)
    assert (done["status"], done["crash_count"], done["frozen"]) == ("completed", 0, False)
    numbers = read(here / "numbers")
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]  # one process from the first to the last


def test_every_process_of_a_frozen_job_is_stopped_and_a_cancel_ends_them(shell, conn, eventually, tmp_path):
    mark = f"frozen-of-{tmp_path.name}"
    text = "import os, time; os.fork() or os.setsid(); time.sleep(3600)"
    submit(shell, "--", sys.executable, "-c", text, mark)
    shell.start(*WORK)
    eventually(lambda: len(named(mark)) == 2 and support(conn) == "none")
    assert shell("pause", 1, "--freeze", "--wait", "--timeout", "30s").code == 0
    assert states(mark) == {"T"}
    assert shell("cancel", 1, "--wait", "--timeout", "30s").code == 0
    assert status(conn) == "cancelled"
    eventually(lambda: named(mark) == [])


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_a_worker_that_ends_leaves_its_frozen_job_paused(shell, conn, eventually, here, how):
    shell.env |= {"JOBCTL_LEASE_TTL": "1", "JOBCTL_GRACE": "1"}
    worker = start(shell, conn, eventually, here)
    assert shell("pause", 1, "--freeze", "--wait", "--timeout", "30s").code == 0
    getattr(worker, how)()
    worker.wait(30)
    (here / "hold").unlink()
    other = shell.start(*WORK, "--input-root", here)
    eventually(lambda: status(conn) == "paused", 30)
    assert not job(shell)["frozen"]
    assert shell("resume", 1).code == 0
    eventually(lambda: status(conn) == "completed", 30)
    other.terminate()
    assert other.wait(30) == 0
    assert job(shell)["crash_count"] == (1 if how == "kill" else 0)


def test_a_frozen_program_saves_its_state_when_its_worker_is_stopped(shell, conn, eventually, here):
    script = here / "count.sh"
    script.write_text(COUNT_SH)
    script.chmod(0o755)
    submit(shell, "--chdir", here, "--", script)
    worker = shell.start(*WORK, "--input-root", here)
    eventually(lambda: len(read(here / "numbers")) >= 5 and support(conn) == "signal")
    assert shell("pause", 1, "--freeze", "--wait", "--timeout", "30s").code == 0
    worker.terminate()
    assert worker.wait(30) == 0
    assert status(conn) == "paused"
    (here / "hold").unlink()
    shell("resume", 1)
    assert shell(*WORK, "--drain", "--input-root", here).code == 0
    assert (read(here / "numbers"), len(read(here / "trail"))) == ([str(n) for n in range(1, 41)], 2)


def test_a_pause_that_was_requested_becomes_a_freeze(shell, conn, eventually, here):
    script = here / "deaf.py"
    script.write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: None)\nwhile True: time.sleep(0.05)\n"
    )
    submit(shell, "--chdir", here, "--", sys.executable, script)
    shell.start(*WORK, "--input-root", here)
    eventually(lambda: support(conn) == "signal")
    assert shell("pause", 1).code == 0
    assert shell("pause", 1).out == "job 1: already pausing\n"
    assert shell("pause", 1, "--freeze", "--wait", "--timeout", "30s").code == 0
    assert frozen(conn)
    assert [e["kind"] for e in job(shell)["events"] if e["kind"].startswith("pause")] == ["pause_requested"] * 2


def test_jobs_do_not_wait_behind_a_frozen_one(shell, conn, eventually, here):
    """A worker whose only slot is frozen claims nothing, and returns what it had claimed."""
    worker = start(shell, conn, eventually, here)
    assert shell("pause", 1, "--freeze", "--wait", "--timeout", "30s").code == 0
    second = submit(shell, "--", "true")
    other = shell.start(*WORK)
    eventually(lambda: status(conn, second) == "completed")
    assert conn.execute("SELECT count(DISTINCT worker_id) FROM jobs").fetchone() == (2,)
    for process in (worker, other):
        process.terminate()


def test_a_waiting_job_is_paused_and_a_dry_run_freezes_nothing(shell, conn):
    submit(shell, "--", "true")
    assert shell("pause", 1, "--freeze", "--dry-run").out == "dry run: would pause job 1\n"
    assert status(conn) == "pending"
    assert json.loads(shell("pause", 1, "--freeze", "--json").out)["answers"][0]["answer"] == "done"
    assert status(conn) == "paused"


def test_a_time_limit_does_not_count_while_a_job_is_frozen(shell, conn, eventually, here):
    submit(shell, "--chdir", here, "--timeout", "3s", "--shell", "--", COUNTING)
    shell.env["JOBCTL_LEASE_TTL"] = "1"
    worker = shell.start(*WORK, "--drain", "--input-root", here)
    eventually(lambda: support(conn) == "none")
    assert shell("pause", 1, "--freeze", "--wait", "--timeout", "30s").code == 0
    since = conn.execute("SELECT clock_timestamp()").fetchone()[0]
    eventually(lambda: conn.execute("SELECT heartbeat_at > %s + interval '4 s' FROM jobs", [since]).fetchone()[0], 30)
    assert frozen(conn)
    (here / "hold").unlink()
    shell("resume", 1)
    assert worker.wait(30) == 0
    assert status(conn) == "completed"


def test_a_worker_that_is_itself_stopped_and_continued_keeps_its_job_frozen(shell, conn, eventually, here):
    """The freeze of an outage ends with the outage; the one that was requested does not."""
    shell.env["JOBCTL_LEASE_TTL"] = "4"
    worker = start(shell, conn, eventually, here)
    assert shell("pause", 1, "--freeze", "--wait", "--timeout", "30s").code == 0
    before = read(here / "numbers")
    beat = "SELECT heartbeat_at FROM jobs"
    worker.send_signal(signal.SIGSTOP)
    os.kill(worker.pid, signal.SIGCONT)
    seen = conn.execute(beat).fetchone()[0]
    eventually(lambda: conn.execute(f"{beat.replace('heartbeat_at', 'heartbeat_at > %s')}", [seen]).fetchone()[0])
    assert (frozen(conn), read(here / "numbers")) == (True, before)
