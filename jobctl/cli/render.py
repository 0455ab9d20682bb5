"""Jobs as tables, cards and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from jobctl.cli.frame import State
from jobctl.cli.text import colours, cut, moment, paint, span, terminal_width, unicode_output, visible, width
from jobctl.core.errors import UsageError
from jobctl.core.job import PRIORITIES, Job
from jobctl.core.lifecycle import DONE, Status

PRIORITY_NAMES = {value: name for name, value in PRIORITIES.items()}
MARKS = {
    Status.PENDING: ("·", ".", None),
    Status.PROCESSING: ("●", "*", "blue"),
    Status.PAUSED: ("‖", "=", "yellow"),
    Status.COMPLETED: ("✓", "+", "green"),
    Status.FAILED: ("✗", "x", "red"),
    Status.CANCELLED: ("–", "-", "dim"),
}
SILENT = ("○", "o", "yellow")
BAR = 9
LEAST_TITLE = 16


def state_words(job: Job) -> str:
    """The status, or the request that stands on it."""
    if job.status is Status.PROCESSING and job.cancel_requested_at:
        return "cancelling"
    if job.status is Status.PROCESSING and job.pause_requested_at:
        return "pausing"
    if job.status is Status.PENDING and job.waiting_on:
        return "waiting"
    return str(job.status)


def mark(job: Job) -> tuple[str, str | None]:
    """The sign before the status and its colour; never the colour alone."""
    silent = job.status is Status.PROCESSING and not job.alive
    sign, plain, colour = SILENT if silent else MARKS[job.status]
    return (sign if unicode_output() else plain), colour


def what_comes(job: Job) -> str:
    """For the last column: where it stands, or what happens next."""
    if job.status is Status.FAILED:
        if job.next_retry_at:
            return f"retry {job.retry_count + 1}/{job.max_retries} {moment(job.next_retry_at, job.now, 'relative')}"
        return f"gave up: {job.error_type or 'error'}"
    if job.status is Status.PAUSED:
        if not job.checkpoint_stage:
            return "not started"
        why = f": {job.pause_reason}" if job.pause_reason else ""
        return f"checkpoint {moment(job.checkpoint_at, job.now, 'relative')} at {job.checkpoint_stage}{why}"
    if job.status is Status.PENDING:
        if job.waiting_on:
            return f"waits for {job.waiting_on}"
        return f"due {moment(job.run_after, job.now, 'relative')}" if job.run_after > job.now else ""
    if job.status is Status.PROCESSING:
        age = job.heartbeat_age
        return f"no heartbeat {span(age)}" if age is not None and not job.alive else (job.progress.details or "")
    return ""


def progress_words(job: Job, *, bar: bool) -> str:
    """``▰▰▰▰▱▱▱▱▱  45%``."""
    if job.status in (Status.COMPLETED, Status.CANCELLED) and not job.progress.percent:
        return ""
    percent = job.progress.percent
    if job.status is Status.PENDING and not percent:
        return ""
    full = round(percent / 100 * BAR)
    filled, empty = ("▰", "▱") if unicode_output() else ("#", ".")
    drawn = f"{filled * full}{empty * (BAR - full)} " if bar else ""
    return f"{drawn}{percent:3.0f}%"


def eta(job: Job) -> str:
    """Time left in the stage."""
    left = job.progress.eta_s
    return span(left) if job.alive and left is not None else ""


def columns(state: State, *, wide: bool) -> list[str]:
    """Names of the table's columns."""
    short = ["ID", "STATUS", "TITLE", "PROGRESS", "ETA", "AGE", "DETAILS"]
    return short + (["TYPE", "QUEUE", "PRIO", "TRIES", "WORKER", "CREATED"] if wide or state.output == "wide" else [])


def row(state: State, job: Job, *, wide: bool, bar: bool) -> list[str]:
    """One job as cells, sanitised."""
    sign, _ = mark(job)
    mode = state.get("time_mode", "relative")
    age = (
        span((job.now - job.created_at).total_seconds())
        if mode == "relative"
        else moment(job.created_at, job.now, mode)
    )
    cells = [
        str(job.id), f"{sign} {state_words(job)}", job.display_name, progress_words(job, bar=bar), eta(job), age, what_comes(job),
    ]  # fmt: skip
    if wide or state.output == "wide":
        worker = job.worker["name"] if job.worker else ""
        tries = f"{job.retry_count}/{job.max_retries}"
        when = moment(job.created_at, job.now, mode if mode != "relative" else "utc")
        cells += [job.job_type, job.queue, PRIORITY_NAMES[job.priority], tries, worker, when]
    return [visible(cell) for cell in cells]


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, elastic: int | None = None, limit: int | None = None
) -> list[str]:
    """Lines of a table; one column shrinks, then the last are dropped, nothing is ever wrapped."""
    from tabulate import tabulate

    heads, body = list(headers), [list(cells) for cells in rows]
    if limit is not None and elastic is not None:
        heads, body = _fit(heads, body, elastic, limit)
    # the heads as a row: tabulate pads real headers
    text = tabulate([heads, *body], tablefmt="plain", disable_numparse=True)
    lines = [line.rstrip() for line in text.splitlines()]
    return [cut(line, limit) for line in lines] if limit else lines


def _fit(headers: list[str], rows: list[list[str]], elastic: int, limit: int) -> tuple[list[str], list[list[str]]]:
    def widths() -> list[int]:
        return [max([width(head), *(width(cells[i]) for cells in rows)]) for i, head in enumerate(headers)]

    def over() -> int:
        return sum(widths()) + 2 * (len(headers) - 1) - limit

    for name in ("PROGRESS", "ETA", "DETAILS"):  # columns with nothing in them
        at = headers.index(name) if name in headers else -1
        if rows and at >= 0 and not any(cells[at] for cells in rows):
            headers, rows = headers[:at] + headers[at + 1 :], [cells[:at] + cells[at + 1 :] for cells in rows]
    if over() > 0:
        room = max(LEAST_TITLE, widths()[elastic] - over())
        for cells in rows:
            cells[elastic] = cut(cells[elastic], room)
    last = len(headers) - 1
    if over() > 0 and headers[last] == "DETAILS":
        room = widths()[last] - over()
        if room >= 12:
            for cells in rows:
                cells[last] = cut(cells[last], room)
        else:
            headers, rows = headers[:last], [cells[:last] for cells in rows]
    for name in ("ETA", "AGE"):
        if over() > 0 and name in headers:
            at = headers.index(name)
            headers, rows = headers[:at] + headers[at + 1 :], [cells[:at] + cells[at + 1 :] for cells in rows]
    return headers, rows


def job_lines(state: State, jobs: Sequence[Job], *, wide: bool = False, limit: int | None = None) -> list[str]:
    """The table of jobs, coloured where that is wanted; at most ``limit`` cells wide, by default the terminal."""
    limit = limit or terminal_width()
    cells = [row(state, job, wide=wide, bar=limit is not None) for job in jobs]
    lines = table(columns(state, wide=wide), cells, elastic=2, limit=limit)
    on = colours(state.get("color"))
    return ([] if state.get("no_header") else lines[:1]) + [
        _tinted(line, job, on=on) for line, job in zip(lines[1:], jobs, strict=True)
    ]


def _tinted(line: str, job: Job, *, on: bool) -> str:
    sign, colour = mark(job)
    words = f"{sign} {state_words(job)}"
    return line.replace(words, paint(words, colour, on=True), 1) if on else line


# -- JSON ------------------------------------------------------------------------------------------------------------


def stamp(when: datetime | None) -> str | None:
    """RFC 3339, UTC, milliseconds."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if when else None


def job_object(job: Job, *, parts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A job in JSON, schema v1: every key always there."""
    progress = {name: getattr(job.progress, name) for name in type(job.progress).__dataclass_fields__}
    if progress["updated_at"]:
        progress["updated_at"] = progress["updated_at"].replace("+00:00", "Z")
    started, ended = job.started_at, job.completed_at if job.status in DONE else None
    failed = job.error_type is not None
    return {
        "id": job.id, "type": job.job_type, "type_label": job.type_label, "title": job.title,
        "display_name": job.display_name, "queue": job.queue, "priority": PRIORITY_NAMES[job.priority],
        "labels": job.labels, "key": job.key, "created_by": job.created_by, "status": str(job.status),
        "waiting_on": job.waiting_on, "actions": list(job.actions),
        "pause_requested": job.pause_requested_at is not None, "cancel_requested": job.cancel_requested_at is not None,
        "alive": job.alive, "heartbeat_age_s": job.heartbeat_age,
        "worker": {name: job.worker[name] for name in ("name", "host", "pid")} if job.worker else None,
        "progress": progress, "retry_count": job.retry_count, "max_retries": job.max_retries,
        "next_retry_at": stamp(job.next_retry_at), "crash_count": job.crash_count, "resume_count": job.resume_count,
        "error": {"type": job.error_type, "message": job.error_message, "raw": job.last_error} if failed else None,
        "checkpoint": {
            "stage": job.checkpoint_stage, "path": job.checkpoint_path, "sha256": job.checkpoint_hash,
            "created_at": stamp(job.checkpoint_at), "can_resume": job.status is Status.PAUSED,
        } if job.checkpoint_path else None,
        "pause_reason": job.pause_reason, "cancel_reason": job.cancel_reason, "paused_at": stamp(job.paused_at),
        "resumed_at": stamp(job.resumed_at), "created_at": stamp(job.created_at), "run_after": stamp(job.run_after),
        "started_at": stamp(started), "completed_at": stamp(ended), "updated_at": stamp(job.updated_at),
        "wait_s": round(((started or job.now) - job.created_at).total_seconds(), 3),
        "run_s": round(((ended or job.now) - started).total_seconds(), 3) if started else None,
        "entity": {"type": job.entity_type, "id": job.entity_id} if job.entity_type else None,
        **(parts or {}),
    }  # fmt: skip


def dumps(value: Any) -> str:
    """JSON whose text can't drive a terminal; lossless."""
    text = json.dumps(value, ensure_ascii=False, default=_json)
    return re.sub("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]",
                  lambda m: f"\\u{ord(m.group()):04x}", text)  # fmt: skip


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, (bytes, memoryview)):
        return {"bytes": len(value)}
    return str(value)


def pick(state: State, value: dict[str, Any]) -> dict[str, Any]:
    """Only the fields that were asked for. Raises ``UsageError`` with the nearest name."""
    wanted = state.get("fields")
    if not wanted:
        return value
    return {name: _dig(value, name) for name in (part.strip() for part in wanted.split(",")) if name}


def _dig(value: Any, path: str) -> Any:
    here = value
    for part in path.split("."):
        if here is None:
            return None
        if not isinstance(here, dict) or part not in here:
            import difflib

            near = difflib.get_close_matches(part, here if isinstance(here, dict) else [], 1)
            raise UsageError(
                f"there is no field {path!r}", hint=f"Did you mean {near[0]}?" if near else "jobctl show ID -o json"
            )
        here = here[part]
    return here


def emit(state: State, kind: str, name: str, items: Iterable[dict[str, Any]], **more: Any) -> None:
    """A list in any mode but table: json, ndjson, csv, tsv, id."""
    if state.output == "json":
        listed = [pick(state, item) for item in items]
        click.echo(dumps({"v": 1, "kind": kind, "count": len(listed), **more, name: listed}))
    elif state.output == "id":
        for item in items:
            click.echo(str(item["id"]))
    elif state.output in ("csv", "tsv"):
        _separated(state, items)
    else:
        for item in items:
            click.echo(dumps(pick(state, item)))


def _separated(state: State, items: Iterable[dict[str, Any]]) -> None:
    header = False
    for item in items:
        cells = pick(state, item) if state.get("fields") else item
        names = list(cells)
        if not header and not state.get("no_header"):
            click.echo(_line(state, names))
        header = True
        click.echo(_line(state, [_cell(cells[name]) for name in names]))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return dumps(value)
    # line breaks and tabs are quoted or escaped by the format; nothing else may drive a terminal
    return "".join(c if c in "\n\t\r" else visible(c) for c in value)


def _line(state: State, cells: Sequence[str]) -> str:
    if state.output == "tsv":
        return "\t".join(
            c.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r") for c in cells
        )
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


# -- the card --------------------------------------------------------------------------------------------------------


def card(
    state: State, job: Job, *, checkpoints: Sequence[Mapping[str, Any]] = (), stages: Sequence[str] = ()
) -> list[str]:
    """Everything about a job that a person wants first."""
    mode = state.get("time_mode", "relative")
    on = colours(state.get("color"))

    def at(when: datetime | None) -> str:
        return moment(when, job.now, mode)

    sign, colour = mark(job)
    status = paint(f"{sign} {state_words(job)}", colour, on=on)
    rows = [
        ("job", f"{job.id}  {visible(job.display_name)}"),
        ("status", f"{status}  {visible(what_comes(job))}".rstrip()),
    ]
    if job.progress.percent or job.status is Status.PROCESSING:
        left = f", {eta(job)} left in this stage" if eta(job) else ""
        rows.append(("progress", f"{progress_words(job, bar=unicode_output())}{left}"))
    if stages:
        rows.append(("stages", " → ".join(_stage(name, job, checkpoints) for name in stages)))
    if job.checkpoint_stage:
        rows.append(("checkpoint", f"{job.checkpoint_stage}, {at(job.checkpoint_at)}"))
    rows.append(("type", f"{job.job_type}   queue {job.queue}   priority {PRIORITY_NAMES[job.priority]}"))
    rows.append(("submitted", f"{at(job.created_at)} by {visible(job.created_by) or '–'}"))
    if job.started_at:
        rows.append(("started", at(job.started_at)))
    if job.status in DONE:
        rows.append(("ended", at(job.completed_at)))
    if job.worker:
        rows.append(("worker", visible(f"{job.worker['name']} on {job.worker['host']}, pid {job.worker['pid']}")))
    rows.append(
        (
            "attempts",
            f"{job.lease_seq}, retries {job.retry_count} of {job.max_retries}, crashes {job.crash_count}, resumed {job.resume_count} times",
        )
    )
    for name, value in (
        (str(Status.PAUSED), job.pause_reason),
        (str(Status.CANCELLED), job.cancel_reason),
        ("error", job.error_message),
    ):
        if value and (name != "error" or job.status is Status.FAILED):
            rows.append((name, visible(value)))
    if job.labels:
        rows.append(("labels", visible(", ".join(f"{k}={v}" if v else k for k, v in sorted(job.labels.items())))))
    if job.actions:
        rows.append(("actions", "   ".join(f"jobctl {verb} {job.id}" for verb in job.actions)))
    return [f"{name:<11} {value}" for name, value in rows]


def _stage(name: str, job: Job, checkpoints: Sequence[Mapping[str, Any]]) -> str:
    done = any(c["stage"] == name and c["complete"] for c in checkpoints) or job.status is Status.COMPLETED
    if done:
        return f"{name} {'✓' if unicode_output() else '+'}"
    return f"[{name}]" if job.progress.stage == name else name
