"""The embedded server: started by five at once, killed, half made, on awkward paths; each works afterwards."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from jobctl.core.errors import ConfigError, IllegalTransition, StoreUnavailable
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.embedded.account import Account
from jobctl.postgres.embedded.binaries import find
from jobctl.postgres.embedded.process import LINUX, postmaster_pid
from jobctl.worker.processes import children
from tests.embedded.processes import kill_everything, works


@pytest.mark.parametrize("name", ["plain", "with space and 'quotes\" and, comma", "x" * 150, "日本語"])
def test_it_comes_up_on_any_path_and_says_what_takes_long(base, servers, name):
    said = []
    server = servers(base / name, said)
    assert works(server)
    assert "creating the database (once)" in said
    assert server.status().running
    assert len(os.fsencode(server.socket_dir)) < 104


def test_five_first_commands_at_once_make_one_database(base):
    code = f"""
import os, sys
from pathlib import Path
from jobctl.postgres.embedded import Server
from jobctl.postgres import migrate
server = Server(Path({str(base / "home")!r}), report=lambda line: print(line), environment=os.environ, durable=False)
migrate.upgrade(server.ensure())
"""
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(5)]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 5
    assert "".join(said).count("creating the database") == 1
    server = Server(base / "home", report=lambda _: None, environment=os.environ)
    server.stop(force=True)


def test_it_works_again_after_everything_was_killed(base, servers):
    server = servers(base / "home", durable=True)
    with connect(server.ensure()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    for _ in range(2):
        kill_everything(server)
        with connect(server.ensure()) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_killed_initdb_leaves_nothing_in_the_way(base, servers):
    server = servers(base / "home")
    half = server.cluster.parent / "cluster.init-99999"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    account = Account.choose(os.environ)
    for path in (half, half / "PG_VERSION", half.parent, half.parents[1]):
        os.chown(path, account.uid, account.gid)
    assert works(server)
    assert not half.exists()


def test_a_stale_pid_file_is_judged_by_what_the_pid_is(base, servers):
    server = servers(base / "home")
    assert works(server)
    kill_everything(server)
    file = server.cluster / "postmaster.pid"
    lines = file.read_text().split("\n")
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        file.write_text("\n".join([str(other.pid), *lines[1:]]))
        assert works(server)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_living_server_whose_socket_was_deleted_is_replaced(base, servers):
    server = servers(base / "home")
    assert works(server)
    before = postmaster_pid(server.cluster)
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (server.socket_dir / name).unlink()
    assert works(server)
    assert postmaster_pid(server.cluster) != before


@pytest.mark.skipif(not LINUX, reason="only Linux tells that the program of a process was removed")
def test_a_living_server_whose_installation_was_removed_is_replaced(base, servers):
    """An environment that was deleted and made anew: the old server finds none of its own files any more."""
    installed = find({})
    package = installed.package
    assert package is not None
    removed = base / "removed"
    for folder in (package, package.with_name(f"{package.name}.libs")):  # its programs find their libraries beside it
        shutil.copytree(folder, removed / folder.name, symlinks=True)
    bindir = removed / installed.bindir.relative_to(package.parent)
    environment = {**os.environ, "JOBCTL_PG_BINDIR": str(bindir)}
    old = Server(base / "home", report=lambda _: None, environment=environment, durable=False)
    with connect(old.ensure()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    before = postmaster_pid(old.cluster)
    shutil.rmtree(removed)
    server = servers(base / "home")
    with connect(server.ensure()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    assert postmaster_pid(server.cluster) != before


def test_stop_refuses_while_a_worker_is_connected_and_starts_again_after(base, servers):
    server = servers(base / "home")
    with connect(server.ensure(), application_name="jobctl worker"), pytest.raises(IllegalTransition, match="worker"):
        server.stop()
    assert server.stop()
    assert not server.status().running
    assert not server.stop()
    assert works(server)


def test_it_is_private_and_durable(base):
    server = Server(base / "home", report=lambda _: None, environment=os.environ)
    try:
        with connect(server.ensure()) as connection:
            shown = {n: connection.execute(f"SHOW {n}").fetchone()[0] for n in (
                "listen_addresses", "fsync", "synchronous_commit", "full_page_writes", "data_checksums")}  # fmt: skip
        assert shown == {
            "listen_addresses": "",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
        }
        assert server.socket_dir.stat().st_mode & 0o077 == 0
        assert (server.cluster).stat().st_mode & 0o077 == 0
    finally:
        server.stop(force=True)


def test_variables_of_the_user_do_not_divert_it(base, servers, monkeypatch):
    monkeypatch.setenv("PGHOST", "elsewhere.invalid")
    monkeypatch.setenv("PGDATABASE", "other")
    assert works(servers(base / "home"))


def test_without_any_postgres_the_way_out_is_said(base, monkeypatch):
    server = Server(base / "home", report=lambda _: None, environment={"JOBCTL_PG_BINDIR": str(base)})
    with pytest.raises(ConfigError, match="no working Postgres"):
        server.ensure()


def test_a_home_that_cannot_be_written_is_a_clear_error(base, servers):
    file = base / "file"
    file.write_text("x")
    with pytest.raises(ConfigError, match="can't be used"):
        Server(file / "home", report=lambda _: None, environment=os.environ).ensure()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change the account")
def test_root_runs_it_as_another_account_and_opens_nobodys_home(base, servers):
    closed = base / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="can't enter"):
        Server(closed / "home", report=lambda _: None, environment=os.environ).ensure()
    assert closed.stat().st_mode & 0o777 == 0o700
    server = servers(base / "home")
    assert works(server)
    pid = postmaster_pid(server.cluster)
    assert Path(f"/proc/{pid}").stat().st_uid == Account.choose(os.environ).uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_runs_it_as_itself(base):
    home = base / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    code = f"""
import fcntl
import os
from pathlib import Path
from jobctl.postgres.embedded import Server
server = Server(Path({str(home)!r}), report=print, environment=os.environ, durable=False)
print(server.ensure())
server.stop(force=True)
"""
    site = str(Path(psycopg.__file__).parents[1])
    reachable = Account(65534, 65534, "nobody").can_reach(Path(sys.executable)) and Account(
        65534, 65534, "nobody"
    ).can_reach(Path(site))
    if not reachable:
        pytest.skip("the interpreter lies in a folder that is closed to others")
    done = subprocess.run([sys.executable, "-c", code], user=65534, group=65534, extra_groups=[], capture_output=True, text=True,
                          cwd="/", env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (home / "pg" / "18" / "cluster").stat().st_uid == 65534


def test_it_listens_on_no_port(base, servers):
    server = servers(base / "home")
    assert works(server)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 5432)) != 0


def test_a_command_does_not_wait_for_ever_for_one_that_was_stopped_in_the_middle(base):
    """Found by the torture: a worker stopped while it brought the server up held everybody."""
    server = Server(base / "held", report=lambda _: None, environment=os.environ, timeout=0.2)
    server.home.mkdir(parents=True, exist_ok=True)
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import fcntl, os, time; d = os.open({str(server.home / 'pg.lock')!r}, os.O_RDWR | os.O_CREAT); "
         "fcntl.flock(d, fcntl.LOCK_EX); os.write(d, str(os.getpid()).encode()); print('held', flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    holder.stdout.readline()
    with pytest.raises(StoreUnavailable, match=f"process {holder.pid}"):
        server.ensure()
    holder.kill()
    holder.communicate()


@pytest.mark.timeout(120)
def test_a_frozen_child_never_has_the_lock_of_the_server_in_its_hands(base, servers, shell, eventually):
    """Found by the torture: the child that brought the server up was frozen, and nobody else could."""
    server = servers(base / "home")
    shell.env.pop("JOBCTL_DATABASE_URL")
    shell.env |= {"JOBCTL_HOME": str(server.home), "JOBCTL_LEASE_TTL": "2", "JOBCTL_TEST_FAST": "1"}
    job = shell("submit", "steps", "--set", "slow=0.3").out.strip()
    shell.start("worker", "run", "-c1", "--drain")
    eventually(lambda: "processing" in shell("list", "--json", "-s", "processing").out)
    with (server.home / "pg.lock").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # whoever wants to bring the server up waits here
        kill_everything(server)
        child = eventually(lambda: frozen_child(shell.started[0].pid))
        files = {str(link.readlink()) for link in Path(f"/proc/{child}/fd").iterdir()}
    assert str(server.home / "pg.lock") not in files
    assert shell("wait", job, "--timeout", "60s").code == 0


def frozen_child(parent: int) -> int | None:
    handlers = (child for guardian in children(parent) for child in children(guardian))
    return next((c for c in handlers if Path(f"/proc/{c}/stat").read_text().split(") ")[1][0] == "T"), None)
