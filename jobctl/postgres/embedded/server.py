"""The life of the embedded server. Every command calls ``ensure``; nothing ever stops it but ``stop``."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from jobctl.core.errors import ConfigError, IllegalTransition, StoreUnavailable
from jobctl.postgres.embedded.account import Account
from jobctl.postgres.embedded.binaries import Binaries, find
from jobctl.postgres.embedded.process import is_postmaster, postmaster_pid

ROLE = DATABASE = "jobctl"
PORT = 5432
SOCKET_LIMIT = 103  # 104 bytes on macOS, 108 on Linux, with the final zero
STATUS_LINE = 7  # of postmaster.pid, from 0
START_TIMEOUT = 120
LOCK_PATIENCE = 60.0
"""Seconds that a command waits for another one that brings the server up."""
LOG_LIMIT = 10 * 1024 * 1024
SAY_AFTER = 2.0
SETTINGS = """\
# Written by jobctl. Durable, local only, small.
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
max_connections = 50
shared_buffers = 64MB
max_wal_size = 256MB
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
logging_collector = off
log_min_messages = warning
"""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What ``db status`` shows of the embedded server."""

    running: bool
    pid: int | None
    data_dir: str
    socket_dir: str
    bindir: str | None
    log: str


class Server:
    """One cluster under ``home``. ``say`` gets lines for a person who waits.

    ``patience``: seconds to wait for somebody else who brings the server up or down.
    """

    def __init__(
        self,
        home: Path,
        *,
        say: Callable[[str], None],
        environment: Mapping[str, str],
        durable: bool = True,
        patience: float = LOCK_PATIENCE,
    ) -> None:
        self.home = Path(os.path.abspath(home))  # noqa: PTH100 - a link in the path is the user's choice
        self._say = say
        self._environment = environment
        self._durable = durable
        self._patience = patience
        self._account: Account | None = None

    # -- what people ask for -------------------------------------------------------------------------------------

    def ensure(self) -> str:
        """A running server with our database; gives the conninfo. Without a lock or a process when it answers."""
        if not self._answers():
            with self._lock():
                if not self._answers():
                    self._bring_up()
        return self.conninfo()

    def conninfo(self, database: str = DATABASE) -> str:
        """How to connect, every part explicit: no variable of the user's may divert us."""
        return make_conninfo("", host=str(self.socket_dir), port=PORT, user=ROLE, dbname=database)

    def status(self) -> ServerStatus:
        """What is there; starts nothing."""
        pid = postmaster_pid(self.cluster)
        ours = pid is not None and is_postmaster(pid, self.cluster)
        return ServerStatus(
            running=self._answers(), pid=pid if ours else None, data_dir=str(self.cluster),
            socket_dir=str(self.socket_dir), bindir=None, log=str(self.log),
        )  # fmt: skip

    def stop(self, *, force: bool = False) -> bool:
        """Stops the server, False when none ran. Raises ``IllegalTransition`` while workers are connected."""
        with self._lock():
            pid = postmaster_pid(self.cluster)
            if pid is None or not is_postmaster(pid, self.cluster):
                return False
            if not force and (workers := self._workers()):
                raise IllegalTransition(
                    f"{workers} worker connections are open", hint="Stop the workers first, or: jobctl db stop --force"
                )
            self._end(pid)
            return True

    # -- places --------------------------------------------------------------------------------------------------

    @property
    def cluster(self) -> Path:
        """The data folder; the major version is in the path, because no version reads another's data."""
        existing = sorted(self.home.glob("pg/*/cluster/PG_VERSION"))
        if existing:
            return existing[-1].parent
        return self.home / "pg" / str(self._binaries().major) / "cluster"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "pg" / "postgres.log"

    @property
    def socket_dir(self) -> Path:
        """``<home>/s`` where the system and libpq can take the path, else a private folder under /tmp."""
        near = self.home / "s"
        fits = len(os.fsencode(near / f".s.PGSQL.{PORT}")) <= SOCKET_LIMIT
        if fits and "," not in str(near):  # libpq reads a comma as a list of hosts
            return near
        name = hashlib.sha256(os.fsencode(self.home.resolve())).hexdigest()[:16]
        return Path("/tmp") / f"jobctl-{os.geteuid()}-{name}"  # noqa: S108 - made 0700, owner checked

    def _binaries(self) -> Binaries:
        existing = sorted(self.home.glob("pg/*/cluster/PG_VERSION"))
        major = int(existing[-1].read_text().strip()) if existing else None
        return find(self._environment, major)

    # -- bringing it up ------------------------------------------------------------------------------------------

    def _answers(self) -> bool:
        """A connection says more than a socket file: a server that is starting refuses it."""
        if not (self.socket_dir / f".s.PGSQL.{PORT}").exists():
            return False
        try:
            psycopg.connect(self.conninfo("template1"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _bring_up(self) -> None:
        account = self._account = Account.choose(self._environment)
        self._folders(account)
        binaries = account.reachable(self._binaries(), self.home / "pg")
        cluster = self.cluster
        self._sweep_halves(cluster)
        if not (cluster / "PG_VERSION").exists():
            self._say("creating the database (once)")
            self._create(account, binaries, cluster)
        self._configure(account, cluster)
        self._settle_the_past(account, cluster)
        self._start(account, binaries, cluster)
        self._prepare()

    def _folders(self, account: Account) -> None:
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.home / "pg", self.home / "pg" / str(self._binaries().major)):
                folder.mkdir(mode=0o755 if account.user else 0o700, exist_ok=True)
                account.own(folder)
            if account.user:
                self.home.chmod(self.home.stat().st_mode | 0o111)  # may be entered, not read
        except OSError as error:
            raise ConfigError(
                f"{self.home} can't be used: {error.strerror}", hint="Set JOBCTL_HOME to a folder you can write to."
            ) from error
        if not account.can_reach(self.home):
            raise ConfigError(
                f"the account {account.user}, which runs the database for root, can't enter {self.home}",
                hint="Set JOBCTL_HOME to a folder outside of private homes.",
            )
        self._socket_folder(account)

    def _socket_folder(self, account: Account) -> None:
        folder = self.socket_dir
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in (os.geteuid(), account.uid):
            raise ConfigError(
                f"{folder} belongs to somebody else", hint="Remove it, or set JOBCTL_HOME to a shorter path."
            )
        account.own(folder)
        folder.chmod(0o700)

    def _sweep_halves(self, cluster: Path) -> None:
        """Left-overs of an initdb that was killed: nobody is at work on them, we hold the lock."""
        for half in cluster.parent.glob("cluster.init-*"):
            shutil.rmtree(half, ignore_errors=True)

    def _create(self, account: Account, binaries: Binaries, cluster: Path) -> None:
        """Initdb beside, then one rename: there is never half a cluster."""
        half = cluster.with_name(f"cluster.init-{os.getpid()}")
        newer = binaries.major >= 17
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if newer else []
        command: list[str | Path] = [
            binaries.bindir / "initdb", "-D", half.name, "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C",
            *locale, "--data-checksums", *([] if self._durable else ["--no-sync"]),
        ]  # fmt: skip
        self._open_log(account)
        if account.run(command, cwd=cluster.parent, output=self.log) != 0:
            shutil.rmtree(half, ignore_errors=True)
            raise StoreUnavailable(f"the database can't be created: {self._last_words()}", hint=f"See {self.log}")
        half.rename(cluster)

    def _open_log(self, account: Account) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.old"))
        self.log.touch(mode=0o600)
        account.own(self.log)

    def _configure(self, account: Account, cluster: Path) -> None:
        """Our settings in a file of their own, so that no path goes through a shell."""
        path = str(self.socket_dir).replace("'", "''")
        text = (
            SETTINGS.format(durable="on" if self._durable else "off") + f"unix_socket_directories = '{_listed(path)}'\n"
        )
        own = cluster / "jobctl.conf"
        own.write_text(text, encoding="utf-8")
        account.own(own)
        main = cluster / "postgresql.conf"
        line = "include 'jobctl.conf'"
        if line not in main.read_text(encoding="utf-8"):
            with main.open("a", encoding="utf-8") as sink:
                sink.write(f"\n{line}\n")

    def _settle_the_past(self, account: Account, cluster: Path) -> None:
        """A pid file is judged by what its pid is, never by whether some process has that number."""
        pid = postmaster_pid(cluster)
        if pid is None:
            return
        if is_postmaster(pid, cluster):
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and not self._answers() and not self._lost_its_socket(cluster):
                time.sleep(0.05)  # it is starting
            if self._answers():
                return
            self._end(pid)
            return
        # The file's shared-memory line protects against orphaned backends, so the file stays: only its pid becomes
        # ours, which the server knows to be its grandparent and takes for stale.
        file = cluster / "postmaster.pid"
        rest = file.read_text(encoding="utf-8", errors="replace").split("\n")[1:]
        file.write_text("\n".join([str(os.getpid()), *rest]), encoding="utf-8")
        account.own(file)
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (self.socket_dir / name).unlink(missing_ok=True)

    def _lost_its_socket(self, cluster: Path) -> bool:
        """Whether the server says in its pid file that it is ready, on a socket that somebody has removed."""
        said = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n")
        ready = len(said) > STATUS_LINE and said[STATUS_LINE].strip() == "ready"
        return ready and not (self.socket_dir / f".s.PGSQL.{PORT}").exists()

    def _start(self, account: Account, binaries: Binaries, cluster: Path) -> None:
        if self._answers():
            return
        self._open_log(account)
        command = [str(binaries.bindir / "pg_ctl"), "-w", "-t", str(START_TIMEOUT), "-D", ".", "start"]
        with self._said("starting the database"):
            for _ in range(3):
                if account.run(command, cwd=cluster, output=self.log) == 0 and self._answers():
                    return
                time.sleep(0.2)
        raise StoreUnavailable(f"the database does not start: {self._last_words()}", hint=f"See {self.log}")

    def _prepare(self) -> None:
        """Our database, and pgvector where the server has it."""
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute("CREATE DATABASE jobctl")
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            there = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone()
            if there is not None:
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")

    # -- small things --------------------------------------------------------------------------------------------

    def _end(self, pid: int) -> None:
        """A fast shutdown of a process that is certainly ours; it may be ending by itself."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + 60
        while is_postmaster(pid, self.cluster):
            if time.monotonic() > deadline:
                raise StoreUnavailable("the database does not stop", hint=f"See {self.log}")
            time.sleep(0.02)

    def _workers(self) -> int:
        try:
            with psycopg.connect(self.conninfo(), connect_timeout=2) as connection:
                query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'jobctl worker%'"
                row = connection.execute(query).fetchone()
        except psycopg.OperationalError:
            return 0
        return int(row[0]) if row else 0

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return "no log"
        return lines[-1][:300] if lines else "no reason given"

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One bring-up or stop at a time. The descriptor is not inherited: the server must not hold the lock."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.home / "pg.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{self.home} can't be used: {error.strerror}", hint="Set JOBCTL_HOME to a folder you can write to."
            ) from error
        try:
            self._acquire(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _acquire(self, descriptor: int) -> None:
        """Waits for the lock as long as a start may take: whoever holds it may have been stopped in the middle."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
                    raise StoreUnavailable(
                        f"another jobctl (process {holder}) has been starting or stopping the database for "
                        f"{self._patience:g} s",
                        hint="End that process if it is stopped, and try again.",
                    ) from None
                time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)

    @contextmanager
    def _said(self, line: str) -> Iterator[None]:
        """Says what takes long, when it does."""
        timer = threading.Timer(SAY_AFTER, self._say, [line])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _listed(path: str) -> str:
    """A path inside a setting that is a list: quoted, so that a comma or a space stays part of it."""
    return '"' + path.replace('"', '""') + '"'
