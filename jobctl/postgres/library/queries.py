"""What all parts of the library share: the connection, and rows as dataclasses."""

from collections.abc import Callable
from typing import TypeVar

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
