"""Requests on jobs, and the sentence that answers each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import assert_never

from jobctl.client.base import Base
from jobctl.core.errors import ConfigError
from jobctl.core.filters import Filters
from jobctl.core.job import ControlResult, Progress
from jobctl.core.lifecycle import DONE, ControlOutcome, JobFlags, Status, Verb, actions
from jobctl.core.pausing import NEITHER, NO_PAUSE, ON_PAUSE
from jobctl.core.rows import ControlRow


class Control(Base):
    """Requests on jobs."""

    def pause(
        self, ids: Sequence[int], *, reason: str | None = None, freeze: bool = False, dry_run: bool = False
    ) -> list[ControlResult]:
        """Pauses pending jobs, requests it of running ones: they stop at their next safe point.

        With ``freeze`` the processes of a running job are stopped where they are (SIGSTOP) and stay with their worker, which
        keeps the job's lease. Raises ``ConfigError`` where pausing is switched off.
        """
        if not self._pausing:
            raise ConfigError(
                "pausing is disabled by the setting pausing", hint="jobctl cancel, or jobctl queue pause NAME"
            )
        refused = {} if freeze else self._without_pause(ids)
        rest = [job_id for job_id in ids if job_id not in refused]
        answers = self._control(
            Verb.PAUSE, rest, dry_run, lambda: self.queue.pause(rest, reason=reason, freeze=freeze), freeze=freeze
        )
        return _in_order(ids, [*answers, *refused.values()])

    def _without_pause(self, ids: Sequence[int]) -> dict[int, ControlResult]:
        """Refusals for running jobs whose program can neither be stopped nor continued."""
        running = self.queue.find(Filters(ids=tuple(ids), statuses=(Status.PROCESSING,))) if ids else []
        return {
            job.id: ControlResult(
                job.id, ControlOutcome.REFUSED, job.status,
                f"job {job.id} cannot be paused: {NEITHER}",
                f"jobctl pause {job.id} --freeze, or jobctl cancel {job.id}",
            )
            for job in running if job.progress.pause_support == NO_PAUSE and not job.pause_requested_at
        }  # fmt: skip

    def cancel(self, ids: Sequence[int], *, reason: str | None = None, dry_run: bool = False) -> list[ControlResult]:
        """Cancels jobs that do not run, requests it of running ones."""
        return self._control(Verb.CANCEL, ids, dry_run, lambda: self.queue.cancel(ids, reason=reason))

    def retry(self, ids: Sequence[int], *, dry_run: bool = False) -> list[ControlResult]:
        """Tries failed or cancelled jobs again, from the checkpoint."""
        return self._control(Verb.RETRY, ids, dry_run, lambda: self.queue.retry(ids))

    def restart(self, ids: Sequence[int], *, dry_run: bool = False) -> list[ControlResult]:
        """Runs ended jobs again from the first stage."""
        return self._control(Verb.RESTART, ids, dry_run, lambda: self.queue.restart(ids))

    def delete(self, ids: Sequence[int], *, dry_run: bool = False) -> list[ControlResult]:
        """Removes ended jobs, the bytes of their checkpoints and their results; documents and files they made stay."""
        answers: list[ControlRow] = []

        def remove() -> list[ControlRow]:
            answers.extend(self.queue.delete(ids))
            return answers

        result = self._control(Verb.DELETE, ids, dry_run, remove)
        if not dry_run:
            self._remove(path for row in answers if row.outcome is ControlOutcome.DONE for path in row.paths)
        return result

    def resume(self, ids: Sequence[int], *, from_start: bool = False, dry_run: bool = False) -> list[ControlResult]:
        """Continues from the checkpoint; one whose bytes are gone is refused unless ``from_start``."""
        lost = [] if from_start else self._without_bytes(ids)
        rest = [job_id for job_id in ids if job_id not in lost]
        answers = self._control(Verb.RESUME, rest, dry_run, lambda: self.queue.resume(rest, from_start=from_start))
        refused = [
            ControlResult(
                job_id, ControlOutcome.REFUSED, Status.PAUSED, f"cannot resume job {job_id}: its checkpoint is missing in the storage",
                f"jobctl resume {job_id} --from-start",
            )
            for job_id in lost
        ]  # fmt: skip
        return _in_order(ids, [*answers, *refused])

    def _without_bytes(self, ids: Sequence[int]) -> list[int]:
        paused = self.queue.find(Filters(ids=tuple(ids), statuses=(Status.PAUSED,)))
        return [job.id for job in paused if job.checkpoint_path and not self._storage().exists(job.checkpoint_path)]

    def _control(
        self,
        verb: Verb,
        ids: Sequence[int],
        dry_run: bool,  # noqa: FBT001 - private, always named by its place
        act: Callable[[], list[ControlRow]],
        *,
        freeze: bool = False,
    ) -> list[ControlResult]:
        with self._transaction(dry_run):
            rows = {row.id: row for row in act()} if ids else {}
        return [_result(verb, job_id, rows.get(job_id), freeze=freeze) for job_id in ids]


def _in_order(ids: Sequence[int], answers: Sequence[ControlResult]) -> list[ControlResult]:
    order = {job_id: position for position, job_id in enumerate(ids)}
    return sorted(answers, key=lambda answer: order[answer.id])


def _result(verb: Verb, job_id: int, row: ControlRow | None, *, freeze: bool) -> ControlResult:
    if row is None:
        return ControlResult(job_id, ControlOutcome.MISSING, None, f"no such job: {job_id}")
    hint = None
    match row.outcome:
        case ControlOutcome.DONE:
            message = f"job {job_id}: {_done(verb, row)}"
        case ControlOutcome.REQUESTED:
            message = f"job {job_id}: {_FREEZING if freeze else f'{_requested(verb)}: {_when(verb, row.progress)}'}"
        case ControlOutcome.UNCHANGED:
            message = f"job {job_id}: {_unchanged(verb, row)}"
        case ControlOutcome.REFUSED | ControlOutcome.MISSING:
            message, hint = _refusal(verb, job_id, row)
        case _:
            assert_never(row.outcome)
    return ControlResult(job_id, row.outcome, row.was, message, hint)


_FREEZING = "freezing: its processes stop where they are and stay with their worker until it is resumed"


def _done(verb: Verb, row: ControlRow) -> str:
    match verb:
        case Verb.PAUSE:
            return str(Status.PAUSED)
        case Verb.RESUME:
            return "pause request withdrawn" if row.was is Status.PROCESSING and not row.freezing else "resumed"
        case Verb.RETRY:
            return "queued again"
        case Verb.RESTART:
            return "queued from the start"
        case Verb.CANCEL:
            return str(Status.CANCELLED)
        case Verb.DELETE:
            return "deleted"
        case _:
            assert_never(verb)


def _requested(verb: Verb) -> str:
    return "pausing" if verb is Verb.PAUSE else "cancelling"


def _when(verb: Verb, progress: Progress) -> str:
    if progress.pause_support and verb is Verb.PAUSE:
        return ON_PAUSE.get(progress.pause_support, "stops at its first safe point")
    if progress.pause_support:
        return "its program gets SIGTERM, then SIGKILL"
    if not progress.stage:
        return "stops at its first safe point"
    batched = progress.total is not None
    where = f"after the current batch (stage {progress.stage})" if batched else f"after stage {progress.stage}"
    return f"stops {where}"


def _unchanged(verb: Verb, row: ControlRow) -> str:
    if row.was is Status.PROCESSING:
        if row.freezing and not row.cancelling:
            return "already frozen"
        return "already running" if verb is Verb.RESUME else f"already {_requested(verb)}"
    return f"already {row.was}"


def _refusal(verb: Verb, job_id: int, row: ControlRow) -> tuple[str, str | None]:
    cannot = f"cannot {verb} job {job_id}"
    if row.holder:
        return f"{cannot}: job {row.holder} has the same key and is not finished", f"jobctl show {row.holder}"
    if row.cancelling:
        return f"{cannot}: it is being cancelled", f"jobctl wait {job_id}"
    if verb is Verb.RETRY and row.was in (Status.FAILED, Status.CANCELLED):
        used = f"{row.retry_count} of {row.max_retries} retries used"
        return f"{cannot}: {used}", f"jobctl restart {job_id}"
    flags = JobFlags(row.was, row.pausing, row.cancelling, row.retry_count, row.max_retries)
    hint = " or ".join(f"jobctl {other} {job_id}" for other in actions(flags)) or None
    return f"{cannot}: {'already' if row.was in DONE else 'it is'} {row.was}", hint
