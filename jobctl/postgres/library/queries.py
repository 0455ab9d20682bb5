"""What all parts of the library share: the connection, and rows as dataclasses."""

from collections.abc import Callable
from typing import TypeVar

import psycopg
from sqlalchemy import Connection, Executable

T = TypeVar("T")


class Queries:
    """Runs queries on one SQLAlchemy connection, inside whatever transaction that is in."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def _all(self, row_type: Callable[..., T], query: Executable) -> list[T]:
        """All rows; the query selects exactly the fields of the row type, by name."""
        return [row_type(**row) for row in self.connection.execute(query).mappings()]

    def _first(self, row_type: Callable[..., T], query: Executable) -> T | None:
        """The first row, None where there is none."""
        row = self.connection.execute(query).mappings().first()
        return None if row is None else row_type(**row)


def raw(connection: Connection) -> psycopg.Connection:
    """The connection of psycopg under one of SQLAlchemy."""
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)  # noqa: S101 - for the type: both ways to connect use psycopg
    return found
