"""Which database, and a connection to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from jobctl.core.errors import ConfigError, StoreUnavailable

MIN_VERSION = 15
CONNECT_TIMEOUT = 5
LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT")
SETTINGS = {
    "jit": "off",  # a flat claim must not wait for a compiler
    "statement_timeout": "60s",
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "60s",
}
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


def socket_folders(info: str) -> list[str]:
    """The folders in which the server's socket is looked for; none for a server that is reached by TCP."""
    hosts = str(conninfo_to_dict(info).get("host") or "").split(",")
    return [host for host in hosts if host.startswith("/")]


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
    options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    try:
        try:
            connection = _open(info, application_name, options)
        except psycopg.OperationalError as error:
            if "unsupported startup parameter" not in str(error):
                raise
            connection = _open(info, application_name, None)  # PgBouncer: its own settings hold
    except psycopg.OperationalError as error:
        raise StoreUnavailable(
            f"the database can't be reached: {reason(error)}", hint=f"Is it running? Tried: {mask(info)}"
        ) from error
    if connection.info.server_version < MIN_VERSION * 10_000:
        version = connection.info.server_version // 10_000
        connection.close()
        raise ConfigError(f"the server is Postgres {version}; jobctl needs {MIN_VERSION} or newer")
    return connection


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
