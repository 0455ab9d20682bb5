"""A real server for the session, a clean schema for each test, real processes."""

import io
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from jobctl.cli import entry
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from tests import servers
from tests.zygote import Zygote, running

ROOT = Path(__file__).parents[1]
REACHING = (
    "JOBCTL",
    "PG",
    "DATABASE_URL",
    "OTEL_",
    "TRACE",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "GITHUB_",
    "GITLAB_",
)
"""Variables of ours that a command in a test must not see."""
PLUGIN = ROOT / "tests" / "plugin"
DATA = ROOT / "tests" / "data"
SMALL = 1 << 18
"""Bytes of a table under which its rows are deleted: a TRUNCATE makes a dozen new files a table, which takes longer."""
READ_AT_START = ("PYTHON", "JOBCTL_TEST_", "LANG", "LC_", "LD_")
"""Variables that are read while an interpreter starts: a command with others than ours is no fork."""


hypothesis.settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")

for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:  # as nohup, or a shell's background, starts a program
        signal.signal(number, default)


@pytest.fixture(scope="session")
def reachable_tmp() -> Iterator[Path]:
    """A folder that the server's account can enter: pytest's own are closed to it when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="jobctl-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_url(reachable_tmp: Path) -> Iterator[str]:
    """JOBCTL_TEST_DATABASE_URL, or a server of our own: see servers.py."""
    given = os.environ.get("JOBCTL_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with servers.chosen(reachable_tmp) as url:
        yield url


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """An empty database at the newest schema, with pgvector where the server has it; gone afterwards."""
    name = f"jobctl_test_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    url = make_conninfo(server_url, dbname=name)
    with psycopg.connect(url, autocommit=True) as own:
        if own.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
            own.execute("CREATE EXTENSION IF NOT EXISTS vector")
        if servers.POOLED:  # a SET of one transaction may be gone in the next
            own.execute(f"ALTER DATABASE {name} SET search_path = jobctl, public")
    migrate.upgrade(url)
    yield url
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def empty(connection: psycopg.Connection) -> None:
    """No row in any table of the schema, all ids from 1; past the triggers that guard history."""
    tables = connection.execute(
        "SELECT oid::regclass::text, pg_relation_size(oid) FROM pg_class "
        "WHERE relnamespace = 'jobctl'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version' ORDER BY relname"
    ).fetchall()
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for name, size in tables:
            if size:
                connection.execute(f"DELETE FROM {name}" if size < SMALL else f"TRUNCATE {name} CASCADE")
        connection.execute("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence")


@pytest.fixture(scope="session")
def database_url(server_url: str) -> Iterator[str]:
    """A database of this session."""
    with new_database(server_url) as url:
        yield url


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to an empty schema."""
    if servers.POOLED:
        servers.reconnect(database_url)
    with connect(servers.direct(database_url)) as connection:
        connection.execute("SET search_path = jobctl, public")
        empty(connection)
        yield connection


@pytest.fixture
def queue(conn: psycopg.Connection, database_url: str) -> Iterator[Leases]:
    """The queue on an empty schema, with a worker registered."""
    held = Leases(lambda: connect(database_url), actor="test")
    held.worker = held.register(name="w", host="h", pid=1, version="0", capacity=9, job_types=["a", "b"], queues=[])
    yield held
    held.close()


@pytest.fixture
def claim(queue: Leases) -> Callable[..., list]:
    """Claims whatever is due of the types a and b."""

    def take(slots: int = 10) -> list:
        targets = [ClaimTarget(q, t, p) for q in queue.work().queues for t in ("a", "b") for p in range(5)]
        return queue.claim(queue.worker, targets, slots)

    return take


@dataclass
class Result:
    code: int
    out: str
    err: str


def clean_environment() -> dict[str, str]:
    """Ours, without what would reach jobctl, and with the job types of the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(REACHING)}
    return {**kept, "PYTHONPATH": str(PLUGIN), "PYTHONWARNINGS": "ignore"}


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """What commands are forked from."""
    with running(clean_environment()) as held:
        yield held


class Shell:
    """jobctl as a stranger runs it: a process of its own, against the test database."""

    def __init__(self, home: Path, url: str | None, zygote: Zygote | None = None) -> None:
        self.home = home
        self.env = {**clean_environment(), "JOBCTL_HOME": str(home), "JOBCTL_USER": "tester"}
        self._zygote = zygote
        if url is not None:
            self.env["JOBCTL_DATABASE_URL"] = url
        self.started: list[subprocess.Popen] = []

    def __call__(
        self,
        *words: object,
        stdin: str | None = None,
        env: dict | None = None,
        cwd: Path | None = None,
        wait: float = 60,
    ) -> Result:
        given = [str(word) for word in words]
        environment = {**self.env, **(env or {})}
        changed = {name for name, _ in environment.items() ^ clean_environment().items()}
        if self._zygote and not any(name.startswith(READ_AT_START) for name in changed):
            return Result(*self._zygote.run(given, env=environment, cwd=cwd or self.home, stdin=stdin, wait=wait))
        done = subprocess.run(
            [sys.executable, "-m", "jobctl", *given], input=stdin, capture_output=True, text=True,
            env=environment, cwd=cwd or self.home, timeout=wait, check=False,
        )  # fmt: skip
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *words: object, env: dict | None = None) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "jobctl", *map(str, words)], env={**self.env, **(env or {})}, cwd=self.home,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def shell(conn: psycopg.Connection, database_url: str, tmp_path: Path, zygote: Zygote) -> Iterator[Shell]:
    """Commands against an empty schema."""
    held = Shell(tmp_path, database_url, zygote)
    yield held
    held.close()


@pytest.fixture
def cli(shell: Shell, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Commands in this process: what a shell would see of them, without the start of an interpreter."""
    monkeypatch.chdir(shell.home)
    monkeypatch.syspath_prepend(PLUGIN)
    for name in [name for name in os.environ if name.startswith(REACHING)]:
        monkeypatch.delenv(name)
    for name in ("JOBCTL_HOME", "JOBCTL_DATABASE_URL", "JOBCTL_USER"):
        monkeypatch.setenv(name, shell.env[name])
    monkeypatch.setenv("JOBCTL_ASCII", "0")
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def call(*words: object, stdin: str = "") -> Result:
        typed = io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogateescape")), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", typed)
        capfd.readouterr()
        before = signal.getsignal(signal.SIGTERM)
        try:
            code = entry.run([str(word) for word in words])
        finally:
            signal.signal(signal.SIGTERM, before)
            signal.setitimer(signal.ITIMER_REAL, 0)
        told = capfd.readouterr()
        return Result(code, told.out, told.err)

    return call


@pytest.fixture
def eventually() -> Callable[..., object]:
    """Waits for a condition that another process brings about; fails with the last value."""

    def until(look: Callable[[], object], seconds: float = 60.0) -> object:
        seconds = min(seconds, float(os.environ.get("GUARDS_LONGEST_WAIT", seconds)))  # see tests/guards/runner.py
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
            time.sleep(0.02)

    return until
