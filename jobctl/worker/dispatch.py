"""Which jobs a worker takes, and how many a child process is sent at once."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import product

from jobctl.core.attempt import Claimed, Failure, Outcome, Token
from jobctl.core.errors import ConfigError, StoreUnavailable
from jobctl.core.job import PRIORITIES
from jobctl.core.lifecycle import Ending
from jobctl.core.names import plural
from jobctl.core.retry import storable
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from jobctl.postgres.limits import Place
from jobctl.worker.config import WorkerConfig
from jobctl.worker.looks import Looks
from jobctl.worker.turns import Turns

log = logging.getLogger("jobctl.worker")

QUICK = 0.025
"""Mean seconds of a job under which a child process is sent several at once."""
PREFETCH = 0.1
"""Seconds of work that a child process is sent at once."""
MAX_BATCH = 200


class Pace:
    """How long a job of each type takes, as a moving mean."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def record(self, job_type: str, seconds: float) -> None:
        """A job of this type has taken so long."""
        old = self._seconds.get(job_type)
        self._seconds[job_type] = seconds if old is None else 0.9 * old + 0.1 * seconds

    def raise_to(self, job_type: str, seconds: float) -> None:
        """A job of this type has already taken so long: the mean was wrong."""
        self._seconds[job_type] = seconds

    def batch_size(self, job_types: Iterable[str] | None = None) -> int:
        """Jobs to send a child process at once, by the slowest of these types; None: of all types seen so far."""
        types = self._seconds if job_types is None else job_types
        slowest = max((self._seconds.get(job_type, QUICK) for job_type in types), default=QUICK)
        return 1 if slowest >= QUICK else max(1, min(MAX_BATCH, int(PREFETCH / max(slowest, 1e-4))))


class Dispatcher:
    """Claims, and keeps what is claimed until a child process is sent it."""

    def __init__(self, config: WorkerConfig, queue: Leases, *, timer: Callable[[], float] = time.perf_counter) -> None:
        self._config = config
        self._queue = queue
        self._timer = timer
        self.pace = Pace()
        self.ready: list[Claimed] = []
        self.claimed = 0
        self.claim_now = True
        self._claim_at = float("-inf")
        self._looks = Looks()
        self._one_by_one = 0
        self._watermarks: dict[tuple[str, str, int], tuple[datetime, int]] = {}
        self._queues: list[str] = []
        self._turns = Turns()
        self._limited = False
        self._left_out: set[Place] = set()
        """Limited queues and types without claimable jobs. Until the next look none is taken: what is not limited is then
        claimed without a count."""

    # -- claiming ------------------------------------------------------------------------------------------------

    @property
    def exhausted(self) -> bool:
        """Whether this worker has reached its maximum number of jobs."""
        limit = self._config.max_jobs
        return bool(self._config.once and self.claimed) or (limit is not None and self.claimed >= limit)

    def slots(self, loads: Sequence[int], *, held: int = 0) -> int:
        """How many jobs can be claimed, by the number of jobs that each child process has; ``held`` others take none.

        A free child takes a batch; one that has less than half a batch is filled up while it works.
        """
        if self._config.once and self.claimed:
            return 0
        size = self.pace.batch_size()
        free = self._config.concurrency - held - sum(1 for load in loads if load)
        slots = free * size - len(self.ready)
        if size > 1:
            slots += sum(size - load for load in loads if 0 < load <= size // 2)
        if self._config.max_jobs is not None:
            slots = min(slots, self._config.max_jobs - self.claimed)
        return max(0, slots)

    def claim_in(self, now: float) -> float:
        """Seconds until the next claim, where slots are free."""
        return 0.0 if self.claim_now else max(0.0, self._claim_at - now)

    def postpone(self, now: float) -> None:
        """The database did not answer: the next claim comes at the next poll."""
        self._claim_at = now + self._config.poll

    def scan(self, *, hinted: bool = False) -> None:
        """Claim at once, from the bottom of each target; where a notification came, first what can have come just now."""
        self.claim_now = True
        self._looks.want(hinted=hinted and not self._limited)

    def claim(self, worker: int, slots: int, now: float) -> list[Claimed]:
        """Claims up to so many jobs; returns those that came. An exception may leave claimed jobs behind: see ``isolate``."""
        full = self._looks.is_full(now) or not self._queues
        slots = 1 if self._one_by_one else slots
        began = self._timer()
        ready = self._look_for_work() if full else True
        looked = self._timer()
        jobs = self._claim(worker, slots, None if full or self._limited else self._looks.since(now)) if ready else []
        seconds = max(looked - began, self._timer() - looked)  # of one round trip
        self._one_by_one = max(0, self._one_by_one - 1)
        ended = len(jobs) < slots and not self._limited
        if full:
            self._looks.was_full(now, seconds, complete=ended)
        else:
            self._looks.was_quick(seconds, found=bool(jobs))
        self._took(jobs, ended=ended)
        wait = self._looks.wait(now)
        self.claim_now = bool(jobs) or wait == 0.0
        self._claim_at = now + min(wait, self._config.poll * random.uniform(0.75, 1.25))  # noqa: S311 - jitter, not a secret
        return jobs

    def _claim(self, worker: int, slots: int, since: float | None) -> list[Claimed]:
        targets = [self._lane(q, t, p) for q, t in self._places() for p in PRIORITIES.values()]
        only = sorted(self._config.only) if self._config.only is not None else None
        claim = partial(self._queue.claim, only=only, age=self._config.priority_age, limited=self._limited, since=since)
        return claim(worker, targets, slots) if targets else []

    def _took(self, jobs: Sequence[Claimed], *, ended: bool) -> None:
        """``ended``: no others are there. The next look goes back a little: transactions need not commit in the order of their jobs."""
        for job in jobs:
            self._watermarks[job.queue, job.job_type, job.priority] = (job.run_after, job.token.job_id)
            self._turns.started(job.queue)
        if ended:
            self._watermarks.clear()
        self.claimed += len(jobs)
        self.ready += jobs

    def _look_for_work(self) -> bool:
        """Whether there is some. Queues without any are remembered: the next job is likely to be in one of them."""
        self._watermarks.clear()
        work = self._queue.work()
        ready = list(self._config.queues) if self._config.queues else work.queues
        self._queues = ready or self._queues
        limited = {(limit.kind, limit.name) for limit in work.limits if limit.max_running or limit.rate}
        self._limited = bool(limited - work.idle)
        self._left_out = limited & work.idle
        weights = {limit.name: limit.weight for limit in work.limits if limit.kind == "queue" and limit.weight}
        self._turns.set(self._queues, weights)
        return bool(ready)

    def _places(self) -> Iterator[tuple[str, str]]:
        """Queues and types from which jobs may be taken."""
        types = [job_type for job_type in self._config.types if ("type", job_type) not in self._left_out]
        return product((queue for queue in self._queues if ("queue", queue) not in self._left_out), types)

    def _lane(self, queue: str, job_type: str, priority: int) -> ClaimTarget:
        served, weight = self._turns.served(queue), self._turns.weight(queue)
        lane = ClaimTarget(queue, job_type, priority, served=served, weight=weight)
        watermark = self._watermarks.get((queue, job_type, priority))
        if watermark is None:
            return lane
        return replace(lane, low_run_after=watermark[0].isoformat(), low_id=watermark[1])

    def claim_readable(self, worker: int, slots: int, now: float, known: Callable[[], Iterable[int]]) -> list[Claimed]:
        """Claims; a row that can't be read ends neither the worker nor the jobs that were claimed with it.

        ``known`` returns the jobs that the worker has already.
        """
        try:
            return self.claim(worker, slots, now)
        except (StoreUnavailable, ConfigError):
            raise
        except Exception as error:
            tokens = self._queue.orphaned(worker, list(known()))
            if not tokens:
                raise
            log.warning("claimed and not readable: %s: %s", plural(len(tokens), "job"), type(error).__name__)
            self._queue.settle(self.isolate(error, tokens))
            return []

    def release_orphans(self, worker: int, known: Callable[[], Iterable[int]]) -> None:
        """Releases jobs whose claim was committed and whose answer was lost; ``known``: the others."""
        orphans = self._queue.orphaned(worker, list(known()))
        if orphans:
            log.warning("claimed without an answer and released: %s", plural(len(orphans), "job"))
            self._queue.settle([Outcome(token, Ending.RELEASED) for token in orphans])

    def isolate(self, error: Exception, tokens: Sequence[Token]) -> list[Outcome]:
        """Ends jobs that were claimed together and could not be read.

        One alone is the bad one and fails. Several are released, and claimed one at a time until each had its turn.
        """
        self.scan()
        if len(tokens) == 1:
            return [unusable(token, error) for token in tokens]
        self._one_by_one = len(tokens)
        return [Outcome(token, Ending.RELEASED) for token in tokens]

    # -- sending -------------------------------------------------------------------------------------------------

    def next_batch(self) -> list[Claimed]:
        """Takes from what is ready what a child process is sent at once."""
        size = self.pace.batch_size({job.job_type for job in self.ready})
        batch, self.ready = self.ready[:size], self.ready[size:]
        return batch

    def may_prefetch(self) -> bool:
        """Whether what is ready is quick enough to wait behind other jobs of a busy child process."""
        return self.pace.batch_size({job.job_type for job in self.ready}) > 1

    def put_back(self, jobs: Iterable[Claimed]) -> None:
        """Puts jobs that a child process did not start at the head of the ready ones."""
        self.ready = [*jobs, *self.ready]

    def drop(self, job_id: int) -> None:
        """Removes a job that belongs to another worker now."""
        self.ready = [job for job in self.ready if job.token.job_id != job_id]

    def release_ready(self) -> list[Outcome]:
        """Releases what no child process was sent."""
        outcomes = [Outcome(job.token, Ending.RELEASED) for job in self.ready]
        self.ready = []
        return outcomes


def unusable(token: Token, error: Exception) -> Outcome:
    """The end of a job whose row can't be read or sent."""
    reason = f"{type(error).__name__}: {error}"
    message = storable(f"The job's row can't be used: {reason}", 512)
    return Outcome(token, Ending.FAILED, failure=Failure("invalid", message, storable(reason, 8192)))
