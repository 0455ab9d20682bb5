"""The database URL, and a connection to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from jobctl.core.errors import ConfigError, DatabaseRefused, StoreUnavailable
from jobctl.core.masking import MASK, mask_text, mask_url
from jobctl.core.server import LIMITS
from jobctl.postgres.decode import prepare

MIN_VERSION = 15
CONNECT_TIMEOUT = 5
ONLY_ON_REQUEST = 2**31
"""How often psycopg would see a statement before it prepares it by itself."""
LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT")
KEEPALIVES = {
    # the server's end: a session whose client was cut off ends, and with it its locks, instead of idling for two hours
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20s",
    "client_connection_check_interval": "5s",
}
SETTINGS = (
    LIMITS
    | KEEPALIVES
    | {
        # whatever the server, the database or the role has set: values must arrive in the form that is parsed here
        "datestyle": "ISO",
        "intervalstyle": "postgres",
        "timezone": "UTC",
        "client_encoding": "UTF8",
        "standard_conforming_strings": "on",
        "extra_float_digits": "1",
        "array_nulls": "on",
        "default_transaction_isolation": "read committed",
    }
)
REPORTED = {
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
}
"""Those that every server reports, and that a pooler preserves when they are set."""
_REFUSALS = re.compile(
    r"(?i)authentication failed|no password supplied|no pg_hba\.conf entry|(role|database) \"[^\"]*+\" does not exist"
    r"|not permitted to (log in|connect)|permission denied for database"
)
SHOWN = frozenset({
    "service", "user", "connect_timeout", "dbname", "host", "hostaddr", "port", "client_encoding", "application_name",
    "fallback_application_name", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    "sslmode", "sslnegotiation", "sslcompression", "sslrootcert", "sslsni", "gssencmode", "channel_binding", "require_auth",
    "ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "load_balance_hosts", "replication",
})  # fmt: skip
"""libpq keywords whose values may be printed: known not to be secret, so that a new keyword is hidden."""
SECRETS = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"})
SHORTEST_SECRET = 3
"""Characters; masking every occurrence of a shorter one would only make a message unreadable."""
_DRIVER = re.compile(r"^(postgres(?:ql)?)(?:\+\w+)?://", re.IGNORECASE)
_HINT = "postgresql://user@host:5432/dbname, with %40 for an @ and %2F for a / in a password"


def resolve_url(flag: str | None, environment: Mapping[str, str]) -> str | None:
    """What to connect to: flag, JOBCTL_DATABASE_URL, DATABASE_URL, libpq's own variables; None: the embedded server."""
    for url in (flag, environment.get("JOBCTL_DATABASE_URL"), environment.get("DATABASE_URL")):
        if url:
            return conninfo(url)
    return "" if any(environment.get(name) for name in LIBPQ_VARIABLES) else None


def conninfo(url: str) -> str:
    """A URL or ``key=value`` text as libpq reads it. Raises ``ConfigError`` that never repeats the argument."""
    text = _DRIVER.sub("postgresql://", url.strip())
    if "://" in text and not text.startswith("postgresql://"):
        raise ConfigError("not a Postgres URL", hint="postgresql://user@host/dbname")
    if _parse(text) is None:
        raise ConfigError("the database URL can't be read", hint=_HINT)
    return text


def socket_folders(info: str) -> list[str]:
    """The folders in which the server's socket is looked for; none for a server that is reached by TCP."""
    hosts = str(conninfo_to_dict(info).get("host") or "").split(",")
    return [host for host in hosts if host.startswith("/")]


def _parse(text: str) -> dict[str, str] | None:
    """The keywords of a URL or ``key=value`` text; None where it can't be read, or not as it was meant."""
    if _splits_a_password(text):
        return None
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(text).items()}
    except (psycopg.Error, UnicodeError):
        return None
    ports = parts.get("port", "").split(",")
    return parts if all(port.isdecimal() or not port for port in ports) else None  # else a password without its host


def _splits_a_password(text: str) -> bool:
    """Whether libpq would end the password of a URL early and take the rest of it for the host, port or database."""
    _, is_url, rest = text.partition("://")
    before, at, behind = rest.partition("@")
    if not is_url or not at:
        return False
    looks_like_query = "=" in before.partition("?")[2]
    if "/" in before:  # libpq looks for no userinfo behind a slash: an @ can only be meant for the query
        return not looks_like_query
    return looks_like_query or "@" in behind.partition("?")[0]


def mask(info: str) -> str:
    """The target without its secrets, for messages. Never raises."""
    parts = _parse(info)
    if parts is None:
        return "(unreadable URL)"
    return make_conninfo("", **{key: mask_url(value) if key in SHOWN else MASK for key, value in parts.items()})


def connect(
    info: str, *, application_name: str = "jobctl", verify: Callable[[int], None] = lambda _: None
) -> psycopg.Connection:
    """An autocommit connection, with time limits on everything. It prepares no statement until ``allow_prepared``.

    ``verify`` receives the descriptor of the connection before the first statement, and raises where it is not the
    right server.

    Raises ``StoreUnavailable``, or ``ConfigError`` for a server that is too old.
    """
    try:
        connection = _open_with_settings(info, application_name)
    except psycopg.OperationalError as error:
        if _REFUSALS.search(str(error)):
            raise DatabaseRefused(
                f"the database refuses the connection: {reason(error, info)}", hint=f"Tried: {mask(info)}"
            ) from error
        raise StoreUnavailable(
            f"the database can't be reached: {reason(error, info)}", hint=f"Is it running? Tried: {mask(info)}"
        ) from error
    try:
        verify(connection.fileno())
        _check(connection)
        _insist(connection)
    except BaseException:
        connection.close()
        raise
    prepare(connection)
    return connection


def allow_prepared(connection: psycopg.Connection, avoided: Collection[str] = ()) -> bool:
    """Lets statements be prepared on request where the connection is one session of the server; returns whether it is.

    Behind a pooler the process that answers is not the one that a cancel request would reach: the next statement may run
    in another session, which knows no prepared statement of this one. ``avoided``: settings of the planner that are then off.
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    direct = row is not None and row[0] == connection.info.backend_pid
    connection.prepare_threshold = ONLY_ON_REQUEST if direct else None
    if direct and avoided:
        off = "SELECT set_config(name, 'off', false) FROM unnest(%s::text[]) AS name"
        connection.execute(off, [list(avoided)], prepare=False)
    return direct


def _check(connection: psycopg.Connection) -> None:
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


def _insist(connection: psycopg.Connection) -> None:
    """Sets what is reported and differs from SETTINGS: behind PgBouncer, which takes no options."""
    reported = {name: connection.info.parameter_status(name) or "" for name in REPORTED}
    wrong = {name: value for name, value in REPORTED.items() if not reported[name].startswith(value)}
    if not wrong:
        return
    try:
        connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in wrong.items()))
    except psycopg.OperationalError as error:
        raise unreachable(reason(error)) from error


def _escaped(value: str) -> str:
    """A space would end a value in ``options``."""
    return value.replace(" ", "\\ ")


def _open_with_settings(info: str, application_name: str) -> psycopg.Connection:
    """With SETTINGS, or what the server and the way to it take of them."""
    try:
        return _open(info, application_name, _options(SETTINGS))
    except psycopg.OperationalError as error:
        if "unsupported startup parameter" in str(error):  # PgBouncer: what it does not preserve is set on the server
            return _open(info, application_name, None)
        if not any(name in str(error) for name in KEEPALIVES):
            raise
    # an operating system of the server without one of them
    return _open(info, application_name, _options({n: v for n, v in SETTINGS.items() if n not in KEEPALIVES}))


def _options(settings: Mapping[str, str]) -> str:
    return " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items())


def _open(info: str, application_name: str, options: str | None) -> psycopg.Connection:
    keywords: dict[str, Any] = {
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
        keywords["options"] = f"{own.get('options') or ''} {options}".strip()
    keywords = {key: value for key, value in keywords.items() if key == "options" or key not in own}
    return psycopg.connect(info, autocommit=True, prepare_threshold=None, **keywords)


def unreachable(cause: str) -> StoreUnavailable:
    """The error of a connection that is lost, or can't be made, where trying again makes sense."""
    return StoreUnavailable(f"the database can't be reached: {cause}", hint="Try again.")


def reason(error: BaseException, info: str = "") -> str:
    """The first line of a driver's message, without addresses and without the secrets of the connection string."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    text = text.split("failed: ", 1)[-1].removeprefix("FATAL:").strip()
    for secret in _secrets(info):
        text = text.replace(secret, MASK)
    return mask_text(text)


def _secrets(info: str) -> list[str]:
    """The secrets of a connection string that differ from its public parts, longest first."""
    parts = _parse(info) or {}
    public = {parts.get(name) for name in ("user", "dbname", "host")}
    values = {parts[name] for name in parts.keys() & SECRETS}
    return sorted((value for value in values - public if len(value) >= SHORTEST_SECRET), key=len, reverse=True)
