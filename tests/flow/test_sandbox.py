"""The rights of a real child: seen from outside, and felt by a job that tries to use more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from jobctl.wiring.confinement import TypeEnvironment
from jobctl.worker.processes import children, descendants

ROOT = os.geteuid() == 0
SECRETS = {
    "OPENAI_API_KEY": "key-of-the-model", "AWS_SECRET_ACCESS_KEY": "key-of-the-bucket", "JOBTOKEN_A": "token-of-a-type",
    "HTTPS_PROXY": "http://me:key-of-the-proxy@127.0.0.1:9", "SOME_PASSWORD": "word-of-the-user", "READWISE_TOKEN": "rw",
}  # fmt: skip
PASSWORD = "word-of-the-database"


@pytest.fixture
def secret(shell, database_url):
    """A shell whose environment and database URL are full of secrets."""
    shell.env |= SECRETS | {"JOBCTL_DATABASE_URL": make_conninfo(database_url, password=PASSWORD)}
    return shell


def output(shell, job_id: int = 1) -> dict:
    done = json.loads(shell("show", job_id, "--json", "--result").out)
    assert done["status"] == "completed", done["error"]
    return done["output"]


def run(shell, *words: object) -> dict:
    job_id = int(shell("submit", *words).out)
    assert shell("worker", "run", "--drain", "-c1").code == 0
    return output(shell, job_id)


@pytest.fixture
def child(secret, eventually, tmp_path):
    """The pid of a child that is at work."""
    pid = tmp_path / "pid"
    assert secret("submit", "programs", "--set", "then=wait", "--set", f"pid={pid}").code == 0
    secret.worker = secret.start("worker", "run", "-c1")
    eventually(lambda: pid.exists() and pid.read_text())
    return int(pid.read_text())


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_a_child_and_its_programs_have_no_rights(child):
    for pid in [child, *(process.pid for process in descendants(child))]:
        seen = status(pid)
        assert seen["NoNewPrivs"] == "1"
        assert {seen[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {""}
        if ROOT:
            assert seen["CapBnd"].strip("0") == ""
            assert "0" not in seen["Uid"].split() + seen["Gid"].split()
            assert seen["Groups"] == ""


def test_a_guardian_can_do_nothing_but_end_processes(child, secret):
    (guardian,) = children(secret.worker.pid)
    assert int(status(guardian)["CapEff"], 16) in (0, 1 << 5)
    assert not [entry for entry in Path(f"/proc/{guardian}/fd").iterdir() if int(entry.name) > 2]


def test_no_secret_is_in_environment_or_arguments_of_a_child(child, secret):
    (guardian,) = children(secret.worker.pid)
    programs = [process.pid for process in descendants(child)]
    for pid in [child, guardian, *programs]:
        try:
            shown = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        except (ProcessLookupError, PermissionError):
            assert pid in programs  # some of them end at once, to lose their parent
            continue
        found = {value for value in (*SECRETS.values(), PASSWORD, "password", "dbname") if value.encode() in shown}
        assert found <= ({SECRETS["HTTPS_PROXY"]} if pid in programs else set())  # which a program needs, to get out
        assert b"PATH=" in shown


def test_a_handler_sees_the_variables_that_its_type_names(secret):
    seen = run(secret, "token")
    assert seen == {"mine": {"JOBTOKEN_A": "token-of-a-type"}, "others": None}
    environment = run(secret, "rights")["environment"]
    assert {*SECRETS} & {*environment} == {"HTTPS_PROXY"}
    assert not [name for name in environment if name.startswith(("JOBCTL_", "PG", "DATABASE"))]


def test_a_setting_passes_variables_to_all_types(secret):
    secret.env |= {"JOBCTL_CHILD_ENVIRONMENT": "SOME_PASSWORD"}
    assert run(secret, "rights")["environment"]["SOME_PASSWORD"] == "word-of-the-user"


def test_a_worker_that_knows_its_database_by_libpq_variables_has_children_that_reach_it(shell, database_url, conn):
    del shell.env["JOBCTL_DATABASE_URL"]
    shell.env |= {"PGHOST": conn.info.host, "PGPORT": str(conn.info.port), "PGUSER": conn.info.user,
                  "PGDATABASE": conn.info.dbname}  # fmt: skip
    assert run(shell, "steps", "--set", "items=3")["count"] == 3


@pytest.mark.skipif(not ROOT, reason="only root's worker changes accounts")
@pytest.mark.parametrize("account", ["nobody", "root"])
def test_root_chooses_the_account_of_children(shell, account):
    shell.env |= {"JOBCTL_CHILD_ACCOUNT": account}
    seen = run(shell, "rights")["child"]
    assert (seen["Uid"].split()[0] == "0") == (account == "root")
    assert int(seen["CapEff"], 16) == (1 << 1 if account == "root" else 0)  # root may use the files of others, as ever


def test_a_variable_of_a_type_gives_way_to_what_was_there(monkeypatch):
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.delenv("TOKEN", raising=False)
    types = TypeEnvironment({"a": {"PATH": "/other", "TOKEN": "t"}, "b": {}})
    types.enter("a")
    assert (os.environ["PATH"], os.environ["TOKEN"]) == ("/other", "t")
    types.enter("b")
    assert (os.environ["PATH"], os.environ.get("TOKEN")) == ("/bin", None)


@pytest.mark.skipif(not ROOT, reason="only root's worker changes accounts")
def test_a_root_that_is_missing_costs_no_confinement(shell):
    shell.env |= {"JOBCTL_INPUT_ROOTS": "/no/such/folder"}
    assert run(shell, "rights")["child"]["Uid"].split()[0] != "0"


@pytest.mark.skipif(not ROOT, reason="only root's worker changes accounts")
def test_an_account_that_is_not_there_is_refused(shell):
    shell("submit", "noop")
    done = shell("worker", "run", "--drain", env={"JOBCTL_CHILD_ACCOUNT": "no-such-account"})
    assert (done.code, "no-such-account" in done.err) == (5, True)


@pytest.mark.skipif(not ROOT, reason="only root's worker changes accounts")
def test_a_job_of_root_writes_where_it_may_as_the_owner_of_the_folder_and_nowhere_else(shell, tmp_path_factory):
    mine, other = tmp_path_factory.mktemp("mine"), tmp_path_factory.mktemp("other")
    os.chown(mine, 4242, 4343)
    (mine / "in").write_text("read")
    os.chown(mine / "in", 4242, 4343)
    (mine / "in").chmod(0o600)
    worker = ("worker", "run", "--drain", "--input-root", mine)
    for target in (mine / "out", other / "out", "/root/out", "/etc/jobctl-test-out"):
        shell("submit", "reading", "--set", f"path={mine}/in", "--set", f"write={target}")
    assert shell(*worker).code == 0
    assert output(shell, 1) == {"name": "in", "found": "read"}
    assert ((mine / "out").stat().st_uid, (mine / "out").stat().st_gid) == (4242, 4343)
    for job_id in (2, 3, 4):
        failed = json.loads(shell("show", job_id, "--json").out)
        assert failed["status"] == "failed"
    assert [*other.iterdir()] == []
    assert not Path("/root/out").exists()


@pytest.fixture
def private(reachable_tmp, shell):
    """A folder that only its owner may enter, as a home is, with what jobs of documents need; the shell works in it."""
    folder = Path(subprocess.check_output(["mktemp", "-d", "-p", str(reachable_tmp)], text=True).strip())
    folder.chmod(0o700)
    (folder / "vault").mkdir()
    (folder / "book.md").write_text("# A book\n\nThe lighthouse keeper wrote a letter every evening. " * 20)
    return folder


def test_jobs_that_use_folders_work_in_a_folder_that_only_the_user_may_enter(shell, private):
    def here(*words: object) -> dict:
        done = shell("submit", *words, "--run", cwd=private)
        assert done.code == 0, done.err
        return output(shell, int(done.out.split()[0]))

    assert here("book.md")["chunks"] > 0
    assert here("obsidian_export", "--set", "vault=vault")["written"] == 1
    (note,) = (private / "vault").glob("*book*.md")
    assert note.stat().st_uid == os.geteuid()
    assert here("export_documents", "--set", f"path={private}/out.zip")
    assert (private / "out.zip").stat().st_uid == os.geteuid()
    assert here("import_document", "--set", "path=out.zip")["documents"] == {"skipped": 1}
    here("obsidian_sync", "--set", "vault=vault")
    left = {path.name for path in private.iterdir()}
    assert left == {"vault", "book.md", "out.zip"}


def test_what_lies_in_the_working_folder_is_no_code(shell, tmp_path):
    (tmp_path / "numpy.py").write_text("import os; os.abort()")
    (tmp_path / "book.md").write_text("# A book\n\nThe lighthouse keeper wrote a letter. " * 20)
    command = [str(Path(sys.executable).parent / "jobctl"), "submit", "book.md", "--run"]
    done = subprocess.run(command, env=shell.env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
