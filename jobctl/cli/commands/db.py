"""db: the embedded server's life, and the schema's."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from jobctl import wiring
from jobctl.cli.app import Command, Family, State, pass_state
from jobctl.cli.files import atomically, readable
from jobctl.cli.output.fields import dumps, emit, emit_one, stamp
from jobctl.cli.output.row_progress import RowProgress
from jobctl.cli.output.text import echo, visible
from jobctl.core.errors import IllegalTransition, UsageError
from jobctl.core.migration import Migration
from jobctl.core.names import plural


@click.group(cls=Family)
def db() -> None:
    """Start, stop, upgrade and check the database."""


def _database(state: State) -> wiring.Database:
    return wiring.Database(state.settings(), state.notice)


def _embedded(state: State, verb: str) -> wiring.Database:
    database = _database(state)
    if database.url is not None:
        raise UsageError(f"db {verb} is for the embedded server; a URL is set", hint="jobctl config show says where")
    return database


@db.command()
@pass_state
def start(state: State) -> int:
    """Start the embedded server; create it the first time."""
    _embedded(state, "start").info()
    if not emit_one(state, "db_server", running=True):
        state.notice("the database is running")
    return 0


@db.command()
@click.option("--force", is_flag=True, help="Even while workers are connected.")
@pass_state
def stop(state: State, force: bool) -> int:
    """Stop the embedded server. The next command starts it again."""
    stopped = _embedded(state, "stop").server.stop(force=force)
    if not emit_one(state, "db_server", running=False, stopped=stopped):
        state.notice("the database is stopped" if stopped else "the database was not running")
    return 0


@db.command()
@pass_state
def status(state: State) -> int:
    """Show where the database is and how it does; starts nothing."""
    facts = _database(state).status()
    if state.json:
        click.echo(dumps({"v": 1, "kind": "db_status", **facts}))
        return 0
    for name, value in facts.items():
        shown = (
            {True: "yes", False: "no", None: "–"}.get(value, value) if isinstance(value, (bool, type(None))) else value
        )
        echo(f"{name:<15} {shown}")
    return 0


def _print_revision(state: State, facts: Mapping[str, object]) -> None:
    if not emit_one(state, "db_revision", schema=facts["schema"], head=facts["head"]):
        state.notice(f"the schema is at {facts['schema'] or 'nothing'}")


def _print_pending(state: State, steps: Sequence[Migration]) -> int:
    """What an upgrade would do, a line a migration and a line a lock."""
    if not state.for_people:
        emit(state, "migrations", "migrations", map(asdict, steps))
        return 0
    if not steps:
        state.notice("the schema is as this jobctl needs it")
    for step in steps:
        echo(f"{step.revision}  {step.title}")
        if step.serves is not None:
            echo(f"      workers of versions before revision {step.serves} have to stop")
        for lock in step.locks:
            echo(f"      {lock.table} ({plural(lock.rows, 'row')}): {lock.effect}")
    return 0


def _revision(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]{1,64}", value):
        raise click.BadParameter("a revision is a number like 0001, or head, or base")
    return value


@db.command()
@click.argument("revision", default="head", callback=_revision)
@click.option("--force", is_flag=True, help="Also while workers are running that cannot work with it.")
@click.option("--dry-run", is_flag=True, help="Print the migrations and what each locks; change nothing.")
@pass_state
def upgrade(state: State, revision: str, *, force: bool, dry_run: bool) -> int:
    """Bring the schema up, by default to what this program needs.

    Each migration is a transaction of its own and gives up a lock that it does not get within two seconds, to try again.
    Workers and commands of older versions go on where the new schema still serves them; an upgrade that does not is
    refused while such workers are running, unless forced: then they release their jobs and exit.
    """
    database = _database(state)
    if dry_run:
        return _print_pending(state, database.pending(revision))
    database.upgrade(revision, force=force)
    _print_revision(state, database.status())
    return 0


@db.command()
@click.argument("revision", callback=_revision)
@click.option("--force", is_flag=True, help="Also while workers are running.")
@pass_state
def downgrade(state: State, revision: str, *, force: bool) -> int:
    """Take the schema back; "base" removes everything. Asks on a terminal, needs -y elsewhere.

    Refused while workers are running, unless forced.
    """
    if not state.yes:
        if not sys.stdin.isatty():
            raise UsageError("a downgrade can lose data", hint="Add -y if that is meant.")
        click.confirm(f"downgrade to {revision}? Data may be lost", abort=True, err=True)
    _database(state).downgrade(revision, force=force)
    _print_revision(state, _database(state).status())
    return 0


@db.command()
@pass_state
def current(state: State) -> int:
    """Print the revision of the schema."""
    facts = _database(state).status()
    if not emit_one(state, "db_revision", schema=facts["schema"], head=facts["head"]):
        echo(facts["schema"] or "none")
    return 0 if facts["schema"] == facts["head"] else 5


@db.command()
@pass_state
def check(state: State) -> int:
    """Compare the database with what the program expects."""
    found = _database(state).check()
    if not emit_one(state, "db_check", differences=found):
        for line in found:
            echo(line)
    if found:
        raise IllegalTransition(plural(len(found), "difference"), hint="jobctl db upgrade")
    state.notice("the schema is as it should be")
    return 0


@db.command()
@click.option(
    "--adopt", is_flag=True, help="Make the configured storage the one of the database: it was replaced on purpose."
)
@pass_state
def storage(state: State, adopt: bool) -> int:
    """Show which storage has the bytes of the jobs, and prove that it is the one that is configured."""
    client = state.connect()
    if adopt:
        wiring.adopt(state.settings(), client)
    here = wiring.prove(state.settings(), client)
    found = client.storage_identity()
    if not emit_one(state, "db_storage", storage_id=found.storage_id, location=found.location, here=here,
                    identified_at=stamp(found.identified_at)):  # fmt: skip
        echo(f"{found.storage_id}  {visible(here)}")
    return 0


@db.command("dump", cls=Command, examples=["jobctl db dump library.jobctl", "jobctl --db postgresql://other/db db load library.jobctl",
                     "jobctl db dump - | ssh other jobctl db load -"])  # fmt: skip
@click.argument("file", metavar="FILE|-")
@pass_state
def dump(state: State, file: str) -> int:
    """Write all jobs and the whole library to a file, as they are at this moment.

    Bytes in the storage are not in it (documents, checkpoints, exports): move or share the storage as it is.
    """
    database, progress = _database(state), RowProgress("dumping", state.notice)
    if file == "-":
        if sys.stdout.isatty():
            raise UsageError("a dump is binary: not written to a terminal", hint="jobctl db dump FILE")
        rows = database.dump(sys.stdout.buffer, progress)
    else:
        target = Path(file)
        if os.path.lexists(target) and not target.is_file():
            raise UsageError(f"{file} is not a regular file", hint="A stream goes through stdout: jobctl db dump -")
        if target.exists() and not state.yes:
            raise UsageError(f"{file} is there already", hint="Add -y to replace it.")
        with atomically(target) as sink:
            rows = database.dump(sink, progress)
    _print_rows(state, "dump", rows, to_stderr=file == "-")
    return 0


@db.command("load", cls=Command, examples=["jobctl --db postgresql://other/db db load library.jobctl"])
@click.argument("file", metavar="FILE|-")
@pass_state
def load(state: State, file: str) -> int:
    """Fill a new, empty database from a dump, or change nothing.

    Jobs that ran when it was taken go back to their queue with their checkpoints; nothing is charged.
    """
    database, progress = _database(state), RowProgress("loading", state.notice)
    if file == "-":
        rows = database.load(sys.stdin.buffer, progress)
    else:
        with readable(file, streams=False) as source:
            rows = database.load(source, progress)
    _print_rows(state, "load", rows, to_stderr=False)
    return 0


def _print_rows(state: State, what: str, rows: dict[str, int], *, to_stderr: bool) -> None:
    if state.json:
        click.echo(dumps({"v": 1, "kind": f"db_{what}", "rows": rows}), err=to_stderr)
        return
    done = {"dump": "dumped", "load": "loaded"}[what]
    state.notice(f"{done} {plural(rows['jobs'], 'job')} and {plural(rows['documents'], 'document')}")
    where = wiring.display_value("storage", wiring.storage_location(state.settings()))
    state.notice(f"The bytes they point at stay in the storage: {where}")


@db.command()
@click.option("--prefix", default="jobctl", show_default=True, help="What the names of the roles begin with.")
@pass_state
def roles(state: State, prefix: str) -> int:  # noqa: ARG001 - every command takes it
    """Print the SQL that makes four roles: submitter, worker, reader, librarian. Grant them to your logins."""
    click.echo(wiring.roles(prefix), nl=False)
    return 0


@db.command()
@pass_state
def sql(state: State) -> int:
    """Print the SQL of the whole schema, to apply by hand."""
    click.echo(_database(state).sql())
    return 0
