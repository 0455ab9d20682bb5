"""db: the embedded server's life, and the schema's."""

from __future__ import annotations

from typing import Any

import click

from jobctl.cli.frame import Family, State, pass_state
from jobctl.cli.shapes import dumps
from jobctl.core.errors import IllegalTransition, UsageError


@click.group(cls=Family)
def db() -> None:
    """Start, stop, upgrade and check the database."""


def _place(state: State) -> Any:
    from jobctl import wiring

    return wiring.database(state.settings(), state.say)


def _embedded(state: State, verb: str) -> Any:
    place = _place(state)
    if place.url is not None:
        raise UsageError(f"db {verb} is for the embedded server; a URL is set", hint="jobctl config show says where")
    return place


@db.command()
@pass_state
def start(state: State) -> int:
    """Start the embedded server; create it the first time."""
    _embedded(state, "start").info()
    state.say("the database is running")
    return 0


@db.command()
@click.option("--force", is_flag=True, help="Even while workers are connected.")
@pass_state
def stop(state: State, force: bool) -> int:
    """Stop the embedded server. The next command starts it again."""
    stopped = _embedded(state, "stop").server.stop(force=force)
    state.say("the database is stopped" if stopped else "the database was not running")
    return 0


@db.command()
@pass_state
def status(state: State) -> int:
    """Show where the database is and how it does; starts nothing."""
    facts = _place(state).status()
    if state.output in ("json", "ndjson"):
        click.echo(dumps({"v": 1, "kind": "db_status", **facts}))
        return 0
    for name, value in facts.items():
        shown = (
            {True: "yes", False: "no", None: "–"}.get(value, value) if isinstance(value, (bool, type(None))) else value
        )
        click.echo(f"{name:<15} {shown}")
    return 0


@db.command()
@click.argument("revision", default="head")
@pass_state
def upgrade(state: State, revision: str) -> int:
    """Bring the schema up, by default to what this program needs."""
    place = _place(state)
    place.upgrade(revision)
    state.say(f"the schema is at {place.status()['schema']}")
    return 0


@db.command()
@click.argument("revision")
@pass_state
def downgrade(state: State, revision: str) -> int:
    """Take the schema back; "base" removes everything. Asks on a terminal, needs -y elsewhere."""
    if not state.get("yes"):
        import sys

        if not sys.stdin.isatty():
            raise UsageError("a downgrade can lose data", hint="Add -y if that is meant.")
        click.confirm(f"downgrade to {revision}? Data may be lost", abort=True, err=True)
    _place(state).downgrade(revision)
    state.say(f"the schema is at {_place(state).status()['schema'] or 'nothing'}")
    return 0


@db.command()
@pass_state
def current(state: State) -> int:
    """Print the revision of the schema."""
    facts = _place(state).status()
    click.echo(facts["schema"] or "none")
    return 0 if facts["schema"] == facts["head"] else 5


@db.command()
@pass_state
def check(state: State) -> int:
    """Compare the database with what the program expects."""
    found = _place(state).check()
    for line in found:
        click.echo(line)
    if found:
        raise IllegalTransition(f"{len(found)} differences", hint="jobctl db upgrade")
    state.say("the schema is as it should be")
    return 0


@db.command()
@pass_state
def sql(state: State) -> int:
    """Print the SQL of the whole schema, to apply by hand."""
    click.echo(_place(state).sql())
    return 0
