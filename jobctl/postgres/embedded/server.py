"""The life cycle of the embedded server. Every command connects, and starts it if it is down; only ``stop`` stops it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from jobctl.core.errors import ConfigError, IllegalTransition, StoreUnavailable
from jobctl.core.trust import HOME_HINT, account_name, require_private
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import helper
from jobctl.postgres.embedded.account import Account
from jobctl.postgres.embedded.binaries import Binaries, find
from jobctl.postgres.embedded.cluster import DATABASE, PORT, ROLE, Cluster
from jobctl.postgres.embedded.folders import data_folder
from jobctl.postgres.embedded.location import Location
from jobctl.postgres.embedded.lock import LOCK_TIMEOUT, home_lock, opened_home
from jobctl.postgres.embedded.process import peer, stop_orphans

BASE = "pg"
NEVER_STARTED = "the embedded database is not running"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What ``db status`` shows of the embedded server."""

    running: bool
    pid: int | None
    data_dir: str
    socket_dir: str | None
    log: str


class Server:
    """One cluster under ``home``. ``report`` receives progress lines.

    ``timeout``: seconds to wait for another process that starts or stops the server.
    """

    def __init__(
        self,
        home: Path,
        *,
        report: Callable[[str], None],
        environment: Mapping[str, str],
        durable: bool = True,
        timeout: float = LOCK_TIMEOUT,
    ) -> None:
        self.home = Path(os.path.abspath(home))  # noqa: PTH100 - a link in the path is the user's choice
        self._report = report
        self._environment = environment
        self._durable = durable
        self._timeout = timeout

    # -- connecting ----------------------------------------------------------------------------------------------

    def ensure(self) -> str:
        """A running server with our database; returns the conninfo. Without a lock or a process when it answers."""
        if not self._answers():
            with home_lock(self.home, self._timeout) as lock:
                if not self._answers():
                    self._bring_up(lock)
        return self.conninfo()

    def connect(self, application_name: str = "jobctl") -> psycopg.Connection:
        """A connection to the running server, which is certainly ours; starts nothing.

        Raises ``StoreUnavailable`` where it does not run, ``ConfigError`` where home, socket or server belong to another account.
        """
        return self._connect_to(self._location(), DATABASE, application_name)

    def conninfo(self, database: str = DATABASE) -> str:
        """How to connect, every part explicit: no variable of the user's may divert us. Raises ``StoreUnavailable``."""
        return _conninfo(self._location(), database)

    def serves(self, connection: psycopg.Connection) -> bool:
        """Whether a connection still leads to the server that a new one would reach.

        It does not once the home was removed: the old server lives on for a while, without its data.
        """
        try:
            location = self._location()
            location.require_own_server(connection.fileno(), data_folder(self._base, location.major))
        except (psycopg.Error, StoreUnavailable, ConfigError):
            return False
        return True

    def _location(self) -> Location:
        require_private(self.home, "JOBCTL_HOME", hint=HOME_HINT)
        location = Location.read(self.home)
        if location is None:
            raise StoreUnavailable(NEVER_STARTED, hint="jobctl db start")
        return location

    def _connect_to(self, location: Location, database: str, application_name: str) -> psycopg.Connection:
        location.require_own_socket()
        verify = partial(location.require_own_server, cluster=data_folder(self._base, location.major))
        return connect(_conninfo(location, database), application_name=application_name, verify=verify)

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except StoreUnavailable:
            return False
        return True

    # -- status and stop -----------------------------------------------------------------------------------------

    def status(self) -> ServerStatus:
        """What is there; starts nothing."""
        location = Location.read(self.home)
        try:
            with self.connect() as connection:
                listener = peer(connection.fileno())
        except StoreUnavailable:
            running, pid = False, None
        else:
            running, pid = True, listener[0] if listener else None
        return ServerStatus(
            running=running, pid=pid, data_dir=str(self.cluster), log=str(self.log),
            socket_dir=location.socket_dir if location else None,
        )  # fmt: skip

    def stop(self, *, force: bool = False) -> bool:
        """Stops the server, False when none ran. Raises ``IllegalTransition`` while workers are connected."""
        account = Account.choose(self._environment)
        if not self._base.is_dir():  # the home was removed, maybe while a server ran
            return stop_orphans(self._base, account.uid) > 0
        with home_lock(self.home, self._timeout) as lock:
            if not force and (workers := self._workers()):
                raise IllegalTransition(
                    f"{workers} worker connections are open", hint="Stop the workers first, or: jobctl db stop --force"
                )
            with opened_home(self.home) as home:
                self._require_base(home, account)
            return helper.stop(self._cluster(self._major() or 0, Path()), account, lock=lock)

    def _workers(self) -> int:
        try:
            with self.connect() as connection:
                query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'jobctl worker%'"
                row = connection.execute(query).fetchone()
        except StoreUnavailable:
            return 0
        return int(row[0]) if row else 0

    # -- places --------------------------------------------------------------------------------------------------

    @property
    def _base(self) -> Path:
        """The account's folder: everything that root touches only as the account."""
        return self.home / BASE

    @property
    def cluster(self) -> Path:
        """The data folder of the newest version that is there, else of the one that would be made."""
        return data_folder(self._base, self._major() or find(self._environment).major)

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._cluster(0, Path()).log

    @property
    def socket_dir(self) -> Path:
        """The folder of the socket. Raises ``StoreUnavailable`` before the first start."""
        return Path(self._location().socket_dir)

    def _major(self) -> int | None:
        """The newest version with data; by the names of folders: nothing of the account's is read."""
        names = (entry.parts[-3] for entry in self._base.glob("[0-9]*/cluster/PG_VERSION"))
        return max((int(name) for name in names if name.isdecimal()), default=None)

    def _cluster(self, major: int, bindir: Path) -> Cluster:
        location = Location.read(self.home)
        known = Path(location.socket_dir) if location else None
        return Cluster(self._base, major, bindir, durable=self._durable, socket_dir=known)

    # -- bringing it up ------------------------------------------------------------------------------------------

    def _bring_up(self, lock: int) -> None:
        account = Account.choose(self._environment)
        with opened_home(self.home) as home:
            self._require_base(home, account)
            binaries = account.reachable(self._binaries(), self.home)
            cluster = self._cluster(binaries.major, binaries.bindir)
            socket_dir = helper.start(cluster, account, self._report, lock=lock)
            location = Location(binaries.major, account.uid, str(socket_dir))
            self._prepare(location)
            location.write(home)

    def _binaries(self) -> Binaries:
        return find(self._environment, self._major())

    def _require_base(self, home: int, account: Account) -> None:
        """The folder ``pg``: private to the account. Root creates it, and afterwards never writes below it."""
        if account.user:
            os.fchmod(home, os.fstat(home).st_mode | 0o111)  # may be entered, not read
            if not account.can_reach(self.home):
                raise ConfigError(
                    f"the account {account.user}, which runs the database for root, can't enter {self.home}",
                    hint="Set JOBCTL_HOME to a folder outside of private homes.",
                )
        with suppress(FileExistsError):
            os.mkdir(BASE, 0o700, dir_fd=home)
        try:
            base = os.open(BASE, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=home)
        except OSError as error:
            raise ConfigError(f"{self._base} is not a folder: {error.strerror}", hint=HOME_HINT) from error
        try:
            owner = os.fstat(base).st_uid
            if owner == os.geteuid() != account.uid and _is_empty(base):
                os.fchown(base, account.uid, account.gid)
            elif owner != account.uid:
                raise ConfigError(
                    f"{self._base} belongs to {account_name(owner)}; the database runs as {account_name(account.uid)}",
                    hint=f"JOBCTL_DB_OS_USER names another account; or stop that server and: chown -R {account.uid} {self._base}",
                )
            os.fchmod(base, stat.S_IRWXU)
        finally:
            os.close(base)

    def _prepare(self, location: Location) -> None:
        """Our database, and pgvector where the server has it."""
        with self._connect_to(location, "postgres", "jobctl db start") as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute("CREATE DATABASE jobctl")
        with self._connect_to(location, DATABASE, "jobctl db start") as connection:
            there = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone()
            if there is not None:
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")


def _is_empty(folder: int) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def _conninfo(location: Location, database: str) -> str:
    return make_conninfo("", host=location.socket_dir, port=PORT, user=ROLE, dbname=database)
