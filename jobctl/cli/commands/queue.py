"""queue: pause and resume queues and job types as a whole."""

from __future__ import annotations

import click

from jobctl.cli.app import Family, State, pass_state
from jobctl.cli.output.fields import emit, emit_one, stamp
from jobctl.cli.output.table import table
from jobctl.cli.output.text import echo, visible
from jobctl.core.names import plural
from jobctl.core.rows import columns


@click.group(cls=Family)
def queue() -> None:
    """Pause and resume whole queues, or with --type whole job types."""


@queue.command()
@click.argument("name")
@click.option("--type", "is_type", is_flag=True, help="NAME is a job type.")
@click.option("--reason", default="", help="Reason, shown by why and queue list.")
@pass_state
def pause(state: State, name: str, is_type: bool, reason: str) -> int:
    """Pause a queue: no worker starts its pending jobs; running jobs continue."""
    kind = "type" if is_type else "queue"
    done = state.connect().pause_queue(kind, name, reason=reason)
    if not emit_one(state, "queue_paused", of=kind, name=name, changed=done.changed, jobs=done.jobs):
        waiting = f"paused, {plural(done.jobs, 'job')} waiting"
        echo(f"{kind} {visible(name)} {waiting if done.changed else 'is already paused'}")
    return 0


@queue.command()
@click.argument("name")
@click.option("--type", "is_type", is_flag=True, help="NAME is a job type.")
@pass_state
def resume(state: State, name: str, is_type: bool) -> int:
    """Resume a queue."""
    kind = "type" if is_type else "queue"
    done = state.connect().resume_queue(kind, name)
    if not emit_one(state, "queue_resumed", of=kind, name=name, changed=done.changed, jobs=done.jobs):
        released = f"resumed, {plural(done.jobs, 'job')} released"
        echo(f"{kind} {visible(name)} {released if done.changed else 'is not paused'}")
    return 0


@queue.command("list")
@pass_state
def list_(state: State) -> int:
    """List paused queues and job types."""
    paused = state.connect().paused_queues()
    if not state.for_people:
        emit(state, "hold_list", "holds", [{"id": q.name, **columns(q), "since": stamp(q.since)} for q in paused])
        return 0
    if not paused:
        state.notice("no queue is paused")
    else:
        rows = [[q.kind, visible(q.name), stamp(q.since) or "", visible(q.actor), visible(q.reason)] for q in paused]
        for line in table(["KIND", "NAME", "SINCE", "BY", "REASON"], rows):
            echo(line)
    return 0
