"""Blocks until jobs have reached a status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobctl.client.base import Base
from jobctl.core.filters import Filters
from jobctl.core.lifecycle import DONE, Status, reachable

POLL = 0.25
"""Seconds between two polls of a wait."""
FROZEN = "frozen"
"""The reason of a wait that ended because the job is frozen."""


@dataclass(frozen=True, slots=True)
class Waited:
    """How a wait ended. ``reason``: reached, failed, cancelled, unreachable, timeout; by job."""

    statuses: dict[int, Status]
    reasons: dict[int, str]


class Waiting(Base):
    """Waits for jobs."""

    def wait(
        self,
        ids: Sequence[int],
        *,
        until: Sequence[Status] = DONE,
        first: bool = False,
        fail_fast: bool = False,
        frozen: bool = False,
        timeout: float | None = None,
    ) -> Waited:
        """Blocks until all jobs (``first``: any) reached ``until``, or can't any more. ``timeout`` in seconds.

        A failed job that will be retried automatically has not ended; it counts where ``failed`` is wanted by itself.

        With ``frozen`` a running job that is frozen has reached it too, with the reason "frozen".

        With ``fail_fast`` it ends as soon as one failed, was cancelled or can't reach ``until`` any more.

        A status that was passed through between two polls counts: the history decides, not the moment.
        """
        self._known(ids)
        fleeting = [str(status) for status in until if status not in DONE]
        since = self.queue.reached_since(ids, fleeting, None).now if fleeting else None
        deadline = None if timeout is None else self._monotonic() + timeout
        while True:
            statuses = self.queue.statuses(ids)
            passed = self.queue.reached_since(ids, fleeting, since).ids if fleeting else frozenset()
            reasons = dict.fromkeys(passed, "reached") | self._frozen(ids if frozen else ())
            reasons |= self._reasons([i for i in ids if i not in reasons], statuses, until)
            bad = set(reasons.values()) - {"reached", FROZEN}
            if len(reasons) == len(ids) or (first and reasons) or (fail_fast and bad):
                return Waited(statuses, reasons)
            if deadline is not None and self._monotonic() >= deadline:
                return Waited(statuses, reasons | {i: "timeout" for i in ids if i not in reasons})
            self._sleep(POLL)

    def _reasons(self, ids: Sequence[int], statuses: Mapping[int, Status], until: Sequence[Status]) -> dict[int, str]:
        ended = {i: _ended(statuses.get(i), until, self._retries(i, statuses)) for i in ids}
        return {i: reason for i, reason in ended.items() if reason}

    def _frozen(self, ids: Sequence[int]) -> dict[int, str]:
        found = self.queue.find(Filters(ids=tuple(ids), statuses=(Status.PROCESSING,))) if ids else []
        return {job.id: FROZEN for job in found if job.frozen_at is not None}

    def wait_for(self, ids: Sequence[int], *, timeout: float | None = None) -> bool:
        """Blocks until all jobs exist; returns whether they do. ``timeout`` in seconds."""
        deadline = None if timeout is None else self._monotonic() + timeout
        while set(ids) - self.queue.statuses(ids).keys():
            if deadline is not None and self._monotonic() >= deadline:
                return False
            self._sleep(POLL)
        return True

    def _retries(self, job_id: int, statuses: Mapping[int, Status]) -> bool:
        """Whether a failed job will be retried automatically: then it has not ended."""
        if statuses.get(job_id) is not Status.FAILED:
            return False
        found = self.queue.find(Filters(ids=(job_id,)))
        # it may have moved on since its status was read: then the next poll decides
        return bool(found) and (found[0].status is not Status.FAILED or found[0].next_retry_at is not None)


def _ended(status: Status | None, until: Sequence[Status], retries: bool) -> str | None:  # noqa: FBT001
    """Why the wait for one job is over, None while it continues."""
    if status is None:
        return "unreachable"
    if status in until and not (retries and Status.COMPLETED in until):
        return str(status) if status in (Status.FAILED, Status.CANCELLED) else "reached"
    if status in (Status.FAILED, Status.CANCELLED) and not retries:
        return str(status)
    return None if retries or any(reachable(status, goal) for goal in until) else "unreachable"
