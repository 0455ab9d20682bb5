"""list, show, why, verify, logs."""

from __future__ import annotations

import time
from typing import Any

import click

from jobctl.cli import cache
from jobctl.cli.frame import State, command, pass_state
from jobctl.cli.render import card, dumps, emit, job_lines, job_object, pick, stamp, table
from jobctl.cli.selectors import filters, numbers, selectors, split
from jobctl.cli.text import moment, visible
from jobctl.core.errors import UsageError
from jobctl.core.job import Job
from jobctl.core.lifecycle import DONE

SORTS = ("id", "updated", "priority", "type", "status", "title")


@command("list")
@selectors
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(0), help="Most jobs; 0: all.")
@click.option("--sort", type=click.Choice(SORTS), default="id", show_default=True, help="Order; id: newest first.")
@click.option("--watch", "live", is_flag=True, help="Follow them: the same as jobctl watch.")
@pass_state
def list_(state: State, limit: int, sort: str, live: bool, **values: Any) -> int:
    """Show jobs as a table, newest first."""
    where, _ = split(values)
    if live:
        from jobctl.cli.watch import follow

        return follow(state, None, where)
    client = state.connect()
    wanted = filters(where)
    if state.output == "ndjson" and limit == 0:
        emit(state, "job_list", "jobs", (job_object(job) for job in client.pages(wanted)))
        return 0
    jobs = client.find(wanted, limit=limit + 1 if limit else None, sort=sort)
    truncated = bool(limit) and len(jobs) > limit
    jobs = jobs[:limit] if limit else jobs
    cache.remember(jobs)
    if state.output not in ("table", "wide"):
        total = client.count(wanted) if truncated else len(jobs)
        emit(state, "job_list", "jobs", [job_object(job) for job in jobs], total=total, truncated=truncated)
        return 0
    if not jobs:
        state.say("no jobs match" if any(where.values()) else "no jobs yet; submit one: jobctl submit FILE")
        return 0
    for line in job_lines(state, jobs):
        click.echo(line)
    if truncated:
        state.say(f"{limit} of {client.count(wanted):,} jobs; -n 0 shows all")
    return 0


@command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--payload", is_flag=True, help="With the input.")
@click.option("--result", is_flag=True, help="With the output.")
@click.option("--trace", is_flag=True, help="With the traceback of the last error.")
@click.option("--events", is_flag=True, help="With the whole history.")
@pass_state
def show(state: State, ids: tuple[str, ...], payload: bool, result: bool, trace: bool, events: bool) -> int:
    """Show everything about jobs, and what can be done with them now."""
    client = state.connect()
    jobs = [client.get(number) for number in numbers(state, ids)]
    if state.output in ("json", "ndjson"):
        found = [pick(state, _object(client, job, payload, result, trace, events)) for job in jobs]
        if state.output == "json" and len(found) == 1:
            click.echo(dumps({"v": 1, "kind": "job", **found[0]}))
        elif state.output == "json":
            click.echo(
                dumps(
                    {
                        "v": 1,
                        "kind": "job_list",
                        "count": len(found),
                        "total": len(found),
                        "truncated": False,
                        "jobs": found,
                    }
                )
            )
        else:
            for item in found:
                click.echo(dumps(item))
        return 0
    for place, job in enumerate(jobs):
        if place:
            click.echo()
        _print(state, client, job, payload=payload, result=result, trace=trace, events=events)
    return 0


def _object(client: Any, job: Job, payload: bool, result: bool, trace: bool, events: bool) -> dict[str, Any]:
    wants = {"input": payload, "output": result, "trace": trace, "events": events}
    parts: dict[str, Any] = {}
    if wants["input"]:
        parts["input"] = job.input_data
    if wants["output"]:
        parts["output"] = job.output_data
    if wants["trace"]:
        parts["trace"] = job.error_trace
    if wants["events"]:
        parts["events"] = [_event(event) for event in client.events([job.id])]
    return job_object(job, parts=parts)


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "at": stamp(event["at"])}


def _print(state: State, client: Any, job: Job, *, payload: bool, result: bool, trace: bool, events: bool) -> None:
    checkpoints = client.checkpoints(job.id)
    for line in card(state, job, checkpoints=checkpoints, stages=job.metadata.get("stages") or ()):
        click.echo(line)
    for name, wanted, value in (("input", payload, job.input_data), ("output", result, job.output_data)):
        if wanted:
            click.echo(f"{name:<11} {visible(dumps(value))}")
    if trace:
        click.echo("trace")
        for line in (job.error_trace or "none").splitlines():
            click.echo(f"  {visible(line)}")
    if events:
        click.echo("events")
        mode = state.get("time_mode", "relative")
        for event in client.events([job.id]):
            moved = f"{event['from_status'] or '–'} → {event['to_status']}" if event["to_status"] else ""
            detail = visible(dumps(event["detail"])) if event["detail"] else ""
            when = moment(event["at"], job.now, mode)
            click.echo(f"  {when:<10} {event['kind']:<18} {moved:<24} {visible(event['actor']):<14} {detail}".rstrip())


@command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@pass_state
def why(state: State, ids: tuple[str, ...]) -> int:
    """Say why a job is where it is, and what to type next."""
    client = state.connect()
    for number in numbers(state, ids):
        sentences = client.why(number)
        if state.output in ("json", "ndjson"):
            click.echo(dumps({"v": 1, "kind": "why", "id": number, "reasons": sentences}))
            continue
        for sentence in sentences:
            click.echo(f"{number}: {visible(sentence)}")
    return 0


@command()
@click.argument("ids", nargs=-1, metavar="[ID…]")
@pass_state
def verify(state: State, ids: tuple[str, ...]) -> int:
    """Read checkpoints and compare their hashes, before anyone needs them. Without ids: of all unfinished jobs."""
    client = state.connect()
    chosen = numbers(state, ids) if ids else [job.id for job in client.pages(filters({"status": ("active",)}))]
    found = client.verify(chosen)
    if state.output in ("table", "wide"):
        rows = [[str(v.job_id), str(v.seq), v.stage, v.verdict, v.path] for v in found]
        for line in table(["JOB", "SEQ", "STAGE", "VERDICT", "PATH"], rows):
            click.echo(visible(line))
    else:
        items = [{"id": v.job_id, "seq": v.seq, "stage": v.stage, "verdict": v.verdict, "path": v.path} for v in found]
        emit(state, "verification", "checkpoints", items)
    bad = [v for v in found if v.verdict != "ok"]
    if bad:
        state.say(f"{len(bad)} of {len(found)} checkpoints can't be used; those jobs go on from the one before")
    return 4 if bad else 0


@command()
@click.argument("job", metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("-n", "--tail", type=click.IntRange(1), help="Only the last so many lines.")
@click.option("--stage", help="Only of this stage.")
@click.option("--attempt", type=click.IntRange(1), help="Only of this attempt.")
@click.option("--raw", is_flag=True, help="Control characters as they are.")
@pass_state
def logs(
    state: State, job: str, follow: bool, tail: int | None, stage: str | None, attempt: int | None, raw: bool
) -> int:
    """Show what a job's handler logged, printed or wrote to stderr."""
    client = state.connect()
    number = _one(numbers(state, [job]))
    last = 0
    options = {"stage": stage, "attempt": attempt}
    while True:
        ended = client.get(number, full=False).status in DONE
        lines = client.logs(number, after=last, **options, **({"tail": tail} if tail and not last else {}))
        for line in lines:
            last = line["id"]
            _log_line(state, line, raw=raw)
        if not follow or (ended and not lines):
            return 0
        time.sleep(0.5 if not lines else 0.0)


def _one(ids: list[int]) -> int:
    if len(ids) != 1:
        raise UsageError("one job, please", hint="jobctl logs ID")
    return ids[0]


def _log_line(state: State, line: dict[str, Any], *, raw: bool) -> None:
    if state.output in ("json", "ndjson"):
        click.echo(dumps({**line, "at": stamp(line["at"])}))
        return
    text = line["text"] if raw else visible(line["text"])
    stage = f" {line['stage']}" if line["stage"] else ""
    level = "" if line["level"] == "info" else f" {line['level']}:"
    click.echo(f"{line['at'].astimezone():%H:%M:%S} #{line['attempt']}{stage}{level} {text}")
