"""The table of moves: what a job may become, who moves it, and when. Everything reads this one table.

The SQL files and the migration repeat the words; tests hold them against this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


class Status(StrEnum):
    """Where a job is. "Pausing" and "cancelling" are requests on a processing job, not statuses."""

    PENDING = "pending"
    PROCESSING = "processing"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Ending(StrEnum):
    """How an attempt ended, as the worker reports it; the requests that stand decide what becomes of the job."""

    COMPLETED = "completed"
    FAILED = "failed"
    PAUSED = "paused"
    RELEASED = "released"
    CANCELLED = "cancelled"
    CRASHED = "crashed"


class Verb(StrEnum):
    """What a person can request of a job, in the order it is shown."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    RESTART = "restart"
    CANCEL = "cancel"
    DELETE = "delete"


class ControlOutcome(StrEnum):
    """What became of a request on a job."""

    DONE = "done"
    REQUESTED = "requested"
    """The job runs: it stops at its next safe point."""
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    MISSING = "missing"


class By(StrEnum):
    """Who moves a job."""

    USER = "user"
    WORKER = "worker"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table. No ``sources``: creates the job. No ``targets``: removes it."""

    name: str
    sources: tuple[Status, ...]
    targets: tuple[Status, ...]
    by: tuple[By, ...]
    sentence: str


P, R, Z, C, F, X = (
    Status.PENDING,
    Status.PROCESSING,
    Status.PAUSED,
    Status.COMPLETED,
    Status.FAILED,
    Status.CANCELLED,
)
U, W, S = By.USER, By.WORKER, By.SWEEP

MOVES: tuple[Move, ...] = (
    Move("submit", (), (P,), (U, W), "Creates the job: its type is known and its input is valid."),
    Move("claim", (P,), (R,), (W,), "A worker takes the job under a new token; it is due and nothing holds it back."),
    Move("hold", (P,), (Z,), (U,), "A waiting job is paused at once: the same command as pause."),
    Move(
        "pause",
        (R,),
        (Z,),
        (W,),
        "The worker obeys a pause, together with a pause-safe checkpoint, or when the attempt fails and would be retried.",
    ),
    Move("resume", (Z,), (P,), (U,), "Goes on from the newest valid checkpoint."),
    Move(
        "complete",
        (R,),
        (C,),
        (W,),
        "The last stage is done; a standing cancel wins over this, this wins over a pause.",
    ),
    Move("fail", (R,), (F,), (W,), "The handler failed; a retry is scheduled when the error is transient."),
    Move("requeue", (F,), (P,), (S,), "An automatic retry is due."),
    Move("retry", (F, X), (P,), (U,), "A person tries again from the checkpoint, within the job's retry limit."),
    Move("restart", (F, X, C), (P,), (U,), "Forgets checkpoints and output and runs from the first stage."),
    Move("release", (R,), (P,), (W,), "A worker that shuts down returns the job to its queue; nothing is charged."),
    Move("rescue", (R,), (P, Z, X), (W, S), "The lease ran out or the child died; a standing request is obeyed."),
    Move("abandon", (R,), (F,), (W, S), "The job took its worker down three times; it stops, with the reason."),
    Move("uncharge", (F,), (P,), (W,), "Its worker is alive after all: a job that was abandoned for it waits again."),
    Move("cancel", (P, Z, F, R), (X,), (U, W), "Ends the job; the row and its checkpoints stay."),
    Move(
        "delete",
        (C, F, X),
        (),
        (U,),
        "Removes the job, its checkpoints and its result; documents and files it made stay.",
    ),
)

BY_NAME = {move.name: move for move in MOVES}

ACTIVE = (Status.PENDING, Status.PROCESSING, Status.PAUSED)
DONE = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
"""Ended, one way or the other. A failed job may still be retried."""

MAX_CRASHES = 3
"""Hand-outs that may end in a lost lease or a dead child before the job is abandoned."""

PAIRS = frozenset((source, target) for move in MOVES for source in move.sources for target in move.targets)
"""Every legal (from, to) of a status; the trigger in the database refuses all others."""


def allowed(source: Status, target: Status) -> bool:
    """Whether some move leads from ``source`` to ``target``."""
    return (source, target) in PAIRS


@dataclass(frozen=True, slots=True)
class JobFlags:
    """What decides which actions are possible on a job now."""

    status: Status
    pause_requested: bool = False
    cancel_requested: bool = False
    retry_count: int = 0
    max_retries: int = 3


def actions(job: JobFlags) -> tuple[Verb, ...]:
    """The verbs that would do something now, in the order of ``Verb``."""
    return tuple(verb for verb in Verb if _possible(verb, job))


def _possible(verb: Verb, job: JobFlags) -> bool:
    running = job.status is Status.PROCESSING
    match verb:
        case Verb.PAUSE:
            return job.status is Status.PENDING or (running and not job.pause_requested and not job.cancel_requested)
        case Verb.RESUME:
            return job.status is Status.PAUSED or (running and job.pause_requested and not job.cancel_requested)
        case Verb.CANCEL:
            return job.status in BY_NAME[verb].sources and not (running and job.cancel_requested)
        case Verb.RETRY:
            return job.status in BY_NAME[verb].sources and job.retry_count < job.max_retries
        case Verb.RESTART | Verb.DELETE:
            return job.status in BY_NAME[verb].sources
        case _:
            assert_never(verb)


def reachable(source: Status, target: Status) -> bool:
    """Whether a job can get from one status to another without a person restarting or retrying it.

    Used by ``wait``: a status that can't be reached any more ends the wait.
    """
    seen, todo = {source}, [source]
    while todo:
        here = todo.pop()
        for move in MOVES:
            if here in move.sources and move.name not in ("retry", "restart", "delete"):
                fresh = set(move.targets) - seen
                seen |= fresh
                todo.extend(fresh)
    return target in seen


def diagram() -> str:
    """The table as a Mermaid state diagram, as printed in docs/JOB_SYSTEM.md."""
    lines = ["stateDiagram-v2"]
    for move in MOVES:
        sources = [str(s) for s in move.sources] or ["[*]"]
        targets = [str(t) for t in move.targets] or ["[*]"]
        lines += [f"    {source} --> {target}: {move.name}" for source in sources for target in targets]
    return "\n".join(lines) + "\n"
