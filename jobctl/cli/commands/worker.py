"""worker: run, list, drain."""

from __future__ import annotations

import json
import logging
import sys
from typing import TypedDict, Unpack

import click

from jobctl.cli.address import Address
from jobctl.cli.app import Duration, Family, State, pass_state
from jobctl.cli.output.fields import emit, emit_one, stamp
from jobctl.cli.output.table import table
from jobctl.cli.output.text import echo, visible
from jobctl.core.errors import JobNotFound
from jobctl.core.names import plural, span
from jobctl.core.rows import WorkerRow, columns
from jobctl.system import clock


@click.group(cls=Family)
def worker() -> None:
    """Run and look after workers."""


class _Json(logging.Formatter):
    def __init__(self, worker: str) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        body = {"ts": stamp(clock.now()), "level": record.levelname.lower(), "message": record.getMessage()}
        return json.dumps(body | {"worker": self._worker} | getattr(record, "fields", {}))


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = clock.local_now().strftime("%H:%M:%S")
        level = "" if record.levelno <= logging.INFO else f" {record.levelname.lower()}:"
        return f"{time}{level} {visible(record.getMessage())}"


class RunOptions(TypedDict):
    """Options of ``worker run`` that pass through as they are."""

    concurrency: int | None
    drain: bool
    once: bool
    max_jobs: int | None
    poll: float | None
    grace: float | None
    name: str | None
    metrics: tuple[str, int] | None


@worker.command(silent=True)
@click.option("-c", "--concurrency", type=click.IntRange(1, 256), help="Jobs at once; default 2.")
@click.option("--queue", "queues", multiple=True, help="Only this queue; may be repeated. Default: all.")
@click.option("--type", "types", multiple=True, help="Only this job type; may be repeated. Default: all installed.")
@click.option("--drain", is_flag=True, help="End when nothing is left to do.")
@click.option("--once", is_flag=True, help="Claim once, run those jobs, end.")
@click.option("--max-jobs", type=click.IntRange(1), help="End after so many jobs.")
@click.option("--poll", type=Duration(), help="Maximum poll interval; default 1s.")
@click.option("--no-listen", is_flag=True, help="Poll only; for PgBouncer in transaction mode.")
@click.option("--grace", type=Duration(), help="How long a stopping worker waits for safe points; default 30s.")
@click.option("--name", help="Name in lists; default host-pid.")
@click.option("--input-root", "roots", multiple=True, type=click.Path(exists=True, file_okay=False),
              help="A folder that jobs may read and write, besides what was taken in at submit.")  # fmt: skip
@click.option("--allow-commands", is_flag=True, help="Take command jobs too: who may submit runs programs here.")
@click.option(
    "--metrics", type=Address(), metavar="[HOST:]PORT", help="Serve /metrics for Prometheus, /healthz and /readyz."
)
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Lines on stderr."
)
@pass_state
def run(
    state: State,
    no_listen: bool,
    log_format: str,
    queues: tuple[str, ...],
    types: tuple[str, ...],
    roots: tuple[str, ...],
    **options: Unpack[RunOptions],
) -> int:
    """Run jobs until stopped.

    The first SIGTERM or Ctrl-C stops at the next safe point and releases the jobs; the second stops at once.
    """
    from jobctl import wiring

    name = options["name"] = wiring.worker_name(options["name"])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json(name) if log_format == "json" else _Text())
    log = logging.getLogger("jobctl.worker")
    log.addHandler(handler)
    log.setLevel(logging.WARNING if state.quiet else logging.INFO)
    chosen = wiring.WorkerOptions(
        queues=tuple(queues) or None,
        types=tuple(types) or None,
        listen=not no_listen,
        input_roots=tuple(roots),
        **options,
    )
    report = log.info if log_format == "json" else state.notice  # one object a line, from the first line on
    settled = wiring.run_worker(state.settings(), chosen, report=report)
    log.info("%s processed", plural(settled, "job"))
    return 0


@worker.command("list")
@click.option("--all", "everyone", is_flag=True, help="Include workers that have ended.")
@pass_state
def list_(state: State, everyone: bool) -> int:
    """Show workers and their jobs."""
    found = state.connect().workers(everyone=everyone)
    if not state.for_people:
        emit(state, "worker_list", "workers", map(_item, found))
        return 0
    if not found:
        state.notice("no worker is running; start one: jobctl worker run")
        return 0
    for line in table(["ID", "NAME", "HOST", "PID", "STATE", "SEEN", "BUSY", "JOBS"], [_cells(one) for one in found]):
        click.echo(line)
    for one in found:
        if one.storage_away and not one.stopped_at:
            echo(f"worker {visible(one.name)}: {visible(one.storage_away)}")
    return 0


def _item(worker: WorkerRow) -> dict[str, object]:
    times = ("started_at", "heartbeat_at", "draining_at", "stopped_at")
    return {**columns(worker), **{name: stamp(getattr(worker, name)) for name in times}}


def _cells(worker: WorkerRow) -> list[str]:
    jobs = " ".join(map(str, worker.jobs)) or "–"
    return [
        str(worker.id), visible(worker.name), visible(worker.host), str(worker.pid), _condition(worker),
        span(worker.heartbeat_age_s), f"{len(worker.jobs)}/{worker.capacity}", jobs,
    ]  # fmt: skip


def _condition(worker: WorkerRow) -> str:
    if worker.stopped_at:
        return "stopped"
    if worker.silent:
        return "silent"
    if worker.draining_at:
        return "draining"
    return "storage away" if worker.storage_away else "alive"


@worker.command()
@click.argument("names", nargs=-1, required=True, metavar="WORKER…")
@pass_state
def drain(state: State, names: tuple[str, ...]) -> int:
    """Ask workers, by name or id, to finish at their next safe points and end."""
    found = state.connect().drain_workers(names)
    known = {*found.values(), *map(str, found)}
    if not emit_one(state, "draining", workers=list(found.values())):
        for name in found.values():
            echo(f"worker {visible(name)}: draining")
    missing = [name for name in names if name not in known]
    if missing:
        raise JobNotFound(f"no such worker: {', '.join(missing)}", hint="jobctl worker list")
    return 0
