"""Stages that take too long, in real processes: the attempt fails as its author said, and no crash is charged."""

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.flow.test_stopping import LONG, alive, descendants

ENDED = "SELECT status, error_type, error_message, crash_count, lease_seq, next_retry_at IS NOT NULL FROM jobs"


def ended(conn) -> tuple | None:
    row = conn.execute(ENDED).fetchone()
    return row if row[0] == "failed" else None


@pytest.mark.parametrize(
    ("kind", "setting", "message"),
    [
        ("hang", "JOBCTL_STAGE_TIMEOUT", "timed out after 1s in making"),
        ("hang", "JOBCTL_STAGE_CPU", "used 1s of CPU time in making"),
    ],
)
def test_a_stage_over_a_limit_of_the_worker_fails_once_and_for_all(shell, conn, eventually, kind, setting, message):
    worker = shell.start("worker", "run", env={setting: "1"})
    shell("submit", "trouble", "--set", f"kind={kind}")
    assert eventually(lambda: ended(conn), LONG) == ("failed", "invalid", message, 0, 1, False)
    shell("submit", "noop")
    eventually(lambda: conn.execute("SELECT status FROM jobs WHERE id = 2").fetchone() == ("completed",), LONG)
    worker.terminate()
    assert worker.wait(LONG) == 0


@pytest.mark.parametrize("kind", ["hang", "sleep"])
def test_a_limit_of_the_stage_counts_from_its_own_begin_and_ends_it_as_the_author_said(shell, conn, eventually, kind):
    worker = shell.start("worker", "run")
    shell("submit", "limited", "--set", f"kind={kind}")
    assert eventually(lambda: ended(conn), LONG) == ("failed", "transient", "timed out after 1s in waiting", 0, 1, True)
    assert conn.execute("SELECT last_checkpoint_stage FROM jobs").fetchone() == ("before",)
    worker.terminate()
    assert worker.wait(LONG) == 0


def cpu_limited(pid: int) -> bool:
    """Whether the kernel limits the processor time of a process."""
    with suppress(OSError):  # it has ended
        return not re.search(r"Max cpu time +unlimited", Path(f"/proc/{pid}/limits").read_text())
    return False


def test_the_kernel_ends_a_stage_over_its_processor_time_while_the_supervisor_cannot_look(shell, conn, eventually):
    worker = shell.start("worker", "run", "-c1", env={"JOBCTL_STAGE_CPU": "1"})
    shell("submit", "trouble", "--set", "kind=hang")

    def watched() -> list[int]:
        below = descendants(worker.pid)
        return [pid for pid in below if cpu_limited(pid)]

    below = eventually(watched, LONG)
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        eventually(lambda: not all(alive(pid) for pid in below), LONG)
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    assert eventually(lambda: ended(conn), LONG) == ("failed", "invalid", "used 1s of CPU time in making", 0, 1, False)
    worker.terminate()
    assert worker.wait(LONG) == 0
