"""A home that is removed while its server runs, and used again: people start over that way."""

import json
import os
import shutil
import subprocess

import pytest

from jobctl.postgres.embedded.location import Location
from jobctl.postgres.embedded.process import postmaster_pid
from tests.embedded.processes import alive, remove, works

pytestmark = [pytest.mark.timeout(180)]


@pytest.fixture
def home(base, servers, shell):
    """A home with a worker in the middle of a job."""
    server = servers(base / "home")
    shell.env.pop("JOBCTL_DATABASE_URL")
    shell.env |= {"JOBCTL_HOME": str(server.home), "JOBCTL_LEASE_TTL": "3", "JOBCTL_TEST_FAST": "1"}
    return server


def busy_worker(shell, eventually):
    shell("submit", "steps", "--set", "slow=0.5")
    shell.start("worker", "run", "-c1", "--poll", "0.2")
    eventually(lambda: "processing" in shell("list", "--json", "-s", "processing").out, 60)


@pytest.mark.parametrize("part", ["", "pg"])
def test_the_job_of_the_new_home_is_done_and_the_old_server_goes_away(home, shell, eventually, part):
    busy_worker(shell, eventually)
    old = postmaster_pid(home.cluster)
    remove(home.home / part)
    job = shell("submit", "steps")
    assert job.code == 0, job.err
    assert not alive(old)
    assert shell("wait", job.out.strip(), "--timeout", "90s", wait=100).code == 0
    assert shell("list", "--json", "-s", "processing").out.count('"id"') == 0
    pids = [worker["pid"] for worker in json.loads(shell("worker", "list", "--json").out)["workers"]]
    assert pids == [shell.started[0].pid]


def test_a_worker_looks_after_the_server_when_nobody_else_does(home, shell, eventually):
    busy_worker(shell, eventually)
    old = postmaster_pid(home.cluster)
    remove(home.home)
    eventually(lambda: Location.read(home.home), 60)
    assert not alive(old)
    job = shell("submit", "steps").out.strip()
    assert shell("wait", job, "--timeout", "90s", wait=100).code == 0


def test_an_old_server_that_ends_late_takes_nothing_from_the_new_one(base, servers):
    server = servers(base / "home")
    assert works(server)
    before = server.socket_dir
    kept = base / "elsewhere"
    server.home.rename(kept)  # not removed: the old server has its data and lives on
    again = servers(base / "home")
    assert works(again)
    assert again.socket_dir != before
    moved = servers(kept)
    assert works(moved)
    assert moved.stop()
    assert works(again)
    assert any(again.socket_dir.iterdir())


def test_a_home_that_was_moved_keeps_its_server_and_its_data(base, servers):
    server = servers(base / "home")
    assert works(server)
    pid = postmaster_pid(server.cluster)
    server.home.rename(base / "moved")
    moved = servers(base / "moved")
    assert works(moved)
    assert moved.status().pid == pid


@pytest.mark.parametrize("long", [False, True], ids=["socket in the home", "socket elsewhere"])
def test_a_copy_of_a_home_gets_a_server_of_its_own(base, servers, long):
    base = base / ("x" * 100 if long else "")
    base.mkdir(parents=True, exist_ok=True)
    server = servers(base / "home")
    assert works(server)
    pid = postmaster_pid(server.cluster)
    copy(server.home, base / "copy")
    other = servers(base / "copy")
    assert works(other)
    assert other.status().pid not in (None, pid)
    assert server.status().pid == pid


def copy(source, target):
    def one(a, b, **_):
        shutil.copy2(a, b)
        facts = os.lstat(a)
        os.chown(b, facts.st_uid, facts.st_gid)

    shutil.copytree(
        source, target, copy_function=one, ignore=lambda folder, names: [n for n in names if n.startswith(".s.")]
    )
    for folder, _, _ in os.walk(source):
        facts = os.lstat(folder)
        twin = target / os.path.relpath(folder, source)
        os.chown(twin, facts.st_uid, facts.st_gid)


def test_db_stop_finds_the_server_of_a_home_that_was_removed(base, servers):
    server = servers(base / "home")
    assert works(server)
    pid = postmaster_pid(server.cluster)
    remove(server.home)
    found = server.stop()
    assert found or not alive(pid)  # it looks for its folder itself, once a minute
    assert not alive(pid)
    assert not server.stop()
    assert not server.home.exists()


def test_a_shell_in_the_removed_folder_is_no_server(base, servers):
    server = servers(base / "home")
    assert works(server)
    pid = postmaster_pid(server.cluster)
    shell = subprocess.Popen(["sleep", "60"], cwd=server.cluster)
    try:
        remove(server.home)
        found = server.stop()
        assert found or not alive(pid)
        assert shell.poll() is None
    finally:
        shell.kill()
        shell.wait()
