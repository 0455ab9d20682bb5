"""Explains why a job is where it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from jobctl.core.job import Job
from jobctl.core.lifecycle import Status, Verb
from jobctl.core.limits import Room, rate_text
from jobctl.core.names import COMMAND_TYPE, plural, span
from jobctl.core.pausing import NEITHER, ON_PAUSE, pauses_never
from jobctl.core.rows import Dependency, PausedQueue, WorkerRow


def explain(
    job: Job,
    workers: Sequence[WorkerRow],
    dependencies: Sequence[Dependency],
    paused: Sequence[PausedQueue],
    rooms: Iterable[Room] = (),
) -> list[str]:
    """Sentences on why a job is where it is."""
    match job.status:
        case Status.PENDING:
            return _why_pending(job, dependencies, paused) or _why_due(job, workers, rooms)
        case Status.PROCESSING:
            return _why_processing(job)
        case Status.PAUSED:
            return [f"Paused{_because(job.pause_reason)}. To continue: jobctl resume {job.id}"]
        case Status.FAILED:
            return _why_failed(job)
        case Status.COMPLETED:
            return ["Completed."]
        case Status.CANCELLED:
            error = [f"It had failed before: {job.error_message}"] if job.error_message else []
            return [f"Cancelled{_because(job.cancel_reason)}.", *error]
        case _:
            assert_never(job.status)


def _because(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _why_pending(job: Job, dependencies: Sequence[Dependency], paused: Sequence[PausedQueue]) -> list[str]:
    unfinished = [d for d in dependencies if d.status is not Status.COMPLETED]
    if job.waiting_on == "dependency" and unfinished:
        return [
            *(f"Waiting for job {d.id}, which is {d.status or 'deleted'}." for d in unfinished),
            _next_step(job, unfinished),
        ]
    if job.waiting_on == "key":
        return [f"Waiting for another job with the concurrency key {job.concurrency_key!r}."]
    for queue in paused:
        kind, name = queue.kind, queue.name
        if name == (job.queue if kind == "queue" else job.job_type):
            option = " --type" if kind == "type" else ""
            return [f"The {kind} {name!r} is paused{_because(queue.reason)}.", f"jobctl queue resume {name}{option}"]
    if job.due_in:
        due = job.run_after.isoformat(timespec="seconds")
        return [f"Due in {span(job.due_in)}, at {due}."]
    return []


def _why_due(job: Job, workers: Sequence[WorkerRow], rooms: Iterable[Room]) -> list[str]:
    alive = [worker for worker in workers if not worker.silent]
    if not alive:
        allow = " --allow-commands" if job.job_type == COMMAND_TYPE else ""
        return ["No worker is running.", f"jobctl worker run{allow}"]
    if job.job_type == COMMAND_TYPE and not any(COMMAND_TYPE in worker.job_types for worker in alive):
        return ["No running worker allows commands.", "jobctl worker run --allow-commands"]
    serving = [worker for worker in alive if _serves(worker, job)]
    if not serving:
        command = f"jobctl worker run --type {job.job_type}"
        return [f"No running worker takes {job.job_type} jobs of queue {job.queue!r}.", command]
    away = [worker for worker in serving if worker.storage_away]
    if len(away) == len(serving):
        reasons = [f"{worker.name}: {worker.storage_away}" for worker in away]
        return ["No running worker can use the storage.", *reasons, "jobctl doctor"]
    reached = [_reached(room) for room in rooms if _concerns(room, job) and room.free == 0]
    return [*reached, "jobctl queue limits"] if reached else ["Due, waiting for a free worker."]


def _concerns(room: Room, job: Job) -> bool:
    return room.name == (job.queue if room.kind == "queue" else job.job_type)


def _reached(room: Room) -> str:
    """``The limit of queue 'mail' is reached: 4 of 4 jobs run.``"""
    limit = f"The limit of {room.kind} {room.name!r} is reached"
    if room.max_running is not None and room.running >= room.max_running:
        return f"{limit}: {room.running} of {plural(room.max_running, 'job')} running."
    return f"{limit}: {rate_text(room.rate or 0)}; the next job may start in {room.next_in:.1f}s."


def _serves(worker: WorkerRow, job: Job) -> bool:
    return job.job_type in worker.job_types and (not worker.queues or job.queue in worker.queues)


def _next_step(job: Job, dependencies: Sequence[Dependency]) -> str:
    """The next command for a job that waits for others: about one that can't complete by itself, if there is one."""
    by_status = {d.status: d.id for d in dependencies}
    if None in by_status:
        return f"It can never run: jobctl cancel {job.id}"
    for status in (Status.FAILED, Status.CANCELLED):
        if status in by_status:
            blocker = by_status[status]
            return f"jobctl retry {blocker} or jobctl restart {blocker}; to drop this job: jobctl cancel {job.id}"
    if Status.PAUSED in by_status:
        return f"jobctl resume {by_status[Status.PAUSED]}"
    return f"jobctl why {dependencies[0].id}"


def _why_processing(job: Job) -> list[str]:
    worker = f" on worker {job.worker['name']}" if job.worker else ""
    if job.frozen_at is not None:
        since = span((job.now - job.frozen_at).total_seconds())
        sentences = [f"Frozen{worker} for {since}{_because(job.pause_reason)}. To continue: jobctl resume {job.id}"]
    else:
        sentences = [f"Running{worker}: {job.progress.details or job.progress.stage or 'just started'}"]
    if not job.alive and job.heartbeat_at is not None:
        sentences.append(_silence(job, (job.now - job.heartbeat_at).total_seconds()))
    elif job.stalled and job.idle is not None:
        sentences.append(f"No progress for {span(job.idle)}, though its worker is alive. Its log: jobctl logs {job.id}")
    if job.cancel_requested_at:
        sentences.append("Cancel requested: stops at the next safe point.")
    elif pauses_never(job):
        sentences.append(f"Pause requested, but {NEITHER}: jobctl pause {job.id} --freeze")
    elif job.pause_requested_at and job.frozen_at is None:
        when = "freezes where it is" if job.pause_freezes else "pauses at the next safe point"
        sentences.append(f"Pause requested: {when}.")
    elif job.pause_requested_at is None and job.progress.pause_support:
        sentences.append(f"Can be paused: {ON_PAUSE.get(job.progress.pause_support, 'at its next safe point')}.")
    return sentences


def _silence(job: Job, age: float) -> str:
    if age < 0:
        return f"The database's clock was set back by {span(-age)} or more: its heartbeat is void; another worker takes over."
    return f"No heartbeat for {span(age)}; another worker takes over after {job.lease_ttl:g}s."


def _why_failed(job: Job) -> list[str]:
    error = f"Failed: {job.error_message or 'no error was recorded'} ({job.error_type or 'error'})"
    verb = Verb.RETRY if Verb.RETRY in job.actions else Verb.RESTART
    if job.next_retry_at:
        wait = (job.next_retry_at - job.now).total_seconds()
        due = f"Next retry in {span(wait)}." if wait > 0 else "Its retry is due."
        return [error, f"{due} To {verb} now: jobctl {verb} {job.id}"]
    return [error, f"To {'try again' if verb is Verb.RETRY else 'run it again'}: jobctl {verb} {job.id}"]
