"""The history checker: compares the acknowledged requests, the recorded events and the rows.

In the terms of Jepsen: acknowledged jobs must be there (lost), a stage's effects are committed once between two
restarts (duplicated), nothing of an attempt is accepted after a later one began or after it ended (stale), a completed job
has the bytes that its input determines (bad), every move is in the table and each follows the one before (illegal), and
retries are charged for planned errors and by people only, crashes for each attempt that was lost, but not for one whose lease became
void because the clock was set back, nor for one whose worker was seen alive later (charged).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobctl.core.lifecycle import DONE, Status, allowed
from jobctl.core.rows import Event

KINDS = ("lost", "duplicated", "stale", "bad", "illegal", "charged")
BY_WORKER = frozenset({"checkpoint", "complete", "fail", "release", "checkpoint_unusable"})
"""Events that only the attempt that owns the job may cause."""
STARTS_AGAIN = frozenset({"restart", "checkpoint_unusable"})
"""After these a stage may rightly run again."""
RESETS_CRASHES = frozenset({"restart", "retry"})
"""After these a job's crashes are counted from zero."""
SET_BACK = "the clock was set back"
"""The reason of a rescue that is not charged."""


@dataclass(frozen=True, slots=True)
class History:
    """Everything the checker compares. ``events`` and ``jobs`` are what the client returns, events in order."""

    acknowledged: frozenset[int]
    jobs: Mapping[int, Mapping[str, Any]]  # id → status, output, expected, retry_count
    events: Sequence[Event]
    effects: Sequence[tuple[int, int, str]]  # job, attempt, stage
    writing: frozenset[str]  # the stages that write
    deleted: frozenset[int] = frozenset()
    planned: str = ""  # what the error of every failure has to contain


@dataclass
class Verdict:
    """Counts by kind, and the first few findings as sentences."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def add(self, kind: str, text: str) -> None:
        """One more finding."""
        self.counts[kind] += 1
        if len(self.findings) < 50:
            self.findings.append(f"{kind}: {text}")

    @property
    def by_kind(self) -> dict[str, int]:
        """How many findings there are of each kind, of those without one too."""
        return {kind: self.counts[kind] for kind in KINDS}

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.counts


def check(history: History) -> Verdict:
    """The verdict on a run whose queue has drained."""
    verdict = Verdict()
    by_job: dict[int, list[Event]] = {}
    for event in history.events:
        by_job.setdefault(event.job_id, []).append(event)
    _lost(history, verdict)
    _bad(history, verdict)
    for job_id, events in by_job.items():
        _moves(job_id, events, history, verdict)
        _stale(job_id, events, verdict)
        _duplicated(job_id, events, verdict)
        _charged(job_id, events, history, verdict)
        _crashes(job_id, events, verdict)
    _effects(history, verdict)
    return verdict


def _lost(history: History, verdict: Verdict) -> None:
    for job_id in sorted(history.acknowledged - history.jobs.keys() - history.deleted):
        verdict.add("lost", f"job {job_id} was acknowledged and is not there")
    for job_id, job in history.jobs.items():
        if job["status"] not in DONE:
            verdict.add("lost", f"job {job_id} is still {job['status']} after the queue drained")


def _bad(history: History, verdict: Verdict) -> None:
    for job_id, job in history.jobs.items():
        if job["status"] == Status.COMPLETED and job["output"] != job["expected"]:
            verdict.add("bad", f"job {job_id} returned {job['output']!r} instead of {job['expected']!r}")


def _moves(job_id: int, events: Sequence[Event], history: History, verdict: Verdict) -> None:
    state: str | None = None
    for event in events:
        source, target = event.from_status, event.to_status
        if source is None and target is None:
            continue
        if source != state or (source and target and not allowed(Status(source), Status(target))):
            verdict.add("illegal", f"job {job_id}: {event.kind} from {source} to {target} while it was {state}")
        state = target
    job = history.jobs.get(job_id)
    if job is not None and job["status"] != state:
        verdict.add("illegal", f"job {job_id} is {job['status']}; its history ends with {state}")


def _stale(job_id: int, events: Sequence[Event], verdict: Verdict) -> None:
    owner: int | None = None  # the attempt that may write now
    for event in events:
        if event.kind == "claim":
            owner = event.lease_seq
        elif event.kind in BY_WORKER and event.lease_seq != owner:
            verdict.add("stale", f"job {job_id}: {event.kind} of attempt {event.lease_seq} while {owner} owns it")
        elif event.from_status == Status.PROCESSING:
            owner = None
        if event.kind in BY_WORKER and event.from_status == Status.PROCESSING:
            owner = None


def _duplicated(job_id: int, events: Sequence[Event], verdict: Verdict) -> None:
    done: dict[str, int] = {}
    for event in events:
        if event.kind in STARTS_AGAIN or (event.kind == "resume" and event.detail.get("from_start")):
            done.clear()
        if event.kind == "checkpoint":
            stage, items = event.detail["stage"], event.detail["done"]
            if stage in done and items <= done[stage]:
                verdict.add("duplicated", f"job {job_id}: stage {stage} was committed again at {items}")
            done[stage] = items


def _charged(job_id: int, events: Sequence[Event], history: History, verdict: Verdict) -> None:
    job = history.jobs.get(job_id)
    if job is None:
        return
    retries = 0
    for event in events:
        if history.planned not in (error := event.detail.get("message", history.planned)) and event.kind in (
            "fail",
            "pause",
        ):
            verdict.add("charged", f"job {job_id} was failed for what is no fault of its own: {error}")
        failed_into_pause = event.kind == "pause" and "error_type" in event.detail
        retries = 0 if event.kind == "restart" else retries + (event.kind in ("retry", "requeue") or failed_into_pause)
    if job["retry_count"] != retries:
        verdict.add("charged", f"job {job_id} was charged {job['retry_count']} retries for {retries}")


def _crashes(job_id: int, events: Sequence[Event], verdict: Verdict) -> None:
    crashes = 0
    for event in events:
        if event.kind in RESETS_CRASHES:
            crashes = 0
        elif event.kind == "uncharge":
            crashes = max(0, crashes - 1)
        elif event.kind in ("rescue", "abandon"):
            crashes += event.detail.get("reason") != SET_BACK
            charged = event.detail.get("crash_count", crashes)  # a rescue by the job's own worker does not name it
            if charged != crashes:
                verdict.add("charged", f"job {job_id} was charged {charged} crashes for {crashes}")


def _effects(history: History, verdict: Verdict) -> None:
    """A stage's writes are there exactly as often as its commits are recorded: they are one transaction."""
    effects = Counter(history.effects)
    commits = Counter(
        (event.job_id, event.lease_seq or 0, event.detail["stage"])
        for event in history.events
        if event.kind == "checkpoint" and event.detail["stage"] in history.writing
    )
    for job_id, attempt, stage in (effects - commits).elements():
        verdict.add("duplicated", f"job {job_id}: stage {stage} of attempt {attempt} wrote without a commit")
    for job_id, attempt, stage in (commits - effects).elements():
        verdict.add("lost", f"job {job_id}: the writes of stage {stage} of attempt {attempt} are gone")
