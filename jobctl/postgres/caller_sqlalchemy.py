"""The caller's transaction on a connection of SQLAlchemy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from psycopg.rows import DictRow
from sqlalchemy import Connection
from sqlalchemy import text as text_clause
from sqlalchemy.orm import Session, scoped_session

_PARAMETER = re.compile(r"%\((\w+)\)s")


class SqlalchemyTransaction:
    """Statements on a connection of SQLAlchemy, by whatever driver it uses: it knows of the transaction that they begin."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.commits_alone = bool(getattr(connection.connection.dbapi_connection, "autocommit", False))

    def rows(self, text: str, values: Mapping[str, object]) -> list[DictRow]:
        """The text with SQLAlchemy's parameters: ``(:name)``, which a cast may follow."""
        named = _PARAMETER.sub(r"(:\1)", text).replace("%%", "%")
        result = self._connection.execute(text_clause(named), dict(values))
        return [dict(row) for row in result.mappings()] if result.returns_rows else []

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """SQLAlchemy's own."""
        with self._connection.begin_nested():
            yield


def transaction_of(connection: object) -> SqlalchemyTransaction | None:
    """The transaction of a Connection or Session to Postgres; None for anything else."""
    if isinstance(connection, (Session, scoped_session)):
        connection = connection.connection()
    if isinstance(connection, Connection) and connection.dialect.name == "postgresql":
        return SqlalchemyTransaction(connection)
    return None
