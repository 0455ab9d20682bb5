"""The supervisor: claims jobs, hands them to children, beats for all of them, settles what they report.

One thread, one loop. It runs no handler, so nothing that a handler does can delay its beat. Read ``run`` first.
"""

from __future__ import annotations

import logging
import random
import selectors
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from jobctl.core.attempt import Claimed, Failure, Outcome, Token
from jobctl.core.errors import StoreUnavailable
from jobctl.core.job import PRIORITIES
from jobctl.core.lifecycle import MAX_CRASHES, Ending, Status
from jobctl.core.retry import OUT_OF_MEMORY, SENTENCES, storable
from jobctl.worker.channel import read_outcome
from jobctl.worker.children import ChildExit, ChildPool, ChildProcess
from jobctl.worker.metrics import Metrics
from jobctl.worker.sweeper import Sweeper

log = logging.getLogger("jobctl.worker")

BEATS_A_LEASE = 6
"""How many beats fit in a lease: every 5 s with the 30 s default; children are frozen one beat before its end."""
LOOK_EVERYWHERE = 2.0
"""Seconds between two claims that start at the bottom of each lane instead of the remembered place."""
ASK_EVERY = 1.0
"""Seconds between two looks for requests, when no hint comes."""
QUICK = 0.025
"""Mean seconds of a job under which a child is given several at once."""
AHEAD = 0.1
"""Seconds of work a child may be given ahead."""
MOST_AHEAD = 200
SETTLE_AT = 100
SETTLE_EVERY = 0.02
"""Outcomes, and seconds, after which what ended is settled even while more is about to end."""
COMES_UP_WITHIN = 60.0
"""Seconds that a child may take for its imports on a busy machine, whatever the limit on silence."""
STUCK_AFTER = 0.5
"""Seconds after which the jobs that wait behind a slow one are taken back from a child."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How this worker is to work."""

    name: str
    host: str
    pid: int
    version: str
    types: tuple[str, ...]
    queues: tuple[str, ...] | None = None  # None: all that have work
    concurrency: int = 1
    poll: float = 1.0
    grace: float = 30.0
    cancel_grace: float = 10.0
    drain: bool = False
    once: bool = False
    max_jobs: int | None = None
    recycle_after: int = 20_000
    silent_limit: float = 900.0
    """Seconds without a word from a job's child after which it is killed: it hangs where no request can reach it."""
    auto_retry: bool = True
    paywall_holds: bool = False
    """Whether a paywall holds its whole job type, instead of each job burning an attempt on it."""
    only: frozenset[int] | None = None
    """``submit --run``: end when these jobs have ended."""


class Leases(Protocol):
    """What the supervisor needs of the queue (``postgres.leases.Leases``)."""

    ttl: float
    actor: str

    def register(self, **facts: Any) -> int: ...
    def unregister(self, worker: int) -> None: ...
    def lanes(self) -> list[str]: ...
    def claim(
        self, worker: int, lanes: Sequence[Any], slots: int, *, only: Sequence[int] | None = None
    ) -> list[Claimed]: ...
    def beat(
        self, worker: int, leases: Mapping[int, tuple[Token, Mapping[str, Any] | None]]
    ) -> dict[int, tuple[bool, bool]]: ...
    def requests(self, worker: int, ids: Sequence[int]) -> dict[int, tuple[bool, bool]]: ...
    def strays(self, worker: int, known: Sequence[int]) -> list[Token]: ...
    def settle(self, outcomes: Sequence[Outcome]) -> dict[int, Any]: ...
    def hold(self, kind: str, name: str, *, reason: str = "") -> dict[str, Any]: ...
    def log(self, lines: Sequence[tuple[int, int, str, str | None, str]]) -> None: ...
    def work_left(self, types: Sequence[str], queues: Sequence[str] | None) -> bool: ...
    def family(self, ids: Sequence[int]) -> dict[int, Any]: ...
    def close(self) -> None: ...


class Hints(Protocol):
    """What the supervisor needs of the listener."""

    def fileno(self) -> int: ...
    def hints(self) -> list[tuple[str, str]]: ...
    def close(self) -> None: ...


class Supervisor:
    """Runs until it is told to stop, or has nothing left to do when it drains.

    ``lane`` makes a probe of a claim: (queue, job_type, priority, low_run_after, low_id).
    """

    def __init__(
        self,
        plan: Plan,
        queue: Leases,
        sweeper: Sweeper,
        pool: ChildPool,
        *,
        lane: Callable[..., Any],
        listen: Callable[[], Hints] | None,
        metrics: Metrics | None = None,
    ) -> None:
        self.plan = plan
        self.queue = queue
        self.sweeper = sweeper
        self.pool = pool
        self.metrics = metrics or Metrics()
        self.metrics.gauges = self._gauges
        self._lane = lane
        self._listen = listen
        self._hints: Hints | None = None
        self._hints_fd = -1
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._signals = socket.socketpair()
        self.worker = 0
        self._beat_every = queue.ttl / BEATS_A_LEASE
        self.stopping = 0  # signals received: 1 drains, 2 ends at once
        self._stop_at = 0.0
        self._ready: list[Claimed] = []  # claimed, not yet with a child
        self._progress: dict[int, dict[str, Any]] = {}
        self._fresh = False  # whether there is progress that no beat has carried yet
        self._asked: dict[int, tuple[bool, bool]] = {}
        self._cancelled_at: dict[int, float] = {}
        self._outcomes: list[Outcome] = []
        self._ended_at = 0.0  # when the oldest of them ended, monotonic
        self._lines: list[tuple[int, int, str, str | None, str]] = []
        self._low: dict[tuple[str, str, int], tuple[datetime, int]] = {}
        self._queues: list[str] = []
        self._pace: dict[str, float] = {}  # mean seconds a job, by type
        self._claimed = 0
        self._beat_at = self._asked_at = self._claim_at = self._everywhere_at = float("-inf")
        self._good_until = float("inf")  # until when our leases are certainly good, monotonic
        self._beaten_at = time.monotonic()  # when a beat was last answered
        self._away = False
        self._hungry = True

    def _gauges(self) -> dict[str, float]:
        """How it stands, for whoever looks; read by another thread."""
        return {
            "jobctl_jobs_running": self.pool.job_count(), "jobctl_slots": self.plan.concurrency,
            "jobctl_children": len(self.pool.children), "jobctl_seconds_since_beat": time.monotonic() - self._beaten_at,
            "jobctl_database_away": float(self._away),
        }  # fmt: skip

    # -- the loop ------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """The whole life of a worker; gives the number of jobs it settled."""
        self._install_signals()
        settled: int = 0
        try:
            while True:
                self._freeze_in_time()
                settled += int(self._with_database(self._settle, 0))
                self._with_database(self._beat, False)
                self._with_database(self._ask, None)
                self._with_database(self._sweep, None)
                self._with_database(self._claim, None)
                self._feed()
                self._police()
                if self._finished():
                    return settled
                self._wait()
        finally:
            self._leave()

    def _finished(self) -> bool:
        busy = self.pool.job_count() or self._ready or self._outcomes
        if busy:
            return False
        if self.stopping or (self.plan.once and self._claimed):
            return True
        if self.plan.max_jobs is not None and self._claimed >= self.plan.max_jobs:
            return True
        if self.plan.only is not None:
            return bool(self._with_database(self._only_ended, False))
        if self.plan.drain or self.plan.once:
            return not self._with_database(lambda: self.queue.work_left(self.plan.types, self.plan.queues), True)
        return False

    def _only_ended(self) -> bool:
        """Whether the jobs that we were started for, and what they submitted, are out of the queue."""
        states = self.queue.family(sorted(self.plan.only or ()))
        return not any(state in (Status.PENDING, Status.PROCESSING) for state in states.values())

    # -- the database --------------------------------------------------------------------------------------------

    def _with_database(self, act: Callable[[], Any], otherwise: Any) -> Any:
        """Losing the database is not losing the jobs: say so once, go on trying.

        While it is away only the beat asks for it: each try may cost a time-out, and the children must be frozen in time.
        """
        if self._away and act != self._beat:
            return otherwise
        try:
            result = act()
        except StoreUnavailable as error:
            if not self._away:
                log.warning("%s; the jobs go on", error)
            self._away = True
            self._claim_at = self._asked_at = time.monotonic()
            return otherwise
        if self._away and result:
            log.warning("the database is back")
            self._away = False
        return result

    def register(self) -> None:
        """Says who we are. Comes before ``run``, so that the caller decides how long a database is waited for."""
        plan = self.plan
        self.worker = self.queue.register(
            name=plan.name, host=plan.host, pid=plan.pid, version=plan.version, capacity=plan.concurrency,
            job_types=list(plan.types), queues=list(plan.queues or ()),
        )  # fmt: skip
        self.queue.actor = f"worker:{self.worker}"
        self._relisten()

    def _relisten(self) -> None:
        if self._listen is None:
            return
        try:
            self._hints = self._listen()
            self._hints_fd = self._hints.fileno()
            self._selector.register(self._hints_fd, selectors.EVENT_READ, self._hear_hint)
        except StoreUnavailable as error:
            log.warning("%s; polling goes on", error)
            self._hints = None

    def _settle(self) -> int:
        """Everything that ended since the last time, in one statement."""
        if self._lines:
            self.queue.log(self._lines)
            self._lines.clear()
        if not self._outcomes or self._company_in() > 0:
            return 0
        batch = self._outcomes[:1000]
        answered = self.queue.settle(batch)
        del self._outcomes[: len(batch)]
        for outcome in batch:
            job_id = outcome.token.job_id
            state = answered.get(job_id)
            if state is None:
                log.warning("job %d is not ours any more; its result is dropped", job_id)
            else:
                log.info("job %d: %s", job_id, state.status)
                self.metrics.count("jobctl_jobs_settled_total", type=state.job_type, status=str(state.status))
                self._hold_type(outcome, state)
        self._hungry = True
        return len(answered)

    def _hold_type(self, outcome: Outcome, state: Any) -> None:
        failure = outcome.failure
        if self.plan.paywall_holds and failure and failure.kind == "paywall" and state.status is Status.FAILED:
            log.warning("the job type %s is held: %s", state.job_type, failure.message)
            self.queue.hold("type", state.job_type, reason=failure.message)

    def _company_in(self) -> float:
        """Seconds that what ended may still wait for company: a commit costs the same for one and for a hundred."""
        if len(self._outcomes) >= SETTLE_AT or not self.pool.job_count() or self.stopping:
            return 0.0
        return max(0.0, self._ended_at + SETTLE_EVERY - time.monotonic())

    def _held(self) -> dict[int, Claimed]:
        jobs = {job.token.job_id: job for job in self._ready}
        for child in self.pool.children:
            jobs |= child.jobs
        return jobs

    def _beat(self) -> bool:
        """Extends all leases, when it is time; what does not come back is not ours any more. Gives whether it did."""
        now = time.monotonic()
        if now - self._beat_at < (1.0 if self._away else self._beat_every):
            return False
        self._beat_at = now
        self._fresh = False
        held = self._held()
        waiting = {o.token.job_id: o.token for o in self._outcomes}
        leases = {i: (job.token, self._progress.get(i)) for i, job in held.items()}
        leases |= {i: (token, None) for i, token in waiting.items() if i not in leases}
        if self._away:
            self._adopt(list(leases))
        heard = self.queue.beat(self.worker, leases)
        if -1 in heard and not self.stopping:
            self.stop()
        self._beaten_at = time.monotonic()
        self._good_until = now + self.queue.ttl - self._beat_every
        for job_id in held:
            if job_id in heard:
                self._request(job_id, *heard[job_id])
            else:
                self._lose(job_id)
        for child in self.pool.children:
            if child.frozen:
                child.thaw()
        if self._hints is None:
            self._relisten()
        return True

    def _adopt(self, known: Sequence[int]) -> None:
        """Gives back jobs that we claimed without hearing of it."""
        strays = self.queue.strays(self.worker, known)
        if strays:
            self.queue.settle([Outcome(token, Ending.RELEASED) for token in strays])

    def _freeze_in_time(self) -> None:
        """Nobody may work under a lease that could have ended unseen."""
        if time.monotonic() >= self._good_until and self.pool.job_count():
            for child in self.pool.children:
                if child.jobs and not child.frozen:
                    log.warning("no answer to the beat: the children are frozen until there is one")
                    child.freeze()

    def _ask(self) -> None:
        """Requests that stand on our jobs, between the beats; a beat of its own when there is progress to show."""
        now = time.monotonic()
        running = [child.running.token.job_id for child in self.pool.children if child.running]
        if now - self._asked_at < ASK_EVERY or not running:
            return
        self._asked_at = now
        if self._fresh:
            self._beat_at = float("-inf")
            self._beat()
            return
        found = self.queue.requests(self.worker, running)
        for job_id in running:
            self._request(job_id, *found.get(job_id, (False, False)))

    def _sweep(self) -> None:
        if self.sweeper.sweep(time.monotonic()):
            self._hungry = True

    # -- claim and feed ------------------------------------------------------------------------------------------

    def _slots(self) -> int:
        """How many jobs we can start now: a free child takes one, or a bunch of a type known to be quick."""
        if self.stopping or self._away:
            return 0
        if self.plan.once and self._claimed:
            return 0
        hands = self.plan.concurrency - sum(1 for m in self.pool.children if m.jobs)
        quick = max(self._pace.values(), default=1.0)
        bunch = max(1, min(MOST_AHEAD, int(AHEAD / max(quick, 1e-4)))) if quick < QUICK else 1
        slots = hands * bunch - len(self._ready)
        if bunch > 1:
            slots += sum(bunch - len(m.jobs) for m in self.pool.children if 0 < len(m.jobs) <= bunch // 2)
        if self.plan.max_jobs is not None:
            slots = min(slots, self.plan.max_jobs - self._claimed)
        return max(0, slots)

    def _claim(self) -> None:
        now = time.monotonic()
        due = now >= self._claim_at
        slots = self._slots()
        if slots == 0 or not (self._hungry or due):
            return
        everywhere = now - self._everywhere_at >= LOOK_EVERYWHERE or not self._queues
        if everywhere:
            self._everywhere_at = now
            self._low.clear()
            self._queues = list(self.plan.queues) if self.plan.queues else self.queue.lanes()
        lanes = [self._probe(q, t, p) for q in self._queues for t in self.plan.types for p in PRIORITIES.values()]
        only = sorted(self.plan.only) if self.plan.only is not None else None
        jobs = self.queue.claim(self.worker, lanes, slots, only=only) if lanes else []
        for job in jobs:
            self._low[job.queue, job.job_type, job.priority] = (job.run_after, job.token.job_id)
        self._claimed += len(jobs)
        self.metrics.count("jobctl_jobs_claimed_total", len(jobs))
        self._ready += jobs
        if not jobs:
            self._everywhere_at = float("-inf") if not everywhere else self._everywhere_at
        self._hungry = bool(jobs) or not everywhere
        self._claim_at = now + self.plan.poll * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
        if self._good_until == float("inf"):
            self._good_until = now + self.queue.ttl - self._beat_every

    def _probe(self, queue: str, job_type: str, priority: int) -> Any:
        low = self._low.get((queue, job_type, priority))
        if low is None:
            return self._lane(queue, job_type, priority)
        return self._lane(queue, job_type, priority, low[0].isoformat(), low[1])

    def _feed(self) -> None:
        """Gives what is claimed to children; hires when hands are missing; gives back what nobody can take."""
        while self._ready:
            child = self._free_hand()
            if child is None:
                break
            quick = max((self._pace.get(job.job_type, 1.0) for job in self._ready), default=1.0)
            bunch = max(1, min(MOST_AHEAD, int(AHEAD / max(quick, 1e-4)))) if quick < QUICK else 1
            given, self._ready = self._ready[:bunch], self._ready[bunch:]
            child.assign(given)
        if self.stopping and self._ready:
            self._outcomes += [Outcome(job.token, Ending.RELEASED) for job in self._ready]
            self._ready.clear()

    def _free_hand(self) -> ChildProcess | None:
        if self.stopping:
            return None
        usable = [m for m in self.pool.children if not m.retiring and not m.frozen and not m.returning_jobs]
        idle = next((m for m in usable if not m.jobs), None)
        if idle is not None:
            return idle
        if len(self.pool.children) < self.plan.concurrency and not self.pool.spawn_delay():
            return self._hire()
        quick = all(self._pace.get(job.job_type, 1.0) < QUICK for job in self._ready)
        return min(usable, key=lambda m: len(m.jobs), default=None) if quick else None

    def _hire(self) -> ChildProcess:
        child = self.pool.spawn()
        self._selector.register(child.channel, selectors.EVENT_READ, lambda: self._hear(child))
        if child.process.stderr:
            self._selector.register(child.process.stderr, selectors.EVENT_READ, lambda: self._overhear(child))
        return child

    # -- children ------------------------------------------------------------------------------------------------

    def _hear(self, child: ChildProcess) -> None:
        messages = child.channel.receive()
        if messages is None:
            self._bury(child)
            return
        now = time.monotonic()
        child.last_message_at = now
        for message in messages:
            match message["say"]:
                case "up":
                    child.ready, child.job_since = True, now
                case "outcome":
                    self._ended(child, message["job"], read_outcome(message["outcome"]), now)
                case "progress":
                    self._progress[message["job"]] = message["progress"]
                    self._fresh = True
                case "log":
                    job = child.jobs.get(message["job"])
                    if job:
                        line = (
                            message["job"],
                            job.token.lease_seq,
                            message["level"],
                            message["stage"],
                            message["text"],
                        )
                        self._lines.append(line)
                case "back":
                    child.returning_jobs = False
                    self._ready += [job for i in message["jobs"] if (job := child.jobs.pop(i, None))]

    def _ended(self, child: ChildProcess, job_id: int, outcome: Outcome | None, now: float) -> None:
        job = child.jobs.pop(job_id, None)
        if job is None:  # taken away while the message was under way
            return
        spent = now - child.job_since
        child.job_since = now
        child.jobs_ended += 1
        old = self._pace.get(job.job_type)
        self._pace[job.job_type] = spent if old is None else 0.9 * old + 0.1 * spent
        self._forget(job_id)
        if outcome is not None:
            if not self._outcomes:
                self._ended_at = now
            self._outcomes.append(outcome)
        self._hungry = True
        if child.jobs_ended >= self.plan.recycle_after and not child.jobs:
            child.retiring = True
            child.send({"do": "quit"})

    def _forget(self, job_id: int) -> None:
        for kept in (self._progress, self._asked, self._cancelled_at):
            kept.pop(job_id, None)

    def _bury(self, child: ChildProcess) -> None:
        """A child has ended: the job it ran is charged with that, those behind it are not."""
        self._unwatch(child)
        how = self.pool.remove(child, exiting=True)
        running, behind = child.running, list(child.jobs.values())[1:]
        if running is not None and child.ready:
            self._charge(running, how)
        elif running is not None:  # it never came to the job
            behind.insert(0, running)
        if not child.ready:
            log.warning("a child was not able to start: it was %s: %s", how.reason, how.stderr[-400:])
        if self.pool.start_failure is not None and not self.stopping:
            log.error("no child is able to start; the jobs go back to the queue")
            self.stop()
        self._ready = behind + self._ready
        self._hungry = True

    def _charge(self, job: Claimed, how: ChildExit) -> None:
        """The job that ran when its child ended: too large for the limit of memory, or one crash more."""
        self.metrics.count("jobctl_children_lost_total", type=job.job_type)
        log.warning("a child was %s while it ran job %d", how.reason, job.token.job_id)
        raw = storable(f"{how.reason}\n{how.stderr}".strip(), 8192)
        if how.out_of_memory:
            ending, failure = Ending.FAILED, Failure("invalid", OUT_OF_MEMORY, raw)
        else:
            message = f"Its process was {how.reason}, {MAX_CRASHES} times in a row. {SENTENCES['permanent']}"
            ending, failure = Ending.CRASHED, Failure("permanent", message, raw)
        if self.stopping > 1:
            ending = Ending.RELEASED
        progress = self._progress.get(job.token.job_id)
        self._outcomes.append(Outcome(job.token, ending, progress=progress, failure=failure))
        for line in how.stderr.splitlines()[-20:]:
            self._lines.append((job.token.job_id, job.token.lease_seq, "error", None, storable(line, 4000)))
        self._forget(job.token.job_id)

    def _overhear(self, child: ChildProcess) -> None:
        if not child.read_stderr() and child.process.stderr:
            self._selector.unregister(child.process.stderr)

    def _unwatch(self, child: ChildProcess) -> None:
        for watched in (child.channel, child.process.stderr):
            with suppress(KeyError, ValueError):
                if watched is not None:
                    self._selector.unregister(watched)

    def _request(self, job_id: int, pause: bool, cancel: bool) -> None:  # noqa: FBT001
        """Passes on what changed since the last time."""
        before = self._asked.get(job_id, (False, False))
        if before == (pause, cancel):
            return
        self._asked[job_id] = (pause, cancel)
        if cancel:
            self._cancelled_at.setdefault(job_id, time.monotonic())
        self._pass_on(job_id)

    def _pass_on(self, job_id: int) -> None:
        child = self.pool.child_of(job_id)
        if child is None:
            return
        pause, cancel = self._asked.get(job_id, (False, False))
        stops = (("pause", pause), ("cancel", cancel), ("release", self.stopping > 0))
        child.send(*({"do": "stop", "job": job_id, "how": how, "on": on} for how, on in stops))

    def _lose(self, job_id: int) -> None:
        """The lease is another's: whatever works on the job here must stop, and says nothing more."""
        log.warning("job %d was taken over by another worker", job_id)
        self._ready = [job for job in self._ready if job.token.job_id != job_id]
        child = self.pool.child_of(job_id)
        if child is None:
            return
        was_running = child.running is not None and child.running.token.job_id == job_id
        child.jobs.pop(job_id)
        self._forget(job_id)
        if was_running:
            behind = list(child.jobs.values())
            child.jobs.clear()
            self._ready = behind + self._ready
            self._unwatch(child)
            self.pool.remove(child)
        # one that only waits in the child's own queue will fail its fence at the first write

    def _police(self) -> None:
        """Kills what does not stop in its grace, takes back what waits behind a slow job, ends idle leavers."""
        now = time.monotonic()
        for child in list(self.pool.children):
            job = child.running
            if job is None or child.frozen:
                continue
            waited = now - self._cancelled_at.get(job.token.job_id, now)
            if waited > self.plan.cancel_grace or (self.stopping and now > self._stop_at) or self.stopping > 1:
                self._put_down(child, job, Ending.CANCELLED if waited > self.plan.cancel_grace else Ending.RELEASED)
            elif now - max(child.last_message_at, child.job_since) > (limit := self._silent_limit(child)):
                log.warning("job %d said nothing for %.0f s; its child is killed", job.token.job_id, limit)
                child.kill(f"killed: it said nothing for {limit:g} s")
            elif len(child.jobs) > 1 and now - child.job_since > STUCK_AFTER and not child.returning_jobs:
                self._pace[job.job_type] = now - child.job_since
                child.returning_jobs = True
                child.send({"do": "give_back"})

    def _silent_limit(self, child: ChildProcess) -> float:
        return self.plan.silent_limit if child.ready else max(self.plan.silent_limit, COMES_UP_WITHIN)

    def _put_down(self, child: ChildProcess, job: Claimed, outcome: Ending) -> None:
        log.warning("job %d did not stop in its grace; its child is killed", job.token.job_id)
        child.jobs.pop(job.token.job_id)
        self._outcomes.append(Outcome(job.token, outcome, progress=self._progress.get(job.token.job_id)))
        self._ready = list(child.jobs.values()) + self._ready
        child.jobs.clear()
        self._forget(job.token.job_id)
        self._unwatch(child)
        self.pool.remove(child)

    # -- waiting, signals, leaving -------------------------------------------------------------------------------

    def _wait(self) -> None:
        """Sleeps until something happens or a timer is due, then hears everything that came."""
        now = time.monotonic()
        timers = [self._beat_at + (1.0 if self._away else self._beat_every) - now, self.sweeper.due_in(now)]
        if self._slots():
            timers.append(0.0 if self._hungry else self._claim_at - now)
        if self.pool.job_count():
            timers += [self._asked_at + ASK_EVERY - now, STUCK_AFTER]
        if self._outcomes and not self._away:
            timers.append(self._company_in())
        if self._ready and (delay := self.pool.spawn_delay()):
            timers.append(delay)
        if self.stopping:
            timers.append(0.1)
        floor = 0.05 if self._away else 0.0
        for key, _ in self._selector.select(max(floor, min(timers))):
            if key.fd in self._selector.get_map():  # not buried by what came before it in this round
                key.data()

    def _hear_hint(self) -> None:
        if self._hints is None:
            return
        try:
            for channel, _ in self._hints.hints():
                if channel == "jobctl_ready":
                    self._hungry = True
                    self._everywhere_at = float("-inf")
                else:
                    self._asked_at = float("-inf")
        except StoreUnavailable:
            self._selector.unregister(self._hints_fd)
            self._hints = None
            log.warning("the hints of the database are lost; polling goes on")

    def _install_signals(self) -> None:
        self._wakeup.setblocking(False)
        self._signals.setblocking(False)
        self._selector.register(self._wakeup, selectors.EVENT_READ, lambda: self._wakeup.recv(4096))
        signal.set_wakeup_fd(self._signals.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def stop(self) -> None:
        """Once: no more claims, stop at the next safe point, release. Twice: at once."""
        self.stopping += 1
        if self.stopping == 1:
            log.info("stopping: running jobs go back to the queue at their next safe point")
            self._stop_at = time.monotonic() + self.plan.grace
            for child in self.pool.children:
                if len(child.jobs) > 1:
                    child.returning_jobs = True
                    child.send({"do": "give_back"})
                if child.running:
                    self._pass_on(child.running.token.job_id)

    def _leave(self) -> None:
        for child in self.pool.children:
            self._unwatch(child)
        self.pool.close()
        with suppress(StoreUnavailable):
            self.queue.unregister(self.worker)
        if self._hints is not None:
            self._hints.close()
        self.queue.close()
        signal.set_wakeup_fd(-1)
        for end in (self._wakeup, self._signals):
            end.close()
        self._selector.close()
