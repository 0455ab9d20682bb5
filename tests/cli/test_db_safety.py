"""What db load and db downgrade refuse, each with exit code 2 or 4 and a reason, and nothing changed."""

import gzip
import hashlib
import json
import os
import threading
from io import BytesIO

import pytest

from jobctl.core.errors import UsageError
from jobctl.core.job import NewJob
from jobctl.postgres import dump
from jobctl.postgres.connect import connect
from jobctl.postgres.dump import TABLES
from jobctl.postgres.leases import Leases
from jobctl.postgres.revision import current, head
from tests.conftest import new_database


@pytest.fixture
def other(server_url):
    """Another, empty database of the same server."""
    with new_database(server_url) as url:
        yield url


def rows_of(queue: Leases) -> dict[str, list[bytes]]:
    """Table → its rows as a dump has them."""
    sink = BytesIO()
    dump.dump(queue.connection, sink)
    found: dict[str, list[bytes]] = {}
    table = ""
    for line in gzip.decompress(sink.getvalue()).split(b"\n")[1:]:
        if line.startswith(b'{"table"'):
            table = json.loads(line)["table"]
            found[table] = []
        elif line != b"\\." and not line.startswith(b'{"rows"'):
            found[table].append(line)
    return {name: [row for row in rows if row] for name, rows in found.items()}


def forged(rows: dict[str, list[bytes]], first: dict | bytes) -> bytes:
    """A dump with these rows whose counts and hash are right: only its content is wrong."""
    lines = [first if isinstance(first, bytes) else json.dumps(first).encode()]
    for name, columns in TABLES.items():
        lines += [json.dumps({"table": name, "columns": columns}).encode(), *rows[name], b"\\."]
    body = b"\n".join(lines) + b"\n"
    counts = {name: len(rows[name]) for name in TABLES}
    last = json.dumps({"rows": counts, "sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n"
    return gzip.compress(body + last)


def test_a_forged_dump_with_right_counts_and_hash_loads(queue, other):
    """The forger of the other tests makes dumps that only their content can give away."""
    queue.submit([NewJob("a", {})])
    target = Leases(lambda: connect(other))
    try:
        assert dump.load(target, BytesIO(forged(rows_of(queue), {"jobctl_dump": 1, "schema": head()})))["jobs"] == 1
    finally:
        target.close()


HEADS = (
    {"jobctl_dump": 1},
    {"jobctl_dump": 1, "schema": None},
    {"jobctl_dump": 1, "schema": {"a": 1}},
    {"jobctl_dump": 1, "schema": "\x1b[31m" * 9},
    {"jobctl_dump": 1, "schema": "9" * 5000},
    b"[" * 60_000,
    b'{"jobctl_dump": ' + b"1" * 6000 + b"}",
    b"null",
    b"\xff\xfe",
)


@pytest.mark.parametrize("first", HEADS, ids=range(len(HEADS)))
def test_a_dump_with_a_wrong_first_line_is_refused(queue, other, first):
    target = Leases(lambda: connect(other))
    try:
        with pytest.raises(UsageError) as refused:
            dump.load(target, BytesIO(forged(rows_of(queue), first)))
    finally:
        target.close()
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 200


def in_column(row: bytes, table: str, column: str, value: bytes) -> bytes:
    cells = row.split(b"\t")
    cells[TABLES[table].index(column)] = value
    return b"\t".join(cells)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", b"9223372036854775807"),
        ("id", b"-5"),
        ("input_data", b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
        ("input_data", b'{"a": ' + b"[" * 900_000 + b"]" * 900_000 + b"}"),
        ("priority", b"7"),
        ("created_at", b"infinity and more"),
        ("title", b"\\xff"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_dump_with_a_hostile_row_is_refused_and_changes_nothing(queue, other, column, value):
    queue.submit([NewJob("a", {})])
    rows = rows_of(queue)
    rows["jobs"] = [in_column(rows["jobs"][0], "jobs", column, value)]
    target = Leases(lambda: connect(other))
    try:
        with pytest.raises(UsageError, match="not a complete dump"):
            dump.load(target, BytesIO(forged(rows, {"jobctl_dump": 1, "schema": head()})))
        assert target.connection.execute("SELECT count(*) FROM jobctl.jobs").fetchone() == (0,)
        assert target.submit([NewJob("a", {})])[0].id == 1
    finally:
        target.close()


def test_a_fifo_and_a_device_are_refused_at_once(cli, tmp_path):
    fifo = tmp_path / "pipe.jobctl"
    os.mkfifo(fifo)
    for path in (fifo, "/dev/zero", tmp_path):
        done = cli("db", "load", path)
        assert (done.code, done.out) == (2, "")
        assert "is not a regular file" in done.err
    assert cli("db", "load", "a\x00b").code == 2


def test_a_dump_does_not_replace_a_fifo_or_a_folder(cli, tmp_path):
    fifo = tmp_path / "pipe.jobctl"
    os.mkfifo(fifo)
    for path in (fifo, tmp_path):
        assert cli("db", "dump", path, "-y").code == 2
    assert fifo.is_fifo()


def test_a_dump_is_loaded_through_a_pipe_on_stdin(shell, other, tmp_path):
    """Stdin may be a pipe: that is what "-" is for."""
    shell("submit", "noop")
    assert shell("db", "dump", tmp_path / "all.jobctl").code == 0
    read, write = os.pipe()
    writer = threading.Thread(target=lambda: (os.write(write, (tmp_path / "all.jobctl").read_bytes()), os.close(write)))
    writer.start()
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "jobctl", "db", "load", "-", "--json"], stdin=read, capture_output=True, text=True,
        env={**shell.env, "JOBCTL_DATABASE_URL": other}, timeout=60, check=False,
    )  # fmt: skip
    os.close(read)
    writer.join()
    assert (done.returncode, json.loads(done.stdout)["rows"]["jobs"]) == (0, 1)


@pytest.fixture
def with_worker(other, monkeypatch, cli):
    """A database of its own at which a worker is registered, and the commands against it."""
    queue = Leases(lambda: connect(other))
    queue.worker = queue.register(name="vm-1", host="h", pid=1, version="0", capacity=1, job_types=["a"], queues=[])
    monkeypatch.setenv("JOBCTL_DATABASE_URL", other)
    yield queue
    queue.close()


def test_a_downgrade_is_refused_while_workers_are_alive(with_worker, cli):
    with_worker.register(name="vm-2", host="h", pid=2, version="0", capacity=1, job_types=["a"], queues=[])
    done = cli("db", "downgrade", "0002", "-y")
    assert done.code == 4
    assert "vm-1, vm-2" in done.err
    assert "--force" in done.err
    assert current(with_worker.connection) == head()
    assert cli("db", "downgrade", "0002", "-y", "--force").code == 0
    assert current(with_worker.connection) == "0002"


@pytest.mark.parametrize("gone", ["stopped_at = jobctl.clock()", "heartbeat_at = jobctl.clock() - interval '1 hour'"])
def test_a_downgrade_is_not_refused_for_workers_that_are_gone(with_worker, cli, gone):
    with_worker.connection.execute(f"UPDATE jobctl.workers SET {gone}")
    assert cli("db", "downgrade", "base", "-y").code == 0
    assert cli("db", "downgrade", "base", "-y").code == 0
