"""The revision of the schema and the one that this version needs: cheap, without Alembic."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import psycopg

from jobctl.core.errors import ConfigError

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


def require_head(connection: psycopg.Connection) -> None:
    """Raises ``ConfigError`` when the schema is older or newer than this program."""
    here = current(connection)
    if here == head():
        return
    if here is None:
        raise ConfigError("the database has no jobctl schema yet", hint="jobctl db upgrade")
    if here < head():
        raise ConfigError(f"the database's schema is at {here}, this jobctl needs {head()}", hint="jobctl db upgrade")
    raise ConfigError(
        f"the database's schema is at {here}, newer than this jobctl supports ({head()})", hint="Upgrade jobctl."
    )
