"""list, show, why, verify, logs."""

from __future__ import annotations

import json
import sys
from typing import Unpack

import click

from jobctl.cli import cache
from jobctl.cli.app import State, command, pass_state
from jobctl.cli.exits import ended, outcome_code
from jobctl.cli.output.card import card, job_lines
from jobctl.cli.output.fields import JOB_FIELDS, dumps, emit, emit_one, job_object, known, pick, stamp
from jobctl.cli.output.table import table
from jobctl.cli.output.text import echo, moment, visible
from jobctl.cli.selectors import Selection, chosen, filters, is_narrow, numbers, selectors
from jobctl.client import Client
from jobctl.client.inspection import MANY, SEARCHED
from jobctl.core.errors import JobNotFound, UsageError
from jobctl.core.filters import Filters
from jobctl.core.job import Job
from jobctl.core.rows import Event, LogLine, columns
from jobctl.system import clock

SORTS = ("id", "updated", "priority", "type", "status", "title")


MOST = 2**31 - 2
"""The largest number that an option may have: one more still fits the database's integer."""
COUNTED = 100_000
"""Where counting for programs stops."""


@command("list", examples=["jobctl list -s failed,paused", "jobctl list -t import_document --since today -o wide",
                           "jobctl list -s active --fields id,title,progress.percent -o csv"])  # fmt: skip
@selectors
@click.option(
    "-n", "--limit", default=50, show_default=True, type=click.IntRange(0, MOST), help="Maximum number of jobs; 0: all."
)
@click.option("--sort", type=click.Choice(SORTS), default="id", show_default=True, help="Order; id: newest first.")
@click.option("--watch", "live", is_flag=True, help="Same as jobctl watch.")
@pass_state
def list_(state: State, limit: int, sort: str, live: bool, **where: Unpack[Selection]) -> int:
    """Show jobs as a table, newest first; with -q only their ids."""
    if live:
        from jobctl.cli.watching.views import watch_jobs

        return watch_jobs(state, None, where)
    if state.quiet and state.for_people:
        state.flags["output"] = "id"
    chosen_filters = filters(where)
    if not known(state, JOB_FIELDS, open_ended=("labels",)):
        return 0
    client = state.connect()
    if state.output in ("ndjson", "csv", "tsv", "id") and limit == 0 and sort == "id":
        emit(state, "job_list", "jobs", (job_object(job) for job in client.pages(chosen_filters)))
        return 0
    if limit:
        chosen_filters = client.searched(chosen_filters, sort=sort)
    jobs = client.find(chosen_filters, limit=limit + 1 if limit else None, sort=sort)
    truncated = bool(limit) and len(jobs) > limit
    partial = (not truncated or sort not in ("id", "updated")) and client.skipped(chosen_filters)
    jobs = jobs[:limit] if limit else jobs
    cache.remember(jobs)
    if not state.for_people:
        total = client.count(chosen_filters, cap=COUNTED) if truncated and state.output == "json" else len(jobs)
        emit(state, "job_list", "jobs", [job_object(job) for job in jobs], total=total, truncated=truncated or partial)
    elif jobs:
        for line in job_lines(state, jobs):
            echo(line)
    else:
        state.notice("no jobs match" if is_narrow(where) else "no jobs yet; submit one: jobctl submit FILE")
    _say_what_is_missing(state, truncated and client.count(chosen_filters), limit, partial=partial)
    return 0


def _say_what_is_missing(state: State, found: int, limit: int, *, partial: bool) -> None:
    if found:
        state.notice(f"{limit} of {found:,}{'+' if found >= MANY else ''} jobs; -n 0 shows all")
    if partial:
        state.notice(f"searched the newest {SEARCHED:,} jobs; -n 0 searches all")


@command(examples=["jobctl show 7", "jobctl show @last --events", "jobctl show 7 --json --result"])
@click.argument("ids", nargs=-1, metavar="[ID…]")
@selectors
@click.option("--payload", is_flag=True, help="Include the input.")
@click.option("--result", is_flag=True, help="Include the result, however large.")
@click.option("--trace", is_flag=True, help="Include the traceback of the last error.")
@click.option("--events", is_flag=True, help="Include the history.")
@pass_state
def show(
    state: State,
    payload: bool,
    result: bool,
    trace: bool,
    events: bool,
    ids: tuple[str, ...],
    **where: Unpack[Selection],
) -> int:
    """Show jobs in detail, with the actions possible now."""
    if not known(state, [*JOB_FIELDS, *PARTS], open_ended=("labels", "input", "output")):
        return 0
    client = state.connect()
    numbers_ = chosen(state, ids, where, verb="show")
    found = {job.id: job for job in client.find(Filters(ids=tuple(numbers_)), limit=None, full=True)}
    jobs = [found[number] for number in numbers_ if number in found]
    parts = {"input": payload, "output": result, "trace": trace, "events": events}
    asked = {name for name, on in parts.items() if on} | {name.partition(".")[0] for name in state.fields}
    if not state.for_people:
        objects = [job_object(job, parts=_parts(client, job, asked)) for job in jobs]
        if state.output == "json" and len(numbers_) == 1 == len(objects):
            echo(dumps({"v": 1, "kind": "job", **pick(state, objects[0])}))
        else:
            emit(state, "job_list", "jobs", objects, total=len(jobs), truncated=False)
    else:
        for place, job in enumerate(jobs):
            if place:
                echo()
            _print(state, client, job, asked)
    if missing := [str(number) for number in numbers_ if number not in found]:
        raise JobNotFound(f"no such job: {', '.join(missing)}", hint="jobctl list")
    return 0


PARTS = ("input", "output", "trace", "events")
"""What ``show`` adds to a job on request."""


def _parts(client: Client, job: Job, asked: set[str]) -> dict[str, object]:
    parts: dict[str, object] = {"input": job.input_data, "trace": job.error_trace}
    if "output" in asked:
        parts["output"] = _output(client, job)
    if "events" in asked:
        parts["events"] = [_event(event) for event in client.events([job.id])]
    return {name: parts[name] for name in PARTS if name in asked}


def _output(client: Client, job: Job) -> object:
    """The result, also where it is in the storage; None where there is none or it was pruned."""
    return json.loads(client.result_json_of(job)) if job.result_location == "storage" else job.output_data


def _event(event: Event) -> dict[str, object]:
    return {**columns(event), "at": stamp(event.at)}


def _print(state: State, client: Client, job: Job, asked: set[str]) -> None:
    checkpoints = client.checkpoints(job.id)
    output = _output(client, job) if "output" in asked else None  # may fail: before anything is printed
    for line in card(state, job, checkpoints=checkpoints, stages=job.metadata.get("stages") or ()):
        echo(line)
    for name, value in (("input", job.input_data), ("output", output)):
        if name in asked:
            echo(f"{name:<11} {visible(dumps(value))}")
    if "trace" in asked:
        echo("trace")
        for line in (job.error_trace or "none").splitlines():
            echo(f"  {visible(line)}")
    if "events" in asked:
        echo("events")
        for event in client.events([job.id]):
            echo(_event_line(event, job, state.time_mode))


def _event_line(event: Event, job: Job, mode: str) -> str:
    moved = f"{event.from_status or '–'} → {event.to_status}" if event.to_status else ""
    detail = visible(dumps(event.detail)) if event.detail else ""
    when = moment(event.at, job.now, mode)
    return f"  {when:<10} {event.kind:<18} {moved:<24} {visible(event.actor):<14} {detail}".rstrip()


@command(examples=["jobctl why 7", "jobctl why -s pending"])
@click.argument("ids", nargs=-1, metavar="[ID…]")
@selectors
@pass_state
def why(state: State, ids: tuple[str, ...], **where: Unpack[Selection]) -> int:
    """Explain a job's current status, with the next command to type."""
    client = state.connect()
    numbers_ = chosen(state, ids, where, verb="explain")
    reasons = ({"id": number, "reasons": client.why(number)} for number in numbers_)
    if state.output == "json" and len(numbers_) == 1:
        emit_one(state, "why", **next(reasons))
    elif not state.for_people:
        emit(state, "why_list", "jobs", reasons)
    else:
        for number in numbers_:
            for sentence in client.why(number):
                echo(f"{number}: {visible(sentence)}")
    return 0


@command(examples=["jobctl verify", "jobctl verify 7 9"])
@click.argument("ids", nargs=-1, metavar="[ID…]")
@selectors
@pass_state
def verify(state: State, ids: tuple[str, ...], **where: Unpack[Selection]) -> int:
    """Compare checkpoints and stored results with their hashes. Without ids: those of all unfinished jobs."""
    client = state.connect()
    if not ids and not is_narrow(where):
        where["status"] = ("active",)
    found = client.verify(chosen(state, ids, where, verb="verify"))
    if state.for_people:
        rows = [[str(v.job_id), "" if v.seq is None else str(v.seq), v.stage, v.verdict, v.path] for v in found]
        for line in table(["JOB", "SEQ", "STAGE", "VERDICT", "PATH"], rows):
            echo(visible(line))
    else:
        items = [{"id": v.job_id, "seq": v.seq, "stage": v.stage, "verdict": v.verdict, "path": v.path} for v in found]
        emit(state, "verification", "checkpoints", items)
    bad = [v for v in found if v.verdict != "ok"]
    if bad:
        state.notice(
            f"{len(bad)} of {len(found)} are unusable; a job resumes from the checkpoint before, or: jobctl restart"
        )
    return 4 if bad else 0


@command(examples=["jobctl logs 7 -f", "jobctl logs 7 --stage embedding --attempt 2 -n 50"])
@click.argument("job", metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Follow until the job has ended; return its outcome.")
@click.option("-n", "--tail", type=click.IntRange(1, MOST), help="Only the last N lines.")
@click.option("--stage", help="Only of this stage.")
@click.option("--attempt", type=click.IntRange(1, MOST), help="Only of this attempt.")
@click.option("--raw", is_flag=True, help="Print control characters as they are.")
@pass_state
def logs(
    state: State, job: str, follow: bool, tail: int | None, stage: str | None, attempt: int | None, raw: bool
) -> int:
    """Show what a job logged, printed or wrote to stderr."""
    client = state.connect()
    number = _one(numbers(state, [job]))
    last = 0
    while True:
        reason = ended(client.get(number, full=False))
        newest = tail if tail and not last else MOST
        lines = client.logs(number, after=last, stage=stage, attempt=attempt, tail=newest)
        if not follow and not state.for_people:
            emit(state, "log_list", "lines", map(_line, lines))
            return 0
        for line in lines:
            last = line.id
            _log_line(state, line, raw=raw)
        if not follow:
            return 0
        if reason and not lines:
            return outcome_code([reason])
        if not lines:
            sys.stdout.flush()
            clock.sleep(0.5)


def _one(ids: list[int]) -> int:
    if len(ids) != 1:
        raise UsageError("logs takes exactly one job", hint="jobctl logs ID")
    return ids[0]


def _line(line: LogLine) -> dict[str, object]:
    return {**columns(line), "at": stamp(line.at)}


def _log_line(state: State, line: LogLine, *, raw: bool) -> None:
    if state.json:
        echo(dumps(_line(line)))
        return
    stage = f" {visible(line.stage)}" if line.stage else ""
    level = "" if line.level == "info" else f" {visible(line.level)}:"
    head = f"{line.at.astimezone():%H:%M:%S} #{line.attempt}{stage}{level} "
    if raw:
        click.echo(head + line.text)  # as it was asked for: control characters as they are
    else:
        echo(head + visible(line.text))
