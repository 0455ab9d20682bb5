"""The revision of the schema and the one that this version needs: cheap, without Alembic."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import psycopg

from jobctl.core.errors import ConfigError, SchemaMismatch

SCHEMA = "jobctl"


def scripts() -> Path:
    """The folder of the migrations: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


@cache
def head() -> str:
    """The newest revision: file names of migrations begin with their number."""
    names = sorted(path.name for path in (scripts() / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))
    if not names:
        raise ConfigError("this jobctl was installed without its migrations", hint="Install it again.")
    return names[-1][:4]


def current(connection: psycopg.Connection) -> str | None:
    """The revision of the database, None before the first."""
    try:
        row = connection.execute("SELECT version_num FROM jobctl.alembic_version").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None
    if row is None:
        return None
    return str(row["version_num"] if isinstance(row, dict) else row[0])


def serves(connection: psycopg.Connection) -> str | None:
    """The newest revision of the oldest program that can work with the schema; None where the schema does not say."""
    try:
        row = connection.execute("SELECT serves FROM jobctl.compatibility").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return None
    if row is None:
        return None
    return str(row["serves"] if isinstance(row, dict) else row[0])


def require_compatible(connection: psycopg.Connection, *, newer: bool = False) -> None:
    """Raises ``SchemaMismatch`` when this program cannot work with the schema: it is older, or too new.

    ``newer``: a schema that is too new is accepted, by a worker that is to release its jobs.
    """
    here = current(connection)
    if here == head():
        return
    if here is None:
        raise SchemaMismatch("the database has no jobctl schema yet", hint="jobctl db upgrade")
    if here < head():
        raise SchemaMismatch(
            f"the database's schema is at {here}, this jobctl needs {head()}", hint="jobctl db upgrade"
        )
    oldest = serves(connection)
    if newer or (oldest is not None and oldest <= head()):
        return
    raise SchemaMismatch(
        f"the database's schema is at {here}, newer than this jobctl supports ({head()})", hint="Upgrade jobctl."
    )
