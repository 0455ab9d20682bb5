"""Programs that are paused, killed, cancelled and continued elsewhere."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from jobctl.core.checkpoint import decode
from jobctl.worker.processes import all_processes

WORK = ("worker", "run", "-c1", "--allow-commands")

COUNT_SH = """#!/bin/sh
# Counts to 40 and goes on where it was: SIGTERM saves the number.
i=$(cat "$JOBCTL_STATE_DIR/i" 2>/dev/null || echo 0)
trap 'echo $i > "$JOBCTL_STATE_DIR/i"; exit 75' TERM
echo "starts at $i" >> trail
while [ $i -lt 40 ]; do
    i=$((i + 1))
    echo $i >> numbers
    echo "::progress $i/40 numbers::"
    sleep 0.05
    while [ -e hold ] && [ $i -ge 5 ]; do sleep 0.05; done
done
"""

COUNT_PY = """
import os, pathlib, signal, sys, time
state = pathlib.Path(os.environ["JOBCTL_STATE_DIR"], "deep", "i")
state.parent.mkdir(exist_ok=True)
i = int(state.read_text()) if state.exists() else 0
with open("trail", "a") as trail:
    print(f"starts at {i}", file=trail)
while i < 40:
    i += 1
    with open("numbers", "a") as sink:
        print(i, file=sink)
    if i % 5 == 0:
        state.write_text(str(i))
        print("::checkpoint::", flush=True)
    while (i == 7 and pathlib.Path("hold-7").exists()) or (i >= 12 and pathlib.Path("hold").exists()):
        time.sleep(0.05)
"""


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "hold").touch()
    (folder / "hold-7").touch()
    return folder


def job(shell, job_id: int = 1) -> dict:
    return json.loads(shell("show", job_id, "--json", "--result", "--events").out)


def submit(shell, *words: object) -> int:
    done = shell("submit", *words)
    assert done.code == 0, done.err
    return int(done.out)


def read(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1] if path.exists() else []


def status(conn, job_id: int = 1) -> str:
    return conn.execute("SELECT status FROM jobs WHERE id = %s", [job_id]).fetchone()[0]


def at_twelve(conn, eventually, here: Path) -> None:
    """Waits until the Python script has counted to 12, with a checkpoint at 5 and one at 10."""
    for done in (1, 2):
        eventually(lambda n=done: conn.execute("SELECT max(done) FROM checkpoints").fetchone()[0] == n)
        (here / "hold-7").unlink(missing_ok=True)
    eventually(lambda: len(read(here / "numbers")) >= 12 and support(conn) == "checkpoint")


def support(conn) -> str | None:
    return conn.execute("SELECT progress ->> 'pause_support' FROM jobs").fetchone()[0]


def named(text: str) -> list[int]:
    """Processes with a text in their command line."""
    found = []
    for process in all_processes():
        try:
            if text.encode() in Path(f"/proc/{process.pid}/cmdline").read_bytes():
                found.append(process.pid)
        except OSError:
            continue
    return found


def test_a_shell_script_is_paused_at_sigterm_and_goes_on_with_another_worker(shell, conn, eventually, here):
    script = here / "count.sh"
    script.write_text(COUNT_SH)
    script.chmod(0o755)
    submit(shell, "--chdir", here, "--", script)
    first = shell.start(*WORK, "--input-root", here)
    eventually(lambda: len(read(here / "numbers")) >= 5 and support(conn) == "signal")
    done = shell("pause", 1, "--wait", "--timeout", "30s")
    assert (done.code, "resumes from checkpoint if it saves one" in done.out) == (0, True), done.err
    assert status(conn) == "paused"
    first.terminate()
    assert first.wait(30) == 0
    (here / "hold").unlink()
    shell("resume", 1)
    assert shell(*WORK, "--drain", "--input-root", here).code == 0
    finished = job(shell)
    assert (finished["status"], finished["retry_count"], finished["crash_count"]) == ("completed", 0, 0)
    start = int(read(here / "trail")[1].rpartition(" ")[2])
    assert start >= 5
    assert read(here / "numbers") == [str(n) for n in range(1, 41)]


def test_a_python_script_that_prints_checkpoints_survives_the_death_of_its_worker(shell, conn, eventually, here):
    submit(shell, "--chdir", here, "--", sys.executable, "-c", COUNT_PY)
    shell.env["JOBCTL_LEASE_TTL"] = "1"
    first = shell.start(*WORK, "--input-root", here)
    at_twelve(conn, eventually, here)
    first.kill()
    first.wait()
    (here / "hold").unlink()
    assert shell(*WORK, "--drain", "--input-root", here).code == 0
    done = job(shell)
    assert (done["status"], done["crash_count"]) == ("completed", 1)
    assert read(here / "trail") == ["starts at 0", "starts at 10"]
    assert conn.execute("SELECT count(*) FROM checkpoints WHERE NOT complete").fetchone()[0] <= 2


def test_a_program_that_has_printed_a_checkpoint_is_paused_with_it(shell, conn, eventually, here):
    submit(shell, "--chdir", here, "--", sys.executable, "-c", COUNT_PY)
    shell.start(*WORK, "--input-root", here)
    at_twelve(conn, eventually, here)
    done = shell("pause", 1, "--wait", "--timeout", "30s")
    assert (done.code, done.out) == (0, "job 1: pausing: its program gets SIGTERM; resumes from checkpoint\n")
    (here / "hold").unlink()
    assert shell("resume", 1).code == 0
    eventually(lambda: status(conn) == "completed")
    assert read(here / "trail") == ["starts at 0", "starts at 10"]


def test_a_damaged_checkpoint_is_replaced_by_the_one_before(shell, conn, eventually, here, tmp_path):
    submit(shell, "--chdir", here, "--", sys.executable, "-c", COUNT_PY)
    worker = shell.start(*WORK, "--input-root", here)
    at_twelve(conn, eventually, here)
    assert shell("pause", 1, "--wait", "--timeout", "30s").code == 0
    (path,) = conn.execute("SELECT path FROM checkpoints ORDER BY seq DESC LIMIT 1").fetchone()
    segment = decode((tmp_path / "storage" / path).read_bytes())
    stored = tmp_path / "storage" / segment.value["files"][0]["key"]
    stored.chmod(0o600)
    stored.write_bytes(b"39")
    (here / "hold").unlink()
    assert shell("resume", 1).code == 0
    eventually(lambda: status(conn) == "completed")
    assert read(here / "trail") == ["starts at 0", "starts at 5"]
    assert "checkpoint_unusable" in {event["kind"] for event in job(shell)["events"]}
    worker.terminate()
    worker.wait(30)


def test_a_program_that_cannot_be_paused_is_not_disturbed_and_pause_says_so(shell, conn, eventually, here):
    submit(shell, "--chdir", here, "--shell", "--", "while [ -e hold ]; do sleep 0.05; done; echo done")
    worker = shell.start(*WORK, "--drain", "--input-root", here)
    eventually(lambda: support(conn) == "none")
    done = shell("pause", 1)
    assert (done.code, "job 1 cannot be paused: its program has no handler for SIGTERM" in done.err) == (4, True)
    assert conn.execute("SELECT pause_requested_at FROM jobs").fetchone() == (None,)
    (here / "hold").unlink()
    assert worker.wait(30) == 0
    assert status(conn) == "completed"


STUBBORN = "import signal, time, os; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); os.fork() or os.setsid(); time.sleep(3600)"


@pytest.mark.parametrize("how", ["cancel", "kill"])
def test_nothing_of_a_program_survives(shell, conn, eventually, tmp_path, how):
    mark = f"survivor-of-{tmp_path.name}-{how}"
    shell.env |= {"JOBCTL_CANCEL_GRACE": "1", "JOBCTL_LEASE_TTL": "1"}
    submit(shell, "--", sys.executable, "-c", STUBBORN, mark)
    worker = shell.start(*WORK)
    eventually(lambda: len(named(mark)) == 4)
    if how == "cancel":
        assert shell("cancel", 1, "--wait", "--timeout", "30s").code == 0
        assert status(conn) == "cancelled"
    else:
        worker.kill()
    eventually(lambda: named(mark) == [])


def test_a_cancelled_program_gets_sigterm_first(shell, conn, eventually, here):
    text = "trap 'echo saved; touch ended; exit 0' TERM; touch began; while true; do sleep 0.05; done"
    submit(shell, "--chdir", here, "--shell", "--", text)
    shell.start(*WORK, "--input-root", here)
    eventually(lambda: (here / "began").exists())
    assert shell("cancel", 1, "--wait", "--timeout", "30s").code == 0
    assert (here / "ended").exists()


def test_a_worker_that_stops_has_the_program_save_its_state(shell, conn, eventually, here):
    script = here / "count.sh"
    script.write_text(COUNT_SH)
    script.chmod(0o755)
    submit(shell, "--chdir", here, "--", script)
    worker = shell.start(*WORK, "--input-root", here)
    eventually(lambda: len(read(here / "numbers")) >= 5)
    worker.terminate()
    assert worker.wait(30) == 0
    assert (status(conn), job(shell)["crash_count"]) == ("pending", 0)
    (here / "hold").unlink()
    assert shell(*WORK, "--drain", "--input-root", here).code == 0
    assert read(here / "numbers") == [str(n) for n in range(1, 41)]


PROGRAMS = {
    "ends": "touch began; exec sleep 600",
    "saves": "trap 'exit 75' TERM; touch began; while true; do sleep 0.05; done",
    "a shell reports it": "touch began; sleep 600; exit $?",
}


def signalled_with_its_worker(worker, here: Path, eventually) -> None:
    """As Slurm does it: SIGTERM to every process, the program first."""
    eventually(lambda: (here / "began").exists())
    for process in inside(here):
        os.kill(process, signal.SIGTERM)
    worker.terminate()
    assert worker.wait(60) == 0


def inside(folder: Path) -> list[int]:
    """Processes that work in a folder."""
    found = []
    for process in all_processes():
        try:
            if Path(f"/proc/{process.pid}/cwd").readlink() == folder:
                found.append(process.pid)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_is_ended_together_with_its_worker_charges_nobody(shell, conn, eventually, here, program):
    submit(shell, "--chdir", here, "--shell", "--", f"[ -e began ] && exit 0; {PROGRAMS[program]}")
    worker = shell.start(*WORK, "--input-root", here)
    signalled_with_its_worker(worker, here, eventually)
    row = conn.execute("SELECT status, retry_count, crash_count, error_message FROM jobs").fetchone()
    assert row == ("pending", 0, 0, None)
    assert shell(*WORK, "--drain", "--input-root", here).code == 0
    assert status(conn) == "completed"


def test_a_program_of_ctx_run_that_is_ended_together_with_its_worker_charges_nobody(shell, conn, eventually, here):
    submit(shell, "shell", "--set", f"script=cd {here} && touch began && sleep 600 ")
    signalled_with_its_worker(shell.start(*WORK, "--input-root", here), here, eventually)
    row = conn.execute("SELECT status, retry_count, crash_count, error_message FROM jobs").fetchone()
    assert row == ("pending", 0, 0, None)


def test_a_program_that_only_is_ended_by_sigterm_has_failed(shell, conn, eventually, here):
    submit(shell, "--chdir", here, "--shell", "--", "touch began; exec sleep 600")
    shell.start(*WORK, "--input-root", here)
    eventually(lambda: (here / "began").exists())
    for process in inside(here):
        os.kill(process, signal.SIGTERM)
    eventually(lambda: status(conn) == "failed")
    assert "was killed by SIGTERM" in job(shell)["error"]["message"]


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_rsync_goes_on_with_what_it_has_copied(shell, conn, eventually, tmp_path):
    source = tmp_path / "large"
    source.write_bytes(os.urandom(3 << 20))
    text = 'exec rsync --partial --inplace --append --bwlimit={} --stats large "$JOBCTL_STATE_DIR/"'
    program = ("--exit-code", "20=transient", "--output", "$JOBCTL_STATE_DIR/large", "--shell", "--")
    job_id = int(shell("submit", "--input", "large", *program, text.format("500K"), cwd=tmp_path).out)
    shell.start(*WORK)
    eventually(lambda: support(conn) == "signal" and any(p.stat().st_size > 200_000 for p in _copies(tmp_path)))
    assert shell("pause", job_id, "--wait", "--timeout", "30s").code == 0
    assert status(conn) == "paused"
    shell("resume", job_id)
    eventually(lambda: status(conn) == "completed", 40)
    assert [file["name"] for file in job(shell)["output"]["files"]] == ["large"]
    assert shell("result", job_id, "--file", "large", "-o", tmp_path / "copy").code == 0
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    literal = [
        line["text"] for line in json.loads(shell("logs", job_id, "--json").out)["lines"] if "Literal" in line["text"]
    ]
    assert literal
    assert int("".join(c for c in literal[-1] if c.isdigit())) < 3 << 20


def _copies(_: Path) -> list[Path]:
    return [path for path in Path("/tmp").glob("jobctl-worker-*/*/*/program-command/state/large") if path.exists()]
