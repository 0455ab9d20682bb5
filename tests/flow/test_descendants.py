"""Whatever a job has started ends with it, however it ends; and programs of a job get signals as a shell would set them."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jobctl.worker.processes import Process, children, descendants, signal_descendants

STARTED = 7
"""Processes that a job of the type ``programs`` leaves: five programs, the fork of a daemon, a program's own program."""


def left(pid_file: Path) -> list[int]:
    """The living processes that a job has started; a program's program is known by its parent."""
    name = f"left-by-{pid_file}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if name in (entry / "cmdline").read_bytes().split(b"\0") and state not in "ZX":
                found += [int(entry.name), *children(int(entry.name))]
        except OSError:
            continue
    return found


@pytest.fixture
def started(shell, conn, eventually, tmp_path):
    """Submits a job that leaves programs, runs a worker, and waits until they are there; stubborn ones are counted."""
    pids: list[int] = []

    def start(then: str):
        pid = tmp_path / "pid"
        job_id = int(shell("submit", "programs", "--set", f"then={then}", "--set", f"pid={pid}").out)
        worker = shell.start("worker", "run", "-c1", env={"JOBCTL_CANCEL_GRACE": "0.2", "JOBCTL_LEASE_TTL": "4"})
        eventually(pid.exists)
        pids.append(int(eventually(pid.read_text)))
        return job_id, worker, pids[-1]

    return start


ENDINGS = {
    "completed": ("return", None), "failed": ("raise", None), "crashed": ("abort", None),
    "cancelled": ("wait", "cancel"), "paused": ("wait", "pause"), "cancelled by force": ("hang", "cancel"),
    "released": ("wait", "terminate"), "killed": ("sleep", "kill child"), "guardian killed": ("sleep", "kill guardian"),
    "worker killed": ("sleep", "kill worker"), "worker killed in C code": ("hang", "kill worker"),
}  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_that_a_job_has_started_outlives_its_attempt(started, shell, conn, eventually, ending, tmp_path):
    then, act = ENDINGS[ending]
    job_id, worker, child = started(then)
    if act in ("cancel", "pause"):
        eventually(lambda: len(left(tmp_path / "pid")) >= STARTED - 2)
        shell(act, job_id)
    elif act == "terminate":
        worker.terminate()
    elif act == "kill child":
        os.kill(child, signal.SIGKILL)
    elif act == "kill guardian":
        os.kill(children(worker.pid)[0], signal.SIGKILL)
    elif act == "kill worker":
        worker.kill()
    status = "SELECT status, crash_count FROM jobs WHERE id = %s"
    if act != "kill worker":
        eventually(lambda: conn.execute(status, [job_id]).fetchone() != ("processing", 0))
    eventually(lambda: not left(tmp_path / "pid") or then in ("abort", "sleep"))
    shell("cancel", job_id)
    worker.terminate()
    worker.wait(20)
    eventually(lambda: not left(tmp_path / "pid"))
    eventually(lambda: not Path(f"/proc/{child}").exists())


def test_all_that_a_job_started_is_seen_before_it_ends(started, shell, conn, eventually, tmp_path):
    job_id, worker, _ = started("wait")
    eventually(lambda: len(set(left(tmp_path / "pid"))) >= STARTED - 1)
    shell("cancel", job_id)
    eventually(lambda: not left(tmp_path / "pid"))
    assert worker.poll() is None  # the child that ran it may take the next job
    assert shell("submit", "noop").code == 0
    eventually(lambda: conn.execute("SELECT status FROM jobs WHERE id = 2").fetchone() == ("completed",))
    worker.terminate()


def test_a_signal_to_descendants_reaches_all_and_only_them(eventually):
    code = "import os, subprocess; os.fork(); subprocess.run(['sleep', '3600'], start_new_session=True)"
    parent, other = (subprocess.Popen([sys.executable, "-c", code]) for _ in range(2))
    try:
        for process in (parent, other):
            eventually(lambda p=process: len(descendants(p.pid)) == 3)
        signal_descendants(parent.pid, signal.SIGSTOP)
        eventually(lambda: all(_state(p.pid) == "T" for p in descendants(parent.pid)))
        assert not any(_state(p.pid) == "T" for p in [*descendants(other.pid)])
        assert _state(parent.pid) != "T"
        signal_descendants(parent.pid, signal.SIGCONT)
        eventually(lambda: not any(_state(p.pid) == "T" for p in descendants(parent.pid)))
    finally:
        for process in (parent, other):
            signal_descendants(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()


def test_a_process_that_got_the_number_of_another_is_left_alone():
    process = subprocess.Popen(["sleep", "3600"])
    try:
        seen = Process.read(process.pid)
        replace(seen, started=seen.started - 1).send(signal.SIGKILL)
        assert process.poll() is None
        seen.send(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


def test_programs_of_a_job_have_default_signals(shell):
    shell("submit", "rights")
    assert shell("worker", "run", "--drain").code == 0
    done = json.loads(shell("show", 1, "--json", "--result").out)
    assert done["status"] == "completed", done
    seen = done["output"]
    assert (seen["ended"], seen["pool"], seen["executor"]) == (-signal.SIGTERM, [0, 1, 4], [0, 1, 4])
    assert int(seen["program"]["SigBlk"], 16) == 0
    ignored = int(seen["program"]["SigIgn"], 16)
    assert not any(ignored >> (number - 1) & 1 for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_is_the_workers_business(started, conn, eventually, number):
    _, worker, child = started("wait")
    for pid in (child, children(worker.pid)[0]):  # as a service manager sends it
        os.kill(pid, number)
    time.sleep(0.3)
    assert Path(f"/proc/{child}").exists()
    worker.send_signal(number)
    assert worker.wait(20) == 0
    assert conn.execute("SELECT status, crash_count FROM jobs").fetchone() == ("pending", 0)


# Three guards end a child whose worker is gone. Each is tried where the others can't act.


def test_the_end_of_the_channel_ends_a_child_whose_guardian_can_do_nothing(started, eventually):
    _, worker, child = started("sleep")
    guardian = children(worker.pid)[0]
    os.kill(guardian, signal.SIGSTOP)
    worker.kill()
    eventually(lambda: _gone(child))
    os.kill(guardian, signal.SIGCONT)
    eventually(lambda: _gone(guardian))


def test_the_death_signal_ends_a_child_that_can_not_read_its_channel(started, eventually):
    _, worker, child = started("hang")
    os.kill(children(worker.pid)[0], signal.SIGKILL)
    eventually(lambda: _gone(child))  # its worker lives, and its channel is open
    worker.terminate()
    worker.terminate()
    worker.wait(20)


def test_the_guardian_ends_a_child_whose_worker_is_gone(started, eventually):
    _, worker, child = started("hang")
    guardian = children(worker.pid)[0]
    worker.kill()
    eventually(lambda: _gone(child) and _gone(guardian))


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _gone(pid: int) -> bool:
    try:
        return _state(pid) in "ZX"
    except OSError:
        return True
