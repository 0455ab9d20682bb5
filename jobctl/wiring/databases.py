"""The database: a configured server, or the embedded one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from jobctl.core.errors import StoreUnavailable
from jobctl.wiring.configuration import Settings, user

if TYPE_CHECKING:  # a command that prints its version must not load the driver
    import psycopg

    from jobctl.core.migration import Migration
    from jobctl.postgres.embedded import Server
    from jobctl.postgres.leases import Leases


@dataclass(frozen=True)
class Database:
    """The configured database and what can be done with it as a whole."""

    settings: Settings
    report: Callable[[str], None]
    timeout: float = 60.0
    """Seconds to wait for another process that starts the embedded server."""
    starts: bool = True
    """Whether the embedded server is started when it is down. Not by a child process: it may be frozen while it has the lock."""

    newer: bool = False
    """Whether a schema that is too new for this program is accepted: by a worker, which then releases its jobs."""

    @property
    def url(self) -> str | None:
        """The configured server; None: the embedded one."""
        from jobctl.postgres.connect import conninfo, resolve_url

        named = self.settings.values["db"]
        return conninfo(named) if named else resolve_url(None, self.settings.environment)

    @property
    def server(self) -> Server:
        """The embedded server."""
        from jobctl.postgres.embedded import Server

        settings = self.settings
        return Server(
            settings.home,
            report=self.report,
            environment=settings.environment,
            durable=not settings.values["test_fast"],
            timeout=self.timeout,
        )

    def info(self) -> str:
        """How to connect; starts the embedded server and upgrades its schema."""
        if (url := self.url) is not None:
            return url
        self.connect().close()
        return self.server.conninfo()

    def connect(self, application_name: str = "jobctl") -> psycopg.Connection:
        """A connection to a schema that fits this program; the embedded server is started and upgraded to it."""
        from jobctl.postgres.connect import connect
        from jobctl.postgres.revision import require_compatible

        if (url := self.url) is not None:
            connection = connect(url, application_name=application_name)
        else:
            connection = self._connect_embedded(application_name)
        require_compatible(connection, newer=self.newer)
        return connection

    def _connect_embedded(self, application_name: str) -> psycopg.Connection:
        from jobctl.postgres.revision import current, head

        server = self.server
        if not self.starts:
            return server.connect(application_name)
        try:
            connection = server.connect(application_name)
        except StoreUnavailable:
            server.ensure()
            connection = server.connect(application_name)
        if (current(connection) or "") < head():
            self.upgrade()
        return connection

    def leases(self, application_name: str, *, ttl: float) -> Leases:
        """The queue for a worker; of the embedded server one that notices when the server was replaced."""
        from jobctl.postgres.leases import Leases

        connect = partial(self.connect, application_name)
        if self.url is not None:
            return Leases(connect, ttl=ttl)
        from jobctl.postgres.embedded.watched import WatchedLeases

        return WatchedLeases(connect, ttl=ttl, server=self.server)

    def upgrade(self, revision: str = "head", *, force: bool = False) -> None:
        """Upgrades the schema. Raises ``IllegalTransition`` while workers are running that can't work with it, unless forced."""
        from jobctl.postgres import migrate

        migrate.upgrade(self._server_info(), revision, force=force)

    def pending(self, revision: str = "head") -> list[Migration]:
        """The migrations that an upgrade would run."""
        from jobctl.postgres import migrate

        return migrate.pending(self._server_info(), revision)

    def downgrade(self, revision: str, *, force: bool = False) -> None:
        """Downgrades the schema. Raises ``IllegalTransition`` while workers are running, unless forced."""
        from jobctl.postgres import migrate

        migrate.downgrade(self._server_info(), revision, force=force)

    def check(self) -> list[str]:
        """Differences between the database and what the program expects."""
        from jobctl.postgres import migrate

        return migrate.check(self._server_info())

    def sql(self) -> str:
        """The SQL of the schema."""
        from jobctl.postgres import migrate

        return migrate.sql()

    def dump(self, sink: BinaryIO, progress: Callable[[str, int], None]) -> dict[str, int]:
        """Writes all rows of the schema; returns the number of rows of each table."""
        from jobctl.postgres import dump

        with self.connect("jobctl db dump") as connection:
            return dump.dump(connection, sink, progress=progress)

    def load(self, source: BinaryIO, progress: Callable[[str, int], None]) -> dict[str, int]:
        """Fills the empty schema from a dump; returns the number of rows of each table."""
        from jobctl.postgres import dump
        from jobctl.postgres.leases import Leases

        queue = Leases(partial(self.connect, "jobctl db load"), actor=f"load:{user(self.settings.environment)}")
        try:
            return dump.load(queue, source, progress=progress)
        finally:
            queue.close()

    def _server_info(self) -> str:
        url = self.url
        return url if url is not None else self.server.ensure()

    def status(self) -> dict[str, Any]:
        """What ``db status`` shows; starts nothing."""
        from jobctl.postgres.connect import connect, mask
        from jobctl.postgres.revision import current, head

        url = self.url
        server = self.server.status() if url is None else None
        if url is None:
            url = self.server.conninfo() if server and server.running else ""
        facts: dict[str, Any] = {
            "url": mask(url),
            "embedded": server is not None,
            "running": server.running if server else True,
            "server_version": None,
            "pgvector": None,
            "schema": None,
            "head": head(),
            "data_dir": server.data_dir if server else None,
        }
        if facts["running"]:
            with connect(url) as connection:
                version = connection.info.server_version
                row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
                facts |= {
                    "server_version": f"{version // 10_000}.{version % 10_000}",
                    "pgvector": row[0] if row else None,
                    "schema": current(connection),
                }
        return facts


def roles(prefix: str) -> str:
    """The SQL of the least-privilege roles."""
    from jobctl.postgres.roles import statements

    return statements(prefix)


def notifications_arrive(settings: Settings, report: Callable[[str], None], seconds: float = 2.0) -> bool:
    """Whether a NOTIFY of one connection reaches the LISTEN of another within ``seconds``."""
    import select

    from jobctl.postgres.leases import Leases
    from jobctl.postgres.listener import Listener

    connect_ = partial(Database(settings, report).connect, "jobctl doctor")
    listener, sender = Listener(connect_), Leases(connect_)
    try:
        sender.wake()
        select.select([listener.fileno()], [], [], seconds)
        return bool(listener.hints())
    finally:
        listener.close()
        sender.close()
