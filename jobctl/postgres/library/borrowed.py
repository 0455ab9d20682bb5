"""SQLAlchemy on a psycopg connection whose transactions the caller controls."""

import psycopg
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import StaticPool

from jobctl.postgres.library.facade import Library
from jobctl.postgres.refusals import translated
from jobctl.postgres.vector import register_vectors


class BorrowedDialect(PGDialect_psycopg):
    """The dialect of psycopg for a borrowed connection, which it never begins, commits, rolls back or closes."""

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: object) -> None:
        """Nothing: the owner begins."""

    def do_commit(self, dbapi_connection: DBAPIConnection) -> None:
        """Nothing: the owner commits."""

    def do_rollback(self, dbapi_connection: DBAPIConnection) -> None:
        """Nothing: the owner rolls back."""

    def do_close(self, dbapi_connection: DBAPIConnection) -> None:
        """Nothing: the owner closes."""

    def do_terminate(self, dbapi_connection: DBAPIConnection) -> None:
        """Nothing: the owner closes."""


registry.register("postgresql.jobctl_borrowed", __name__, BorrowedDialect.__name__)


class Libraries:
    """Makes a Library on a psycopg connection; keeps the SQLAlchemy engine of the connection it was last called with."""

    def __init__(self) -> None:
        self._psycopg: psycopg.Connection | None = None
        self._sqlalchemy: Connection | None = None

    def __call__(self, connection: psycopg.Connection) -> Library:
        """A library whose statements run in whatever transaction the connection is in."""
        if self._sqlalchemy is None or self._psycopg is not connection:
            self._psycopg = connection
            self._sqlalchemy = _on(connection)
        return Library(self._sqlalchemy)


def _on(connection: psycopg.Connection) -> Connection:
    engine = create_engine(
        "postgresql+jobctl_borrowed://", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None
    )
    event.listen(engine, "handle_error", _translate)
    register_vectors(connection)
    return engine.connect()


def _translate(context: ExceptionContext) -> None:
    """The same error here as in the queue."""
    original = context.original_exception
    understood = translated(original)
    if understood is not None:
        raise understood from original
