"""How a connection was reached, for another process that has neither our environment nor our home."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import make_conninfo

_OWN = frozenset({"application_name", "fallback_application_name", "passfile", "service", "servicefile"})
"""What each process sets for itself, and where libpq has read what is in the other parameters by now."""


def resolved(connection: psycopg.Connection) -> str:
    """The parameters that the connection uses, from wherever they came: URL, PG… variables, service and password files."""
    options = {option.keyword.decode(): option.val.decode() for option in connection.pgconn.info if option.val}
    password = {"password": connection.info.password} if connection.info.password else {}
    return make_conninfo("", **{name: value for name, value in (options | password).items() if name not in _OWN})
