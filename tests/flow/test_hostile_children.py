"""Whatever a child sends, and however a handler fails: an error of its own job, never of the supervisor or a neighbour."""

import json
import re
from pathlib import Path

import pytest

ATTACKS = ("text", "no fields", "unknown job", "returned", "deep", "endless", "claims a length")
MEMORY = 96 << 20
"""Bytes by which a supervisor may grow while children send it 800 MB: the cap of a message, and what it reads at once."""


def job(shell, job_id: int) -> dict:
    done = shell("show", job_id, "--json", "--result", "--events")
    assert done.code == 0, done.err
    return json.loads(done.out)


def submit(shell, job_type: str, **values: object) -> int:
    done = shell("submit", job_type, *(word for k, v in values.items() for word in ("--set", f"{k}={v}")))
    assert done.code == 0, done.err
    return int(done.out)


def peak(pid: int) -> int:
    """The most memory that a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) << 10


def test_a_child_that_sends_what_is_no_message_fails_its_own_job_and_no_other(shell, eventually):
    good = submit(shell, "steps", items=4)
    worker = shell.start("worker", "run", "-c", 2)
    assert shell("wait", good, "--timeout", "60s").code == 0
    before = peak(worker.pid)
    attacks = {submit(shell, "hostile", kind=kind): kind for kind in ATTACKS}
    neighbours = [submit(shell, "steps", items=4) for _ in range(3)]
    assert shell("wait", *neighbours, "--timeout", "60s").code == 0
    assert shell("wait", *attacks, "--timeout", "60s").code == 10
    assert worker.poll() is None
    assert peak(worker.pid) - before < MEMORY
    for job_id, kind in attacks.items():
        failed = job(shell, job_id)
        assert (failed["status"], failed["crash_count"], failed["error"]["type"]) == ("failed", 0, "permanent"), kind
        assert failed["error"]["message"].startswith("The process of the job sent its supervisor "), kind
    worker.terminate()
    assert worker.wait(20) == 0


RAISED = {
    "unreadable": "__str__ raised ValueError",
    "base": "Elsewhere: from elsewhere",
    "generator": "GeneratorExit: generator",
    "exit": "SystemExit: 402",
    "interrupt": "KeyboardInterrupt",
    "properties": "Properties, an exception that cannot be read: reading it raised KeyError",
    "surrogate": "surrogates not allowed",
    "memory": "more memory",
    "allocate": "more memory",
    "long": "xxxx",
}


def test_whatever_a_handler_raises_is_one_error_of_its_job(shell):
    kinds = {submit(shell, "raises", kind=kind): kind for kind in RAISED}
    later = submit(shell, "raises", kind="later")
    done = shell("worker", "run", "--drain", "-c", 1)
    assert done.code == 0, done.err
    for job_id, kind in kinds.items():
        failed = job(shell, job_id)
        assert (failed["status"], failed["crash_count"], failed["error"]["type"]) == (
            "failed",
            0,
            "invalid" if kind in ("memory", "allocate") else "permanent",
        ), kind
        assert RAISED[kind] in failed["error"]["message"], kind
        assert [e["kind"] for e in failed["events"]] == ["submit", "claim", "fail"], kind
    delayed = job(shell, later)  # its own delay makes no sense: the usual one
    assert (delayed["error"]["type"], delayed["next_retry_at"] is not None) == ("transient", True)


@pytest.mark.parametrize("depth", [500, 5_000])
def test_a_row_that_nobody_can_decode_fails_its_own_job_and_no_worker(shell, conn, depth):
    nested = "[" * depth + "]" * depth
    conn.execute("SET session_replication_role = replica")  # rows from before the database refused them
    conn.execute(
        "INSERT INTO jobs (job_type, input_data) VALUES ('steps', jsonb_build_object('items', %s::jsonb))", [nested]
    )
    conn.execute("INSERT INTO jobs (job_type, input_data) VALUES ('steps', '[1]')")
    conn.execute(
        "INSERT INTO jobs (job_type, metadata) VALUES ('steps', jsonb_build_object('inputs', %s::jsonb))", [nested]
    )
    conn.execute("INSERT INTO jobs (job_type, metadata) VALUES ('steps', jsonb_build_object('x', %s::jsonb))", [nested])
    conn.execute("INSERT INTO jobs (job_type, progress) VALUES ('steps', '{\"percent\": 1e999}')")
    conn.execute("SET session_replication_role = origin")
    good = submit(shell, "steps", items=4)
    done = shell("worker", "run", "--drain", "-c", 1)
    assert done.code == 0, done.err
    found = conn.execute("SELECT id, status, error_type, crash_count FROM jobs ORDER BY id").fetchall()
    assert [row[1:] for row in found[:3]] == [("failed", "invalid", 0)] * 3
    assert found[3][1:] in [("completed", None, 0), ("failed", "invalid", 0)]  # what it does not read may be skipped
    assert [row[:2] for row in found[4:]] == [(good - 1, "completed"), (good, "completed")]
