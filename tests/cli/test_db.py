"""db dump and load, against real databases."""

import gzip
import json
from io import BytesIO

import pytest

from jobctl.core.attempt import Outcome, Record
from jobctl.core.errors import IllegalTransition, UsageError
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending, Status
from jobctl.postgres import dump
from jobctl.postgres.connect import connect
from jobctl.postgres.dump import TABLES
from jobctl.postgres.leases import Leases
from tests.conftest import new_database


@pytest.fixture
def other(server_url):
    """Another, empty database of the same server."""
    with new_database(server_url) as url:
        yield url


def everything(url: str, without: tuple[str, ...] = ()) -> dict[str, list]:
    with connect(url) as connection:
        return {
            name: connection.execute(f"SELECT {', '.join(columns)} FROM jobctl.{name} ORDER BY 1, 2").fetchall()
            for name, columns in TABLES.items()
            if name not in without
        }


def fill(queue: Leases, claim) -> None:
    """Jobs in every state, one with a checkpoint, one that runs; a document with text that COPY has to escape."""
    awkward = "a\tb\nc\\.\nd\\\\.\r\x01 日本語 🎉"
    queue.submit([NewJob("a", {"text": awkward}, title=awkward, labels={"k": "v"}) for _ in range(5)])
    done, failed, paused, running = claim(4)
    queue.commit_stage(paused.token, Record(1, "s", 1, True, "jobs/x", "0" * 64, 5, True))
    queue.pause([paused.token.job_id])
    queue.settle([Outcome(done.token, Ending.COMPLETED, output='{"n": 1}'), Outcome(paused.token, Ending.PAUSED)])
    queue.log([(running.token.job_id, 1, "info", None, awkward)])
    assert failed
    queue.connection.execute(
        "INSERT INTO jobctl.documents (uid, title, source_type, source_sha256, markdown_key, markdown_sha256, engine) "
        "VALUES (gen_random_uuid(), %s, 'text', %s, 'k', repeat('0', 64), 'e')", ("x" * 200_000 + awkward, "0" * 64),
    )  # fmt: skip
    queue.connection.execute(
        "INSERT INTO jobctl.chunks (document_id, index, text, start_offset, end_offset, engine, generation, vector) "
        "SELECT id, 0, %s, 0, 5, 'e', 1, %s FROM jobctl.documents", (awkward, b"\x00\x00\x80\x3f" * 3),
    )  # fmt: skip


def packed(queue: Leases) -> bytes:
    sink = BytesIO()
    dump.dump(queue.connection, sink)
    return sink.getvalue()


def test_a_dump_loaded_elsewhere_is_the_same_and_its_jobs_go_on(queue, claim, database_url, other):
    fill(queue, claim)
    target = Leases(lambda: connect(other), actor="load")
    rows = dump.load(target, BytesIO(packed(queue)))
    assert (rows["jobs"], rows["documents"], rows["chunks"], rows["checkpoints"]) == (5, 1, 1, 1)
    moved = ("jobs", "events", "workers")  # the jobs that ran have been given back, their workers are not here
    assert target.connection.execute("SELECT count(*) FROM jobctl.workers WHERE stopped_at IS NULL").fetchone() == (0,)
    assert everything(other, moved) == everything(database_url, moved)
    jobs = {job.id: job for job in target.find(Filters(), full=True)}
    assert [jobs[n].status for n in range(1, 6)] == [
        Status.COMPLETED,
        Status.PENDING,
        Status.PAUSED,
        Status.PENDING,
        Status.PENDING,
    ]
    assert jobs[2].crash_count == jobs[4].crash_count == 0
    assert [e.kind for e in target.events([4])] == ["submit", "claim", "release"]
    assert target.resume([3])[0].outcome == "done"
    assert target.submit([NewJob("a", {})])[0].id == 6
    column = target.connection.execute(
        "SELECT 1 FROM pg_attribute WHERE attrelid = 'jobctl.chunks'::regclass AND attname = 'embedding'"
    )
    if column.fetchone():
        assert target.connection.execute("SELECT embedding::text FROM jobctl.chunks").fetchone() == ("[1,1,1]",)
    target.close()


def test_a_dump_that_is_cut_or_changed_anywhere_changes_nothing(queue, claim, other):
    fill(queue, claim)
    whole = packed(queue)
    plain = gzip.decompress(whole)
    lines = plain.split(b"\n")
    damaged = [
        b"", b"no dump at all", whole[: len(whole) // 2], whole[:-9], whole[:300] + bytes([whole[300] ^ 1]) + whole[301:],
        *(gzip.compress(text) for text in (
            plain[: len(plain) // 2], plain + b"x", b"\n".join(lines[1:]), plain.replace(b'"jobs"', b'"job2"', 1),
            plain.replace(b"\t5\t", b"\t6\t", 1), plain.replace(b"pending", b"pendinh", 1), plain.replace(b'"schema": "', b'"schema": "9', 1),
        )),
    ]  # fmt: skip
    target = Leases(lambda: connect(other), actor="load")
    for data in damaged:
        with pytest.raises(UsageError) as refused:
            dump.load(target, BytesIO(data))
        assert len(str(refused.value)) < 200
        assert refused.value.hint
    assert not any(everything(other).values())
    assert target.connection.execute("SELECT is_called FROM jobctl.jobs_id_seq").fetchone() == (False,)
    dump.load(target, BytesIO(whole))
    with pytest.raises(IllegalTransition, match="not empty"):
        dump.load(target, BytesIO(whole))
    target.close()


def test_dump_and_load_at_the_shell(cli, other, tmp_path, monkeypatch):
    cli("submit", "noop", "--title", "Dune")
    done = cli("db", "dump", tmp_path / "all.jobctl")
    assert (done.code, done.out) == (0, "")
    assert "dumped 1 job and 0 documents" in done.err
    assert f"stay in the storage: {tmp_path / 'storage'}" in done.err
    assert oct((tmp_path / "all.jobctl").stat().st_mode)[-3:] == "600"
    assert cli("db", "dump", tmp_path / "all.jobctl").code == 2
    assert cli("db", "dump", tmp_path / "all.jobctl", "-y").code == 0
    assert cli("db", "load", tmp_path / "all.jobctl").code == 4
    assert cli("db", "load", tmp_path / "none.jobctl").code == 2
    assert cli("db", "dump", tmp_path / "no" / "where").code == 2
    assert sorted(path.name for path in tmp_path.glob("*.jobctl*")) == ["all.jobctl"]
    monkeypatch.setenv("JOBCTL_DATABASE_URL", other)
    assert json.loads(cli("db", "load", tmp_path / "all.jobctl", "--json").out)["rows"]["jobs"] == 1
    assert "Dune" in cli("list").out
