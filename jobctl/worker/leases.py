"""The leases of a worker's jobs: until when they are certainly good, when they are renewed, which requests are pending."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jobctl.core.attempt import Token
from jobctl.core.job import Progress
from jobctl.postgres.lease_rows import Request
from jobctl.postgres.leases import Leases
from jobctl.system import clock

RENEWALS_PER_LEASE = 6
"""Every 5 s with the 30 s default; children are frozen one renewal before the end of a lease."""
RETRY_RENEWAL = 1.0
"""Seconds between two renewals while the database is unreachable."""
POLL_REQUESTS = 1.0
"""Seconds between two polls for requests, when no notification comes."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The answer to a renewal."""

    draining: bool
    """Whether draining was requested for this worker."""
    lost: list[int] = field(default_factory=list)
    """Jobs that belong to other workers now."""
    changed: list[int] = field(default_factory=list)
    """Jobs whose requests are not those of the last answer."""
    was_away: bool = False
    """Whether a lease could have ended since the answer before: of this worker, and of others."""


class LeaseKeeper:
    """Times are seconds of the monotonic clock."""

    def __init__(self, queue: Leases, since_boot: Callable[[], float] = clock.since_boot) -> None:
        self._queue = queue
        self._since_boot = since_boot
        self._answered = since_boot()
        self.interval = queue.ttl / RENEWALS_PER_LEASE
        self.answered_at = time.monotonic()
        self._good_until = float("inf")
        self._tried_at = self._polled_at = float("-inf")
        self._orphans_until = float("-inf")
        self._progress: dict[int, Progress] = {}
        self._unsent = False
        self._requests: dict[int, Request] = {}
        self._cancelled_at: dict[int, float] = {}
        self._lost: set[int] = set()
        self._frozen: set[int] = set()

    # -- renewing ------------------------------------------------------------------------------------------------

    def renew_in(self, now: float, *, unreachable: bool = False) -> float:
        """Seconds until the next renewal; sooner while there is no answer, or when progress is unsent."""
        if not unreachable and self.was_away():  # the machine was suspended, or this process stopped
            return 0.0
        if self._unsent and not unreachable and self.poll_in(now) <= 0:
            return 0.0
        return max(0.0, self._tried_at + (min(RETRY_RENEWAL, self.interval) if unreachable else self.interval) - now)

    def was_away(self) -> bool:
        """Whether the last answer is so old that a lease could have ended since. Counts the time of a suspended machine."""
        return self._since_boot() - self._answered >= self._queue.ttl - self.interval

    def renew(self, worker: int, tokens: Mapping[int, Token], now: float) -> Renewal:
        """Extends all leases in one statement; a job that is not returned belongs to another worker."""
        self._tried_at = now
        beat = self._queue.beat(
            worker, {i: (token, self._progress.get(i)) for i, token in tokens.items()}, frozen=self._frozen
        )
        self._unsent = False
        self._polled_at = now
        was_away, self._answered = self.was_away(), self._since_boot()
        self.answered_at = time.monotonic()
        self._good_until = now + self._queue.ttl - self.interval
        lost = [i for i in tokens if i not in beat.requests]
        changed = [i for i in tokens if i in beat.requests and self._record(i, beat.requests[i], now)]
        return Renewal(beat.draining, lost, changed, was_away)

    def claimed(self, now: float) -> None:
        """Jobs were claimed; the first ones of a worker come before its first renewal."""
        if self._good_until == float("inf"):
            self._good_until = now + self._queue.ttl - self.interval

    def must_freeze(self, now: float) -> bool:
        """Whether a lease could have ended unseen: no child process may continue until it is renewed."""
        return now >= self._good_until

    def freeze_in(self, now: float) -> float:
        """Seconds until the leases are no longer certainly good."""
        return max(0.0, self._good_until - now)

    # -- requests and progress -----------------------------------------------------------------------------------

    def poll_in(self, now: float) -> float:
        """Seconds until requests are polled again."""
        return max(0.0, self._polled_at + POLL_REQUESTS - now)

    def poll_now(self) -> None:
        """A notification came."""
        self._polled_at = float("-inf")

    def poll(self, worker: int, running: Sequence[int], now: float) -> list[int]:
        """The running jobs whose requests changed."""
        self._polled_at = now
        found = self._queue.requests(worker, running)
        return [i for i in running if self._record(i, found.get(i, Request()), now)]

    def request(self, job_id: int) -> Request:
        """The pending requests on a job, as of the last answer."""
        return self._requests.get(job_id, Request())

    def cancelled_for(self, job_id: int, now: float) -> float:
        """Seconds since a cancel of this job was first seen."""
        return now - self._cancelled_at.get(job_id, now)

    def report(self, job_id: int, progress: Progress) -> None:
        """Progress that the next renewal carries."""
        self._progress[job_id] = progress
        self._unsent = True

    def report_frozen(self, job_id: int, *, frozen: bool) -> None:
        """Whether the processes of a job are stopped on request: the next renewal carries that."""
        (self._frozen.add if frozen else self._frozen.discard)(job_id)
        self._unsent = True

    def progress(self, job_id: int) -> Progress | None:
        """The newest progress of a job."""
        return self._progress.get(job_id)

    def _record(self, job_id: int, request: Request, now: float) -> bool:
        if request == self.request(job_id):
            return False
        self._requests[job_id] = request
        if request.cancel:
            self._cancelled_at.setdefault(job_id, now)
        return True

    # -- losing --------------------------------------------------------------------------------------------------

    def mark_lost(self, job_id: int) -> None:
        """The job belongs to another worker: later reports about it are dropped."""
        self._lost.add(job_id)

    def is_lost(self, job_id: int) -> bool:
        """Whether the job was taken over by another worker while it was here."""
        return job_id in self._lost

    def forget(self, job_id: int) -> None:
        """The attempt is over."""
        for kept in (self._progress, self._requests, self._cancelled_at):
            kept.pop(job_id, None)
        self._lost.discard(job_id)
        self._frozen.discard(job_id)

    def claim_failed(self, now: float) -> None:
        """A claim may have been committed without its answer: for one lease length, orphaned jobs are searched for."""
        self._orphans_until = now + self._queue.ttl

    def may_have_orphans(self, now: float) -> bool:
        """Whether such a claim is recent enough that it may still be committed."""
        return now < self._orphans_until
