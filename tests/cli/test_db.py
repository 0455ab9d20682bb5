"""db dump, load and roles, against real databases."""

import gzip
import json
import re
import secrets
from importlib.resources import files
from io import BytesIO

import psycopg
import pytest

from jobctl.core.attempt import Outcome, Record
from jobctl.core.errors import ConfigError, IllegalTransition, UsageError
from jobctl.core.job import Filters, NewJob, Progress
from jobctl.core.lifecycle import Ending, Status
from jobctl.postgres import dump
from jobctl.postgres.connect import connect
from jobctl.postgres.dump import TABLES
from jobctl.postgres.leases import Lane, Leases
from jobctl.postgres.roles import statements
from tests.conftest import new_database

KINDS = ("submitter", "worker", "reader")


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
    assert [e["kind"] for e in target.events([4])] == ["submit", "claim", "release"]
    assert target.resume([3])[0]["answer"] == "done"
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


# -- roles -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def logins(conn, server_url):
    """A login in each of the three roles; gives a connection as one of them."""
    prefix = f"t{secrets.token_hex(3)}"
    conn.execute(statements(prefix))
    conn.execute(statements(prefix))  # after an upgrade it is run again
    owner = conn.info.user
    held: list[psycopg.Connection] = []

    def as_(kind: str):
        connection = connect(conn.info.dsn if not conn.info.password else server_url)
        connection.execute(f"SET ROLE {prefix}_{kind}")
        held.append(connection)
        return connection

    yield as_
    for connection in held:
        connection.close()
    conn.execute(f"RESET ROLE; SET SESSION AUTHORIZATION {owner}")
    for kind in KINDS:
        conn.execute(f"DROP OWNED BY {prefix}_{kind}; DROP ROLE {prefix}_{kind}")


def queue_of(connection) -> Leases:
    return Leases(lambda: connection, actor="probe")


def test_who_submits_can_control_and_sweep_but_not_take_a_job(logins, queue):
    mine = queue_of(logins("submitter"))
    mine.submit([NewJob("a", {}), NewJob("a", {}, concurrency_key="k"), NewJob("a", {}, after=(1,))])
    for verb in ("pause", "resume", "pause", "cancel", "retry", "cancel", "restart", "cancel", "delete"):
        assert getattr(mine, verb)([2])[0]["answer"] == "done", verb
    mine.hold("queue", "q")
    mine.unhold("queue", "q")
    mine.rescue()
    mine.requeue()
    mine.wake_dependents(None)
    mine.prune(age=0)
    mine.drain_workers(["w"])
    for look in (
        mine.workers,
        mine.holds,
        lambda: mine.events(None),
        lambda: mine.run("stats", since=None, types=None, queue=None),
    ):
        look()
    for forbidden in (
        "UPDATE jobctl.jobs SET lease_seq = 9", "UPDATE jobctl.jobs SET input_data = '{}'", "UPDATE jobctl.jobs SET worker_id = 1",
        "INSERT INTO jobctl.checkpoints (job_id, seq, lease_seq) VALUES (1, 1, 1)", "DELETE FROM jobctl.documents",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            mine.connection.execute(forbidden)
    with pytest.raises(ConfigError, match="refuses"):
        mine.claim(queue.worker, _lanes(), 1)


def _lanes():
    return [Lane("default", "a", 2)]


def test_a_worker_can_do_a_whole_job(logins, queue):
    queue.submit([NewJob("a", {})])
    mine = queue_of(logins("worker"))
    worker = mine.register(name="w2", host="h", pid=2, version="0", capacity=1, job_types=["a"], queues=[])
    (job,) = mine.claim(worker, _lanes(), 1)
    mine.beat(worker, {job.token.job_id: (job.token, Progress(5.0))})
    mine.log([(job.token.job_id, 1, "info", None, "line")])
    mine.commit_stage(job.token, Record(1, "s", 1, True, "jobs/x", "0" * 64, 5, True), follow_up=[NewJob("b", {})])
    assert mine.settle([Outcome(job.token, Ending.COMPLETED)])[job.token.job_id].status is Status.COMPLETED
    mine.rescue()
    mine.requeue()
    mine.unregister(worker)
    for forbidden in ("DELETE FROM jobctl.jobs", "UPDATE jobctl.events SET kind = 'x'", "DELETE FROM jobctl.events"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            mine.connection.execute(forbidden)


def test_a_reader_only_looks(logins, queue):
    queue.submit([NewJob("a", {})])
    mine = queue_of(logins("reader"))
    assert len(mine.find(Filters())) == 1
    for forbidden in (
        "INSERT INTO jobctl.holds (kind, name) VALUES ('queue', 'q')",
        "UPDATE jobctl.jobs SET title = ''",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            mine.connection.execute(forbidden)


@pytest.mark.parametrize("kind", KINDS)
def test_no_role_rewrites_history_or_changes_the_schema(logins, kind, queue):
    mine = logins(kind)
    for forbidden in (
        "UPDATE jobctl.events SET actor = 'x'", "DELETE FROM jobctl.events", "TRUNCATE jobctl.events", "DROP TABLE jobctl.jobs",
        "CREATE TABLE jobctl.mine (id int)", "ALTER TABLE jobctl.jobs DISABLE TRIGGER ALL", "UPDATE jobctl.alembic_version SET version_num = ''",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            mine.execute(forbidden)


def test_the_roles_are_printed_and_a_bad_name_is_refused(cli):
    assert "CREATE ROLE papers_worker NOLOGIN" in cli("db", "roles", "--prefix", "papers").out
    assert cli("db", "roles", "--prefix", "x; DROP").code == 2


LOOKS = {
    "attempts", "blockers", "checkpoints", "committed", "count", "dependencies", "effective", "errors", "events", "family", "find", "health", "hint", "holds",
    "lanes", "left_waiting", "logs", "next_lease_end", "passed", "requests", "spread", "stats", "statuses", "strays", "work_left", "workers",
}  # fmt: skip
SWEEPS = {"make_due", "requeue", "rescue", "wake_dependents", "wake_keys", "note_event"}
MAY = {
    "reader": LOOKS,
    # settle moves the columns that rescue and restart move too: what guards it is the token
    "submitter": LOOKS | SWEEPS | {
        "settle",
        "submit", "pause", "resume", "retry", "restart", "cancel", "delete", "prune", "prune_results", "hold", "unhold", "drain_worker",
    },
    "worker": LOOKS | SWEEPS | {
        "submit", "pause", "cancel", "retry", "resume", "restart", "prune", "prune_results", "hold", "unhold", "drain_worker", "register",
        "unregister", "claim", "beat", "commit_stage", "settle", "log",
    },
}  # fmt: skip
"""Role → the statements it may run."""


@pytest.mark.parametrize("kind", KINDS)
def test_each_statement_is_open_to_the_roles_that_need_it_and_to_no_other(logins, kind):
    cursor = psycopg.ClientCursor(logins(kind))  # explaining checks privileges and runs nothing
    found = set()
    for file in (files("jobctl.postgres") / "sql").iterdir():
        verb, text = file.name.removesuffix(".sql"), file.read_text()
        try:
            with cursor.connection.transaction(force_rollback=True):
                cursor.execute(f"EXPLAIN {text}", dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
            found.add(verb)
        except psycopg.errors.InsufficientPrivilege:
            continue
    assert found == MAY[kind]
