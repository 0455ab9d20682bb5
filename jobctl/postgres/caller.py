"""A queue on a connection of the caller: jobs are created in the caller's transaction, and committed with its own rows.

Nothing of the connection's session is changed: no setting, adapter or row factory, no prepared statement. The wake-up of
the workers is part of the statement that creates the jobs, so that it is sent at the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import psycopg
from psycopg.rows import DictRow, dict_row

from jobctl.core.errors import ConfigError, UsageError, first_line
from jobctl.postgres.queue import Queue

if TYPE_CHECKING:  # an application that uses psycopg alone does not load SQLAlchemy
    import sqlalchemy
    from sqlalchemy.orm import Session, scoped_session

    CallerConnection = psycopg.Connection[Any] | sqlalchemy.Connection | Session | scoped_session[Any]

SAVEPOINT = "jobctl_submit"
NO_SCHEMA = ("3F000", "42P01", "42883", "42703")
"""SQLSTATEs of a schema, table, function or column that is missing."""


class Transaction(Protocol):
    """The transaction of the caller, whatever library it uses."""

    commits_alone: bool
    """Whether each statement is a transaction of its own (autocommit)."""

    def rows(self, text: str, values: Mapping[str, object]) -> list[DictRow]:
        """What a statement with ``%(name)s`` parameters returns."""
        ...

    def savepoint(self) -> Any:
        """A context whose statements are undone when it raises; begins the transaction where there is none."""
        ...


class PsycopgTransaction:
    """Statements on a connection of psycopg."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        status = connection.info.transaction_status
        self.commits_alone = connection.autocommit and status == psycopg.pq.TransactionStatus.IDLE

    def rows(self, text: str, values: Mapping[str, object]) -> list[DictRow]:
        """With a cursor of our own class: the connection's may return other rows or take other parameters."""
        with psycopg.Cursor(self._connection, row_factory=dict_row) as cursor:
            cursor.execute(text, values or None, prepare=False)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Not ``connection.transaction()``: where no statement came before, that would commit at its end."""
        self.rows(f"SAVEPOINT {SAVEPOINT}", {})
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):  # the connection is lost: what happened before is the error
                self.rows(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}", {})
                self.rows(f"RELEASE SAVEPOINT {SAVEPOINT}", {})
            raise
        self.rows(f"RELEASE SAVEPOINT {SAVEPOINT}", {})


class CallerQueue(Queue):
    """Creates jobs in the caller's transaction. Errors of the driver that the caller may handle are left as they are."""

    def __init__(self, transaction: Transaction, *, actor: str) -> None:
        super().__init__(_no_connection, actor=actor)
        self._transaction = transaction

    @contextmanager
    def transaction(self, *, dry_run: bool = False) -> Iterator[None]:
        """A part of the caller's transaction that is undone when it raises, so that the rest can still be committed."""
        if self._transaction.commits_alone:
            if dry_run:
                raise UsageError("a dry run needs a transaction", hint="The connection is in autocommit.")
            self._limited = self._is_limited()
            yield
            return
        with suppress(_DryRun), self._transaction.savepoint():
            self._limited = self._is_limited()
            yield
            if dry_run:
                raise _DryRun

    def wake_keys(self, keys: Iterable[str | None] | None) -> int:
        """Only in autocommit. In a longer transaction the key would keep others waiting until it ends: a sweep does it."""
        return super().wake_keys(keys) if self._transaction.commits_alone else 0

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        yield

    def _idle(self) -> bool:
        return False

    def _may_prepare(self, verb: str) -> bool:  # noqa: ARG002 - whichever it is
        return False

    def _rows(self, text: str, values: Mapping[str, object], *, prepare: bool = False) -> list[DictRow]:  # noqa: ARG002
        try:
            return self._transaction.rows(text, values)
        except Exception as error:
            raise_for_caller(error)


def caller_queue(connection: CallerConnection, actor: str) -> CallerQueue:
    """The queue on a connection of psycopg or SQLAlchemy, or on a Session. Raises ``UsageError`` for anything else."""
    if isinstance(connection, psycopg.Connection):
        return CallerQueue(PsycopgTransaction(connection), actor=actor)
    from jobctl.postgres.caller_sqlalchemy import transaction_of  # noqa: PLC0415 - loaded where it is used already

    if (transaction := transaction_of(connection)) is not None:
        return CallerQueue(transaction, actor=actor)
    raise UsageError(
        f"connection is a {type(connection).__module__}.{type(connection).__qualname__}",
        hint="A psycopg.Connection, or an SQLAlchemy Connection or Session, to Postgres.",
    )


class _DryRun(Exception):
    """Undoes a savepoint."""


def _no_connection() -> NoReturn:
    raise AssertionError("a queue on the caller's connection opens none")


def raise_for_caller(error: Exception) -> NoReturn:
    """An error of the database as one of ours where the request or the schema is at fault; else as it came."""
    cause = getattr(error, "orig", None) or error  # SQLAlchemy's errors carry the driver's
    state = str(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "")
    if state in NO_SCHEMA:
        raise ConfigError(
            "the caller's database has no jobctl schema, or one of another version", hint="jobctl db upgrade"
        ) from error
    if state == "42501":
        raise ConfigError(
            f"the database refuses: {first_line(cause)}", hint="jobctl db roles prints the grants"
        ) from error
    if state.startswith("22") or state == "23514":
        detail = getattr(getattr(cause, "diag", None), "message_detail", None)
        raise UsageError(f"it can't be stored: {first_line(cause)}", hint=detail) from error
    raise error
