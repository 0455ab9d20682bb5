"""Two versions on one queue, each from its wheel: an upgrade and a rollback of the schema while workers of both run.

The old one is the first that knows which schemas serve it (revision 0010). What was before it has to be stopped first.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from jobctl.postgres.revision import head
from tests.conftest import PLUGIN, ROOT, clean_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

OLD, OLD_SCHEMA = "1009a1f", "0010"
GRACE = 60.0
CHARGED = "SELECT count(*) FROM jobctl.jobs WHERE retry_count > 0 OR crash_count > 0 OR status = 'failed'"
DONE = "SELECT count(*) FROM jobctl.jobs WHERE status = 'completed'"
SETTLED_BY = (
    "SELECT count(DISTINCT e.job_id) FROM jobctl.events e JOIN jobctl.workers w ON e.actor = 'worker:' || w.id "
    "WHERE w.name = %s AND e.id > %s"
)


@dataclass(frozen=True)
class Version:
    """An installed jobctl."""

    program: Path
    env: dict[str, str]

    def __call__(self, *words: object, code: int = 0) -> str:
        done = subprocess.run(
            [self.program, *map(str, words)],
            env=self.env,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, f"{words}: {done.returncode}: {done.stderr}"
        return done.stdout + done.stderr

    def worker(self, name: str, log: Path) -> subprocess.Popen:
        with log.open("ab") as sink:
            return subprocess.Popen(
                [self.program, "worker", "run", "-c2", "--name", name, "--grace", f"{GRACE:g}s", "--input-root", log.parent],
                env=self.env, cwd=log.parent, stdout=sink, stderr=sink,
            )  # fmt: skip


def installed(source: Path, place: Path) -> Path:
    """jobctl from a wheel of a source tree, in an environment of its own."""
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", place, source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", place / "env"], check=True)
    subprocess.run([place / "env" / "bin" / "pip", "install", "-q", wheel], check=True, capture_output=True)
    return place / "env" / "bin" / "jobctl"


@pytest.fixture(scope="module")
def programs(tmp_path_factory) -> tuple[Path, Path]:
    """The old program and the present one."""
    place = tmp_path_factory.mktemp("versions")
    archive = subprocess.run(["git", "archive", OLD], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"the history has no commit {OLD}: {archive.stderr.decode().strip()}")
    (place / "source").mkdir()
    subprocess.run(["tar", "-x", "-C", place / "source"], input=archive.stdout, check=True)
    for name in ("old", "new"):
        (place / name).mkdir()
    return installed(place / "source", place / "old"), installed(ROOT, place / "new")


@pytest.fixture
def database(server_url) -> Iterator[str]:
    """An empty database, without a schema."""
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE jobctl_two_versions")
        yield make_conninfo(server_url, dbname="jobctl_two_versions")
        admin.execute("DROP DATABASE jobctl_two_versions WITH (FORCE)")


@pytest.fixture
def versions(programs, database, tmp_path) -> tuple[Version, Version]:
    env = clean_environment() | {
        "JOBCTL_DATABASE_URL": database,
        "JOBCTL_HOME": str(tmp_path / "home"),
        "HOME": str(tmp_path),
    }
    types = (programs[0].parents[3] / "source" / "tests" / "plugin", PLUGIN)  # the job types that fit each version
    old, new = (
        Version(program, env | {"PYTHONPATH": str(path)}) for program, path in zip(programs, types, strict=True)
    )
    return old, new


@pytest.fixture
def workers() -> Iterator[list[subprocess.Popen]]:
    started: list[subprocess.Popen] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_an_upgrade_and_a_rollback_under_workers_of_both_versions(versions, workers, database, tmp_path, eventually):
    old, new = versions
    log = tmp_path / "log"
    old("db", "upgrade")
    conn = psycopg.connect(database, autocommit=True)

    def one(query: str, *values: object):
        return conn.execute(query, values or None).fetchone()[0]

    def submit(version: Version, count: int = 2) -> None:
        for _ in range(count):
            version("submit", "steps", "--set", "items=16", "--set", "slow=0.02")

    def all_work(*names: str, submitters: tuple[Version, ...]) -> None:
        """Each of these workers does something from here on."""
        since = one("SELECT coalesce(max(id), 0) FROM jobctl.events")
        deadline = time.monotonic() + 120
        while not all(one(SETTLED_BY, name, since) for name in names):
            assert time.monotonic() < deadline, log.read_text()
            for version in submitters:
                submit(version)

    assert one("SELECT version_num FROM jobctl.alembic_version") == OLD_SCHEMA
    workers += [old.worker("old-1", log), old.worker("old-2", log)]
    submit(old)
    eventually(lambda: one(DONE) > 0)

    assert "0011" in new("db", "upgrade", "--dry-run")
    assert one("SELECT version_num FROM jobctl.alembic_version") == OLD_SCHEMA
    new("db", "upgrade")
    assert one("SELECT version_num FROM jobctl.alembic_version") == head()
    workers.append(new.worker("new-1", log))
    eventually(lambda: one("SELECT count(*) FROM jobctl.workers WHERE name = 'new-1'"))
    all_work("old-1", "old-2", "new-1", submitters=(old, new))
    assert one(CHARGED) == 0, log.read_text()

    assert "old-1" in new(
        "db", "downgrade", OLD_SCHEMA, "-y", code=4
    )  # it asks whoever rolls back to stop them, or to insist
    newest = workers.pop()
    newest.terminate()
    assert newest.wait(GRACE) == 0
    new("db", "downgrade", OLD_SCHEMA, "-y", "--force")
    assert one("SELECT version_num FROM jobctl.alembic_version") == OLD_SCHEMA
    all_work("old-1", "old-2", submitters=(old,))
    ids = [row[0] for row in conn.execute("SELECT id FROM jobctl.jobs")]
    old("wait", *ids, "--timeout", "120s")

    assert one(CHARGED) == 0, log.read_text()
    assert one(DONE) == len(ids)
    taken = "SELECT count(*) FROM jobctl.events WHERE kind IN ('rescue', 'abandon', 'fail', 'retry')"
    assert one(taken) == 0
    for process in workers:
        assert process.poll() is None, log.read_text()
        process.terminate()
        assert process.wait(GRACE) == 0
    conn.close()
