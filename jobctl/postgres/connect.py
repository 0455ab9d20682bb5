"""Which database, and a connection to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from jobctl.core.errors import ConfigError, DatabaseRefused, StoreUnavailable
from jobctl.core.server import LIMITS
from jobctl.postgres.decode import prepare

MIN_VERSION = 15
CONNECT_TIMEOUT = 5
LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT")
SETTINGS = LIMITS | {
    # whatever the server, the database or the role has for others: values must come as they are read here
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "default_transaction_isolation": "read committed",
}
REPORTED = {
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
}
"""Those that every server reports, and that a pooler keeps for us when we set them."""
_REFUSALS = re.compile(
    r"(?i)authentication failed|no password supplied|no pg_hba\.conf entry|(role|database) .* does not exist"
    r"|not permitted to (log in|connect)|permission denied for database"
)
_DRIVER = re.compile(r"^(postgres(?:ql)?)(?:\+\w+)?://", re.IGNORECASE)


def resolve_url(flag: str | None, environment: Mapping[str, str]) -> str | None:
    """What to connect to: flag, JOBCTL_DATABASE_URL, DATABASE_URL, libpq's own variables; None: the embedded server."""
    for url in (flag, environment.get("JOBCTL_DATABASE_URL"), environment.get("DATABASE_URL")):
        if url:
            return conninfo(url)
    return "" if any(environment.get(name) for name in LIBPQ_VARIABLES) else None


def conninfo(url: str) -> str:
    """A URL or ``key=value`` text as libpq reads it. Raises ``ConfigError`` that never repeats what it was given."""
    text = _DRIVER.sub("postgresql://", url.strip())
    if "://" in text and not text.startswith("postgresql://"):
        raise ConfigError("the database URL is not one of Postgres", hint="postgresql://user@host/dbname")
    try:
        conninfo_to_dict(text)
    except psycopg.Error:
        raise ConfigError("the database URL can't be read", hint="postgresql://user@host:5432/dbname") from None
    return text


def mask(info: str) -> str:
    """The target without its password, for people."""
    try:
        parts = conninfo_to_dict(info)
    except psycopg.Error:
        return "(unreadable URL)"
    kept = {key: value for key, value in parts.items() if key not in ("password", "sslpassword", "passfile")}
    if "password" in parts:
        kept["password"] = "***"  # noqa: S105 - the mask itself
    return make_conninfo("", **kept)


def connect(info: str, *, application_name: str = "jobctl") -> psycopg.Connection[Any]:
    """An autocommit connection, without server-side prepared statements (PgBouncer), with time limits on everything.

    Raises ``StoreUnavailable``, or ``ConfigError`` for a server that is too old.
    """
    options = " ".join(f"-c {name}={_escaped(value)}" for name, value in SETTINGS.items())
    try:
        try:
            connection = _open(info, application_name, options)
        except psycopg.OperationalError as error:
            if "unsupported startup parameter" not in str(error):
                raise
            connection = _open(info, application_name, None)  # PgBouncer: what it does not keep is set on the server
    except psycopg.OperationalError as error:
        if _REFUSALS.search(str(error)):
            raise DatabaseRefused(f"the database refuses: {reason(error)}", hint=f"Tried: {mask(info)}") from error
        raise StoreUnavailable(
            f"the database can't be reached: {reason(error)}", hint=f"Is it running? Tried: {mask(info)}"
        ) from error
    try:
        _check(connection)
        _insist(connection)
    except BaseException:
        connection.close()
        raise
    prepare(connection)
    return connection


def _check(connection: psycopg.Connection[Any]) -> None:
    """Raises ``ConfigError`` for a server or a database that jobctl can't work with."""
    version = connection.info.server_version // 10_000
    if version < MIN_VERSION:
        raise ConfigError(f"the server is Postgres {version}; jobctl needs {MIN_VERSION} or newer")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigError(
            f"the database's encoding is {encoding}; jobctl needs UTF8",
            hint="CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
        )


def _insist(connection: psycopg.Connection[Any]) -> None:
    """Sets what is reported and is not as asked for: behind PgBouncer, which takes no options."""
    reported = {name: connection.info.parameter_status(name) or "" for name in REPORTED}
    wrong = {name: value for name, value in REPORTED.items() if not reported[name].startswith(value)}
    if not wrong:
        return
    try:
        connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in wrong.items()))
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"the database can't be reached: {reason(error)}", hint="Try again.") from error


def _escaped(value: str) -> str:
    """A space would end a value in ``options``."""
    return value.replace(" ", "\\ ")


def _open(info: str, application_name: str, options: str | None) -> psycopg.Connection[Any]:
    given: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "application_name": application_name,
        "target_session_attrs": "read-write",
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
    own = conninfo_to_dict(info)
    if options:
        given["options"] = f"{own.get('options') or ''} {options}".strip()
    given = {key: value for key, value in given.items() if key == "options" or key not in own}
    return psycopg.connect(info, autocommit=True, prepare_threshold=None, **given)


def reason(error: BaseException) -> str:
    """The first line of a driver's message, without addresses and passwords in it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    text = text.split("failed: ", 1)[-1].removeprefix("FATAL:").strip()
    return re.sub(r"(?i)(password=)\S+|(://[^:/@\s]*:)[^@\s]+@", r"\1***", text)
