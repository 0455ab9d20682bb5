"""Migrations with Alembic, configured in code: upgrade, downgrade, drift, SQL."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import UserDefinedType
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from jobctl.core.errors import ConfigError, IllegalTransition, StoreUnavailable
from jobctl.core.migration import Migration
from jobctl.core.names import plural
from jobctl.postgres.connect import connect, reason
from jobctl.postgres.migrations import migrations
from jobctl.postgres.revision import SCHEMA, current, head, scripts
from jobctl.postgres.roles import functions
from jobctl.postgres.search import fill
from jobctl.postgres.tables import metadata
from jobctl.system import clock

LOCK = 0x6A6F6263  # "jobc": five first commands at once upgrade one after the other
LOCK_TIMEOUT = "2s"
"""For a lock on a table: whoever comes after the migration waits as long as it does."""
LOCK_PATIENCE = 60.0
"""Seconds after which a migration that gets no lock is given up."""


def upgrade(info: str, revision: str = "head", *, force: bool = False) -> None:
    """Upgrades the schema to ``revision``, at the newest one with the functions of this program (api.sql) and its index.

    Each migration is a transaction of its own, tried again while it gets no lock; concurrent calls take turns. Raises
    ``IllegalTransition`` with their names while workers are alive that cannot work with it, unless ``force``.
    """
    for step in pending(info, revision):
        _retrying(partial(_apply, info, step, force=force))
    with _migrating(info) as config:
        raw = _driver(config.attributes["connection"])
        if current(raw) == head():
            raw.execute(functions())
            fill(raw)


def _retrying(act: Callable[[], None]) -> None:
    retrying = Retrying(
        stop=stop_after_delay(LOCK_PATIENCE),
        wait=wait_random_exponential(multiplier=0.2, max=5.0),
        retry=retry_if_exception(
            lambda error: isinstance(error.__cause__, OperationalError) and _is_locked(error.__cause__)
        ),
        sleep=clock.sleep,
        reraise=True,
    )
    retrying(act)


def _is_locked(error: OperationalError) -> bool:
    return isinstance(error.orig, psycopg.errors.LockNotAvailable)


def _apply(info: str, step: Migration, *, force: bool) -> None:
    with _migrating(info, transaction=not step.concurrently) as config:
        connection = config.attributes["connection"]
        if (_here(connection) or "") >= step.revision:
            return  # another process was faster
        alive = [] if force or step.serves is None else _alive(connection, older_than=step.serves)
        if alive:
            raise IllegalTransition(
                f"{plural(len(alive), 'worker')} cannot work with revision {step.revision}: {', '.join(alive)}",
                hint="Stop them first (jobctl worker drain NAME), or add --force.",
            )
        command.upgrade(config, step.revision)


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


def _alive(connection: Connection, *, older_than: str | None = None) -> list[str]:
    """Names of workers whose lease has not run out; empty before there is a schema.

    ``older_than``: only those whose program has no such revision. The columns of the lease and of the revision are newer
    than the first schema. A heartbeat in the future does not count.
    """
    if connection.execute(text("SELECT to_regclass('jobctl.workers')")).scalar() is None:
        return []
    connection.execute(text("LOCK TABLE jobctl.workers IN SHARE MODE"))  # none registers while the schema changes
    query = text(
        "SELECT name FROM jobctl.workers WHERE stopped_at IS NULL AND heartbeat_at BETWEEN jobctl.clock()"
        " - make_interval(secs => coalesce((to_jsonb(workers) ->> 'lease_s')::float8, 30)) AND jobctl.clock() + interval '1 second'"
        " AND coalesce(coalesce(to_jsonb(workers) ->> 'revision', '') < :older_than, true) ORDER BY id"
    )
    return [str(name) for name in connection.execute(query, {"older_than": older_than}).scalars()]


def pending(info: str, revision: str = "head") -> list[Migration]:
    """The migrations from the schema as it is to ``revision``, in their order. Raises ``ConfigError`` for no such revision."""
    with _connection(info) as connection:
        here = _here(connection)
        sizes = {
            str(name): int(rows)
            for name, rows in connection.execute(
                text("SELECT relname, reltuples FROM pg_class WHERE relnamespace = to_regnamespace('jobctl')")
            )
        }
    try:
        return migrations(_config(), here, revision, sizes)
    except CommandError as error:
        raise ConfigError(f"the schema can't be changed: {error}", hint="jobctl db current") from error


def check(info: str) -> list[str]:
    """Differences between the database and ``tables.py``, one a line; empty: none."""
    with _connection(info) as connection:
        connection.dialect.ischema_names = {**connection.dialect.ischema_names, "vector": _Vector}  # type: ignore[attr-defined]
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table_schema": SCHEMA,
                "include_schemas": True,
                "compare_type": True,
                "include_name": _is_compared,
            },
        )
        found = compare_metadata(context, metadata)
    return list(map(str, found))


class _Vector(UserDefinedType[object]):
    """pgvector's type, of a column that is there where the server has it."""

    def __init__(self, dimensions: int | None = None) -> None:
        self.dimensions = dimensions


def _is_compared(name: str | None, kind: str, parents: Mapping[str, str | None]) -> bool:
    """Not Alembic's own table, and not what depends on whether the server has pgvector: a column and its indexes."""
    match kind:
        case "schema":
            return name == SCHEMA
        case "table":
            return name != "alembic_version"
        case "column":
            return (parents.get("table_name"), name) != ("chunks", "embedding")
        case "index":
            return not (name or "").startswith("chunks_nearest_")
        case _:
            return True


def sql(revision: str = "head") -> str:
    """The SQL of an upgrade from nothing, for people who apply it by hand."""
    out = io.StringIO()
    command.upgrade(_config(output=out), revision, sql=True)
    return out.getvalue() + (functions() if revision == "head" else "")


@contextmanager
def _migrating(info: str, *, transaction: bool = True) -> Iterator[Config]:
    """A configuration with a connection that nobody else migrates with. ``transaction``: all at once, or not at all."""
    local, lock = ("LOCAL", "pg_advisory_xact_lock") if transaction else ("", "pg_advisory_lock")
    try:
        with _connection(info, autocommit=not transaction) as connection, connection.begin():
            connection.execute(text(f"SET {local} statement_timeout = 0"))
            connection.execute(text(f"SELECT {lock}(:lock)"), {"lock": LOCK})
            connection.execute(text(f"SET {local} lock_timeout = '{LOCK_TIMEOUT}'"))
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
def _connection(info: str, *, autocommit: bool = False) -> Iterator[Connection]:
    engine = create_engine("postgresql+psycopg://", creator=lambda: _raw(info), poolclass=NullPool)
    if autocommit:
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _here(connection: Connection) -> str | None:
    """The revision of the schema, None before the first; also inside of a transaction, which an error would end."""
    if connection.execute(text("SELECT to_regclass('jobctl.alembic_version')")).scalar() is None:
        return None
    return current(_driver(connection))


def _driver(connection: Connection) -> psycopg.Connection:
    return cast("psycopg.Connection", connection.connection.driver_connection)


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
