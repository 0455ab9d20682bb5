"""pause, resume, retry, restart, cancel, delete: one truthful answer for each job."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from typing import Unpack, assert_never

import click

from jobctl.cli import cache
from jobctl.cli.app import Command, Duration, State, command, pass_state
from jobctl.cli.options import combined
from jobctl.cli.output.fields import emit, emit_one
from jobctl.cli.output.text import echo, visible
from jobctl.cli.selectors import Selection, is_narrow, parts, selectors
from jobctl.client import FROZEN, Client, Swept
from jobctl.core.errors import ConfigError
from jobctl.core.job import ControlResult
from jobctl.core.lifecycle import DONE, ControlOutcome, JobFlags, Status, Verb

CODES = {ControlOutcome.MISSING: 3, ControlOutcome.REFUSED: 4}
AWAITED = {Verb.PAUSE: (Status.PAUSED,), Verb.CANCEL: (Status.CANCELLED,)}
"""What ``--wait`` waits for; without an entry: for any end."""
SWEEPS = {"requeued": "requeue", "rescued": "rescue", "expired": "expire", "submitted": "submit"}
"""What a sweep did, and the verb of each."""
MOVED = (ControlOutcome.DONE, ControlOutcome.REQUESTED)


class Request(Selection, total=False):
    """The values of the options that all verbs have; ``wait`` not of all."""

    ids: tuple[str, ...]
    dry_run: bool
    timeout: float | None
    wait: bool


def _verb(function: Callable[..., int]) -> Command:
    options = combined(
        click.argument("ids", nargs=-1, metavar="[ID…]"),
        selectors,
        click.option("--dry-run", is_flag=True, help="Print what would happen; change nothing."),
        click.option("--timeout", type=Duration(), help="Limit of --wait: 90s, 20m."),
    )
    return command(function.__name__)(options(pass_state(function)))


Run = Callable[[Client, Sequence[int], bool], list[ControlResult]]
"""What a verb does: the client, the jobs, whether it is a dry run."""


def act(state: State, verb: Verb, values: Request, run: Run, *, frozen: bool = False) -> int:
    """Chooses, acts, reports, waits: with ``frozen`` until running jobs are frozen."""
    dry_run, answers, code = values["dry_run"], list[ControlResult](), 0
    for ids in parts(state, values["ids"], values, verb=verb, ask=not dry_run):
        done = run(state.connect(), ids, dry_run) if ids else []
        if not dry_run:
            cache.revise({a.id: _now(verb, a) for a in done if a.outcome in MOVED})
        if state.for_people:
            code = max(code, report(state, done, dry_run=dry_run, would=verb))
        answers += done
    if not state.for_people:
        code = report(state, answers, dry_run=dry_run)
    elif not answers:
        state.notice("no jobs match")
    requested = [answer.id for answer in answers if answer.outcome is ControlOutcome.REQUESTED]
    if values.get("wait") and requested and not dry_run:
        return max(code, _await(state, verb, requested, values["timeout"], frozen=frozen))
    return code


def _leaves(verb: Verb) -> Status | None:
    """What becomes of a job that does not run; None: it is gone."""
    match verb:
        case Verb.PAUSE:
            return Status.PAUSED
        case Verb.RESUME | Verb.RETRY | Verb.RESTART:
            return Status.PENDING
        case Verb.CANCEL:
            return Status.CANCELLED
        case Verb.DELETE:
            return None
        case _:
            assert_never(verb)


def _now(verb: Verb, answer: ControlResult) -> JobFlags | None:
    """What decides about a job after an answer; None: it is gone."""
    if answer.was is Status.PROCESSING:
        return JobFlags(Status.PROCESSING, pause_requested=verb is Verb.PAUSE, cancel_requested=verb is Verb.CANCEL)
    left = _leaves(verb)
    return None if left is None else JobFlags(left)


def report(state: State, answers: Sequence[ControlResult], *, dry_run: bool, would: str | None = None) -> int:
    """Prints one answer a job; returns the exit code of the worst. ``would``: the verb of a dry run, if not in the message."""
    if not state.for_people:
        items = [
            {"id": a.id, "answer": a.outcome, "was": a.was and str(a.was), "message": a.message, "hint": a.hint}
            for a in answers
        ]
        emit(state, "answers", "answers", items, dry_run=dry_run)
    else:
        for answer in answers:
            _print(state, answer, dry_run=dry_run, would=would)
    return max((CODES.get(answer.outcome, 0) for answer in answers), default=0)


def _print(state: State, answer: ControlResult, *, dry_run: bool, would: str | None) -> None:
    bad = answer.outcome in CODES
    if not bad and state.quiet:
        return
    message = f"would {would} job {answer.id}" if dry_run and would and answer.outcome in MOVED else answer.message
    echo(f"{'jobctl: ' if bad else 'dry run: ' if dry_run else ''}{visible(message)}", err=bad)
    if bad and answer.hint:
        echo(f"  {visible(answer.hint)}", err=True)


def _await(state: State, verb: Verb, ids: list[int], timeout: float | None, *, frozen: bool) -> int:
    waited = state.connect().wait(ids, until=AWAITED.get(verb, DONE), frozen=frozen, timeout=timeout)
    for job_id, reason in waited.reasons.items():
        state.notice(f"job {job_id}: {FROZEN if reason == FROZEN else waited.statuses.get(job_id, 'gone')}")
        if reason == "timeout":
            return 124
    wanted = AWAITED.get(verb, DONE)
    reached = (waited.reasons.get(i) == FROZEN or status in wanted for i, status in waited.statuses.items())
    return 0 if all(reached) else 20


@_verb
@click.option("--wait", is_flag=True, help="Wait until they are paused, or frozen.")
@click.option("--reason", help="Reason, shown by show and why.")
@click.option("--freeze", is_flag=True, help="Stop running ones where they are; they stay with their worker.")
def pause(state: State, reason: str | None, freeze: bool, **values: Unpack[Request]) -> int:
    """Pause jobs: pending ones at once, running ones at their next safe point."""
    return act(
        state,
        Verb.PAUSE,
        values,
        lambda client, ids, dry_run: client.pause(ids, reason=reason, freeze=freeze, dry_run=dry_run),
        frozen=freeze,
    )


@_verb
@click.option("--from-start", is_flag=True, help="Discard the checkpoints.")
def resume(state: State, from_start: bool, **values: Unpack[Request]) -> int:
    """Continue paused jobs from their checkpoint; withdraw a pause request."""
    return act(
        state,
        Verb.RESUME,
        values,
        lambda client, ids, dry_run: client.resume(ids, from_start=from_start, dry_run=dry_run),
    )


@_verb
@click.option("--wait", is_flag=True, help="Wait until they are cancelled.")
@click.option("--reason", help="Reason, shown by show and why.")
def cancel(state: State, reason: str | None, **values: Unpack[Request]) -> int:
    """Cancel jobs; their rows and checkpoints stay."""
    return act(
        state, Verb.CANCEL, values, lambda client, ids, dry_run: client.cancel(ids, reason=reason, dry_run=dry_run)
    )


@_verb
@click.option(
    "--limit",
    type=click.IntRange(1, 2**31 - 1),
    default=1000,
    show_default=True,
    help="With --due: maximum number of jobs.",
)
@click.option(
    "--lock", type=click.Path(dir_okay=False), help="With --due: do nothing while another sweep has locked this file."
)
def retry(state: State, limit: int, lock: str | None, **values: Unpack[Request]) -> int:
    """Retry failed or cancelled jobs from their checkpoint.

    With --due alone it is the sweep for cron: requeues due retries, rescues jobs of lost workers, silent when idle.
    """
    others: Request = {**values, "due": False}
    only_due = values["due"] and not values["ids"] and not is_narrow(others)
    if not only_due:
        return act(state, Verb.RETRY, values, lambda client, ids, dry_run: client.retry(ids, dry_run=dry_run))
    locked = lock is not None and not _locked(lock)
    swept = Swept() if locked else state.connect().sweep(limit=limit, dry_run=values["dry_run"])
    _report_sweep(state, swept, dry_run=values["dry_run"], locked=locked)
    return 0


def _report_sweep(state: State, swept: Swept, *, dry_run: bool, locked: bool) -> None:
    """``locked``: another sweep was at work, and nothing was done."""
    moved = {
        "requeued": swept.requeued,
        "rescued": swept.rescued,
        "expired": swept.expired,
        "submitted": swept.submitted,
    }
    if emit_one(state, "sweep", **{name: list(ids) for name, ids in moved.items()}, dry_run=dry_run, locked=locked):
        return
    if not state.for_people:
        emit(state, "sweep", "jobs", ({"id": job_id, "action": name} for name, ids in moved.items() for job_id in ids))
    elif not state.quiet:
        for name, ids in moved.items():
            if ids:
                echo(f"{f'dry run: would {SWEEPS[name]}' if dry_run else name}: {' '.join(map(str, ids))}")


def _locked(path: str) -> bool:
    """Locks the file until the process ends; returns whether it was free."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ConfigError(f"cannot use the lock {path}: {error.strerror}") from error
    return True


@_verb
def restart(state: State, **values: Unpack[Request]) -> int:
    """Run ended jobs again from the first stage; checkpoints and output are discarded."""
    return act(state, Verb.RESTART, values, lambda client, ids, dry_run: client.restart(ids, dry_run=dry_run))


@_verb
def delete(state: State, **values: Unpack[Request]) -> int:
    """Delete ended jobs and their checkpoints; their results in the library stay."""
    return act(state, Verb.DELETE, values, lambda client, ids, dry_run: client.delete(ids, dry_run=dry_run))


__all__ = ["cancel", "delete", "pause", "restart", "resume", "retry"]
