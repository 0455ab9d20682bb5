"""A connection that is opened when it is needed, and again after it was lost; statements by name; errors in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from jobctl.core.errors import ConfigError, StoreUnavailable, UsageError, first_line
from jobctl.core.server import Blocker
from jobctl.postgres.checked import CALL, CHECKED
from jobctl.postgres.connect import allow_prepared, unreachable

Connect = Callable[[], psycopg.Connection]

SQL = Path(__file__).parent / "sql"
PREPARED = frozenset(
    {"beat", "claim", "commit_stage", "log", "ready_queues", "requests", "settle", "submit", "submit_plain"}
)
"""Verbs that are prepared: what a worker or a client that submits runs all the time. Planning one takes longer than running it."""
PREPARE_AFTER = 2
"""Statements of PREPARED that a connection runs before it is found out whether they can be prepared: a command runs fewer."""


@cache
def statement(verb: str) -> str:
    """The text of ``sql/<verb>.sql``."""
    return (SQL / f"{verb}.sql").read_text(encoding="utf-8")


class Session:
    """Statements from ``sql/`` on one database.

    Every method raises ``StoreUnavailable`` when the database can't be reached and ``ConfigError`` when the schema
    is not there. Not safe for threads: one Session a thread.
    """

    CHECKED: ClassVar[Collection[str]] = CHECKED
    """Verbs that run through a checked function where the login has no rights on the tables."""

    AVOIDED: ClassVar[Collection[str]] = ()
    """Kinds of plans, as Postgres's settings are named, that are avoided where statements are prepared."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: psycopg.Connection | None = None
        self._limited: bool | None = None
        self._repeated = 0
        """How many of PREPARED the connection has run."""

    @property
    def connection(self) -> psycopg.Connection:
        """The live connection, in autocommit. Raises ``StoreUnavailable``, also when it is lost while it is made."""
        if self._connection is None or self._connection.closed:
            try:
                self._connection = self._connect()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                raise unreachable(first_line(error)) from error
            self._repeated = 0
        return self._connection

    @property
    def login(self) -> str:
        """The name under which the database knows this connection: what a limited login submits is in this name."""
        return self.connection.info.user

    def close(self) -> None:
        """Closes the connection; the next call would open another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close_all(self) -> None:
        """Closes every connection: this one, unless threads have their own (``threads.py``)."""
        self.close()

    @contextmanager
    def transaction(self, *, dry_run: bool = False) -> Iterator[None]:
        """Several verbs as one; ``dry_run`` takes everything back at the end (``--dry-run``)."""
        with self._guarded():
            if self._limited is None and self.CHECKED:  # a refusal would end the transaction
                self._limited = self._is_limited()
            with self.connection.transaction(force_rollback=dry_run):
                yield

    def _run(self, verb: str, **values: object) -> list[DictRow]:
        """The rows that a statement returns; through a checked function where the login has no rights on the tables."""
        with self._guarded():
            if self._limited and verb in self.CHECKED:
                return self._rows_of_checked(verb, values)
            try:
                return self._rows(statement(verb), values, prepare=self._may_prepare(verb))
            except psycopg.errors.InsufficientPrivilege:
                if verb not in self.CHECKED or self._limited is False or not self._is_limited():
                    raise
                self._limited = True
                return self._rows_of_checked(verb, values)
            except psycopg.errors.ProgramLimitExceeded:
                # the notification queue is full because nothing reads it: the work is done without one
                return self._rows(statement(verb).replace("pg_notify(", "concat("), values)

    def _may_prepare(self, verb: str) -> bool:
        """Whether a statement is one to prepare; the first of them are not, so that most commands need not ask."""
        if verb not in PREPARED:
            return False
        connection = self.connection
        self._repeated += 1
        if self._repeated == PREPARE_AFTER:
            allow_prepared(connection, self.AVOIDED)
        return self._repeated >= PREPARE_AFTER

    def _rows(self, text: str, values: Mapping[str, object], *, prepare: bool = False) -> list[DictRow]:
        cursor = self.connection.cursor(row_factory=dict_row).execute(text, values, prepare=prepare)
        return cursor.fetchall() if cursor.description else []

    def _rows_of_checked(self, verb: str, values: Mapping[str, object]) -> list[DictRow]:
        plain = {name: json.loads(str(value)) if name == "rows" else value for name, value in values.items()}
        rows = self._rows(CALL.format(verb=verb), {"values": json.dumps(plain, default=_plain)})
        return [row["row_"] for row in rows]

    def _is_limited(self) -> bool:
        """Whether this login may call the checked functions and has not all rights on the tables."""
        (row,) = self._rows(
            "SELECT has_function_privilege(to_regprocedure(%(function)s), 'EXECUTE') "
            "AND NOT has_table_privilege('jobctl.jobs', 'DELETE') AS limited",
            {"function": f"jobctl.checked_{next(iter(self.CHECKED))}(jsonb)"},
        )
        return bool(row["limited"])

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if isinstance(error, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)):
                raise self._busy(error) from error
            if isinstance(error, psycopg.errors.DiskFull):
                hint = "Free some space on the database's disk."
                raise StoreUnavailable(f"the disk of the database is full: {first_line(error)}", hint=hint) from error
            if isinstance(error, psycopg.errors.ProgramLimitExceeded):
                raise UsageError(f"it can't be stored: {first_line(error)}") from error
            self.close()
            raise unreachable(first_line(error)) from error
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedColumn,
                psycopg.errors.InvalidSchemaName) as error:  # fmt: skip
            raise ConfigError(
                "the database has no jobctl schema, or one of another version", hint="jobctl db upgrade"
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(
                f"the database refuses: {first_line(error)}", hint="jobctl db roles prints the grants"
            ) from error
        except psycopg.errors.ReadOnlySqlTransaction as error:
            self.close()  # a standby, or a primary that is one no more: the next connection looks for the writable one
            raise StoreUnavailable("the database is read-only now", hint="Try again when it is writable.") from error

    def _busy(self, error: psycopg.Error) -> StoreUnavailable:
        """The error of a wait for a lock that was too long, with the session that keeps the lock where it can be found."""
        with suppress(psycopg.Error):
            if self._idle():
                for row in self._rows(statement("blockers"), {"idle_s": 0.0}):
                    session = Blocker(**row)
                    return StoreUnavailable(f"the database is busy: {session.sentence}", hint=session.way_out)
        return StoreUnavailable(f"the database is busy: {first_line(error)}", hint="Try again.")

    def _idle(self) -> bool:
        """Whether no transaction is open, so that a statement can be tried again."""
        return self.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def _plain(value: object) -> object:
    """A parameter as JSON has it."""
    match value:
        case Jsonb():
            return value.obj
        case datetime():
            return value.isoformat()
        case _:
            raise TypeError(f"{type(value).__name__} is not a parameter of a checked function")
