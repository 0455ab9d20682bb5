"""Requests on jobs, and the sentence that answers each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobctl.client.base import Base
from jobctl.core.errors import ConfigError
from jobctl.core.job import Answer, Filters
from jobctl.core.lifecycle import DONE, Standing, Status, actions


class Control(Base):
    """Requests on jobs."""

    def pause(self, ids: Sequence[int], *, reason: str | None = None, dry_run: bool = False) -> list[Answer]:
        """Pauses pending jobs, requests it of running ones. Raises ``ConfigError`` where pausing is switched off."""
        if not self._pausing:
            raise ConfigError(
                "pausing is disabled by the setting pausing", hint="jobctl cancel, or jobctl queue pause NAME"
            )
        return self._control("pause", ids, dry_run, lambda: self.queue.pause(ids, reason=reason))

    def cancel(self, ids: Sequence[int], *, reason: str | None = None, dry_run: bool = False) -> list[Answer]:
        """Cancels jobs that do not run, requests it of running ones."""
        return self._control("cancel", ids, dry_run, lambda: self.queue.cancel(ids, reason=reason))

    def retry(self, ids: Sequence[int], *, dry_run: bool = False) -> list[Answer]:
        """Tries failed or cancelled jobs again, from the checkpoint."""
        return self._control("retry", ids, dry_run, lambda: self.queue.retry(ids))

    def restart(self, ids: Sequence[int], *, dry_run: bool = False) -> list[Answer]:
        """Runs ended jobs again from the first stage."""
        return self._control("restart", ids, dry_run, lambda: self.queue.restart(ids))

    def delete(self, ids: Sequence[int], *, dry_run: bool = False) -> list[Answer]:
        """Removes ended jobs, the bytes of their checkpoints and their results; documents and files they made stay."""
        answers: list[dict[str, Any]] = []

        def remove() -> list[dict[str, Any]]:
            answers.extend(self.queue.delete(ids))
            return answers

        result = self._control("delete", ids, dry_run, remove)
        if not dry_run:
            self._remove(path for row in answers if row["answer"] == "done" for path in row["paths"])
        return result

    def resume(self, ids: Sequence[int], *, from_start: bool = False, dry_run: bool = False) -> list[Answer]:
        """Continues from the checkpoint; one whose bytes are gone is refused unless ``from_start``."""
        lost = [] if from_start else self._without_bytes(ids)
        rest = [job_id for job_id in ids if job_id not in lost]
        answers = self._control("resume", rest, dry_run, lambda: self.queue.resume(rest, from_start=from_start))
        refused = [
            Answer(
                job_id, "refused", Status.PAUSED, f"cannot resume job {job_id}: its checkpoint is missing in the storage",
                f"jobctl resume {job_id} --from-start",
            )
            for job_id in lost
        ]  # fmt: skip
        order = {job_id: place for place, job_id in enumerate(ids)}
        return sorted(answers + refused, key=lambda answer: order[answer.id])

    def _without_bytes(self, ids: Sequence[int]) -> list[int]:
        paused = self.queue.find(Filters(ids=tuple(ids), statuses=(Status.PAUSED,)))
        return [job.id for job in paused if job.checkpoint_path and not self._storage().exists(job.checkpoint_path)]

    def _control(
        self,
        verb: str,
        ids: Sequence[int],
        dry_run: bool,  # noqa: FBT001 - private, always named by its place
        act: Callable[[], list[dict[str, Any]]],
    ) -> list[Answer]:
        with self._rehearsed(dry_run):
            rows = {row["id"]: row for row in act()} if ids else {}
        return [_answer(verb, job_id, rows.get(job_id)) for job_id in ids]


_ASKED = {"pause": "pausing", "cancel": "cancelling"}
_DONE = {"pause": str(Status.PAUSED), "resume": "resumed", "retry": "queued again", "restart": "queued from the start",
         "cancel": str(Status.CANCELLED), "delete": "deleted"}  # fmt: skip


def _answer(verb: str, job_id: int, row: dict[str, Any] | None) -> Answer:
    if row is None:
        return Answer(job_id, "missing", None, f"no such job: {job_id}")
    was = Status(row["was"])
    if row["answer"] == "done":
        withdrawn = verb == "resume" and was is Status.PROCESSING
        text = "pause request withdrawn" if withdrawn else _DONE[verb]
        return Answer(job_id, "done", was, f"job {job_id}: {text}")
    if row["answer"] == "requested":
        return Answer(job_id, "requested", was, f"job {job_id}: {_ASKED[verb]}: stops {_when(row['progress'])}")
    if row["answer"] == "unchanged":
        return Answer(job_id, "unchanged", was, f"job {job_id}: {_unchanged(verb, was)}")
    return Answer(job_id, "refused", was, *_refusal(verb, job_id, row, was))


def _when(progress: Mapping[str, Any]) -> str:
    stage = progress.get("stage")
    if not stage:
        return "at its first safe point"
    batched = progress.get("total") is not None
    return f"after the current batch (stage {stage})" if batched else f"after stage {stage}"


def _unchanged(verb: str, was: Status) -> str:
    if was is Status.PROCESSING:
        return "already running" if verb == "resume" else f"already {_ASKED[verb]}"
    return f"already {was}"


def _refusal(verb: str, job_id: int, row: dict[str, Any], was: Status) -> tuple[str, str | None]:
    if row.get("holder"):
        taken = f"job {row['holder']} has the same key and is not finished"
        return f"cannot {verb} job {job_id}: {taken}", f"jobctl show {row['holder']}"
    if row["cancelling"]:
        return f"cannot {verb} job {job_id}: it is being cancelled", f"jobctl wait {job_id}"
    if verb == "retry" and was in (Status.FAILED, Status.CANCELLED):
        used = f"{row['retry_count']} of {row['max_retries']} retries used"
        return f"cannot retry job {job_id}: {used}", f"jobctl restart {job_id}"
    standing = Standing(was, row["pausing"], row["cancelling"], row["retry_count"], row["max_retries"])
    hint = " or ".join(f"jobctl {other} {job_id}" for other in actions(standing)) or None
    return f"cannot {verb} job {job_id}: {'already' if was in DONE else 'it is'} {was}", hint
