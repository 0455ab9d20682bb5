r"""A library and its jobs as one file, to move from one database to another: COPY in one snapshot, loaded in one transaction.

The stream, gzip around it: a line of JSON with the format and revision, then for each table a line of JSON and its rows as COPY
writes them, closed by ``\.``; at the end a line with the number of rows of each table and the SHA-256 of all before it.
Constant memory both ways. Bytes in the storage are not in it: rows point at them, and the storage is moved as it is.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import psycopg
from psycopg import sql
from sqlalchemy.exc import DBAPIError

from jobctl.core.attempt import Outcome, Token
from jobctl.core.errors import ConfigError, IllegalTransition, UsageError
from jobctl.core.lifecycle import Ending, Status
from jobctl.postgres.leases import Leases
from jobctl.postgres.library import Libraries
from jobctl.postgres.revision import SCHEMA, current
from jobctl.postgres.search import fill
from jobctl.postgres.tables import metadata

FORMAT = 1
REVISION = re.compile(r"[0-9A-Za-z_]{1,32}")
END = b"\\.\n"
LEVEL = 4
"""Of the compression: the default of 9 takes most of the time of a dump, for a few percent of its size."""
BLOCK = 1 << 16
LONGEST = 1 << 16
"""Bytes of a line of JSON."""
OWN = ("compatibility", "retention")
"""Tables of which a schema has its own row."""
TABLES = {
    table.name: [column.name for column in table.columns]
    for table in metadata.sorted_tables
    if table.name not in OWN and not table.info.get("derived")
}
"""Name → columns, referred ones first. What a database has besides (pgvector's column, the search index) is made anew."""
REPLACED = {"workers", "storage", "server"}
"""Tables whose rows do not make a database one that is not empty: what the dump has of them replaces them."""
UNSTORABLE = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,  # a row of a gigabyte
    psycopg.errors.StatementTooComplex,  # JSON nested deeper than the server's stack
)
"""Errors that the rows themselves cause, not the state of the server."""


Progress = Callable[[str, int], None]
"""Receives the name of a table and how many of its rows are done."""


def dump(
    connection: psycopg.Connection, sink: BinaryIO, *, progress: Progress = lambda _table, _rows: None
) -> dict[str, int]:
    """Writes everything as it is at one moment; returns the rows of each table. Does not block workers."""
    rows: dict[str, int] = {}
    with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=LEVEL, mtime=0) as packed:
        writer = _Hashing(packed)
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # a login that row-level security limits is refused, instead of a dump that has only its rows
            connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL row_security = off")
            writer.line({"jobctl_dump": FORMAT, "schema": current(connection)})
            for name, columns in TABLES.items():
                writer.line({"table": name, "columns": columns})
                rows[name] = _write_rows(connection, name, columns, writer, progress)
                writer.write(END)
        digest = writer.digest.hexdigest()
        writer.line({"rows": rows, "sha256": digest})
    return rows


def load(queue: Leases, source: BinaryIO, *, progress: Progress = lambda _table, _rows: None) -> dict[str, int]:
    """Fills an empty schema from a dump, or leaves it empty; returns the rows of each table.

    Jobs that ran when the dump was taken go back to their queue with their checkpoints, and nothing is charged: their
    workers are in another database. Raises ``UsageError`` for an incomplete or damaged dump, ``IllegalTransition`` where there is
    something already.
    """
    connection = queue.connection
    reader = _Reading(source)
    with queue.transaction(), _unstorable_is_damage():
        connection.execute("SET LOCAL statement_timeout = 0")
        _expect(reader.line(), current(connection))
        _require_empty(connection)
        rows = {}
        for name, columns in TABLES.items():
            if reader.line() != {"table": name, "columns": columns}:
                raise _damaged(f"the table {name} is missing")
            rows[name] = _fill(connection, name, columns, reader, progress)
        digest = reader.digest.hexdigest()
        if reader.line() != {"rows": rows, "sha256": digest} or reader.more():
            raise _damaged("the last line does not match")
        _settle_in(queue)
    return rows


# -- writing ---------------------------------------------------------------------------------------------------------


class _Hashing:
    def __init__(self, sink: BinaryIO | gzip.GzipFile) -> None:
        self._sink = sink
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self._sink.write(data)

    def line(self, value: dict[str, object]) -> None:
        self.write(json.dumps(value).encode() + b"\n")


def _write_rows(
    connection: psycopg.Connection, name: str, columns: list[str], writer: _Hashing, progress: Progress
) -> int:
    done = 0
    try:
        with connection.cursor() as cursor:
            with cursor.copy(_copy(name, columns, "TO STDOUT")) as blocks:
                for block in blocks:
                    data = bytes(block)
                    writer.write(data)
                    done += data.count(b"\n")
                    progress(name, done)
            return cursor.rowcount
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigError(
            f"the database refuses the dump: {error.diag.message_primary}", hint="Dump as the owner of the schema."
        ) from error


def _copy(name: str, columns: list[str], rest: str) -> sql.Composed:
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) " + rest).format(sql.Identifier(SCHEMA, name), listed)


# -- reading ---------------------------------------------------------------------------------------------------------


class _Reading:
    """Lines of a packed stream; every error of the compression is reported as damage."""

    def __init__(self, source: BinaryIO) -> None:
        self._lines = gzip.GzipFile(fileobj=source)
        self.digest = hashlib.sha256()

    def line(self) -> object:
        """One line of JSON."""
        found = self._next(LONGEST)
        try:
            return json.loads(found)
        except (ValueError, RecursionError):
            raise _damaged("a line is invalid") from None

    def rows(self) -> Iterator[bytes]:
        """The rows of a table, in pieces, up to the line that closes them."""
        whole = True  # whether the piece before ended its line
        while True:
            piece = self._next(BLOCK)
            if whole and piece == END:
                return
            yield piece
            whole = piece.endswith(b"\n")

    def more(self) -> bool:
        """Whether anything follows."""
        return bool(self._read(1))

    def _next(self, limit: int) -> bytes:
        found = self._read(limit)
        if not found:
            raise _damaged("truncated")
        self.digest.update(found)
        return found

    def _read(self, limit: int) -> bytes:
        try:
            return self._lines.readline(limit)
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(str(error)) from None


def _damaged(why: str) -> UsageError:
    return UsageError(
        f"not a complete dump of jobctl: {why}", hint="Nothing was loaded. Create a new one: jobctl db dump FILE"
    )


def _expect(head: object, here: str | None) -> None:
    if not isinstance(head, dict) or head.get("jobctl_dump") != FORMAT:
        raise _damaged("no header")
    revision = head.get("schema")
    if not (isinstance(revision, str) and REVISION.fullmatch(revision)):
        raise _damaged("no schema revision")
    if revision != here:
        raise UsageError(
            f"the dump's schema is {revision}, this database's is {here}",
            hint="Upgrade the older one first (jobctl db upgrade), then dump again.",
        )


def _require_empty(connection: psycopg.Connection) -> None:
    for name in TABLES:
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(SCHEMA, name)))
    for name in TABLES.keys() - REPLACED:  # a worker on an empty queue does not count
        if connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(SCHEMA, name))).fetchone():
            raise IllegalTransition(
                f"the database is not empty: it has {name}", hint="A dump is loaded into a new database only."
            )
    connection.execute("DELETE FROM jobctl.workers; DELETE FROM jobctl.storage; DELETE FROM jobctl.server")


def _fill(connection: psycopg.Connection, name: str, columns: list[str], reader: _Reading, progress: Progress) -> int:
    done = 0
    try:
        with connection.cursor() as cursor:
            with cursor.copy(_copy(name, columns, "FROM STDIN")) as sink:
                for piece in reader.rows():
                    sink.write(piece)
                    done += piece.endswith(b"\n")
                    progress(name, done)
            return cursor.rowcount
    except UNSTORABLE as error:
        raise _damaged(f"rows of {name} can't be read") from error


@contextmanager
def _unstorable_is_damage() -> Iterator[None]:
    """Values that fit their columns and break the next step: the last id, a vector without numbers."""
    try:
        yield
    except UNSTORABLE as error:
        raise _damaged("its rows can't be used") from error
    except DBAPIError as error:
        if isinstance(error.orig, UNSTORABLE):
            raise _damaged("its rows can't be used") from error
        raise


def _settle_in(queue: Leases) -> None:
    """Ids continue after the existing ones, vectors get pgvector's form again, passages an index, what ran goes back to the queue."""
    connection = queue.connection
    for name in (name for name, columns in TABLES.items() if "id" in columns):
        table = sql.Identifier(SCHEMA, name)
        row = connection.execute(sql.SQL("SELECT coalesce(max(id), 0) + 1 FROM {}").format(table)).fetchone()
        # not setval, which a rollback does not take back
        restart = sql.SQL("ALTER TABLE {} ALTER COLUMN id RESTART WITH {}")
        connection.execute(restart.format(table, sql.Literal(row[0] if row else 1)))
    Libraries()(connection).embed_again()
    fill(connection)
    connection.execute("UPDATE jobctl.workers SET stopped_at = coalesce(stopped_at, jobctl.clock())")
    running = connection.execute(
        "SELECT id, lease_seq, lease_id FROM jobctl.jobs WHERE status = %s ORDER BY id", [Status.PROCESSING]
    ).fetchall()
    tokens = [Token(job_id, lease_seq, str(lease_id)) for job_id, lease_seq, lease_id in running]
    if tokens:
        queue.settle([Outcome(token, Ending.RELEASED) for token in tokens])
