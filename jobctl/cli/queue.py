"""queue: hold and release queues and job types as a whole."""

from __future__ import annotations

import click

from jobctl.cli.frame import Family, State, pass_state
from jobctl.cli.shapes import emit, stamp
from jobctl.cli.table import table
from jobctl.cli.text import visible


@click.group(cls=Family)
def queue() -> None:
    """Hold and release whole queues, or with --type whole job types."""


@queue.command()
@click.argument("name")
@click.option("--type", "is_type", is_flag=True, help="NAME is a job type.")
@click.option("--reason", default="", help="Why, for those who look later.")
@pass_state
def pause(state: State, name: str, is_type: bool, reason: str) -> int:
    """Hold a queue: its waiting jobs are not handed out; running ones go on."""
    done = state.connect().queue.hold("type" if is_type else "queue", name, reason=reason)
    click.echo(f"{name}: held, {done['jobs']} jobs wait" if done["changed"] else f"{name}: is already held")
    return 0


@queue.command()
@click.argument("name")
@click.option("--type", "is_type", is_flag=True, help="NAME is a job type.")
@pass_state
def resume(state: State, name: str, is_type: bool) -> int:
    """Release a queue."""
    done = state.connect().queue.unhold("type" if is_type else "queue", name)
    click.echo(f"{name}: released, {done['jobs']} jobs go on" if done["changed"] else f"{name}: is not held")
    return 0


@queue.command("list")
@pass_state
def list_(state: State) -> int:
    """Show what is held."""
    held = state.connect().queue.holds()
    if not state.for_people:
        emit(state, "hold_list", "holds", [{**h, "since": stamp(h["since"])} for h in held])
        return 0
    if not held:
        state.say("nothing is held")
    else:
        rows = [
            [h["kind"], visible(h["name"]), stamp(h["since"]) or "", visible(h["actor"]), visible(h["reason"])]
            for h in held
        ]
        for line in table(["KIND", "NAME", "SINCE", "BY", "REASON"], rows):
            click.echo(line)
    return 0
