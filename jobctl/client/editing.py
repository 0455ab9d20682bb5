"""Changes jobs that wait, as the one who submits them would have: validated, and refused once they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jobctl.client.new_jobs import Options
from jobctl.client.submission import Submission
from jobctl.core.edit import Changes, Edited
from jobctl.core.errors import UsageError
from jobctl.core.filters import Filters
from jobctl.core.job import ControlResult, Job
from jobctl.core.lifecycle import DONE, ControlOutcome, Status

METADATA = ("mode", "inputs")
"""What of a job's metadata follows from its input."""


class Editing(Submission):
    """Changes jobs that wait."""

    def edit(self, ids: Sequence[int], changes: Changes, *, dry_run: bool = False) -> list[ControlResult]:
        """Changes pending and paused jobs. Raises ``UsageError`` for invalid values, before anything is changed."""
        if not changes.named:
            raise UsageError("nothing to change", hint="jobctl edit ID --priority high, or --set field=value")
        found = {job.id: job for job in self.queue.find(Filters(ids=tuple(ids)), full=True)} if ids else {}
        prepared = {job.id: self._edited(job, changes, take=not dry_run) for job in found.values()}
        with self._transaction(dry_run):
            answers = [self._edit(job_id, prepared.get(job_id)) for job_id in ids]
            self.queue.wake_keys(None)
        return answers

    def _edit(self, job_id: int, values: Edited | None) -> ControlResult:
        answer = self.queue.edit(job_id, values, actor=self.user) if values is not None else None
        if answer is None:
            return ControlResult(job_id, ControlOutcome.MISSING, None, f"no such job: {job_id}")
        was = answer.row.was
        if answer.row.outcome is ControlOutcome.DONE and values is not None:
            return ControlResult(job_id, answer.row.outcome, was, f"job {job_id}: changed {', '.join(values.changed)}")
        reason, hint = _refusal(job_id, was, begun=answer.begun)
        return ControlResult(job_id, ControlOutcome.REFUSED, was, f"cannot edit job {job_id}: {reason}", hint)

    def _edited(self, job: Job, changes: Changes, *, take: bool) -> Edited:
        """The values of a job after the changes, validated as a submit validates them."""
        options = Options(
            title=changes.title, queue=job.queue if changes.queue is None else changes.queue,
            priority=changes.priority or "normal", max_retries=changes.max_retries, at=changes.at,
        )  # fmt: skip
        data = {**job.input_data, **changes.input}
        new = self._prepare(job.job_type, data, options, take=take and bool(changes.input))
        values = Edited(
            changed=tuple(changes.named),
            priority=new.priority if changes.priority is not None else None,
            queue=changes.queue,
            title=new.title if changes.title is not None else None,
            max_retries=changes.max_retries,
            run_after=changes.at,
        )
        if not changes.input:
            return values
        marker = job.concurrency_key if (job.concurrency_key or "").startswith("schedule:") else None
        metadata = {name: new.metadata[name] for name in METADATA if name in new.metadata}
        return replace(
            values, input=new.input_data, seen=job.input_data, metadata=metadata, key=new.concurrency_key or marker
        )


def _refusal(job_id: int, was: Status, *, begun: bool) -> tuple[str, str | None]:
    if was is Status.PROCESSING:
        return "it is running", f"jobctl pause {job_id}"
    if was in DONE:
        return f"already {was}", f"jobctl show {job_id}"
    if begun:
        return "its checkpoint was made from the present input", f"jobctl cancel {job_id}, and submit another"
    return "its input was changed meanwhile", f"jobctl show {job_id} --payload"
