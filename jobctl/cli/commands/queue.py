"""queue: pause, resume and limit queues and job types as a whole."""

from __future__ import annotations

import click

from jobctl.cli.app import Family, State, pass_state
from jobctl.cli.output.fields import emit, emit_one, stamp
from jobctl.cli.output.table import table
from jobctl.cli.output.text import echo, visible
from jobctl.core.errors import UsageError
from jobctl.core.limits import MOST, Limit, parse_rate, rate_text
from jobctl.core.names import plural
from jobctl.core.rows import columns


class Rate(click.ParamType[float]):
    """``60/m`` as starts in a second."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Starts in a second."""
        if isinstance(value, float):
            return value
        try:
            return parse_rate(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group(cls=Family)
def queue() -> None:
    """Pause, resume and limit whole queues, or with --type whole job types."""


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


@queue.command()
@click.argument("name")
@click.option("--type", "is_type", is_flag=True, help="NAME is a job type.")
@click.option("--running", type=click.IntRange(1, MOST), help="Jobs that run at once, on all workers together.")
@click.option("--rate", type=Rate(), metavar="N/s|m|h|d", help="Jobs that start in a time, on all workers together.")
@click.option("--weight", type=click.IntRange(1, 1000), help="Turns of the queue for each turn of another; default 1.")
@click.option("--none", "remove", is_flag=True, help="Remove the limit.")
@pass_state
def limit(
    state: State,
    name: str,
    is_type: bool,
    running: int | None,
    rate: float | None,
    weight: int | None,
    remove: bool,
) -> int:
    """Limit a queue, or with --type a job type, whatever the number of workers.

    What is set replaces what was set before, as a whole.
    """
    kind = "type" if is_type else "queue"
    given = running is not None or rate is not None or weight is not None
    if given == remove:
        raise UsageError("give --running, --rate or --weight, or --none", hint="jobctl queue limits shows what is set")
    if weight is not None and is_type:
        raise UsageError("a job type has no --weight", hint="Queues have turns.")
    client = state.connect()
    if remove:
        done = client.remove_limit(kind, name)
        if not emit_one(state, "limit_removed", of=kind, name=name, changed=done):
            echo(f"{kind} {visible(name)} {'is limited no longer' if done else 'has no limit'}")
        return 0
    chosen = Limit(kind, name, running, rate, weight)
    client.set_limit(chosen)
    if not emit_one(state, "limit_set", of=kind, name=name, max_running=running, rate=rate, weight=weight):
        echo(f"{kind} {visible(name)}: {_limit_text(chosen)}")
    return 0


@queue.command()
@pass_state
def limits(state: State) -> int:
    """List limits of queues and job types."""
    found = state.connect().limits()
    if not state.for_people:
        emit(state, "limit_list", "limits", [{"id": one.name, **columns(one)} for one in found])
        return 0
    if not found:
        state.notice("no limit is set")
        return 0
    rows = [[one.kind, visible(one.name), _limit_text(one), _by(one)] for one in found]
    for line in table(["KIND", "NAME", "LIMIT", "BY"], rows):
        echo(line)
    return 0


def _by(one: Limit) -> str:
    return "its code" if one.declared else visible(one.actor)


def _limit_text(one: Limit) -> str:
    parts = [f"{one.max_running} running"] if one.max_running is not None else []
    parts += [f"{rate_text(one.rate)} started"] if one.rate is not None else []
    parts += [f"weight {one.weight}"] if one.weight is not None else []
    return ", ".join(parts)


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
