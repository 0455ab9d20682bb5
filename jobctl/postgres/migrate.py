"""Migrations with Alembic, configured in code: upgrade, downgrade, drift, SQL."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from jobctl.core.errors import ConfigError, IllegalTransition, StoreUnavailable
from jobctl.core.names import plural
from jobctl.postgres.connect import connect, reason
from jobctl.postgres.revision import SCHEMA, current, head, scripts
from jobctl.postgres.roles import functions
from jobctl.postgres.search import fill
from jobctl.postgres.tables import metadata

LOCK = 0x6A6F6263  # "jobc": five first commands at once upgrade one after the other
LOCK_TIMEOUT = "10s"


def upgrade(info: str, revision: str = "head") -> None:
    """Upgrades the schema to ``revision``, at the newest one with the functions of this program (api.sql) and its index.

    Concurrent calls wait for the first one.
    """
    with _migrating(info) as config:
        command.upgrade(config, revision)
        raw = config.attributes["connection"].connection.driver_connection
        if current(raw) == head():
            raw.execute(functions())
            fill(raw)


def downgrade(info: str, revision: str, *, force: bool = False) -> None:
    """Downgrades the schema to ``revision`` (``base``: nothing is left).

    Raises ``IllegalTransition`` with their names while workers are alive, unless ``force``.
    """
    with _migrating(info) as config:
        alive = [] if force else _alive(config.attributes["connection"])
        if alive:
            raise IllegalTransition(
                f"{plural(len(alive), 'worker')} alive: {', '.join(alive)}",
                hint="Stop them first (jobctl worker drain NAME), or add --force.",
            )
        command.downgrade(config, revision)


def _alive(connection: Connection) -> list[str]:
    """Names of workers whose lease has not run out; empty before there is a schema.

    The column of the lease is newer than the first schema. A heartbeat in the future does not count.
    """
    if connection.execute(text("SELECT to_regclass('jobctl.workers')")).scalar() is None:
        return []
    connection.execute(text("LOCK TABLE jobctl.workers IN SHARE MODE"))  # none registers while the schema changes
    query = text(
        "SELECT name FROM jobctl.workers WHERE stopped_at IS NULL AND heartbeat_at BETWEEN jobctl.clock()"
        " - make_interval(secs => coalesce((to_jsonb(workers) ->> 'lease_s')::float8, 30)) AND jobctl.clock() + interval '1 second'"
        " ORDER BY id"
    )
    return [str(name) for name in connection.execute(query).scalars()]


def check(info: str) -> list[str]:
    """Differences between the database and ``tables.py``, one a line; empty: none."""
    with _connection(info) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table_schema": SCHEMA,
                "include_schemas": True,
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
            },
        )
        found = compare_metadata(context, metadata)
    # the one column that depends on what the server has, and Alembic's own table
    expected = ("alembic_version", "Column('embedding'")
    return [text for text in map(str, found) if not any(word in text for word in expected)]


def sql(revision: str = "head") -> str:
    """The SQL of an upgrade from nothing, for people who apply it by hand."""
    out = io.StringIO()
    command.upgrade(_config(output=out), revision, sql=True)
    return out.getvalue() + (functions() if revision == "head" else "")


@contextmanager
def _migrating(info: str) -> Iterator[Config]:
    try:
        with _connection(info) as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            config = _config()
            config.attributes["connection"] = connection
            yield config
    except CommandError as error:
        raise ConfigError(f"the schema can't be changed: {error}", hint="jobctl db current") from error
    except OperationalError as error:
        raise StoreUnavailable(f"the schema can't be changed now: {reason(error)}", hint="Try again.") from error
    except DBAPIError as error:
        raise ConfigError(f"the schema can't be changed: {reason(error)}") from error


@contextmanager
def _connection(info: str) -> Iterator[Connection]:
    engine = create_engine("postgresql+psycopg://", creator=lambda: _raw(info), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _raw(info: str) -> object:
    connection = connect(info, application_name="jobctl db")
    # a role named jobctl would make our schema the default one, and Alembic leaves the default one out
    connection.execute("SET search_path = public")
    connection.autocommit = False
    return connection


def _config(output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(_escaped(scripts())))
    config.set_main_option("path_separator", "os")
    return config


def _escaped(path: Path) -> str:
    """ConfigParser reads a percent sign as the start of a reference."""
    return str(path).replace("%", "%%")
