"""Jobs for people: the words of a state, rows of the table, the card."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from jobctl.cli.output.display import Display
from jobctl.cli.output.fields import PRIORITY_NAMES
from jobctl.cli.output.table import fitted, table
from jobctl.cli.output.text import colours, moment, paint, terminal_width, unicode_output, visible
from jobctl.core.job import Job
from jobctl.core.lifecycle import DONE, Status
from jobctl.core.names import span
from jobctl.core.pausing import ON_PAUSE, pauses_never
from jobctl.core.rows import CheckpointRow

MARKS = {
    Status.PENDING: ("·", ".", None),
    Status.PROCESSING: ("●", "*", "blue"),
    Status.PAUSED: ("‖", "=", "yellow"),
    Status.COMPLETED: ("✓", "+", "green"),
    Status.FAILED: ("✗", "x", "red"),
    Status.CANCELLED: ("–", "-", "dim"),
}
WAITING = {
    "dependency": "waits for another job",
    "key": "waits for its concurrency key",
    "queue": "its queue is paused",
    "type": "its job type is paused",
}
SILENT = ("○", "o", "yellow")
BARS = ((100, 9), (60, 5), (0, 0))
"""Columns of the terminal → cells of a progress bar."""
COLUMNS = ("ID", "STATUS", "TITLE", "PROGRESS", "ETA", "AGE", "DETAILS")
WIDE = ("TYPE", "QUEUE", "PRIO", "STAGE", "TRIES", "WORKER", "SEEN", "NEXT", "CREATED")


# -- words -----------------------------------------------------------------------------------------------------------


def state_words(job: Job) -> str:
    """The status, or the request that stands on it."""
    if job.status is Status.PROCESSING and job.cancel_requested_at:
        return "cancelling"
    if job.status is Status.PROCESSING and job.frozen_at:
        return "frozen"
    if job.status is Status.PROCESSING and job.pause_requested_at:
        return "freezing" if job.pause_freezes else "pausing"
    if job.status is Status.PENDING and job.waiting_on:
        return "waiting"
    return str(job.status)


def mark(job: Job) -> tuple[str, str | None]:
    """The sign before the status and its colour; never the colour alone."""
    silent = job.status is Status.PROCESSING and not job.alive
    sign, plain, colour = SILENT if silent else MARKS[job.status]
    return (sign if unicode_output() else plain), colour


def what_comes(job: Job) -> str:
    """For the last column: where a job stands, or what happens next."""
    if job.undecodable:
        return job.undecodable[0]
    match job.status:
        case Status.PENDING:
            if job.waiting_on:
                return WAITING.get(job.waiting_on, f"waits for {job.waiting_on}")
            return f"due {moment(job.run_after, job.now, 'relative')}" if job.due_in else ""
        case Status.PROCESSING:
            frozen = f"frozen for {span((job.now - job.frozen_at).total_seconds())}" if job.frozen_at else ""
            never = "cannot be paused; --freeze can" if pauses_never(job) else ""
            return "; ".join(filter(None, (standstill(job), frozen, never, job.progress.details)))
        case Status.PAUSED:
            why = f": {job.pause_reason}" if job.pause_reason else ""
            if not job.checkpoint_stage:
                return f"not started{why}"
            return f"checkpoint {moment(job.checkpoint_at, job.now, 'relative')} at {job.checkpoint_stage}{why}"
        case Status.FAILED:
            retry = f"{retry_words(job)}: " if job.next_retry_at else ""
            return f"{retry}{error_words(job)}"
        case Status.COMPLETED | Status.CANCELLED:
            return ""
        case _:
            assert_never(job.status)


def error_words(job: Job) -> str:
    """The last error's own sentence, its class in brackets."""
    return f"{job.error_message or 'no message'} ({job.error_type or 'error'})"


def retry_words(job: Job) -> str:
    """``retry 2/3 in 3m``; empty where none is scheduled."""
    if job.next_retry_at is None:
        return ""
    when = f"in {span((job.next_retry_at - job.now).total_seconds())}" if job.next_retry_at > job.now else "due"
    return f"retry {job.retry_count + 1}/{job.max_retries} {when}"


def standstill(job: Job) -> str:
    """What is wrong with a running job: no heartbeat, or a heartbeat and no progress; empty when it moves."""
    if job.status is Status.PROCESSING and not job.alive and job.heartbeat_age is not None:
        return f"no heartbeat for {span(job.heartbeat_age)}"
    return f"no progress for {span(job.idle)}" if job.stalled and job.idle is not None else ""


def progress_words(job: Job, *, bar: int) -> str:
    """``▰▰▰▰▱▱▱▱▱  45%``; ``bar`` is the cells of the bar, 0 for none."""
    percent = job.progress.percent
    if not percent and job.status is not Status.PROCESSING:
        return ""
    full = round(percent / 100 * bar)
    filled, empty = ("▰", "▱") if unicode_output() else ("#", ".")
    drawn = f"{filled * full}{empty * (bar - full)} " if bar else ""
    return f"{drawn}{percent:3.0f}%"


def eta(job: Job) -> str:
    """Time left in the stage."""
    left = job.progress.eta_s
    return span(left) if job.alive and not (job.stalled or job.frozen_at) and left is not None else ""


def rate(job: Job) -> str:
    """``12.3 chunks/s``; slower than one a second is said a minute."""
    found = job.progress.rate_per_s
    if not job.alive or job.stalled or job.frozen_at or not found:
        return ""
    unit = f"{job.progress.unit or 'item'}s"
    return f"{found:.1f} {unit}/s" if found >= 1 else f"{found * 60:.1f} {unit}/min"


# -- the table -------------------------------------------------------------------------------------------------------


def row(state: Display, job: Job, *, wide: bool, bar: int) -> list[str]:
    """One job as cells, sanitised."""
    mode = state.time_mode
    seconds = (job.now - job.created_at).total_seconds()
    age = span(seconds) if mode == "relative" else moment(job.created_at, job.now, mode)
    cells = [
        str(job.id), f"{mark(job)[0]} {state_words(job)}", job.display_name, progress_words(job, bar=bar), eta(job), age,
        what_comes(job),
    ]  # fmt: skip
    if wide:
        cells += _wide(job, "utc" if mode == "relative" else mode)
    return [visible(cell) for cell in cells]


def _wide(job: Job, mode: str) -> list[str]:
    seen = job.heartbeat_age
    upcoming = job.next_retry_at or (job.run_after if job.status is Status.PENDING and job.due_in else None)
    return [
        job.job_type, job.queue, PRIORITY_NAMES[job.priority], job.progress.stage or "", f"{job.retry_count}/{job.max_retries}",
        job.worker["name"] if job.worker else "", "" if seen is None else span(seen),
        moment(upcoming, job.now, mode) if upcoming else "", moment(job.created_at, job.now, mode),
    ]  # fmt: skip


def job_lines(state: Display, jobs: Sequence[Job], *, limit: int | None = None) -> list[str]:
    """The table of jobs, coloured where that is wanted; at most ``limit`` cells wide, by default the terminal."""
    limit = limit or terminal_width()
    wide = state.output == "wide"
    bar = 0 if limit is None else next(cells for columns, cells in BARS if limit >= columns)
    heads, cells = fitted(
        [*COLUMNS, *(WIDE if wide else ())], [row(state, job, wide=wide, bar=bar) for job in jobs], limit
    )
    lines = table(heads, cells, limit=limit)
    on = colours(state.color)
    tinted = [_tinted(line, job, on=on) for line, job in zip(lines[1:], jobs, strict=True)]
    return tinted if not state.header else [paint(lines[0], "bold", on=on), *tinted]


def _tinted(line: str, job: Job, *, on: bool) -> str:
    sign, colour = mark(job)
    words = f"{sign} {state_words(job)}"
    return line.replace(words, paint(words, colour, on=True), 1) if on else line


# -- the card --------------------------------------------------------------------------------------------------------


def card(
    state: Display, job: Job, *, checkpoints: Sequence[CheckpointRow] = (), stages: Sequence[str] = ()
) -> list[str]:
    """Everything about a job that a person wants first."""
    mode = state.time_mode
    return [
        f"{name:<11} {value}"
        for name, value in (
            *_who(state, job),
            *_where(job, checkpoints, stages, mode),
            *_when(job, mode),
            *_reasons(job),
            ("labels", visible(", ".join(f"{k}={v}" if v else k for k, v in sorted(job.labels.items())))),
            ("actions", "   ".join(f"jobctl {verb} {job.id}" for verb in job.actions)),
        )
        if value
    ]


def _who(state: Display, job: Job) -> list[tuple[str, str]]:
    sign, colour = mark(job)
    status = paint(f"{sign} {state_words(job)}", colour, on=colours(state.color))
    comes = retry_words(job) if job.status is Status.FAILED else what_comes(job)  # the error has a line of its own
    return [
        ("job", f"{job.id}  {visible(job.display_name)}"),
        ("status", f"{status}  {visible(comes)}".rstrip()),
    ]


def _where(job: Job, checkpoints: Sequence[CheckpointRow], stages: Sequence[str], mode: str) -> list[tuple[str, str]]:
    left = f"{eta(job)} left in this stage" if eta(job) else ""
    drawn = "  ".join(filter(None, (progress_words(job, bar=9), rate(job), left)))
    under_way = job.progress.percent or job.status is Status.PROCESSING
    saved = f"{job.checkpoint_stage}, {moment(job.checkpoint_at, job.now, mode)}" if job.checkpoint_stage else ""
    return [
        ("progress", drawn if under_way else ""),
        ("stages", " → ".join(_stage(name, job, checkpoints) for name in stages)),
        ("checkpoint", saved),
        ("pause", _pause(job)),
        ("type", f"{job.job_type}   queue {job.queue}   priority {PRIORITY_NAMES[job.priority]}"),
    ]


def _pause(job: Job) -> str:
    """What a pause would do to the program that runs."""
    runs = job.status is Status.PROCESSING and not job.pause_requested_at
    return ON_PAUSE.get(job.progress.pause_support or "", "") if runs else ""


def _when(job: Job, mode: str) -> list[tuple[str, str]]:
    def at(when: datetime | None) -> str:
        return moment(when, job.now, mode)

    worker = job.worker and visible(f"{job.worker['name']} on {job.worker['host']}, pid {job.worker['pid']}")
    return [
        ("submitted", f"{at(job.created_at)} by {_submitter(job)}"),
        ("started", at(job.started_at) if job.started_at else ""),
        ("ended", at(job.completed_at) if job.status in DONE else ""),
        ("worker", worker or ""),
        (
            "attempts",
            f"{job.lease_seq}, retries {job.retry_count} of {job.max_retries}, crashes {job.crash_count}, "
            f"resumed {'once' if job.resume_count == 1 else f'{job.resume_count} times'}",
        ),
    ]


def _submitter(job: Job) -> str:
    """Who submitted a job: a user, another job or a schedule."""
    kind, _, name = job.created_by.partition(":")
    if kind != "schedule" or not name:
        return visible(job.created_by) or "–"
    name, _, login = name.partition(":")
    return f"schedule {visible(name)}{f' of {visible(login)}' if login else ''}"


def _reasons(job: Job) -> list[tuple[str, str]]:
    ended_badly = job.status in (Status.FAILED, Status.CANCELLED)
    error = error_words(job) if job.error_message and job.status is not Status.COMPLETED else None
    reasons = (
        (str(Status.PAUSED), job.pause_reason),
        (str(Status.CANCELLED), job.cancel_reason),
        ("error" if ended_badly else "last error", error),
        ("damaged", "; ".join(job.undecodable)),
    )
    return [(name, visible(value)) for name, value in reasons if value]


def _stage(name: str, job: Job, checkpoints: Sequence[CheckpointRow]) -> str:
    done = any(c.stage == name and c.complete for c in checkpoints) or job.status is Status.COMPLETED
    if done:
        return f"{name} {'✓' if unicode_output() else '+'}"
    return f"[{name}]" if job.progress.stage == name else name
