"""schedule: jobs that are submitted again and again."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

import click

from jobctl.cli.app import Duration, Family, State, pass_state
from jobctl.cli.options import new_job_options
from jobctl.cli.output.fields import PRIORITY_NAMES, emit, emit_one, stamp
from jobctl.cli.output.table import table
from jobctl.cli.output.text import echo, moment, visible
from jobctl.cli.requests import InputOptions, input_data, pair
from jobctl.client import Options
from jobctl.core.lifecycle import Status
from jobctl.core.schedule import CatchUp, Overlap, Schedule

SHOWN = 5
"""Instants that ``show`` prints."""


class AddOptions(InputOptions):
    """The values of the options of ``schedule add``."""

    cron: str | None
    every: float | None
    tz: str
    catch_up: str
    overlap: str
    title: str | None
    queue: str
    priority: str
    max_retries: int | None
    labels: tuple[str, ...]
    expires: float | None
    job_timeout: float | None


@click.group(cls=Family)
def schedule() -> None:
    """Submit jobs at recurring times. Any running worker fires them, and so does jobctl retry --due."""


@schedule.command(
    examples=[
        "jobctl schedule add nightly --cron '0 3 * * *' --tz Europe/Berlin obsidian_sync --set vault_path=/notes",
        "jobctl schedule add often --every 15m import_document --set path=/in/library.zip",
    ]
)
@click.argument("name")
@click.argument("job_type", metavar="TYPE")
@click.option("--cron", metavar="EXPR", help="Cron expression: minute hour day month weekday.")
@click.option("--every", type=Duration(), help="Interval: 15m, 1h30m.")
@click.option("--tz", metavar="ZONE", default="UTC", show_default=True, help="Time zone of --cron.")
@click.option("--catch-up", type=click.Choice([str(policy) for policy in CatchUp]), default="latest", show_default=True,
              help="Missed instants: submit none, the latest, or all (at most 100).")  # fmt: skip
@click.option("--overlap", type=click.Choice([str(policy) for policy in Overlap]), default="skip", show_default=True,
              help="While its previous job has not ended: leave the instant out, or queue a job.")  # fmt: skip
@new_job_options
@click.option("--label", "labels", multiple=True, metavar="K[=V]", help="Label; may be repeated.")
@click.option("--expires", type=Duration(), help="Cancel a job that has not started by then.")
@click.option("--job-timeout", type=Duration(), help="Limit of an attempt of a job.")
@pass_state
def add(state: State, name: str, job_type: str, **values: Unpack[AddOptions]) -> int:
    """Add a schedule for jobs of TYPE; the input is validated now."""
    options = Options(
        title=values["title"], queue=values["queue"], priority=values["priority"], max_retries=values["max_retries"],
        labels=dict(map(pair, values["labels"])), expires=values["expires"], timeout=values["job_timeout"],
    )  # fmt: skip
    added = state.connect().schedules.add(
        name, job_type, input_data(state, values), options, cron=values["cron"], every=values["every"],
        tz=values["tz"], catch_up=CatchUp(values["catch_up"]), overlap=Overlap(values["overlap"]),
    )  # fmt: skip
    if not emit_one(state, "schedule", schedule=schedule_object(added)) and not state.quiet:
        echo(f"schedule {visible(name)} added, next: {_at(state, added, added.next_at)}")
    return 0


@schedule.command("list")
@pass_state
def list_(state: State) -> int:
    """List schedules."""
    found = state.connect().schedules.list()
    if not state.for_people:
        emit(state, "schedule_list", "schedules", [schedule_object(s) for s in found])
        return 0
    if not found:
        state.notice("no schedules")
        return 0
    rows = [
        [
            visible(s.name),
            visible(s.timing.text),
            visible(_type(s)),
            _next(state, s),
            _last(s),
            "" if s.served else "no worker",
        ]
        for s in found
    ]
    for line in table(["NAME", "WHEN", "TYPE", "NEXT", "LAST", ""], rows):
        echo(line)
    return 0


@schedule.command()
@click.argument("name")
@pass_state
def show(state: State, name: str) -> int:
    """Show a schedule with its next five instants."""
    found = state.connect().schedules.get(name)
    if emit_one(state, "schedule", schedule=schedule_object(found)):
        return 0
    reason = f": {found.pause_reason}" if found.pause_reason else ""
    facts = {
        "name": found.name, "when": found.timing.text, "type": _type(found), "input": str(found.job.get("input_data", {})),
        "catch up": str(found.catch_up), "overlap": str(found.overlap), "added by": found.created_by or "–",
        "last": _last(found) or "–", str(Status.PAUSED): f"yes{reason}" if found.paused_at else "no",
    }  # fmt: skip
    for label, text in facts.items():
        echo(f"{label:<9} {visible(text)}")
    for number, instant in enumerate(found.upcoming(SHOWN)):
        echo(f"{'' if number else 'next':<9} {_at(state, found, instant)}")
    return 0


@schedule.command()
@click.argument("name")
@click.option("--reason", help="Reason, shown by schedule show.")
@pass_state
def pause(state: State, name: str, reason: str | None) -> int:
    """Pause a schedule: it submits nothing until it is resumed."""
    changed = state.connect().schedules.pause(name, reason=reason)
    return _changed(state, name, str(Status.PAUSED) if changed else f"is already {Status.PAUSED}", changed=changed)


@schedule.command()
@click.argument("name")
@pass_state
def resume(state: State, name: str) -> int:
    """Resume a schedule from its next instant."""
    changed = state.connect().schedules.resume(name)
    return _changed(state, name, "resumed" if changed else f"is not {Status.PAUSED}", changed=changed)


@schedule.command()
@click.argument("name")
@pass_state
def remove(state: State, name: str) -> int:
    """Remove a schedule; its jobs stay."""
    state.connect().schedules.remove(name)
    return _changed(state, name, "removed", changed=True)


@schedule.command("run-now")
@click.argument("name")
@pass_state
def run_now(state: State, name: str) -> int:
    """Submit a job of a schedule at once; stdout is its id."""
    submitted = state.connect().schedules.run_now(name)
    if not emit_one(state, "submitted", count=1, ids=[submitted.id]):
        echo(str(submitted.id))
    return 0


def schedule_object(found: Schedule) -> dict[str, object]:
    """A schedule in JSON: every key always there."""
    priority = found.job.get("priority")
    return {
        "id": found.name, "name": found.name, "cron": found.timing.cron, "every_s": found.timing.every, "tz": found.timing.tz,
        "type": _type(found), "input": found.job.get("input_data", {}), "title": found.job.get("title", ""),
        "queue": found.job.get("queue"), "priority": PRIORITY_NAMES.get(priority) if isinstance(priority, int) else None,
        "max_retries": found.job.get("max_retries"), "catch_up": str(found.catch_up), "overlap": str(found.overlap),
        "created_by": found.created_by, "created_at": stamp(found.created_at), "paused_at": stamp(found.paused_at),
        "pause_reason": found.pause_reason, "next": [stamp(instant) for instant in found.upcoming(SHOWN)],
        "last_at": stamp(found.last_at), "last_job": found.last_job_id, "last_status": found.last_status,
        "served": found.served,
    }  # fmt: skip


def _changed(state: State, name: str, sentence: str, *, changed: bool) -> int:
    if not emit_one(state, "schedule_changed", name=name, changed=changed, message=sentence) and not state.quiet:
        echo(f"schedule {visible(name)} {sentence}")
    return 0


def _type(found: Schedule) -> str:
    return str(found.job.get("job_type", ""))


def _at(state: State, found: Schedule, instant: datetime) -> str:
    """An instant with its offset in the time zone of the schedule, and how far it is."""
    return (
        f"{found.timing.local(instant).isoformat(timespec='seconds')} ({moment(instant, found.now, state.time_mode)})"
    )


def _next(state: State, found: Schedule) -> str:
    return str(Status.PAUSED) if found.paused_at else moment(found.next_at, found.now, state.time_mode)


def _last(found: Schedule) -> str:
    return f"job {found.last_job_id} {found.last_status or 'deleted'}" if found.last_job_id else ""
