"""The supervisor: claims jobs, sends them to child processes, renews their leases, settles what they report.

One thread, one loop. It runs no handler, so nothing that a handler does can delay a renewal. Read ``run`` first.
Decisions by numbers alone are in separate modules: ``leases``, ``dispatch``, ``outcomes``, ``outage``, ``shutdown``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from jobctl.core.attempt import Token
from jobctl.core.errors import JobctlError
from jobctl.core.names import plural
from jobctl.postgres.lease_rows import Settled
from jobctl.postgres.leases import Leases
from jobctl.postgres.listener import Listener
from jobctl.worker.children import ChildPool
from jobctl.worker.config import WorkerConfig
from jobctl.worker.counts import count_claimed, count_settled
from jobctl.worker.dispatch import Dispatcher
from jobctl.worker.draining import nothing_left
from jobctl.worker.enforcement import STUCK_AFTER, Enforcer
from jobctl.worker.feed import Feeder
from jobctl.worker.figures import Figures
from jobctl.worker.leases import LeaseKeeper
from jobctl.worker.limits import StageTimer
from jobctl.worker.log_fields import of_attempt
from jobctl.worker.metrics import Metrics
from jobctl.worker.monitor import ChildMonitor
from jobctl.worker.outage import RENEW, Outage
from jobctl.worker.outcomes import OutcomeBuffer
from jobctl.worker.parts import Parts
from jobctl.worker.registration import Registration
from jobctl.worker.removal import Remover
from jobctl.worker.reports import EndedAttempt, paywall, report
from jobctl.worker.shutdown import Overdue, Shutdown
from jobctl.worker.storage_watch import StorageWatch
from jobctl.worker.sweeper import Sweeper
from jobctl.worker.taken_over import TakenOver
from jobctl.worker.wakeups import Wakeups

log = logging.getLogger("jobctl.worker")

SETTLE = "settle"
DROPPED = "the database did not answer in time; the outcomes of %s are dropped: their leases expire"
TAKEN = "job %d was taken over by another worker; result dropped"
RETRY_SEND = 0.02
"""Seconds until what a child process did not take at once is sent."""
WAIT_UNTIL_ALLOWED = 0.05
"""Seconds between two turns while something is due that may not use the database yet."""


class Supervisor:
    """Runs until it is stopped, or, when draining, until nothing is left to do."""

    def __init__(
        self, config: WorkerConfig, queue: Leases, sweeper: Sweeper, pool: ChildPool, storage: StorageWatch, *, timer: StageTimer,
        listen: Callable[[], Listener] | None, metrics: Metrics | None = None, on_settled: Callable[[Settled], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.config, self.queue = config, queue
        self.sweeper, self.storage = sweeper, storage
        self.metrics, self.on_settled = metrics or Metrics(), on_settled
        self.registration = Registration(config, queue)
        self.leases = LeaseKeeper(queue)
        self.taken_over = TakenOver(queue)
        self.dispatch = Dispatcher(config, queue)
        self.outcomes = OutcomeBuffer(queue)
        self.outage = Outage()
        self.shutdown = Shutdown(config.grace)
        self.wakeups = Wakeups(listen)
        parts = Parts(
            config, pool, self.wakeups, self.shutdown, self.metrics, self.leases, self.dispatch, self.outcomes, timer
        )
        self.remover = Remover(parts)
        self.monitor = ChildMonitor(parts, self.remover)
        self.enforcer = Enforcer(parts, self.remover)
        figures = Figures(config.concurrency, self.monitor, self.outage, storage, self.leases, sweeper, self.shutdown)
        self.metrics.values, self.metrics.not_ready = figures.values, figures.not_ready
        self.feeder = Feeder(parts, spawned=self.monitor.watch)
        self.close_pool = pool.close
        self._settled = 0
        self._releasing = False
        self._unsent = False

    def register(self) -> None:
        """Announces the worker. Comes before ``run``, so that the caller decides how long to wait for the database."""
        self.storage.step(time.monotonic())
        self.registration.register()
        self.wakeups.watch_signals()
        self.shutdown.install()  # from here on a signal stops the worker in order: its row is not left behind
        self.wakeups.listen(self._notified)

    @property
    def worker(self) -> int:
        """The id of the worker's row."""
        return self.registration.worker

    def run(self) -> int:
        """Runs the worker to its end; returns the number of jobs it settled."""
        last: list[Callable[[], None]] = [lambda: self.queue.unregister(self.worker)]
        try:
            while not self._turn():
                self.wakeups.wait(self._next_timer())
        except Overdue:
            last.clear()  # it would wait for the database again
            log.warning(DROPPED, plural(len(self._tokens()), "job"))
        finally:
            self._leave(last)
        return self._settled

    def _turn(self) -> bool:
        """Everything that is due now; whether the worker is done."""
        self.metrics.turned()
        if self.shutdown.requested and not self._releasing:
            self._release()
        if self.leases.must_freeze(time.monotonic()):
            self.enforcer.freeze()
        self._flush()
        self._renew()
        self._poll_requests()
        self._sweep()
        self._watch_storage()
        self._claim()
        if not self.shutdown.requested and self.storage.may_start(time.monotonic()):
            self.feeder.feed()
        self.enforcer.enforce(time.monotonic(), away=not self.outage.over)
        self._unsent = self.monitor.flush_channels()
        if self.shutdown.expired(time.monotonic()):
            self._abandon()
            return True
        return self._finished()

    def _next_timer(self) -> float:
        """Seconds until something is due."""
        now = time.monotonic()
        unreachable = self.outage.unreachable
        timers = [
            self.leases.renew_in(now, unreachable=unreachable), self.shutdown.kill_in(now),
            self.storage.due_in(now, waiting=self._waiting()),
        ]  # fmt: skip
        if self.monitor.busy or self.dispatch.ready:
            timers += [STUCK_AFTER, self.leases.freeze_in(now) or STUCK_AFTER]
        if self._unsent:
            timers.append(RETRY_SEND)
        if not unreachable:
            timers += [self.sweeper.wake_in(now), self.outcomes.flush_in(now, busy=self._more_to_come())]
            if self._slots():
                timers.append(self.dispatch.claim_in(now))
            if self.monitor.busy:
                timers.append(self.leases.poll_in(now))
        return max(0.0 if self.outage.over else WAIT_UNTIL_ALLOWED, min(timers))

    def _finished(self) -> bool:
        if self.monitor.busy or self.dispatch.ready or len(self.outcomes):
            return False
        if self.shutdown.requested or self.dispatch.exhausted:
            return True
        if self.config.only is None and not (self.config.drain or self.config.once):
            return False
        return bool(self.outage.attempt("finish", partial(nothing_left, self.queue, self.config)))

    # -- the database --------------------------------------------------------------------------------------------

    def _more_to_come(self) -> bool:
        """Whether an outcome may wait for others."""
        return self.monitor.busy and not self.shutdown.requested

    def _flush(self) -> None:
        now, busy = time.monotonic(), self._more_to_come()
        if self.outcomes.flush_in(now, busy=busy) <= 0:
            self._report(self.outage.attempt(SETTLE, lambda: self.outcomes.flush(now, busy=busy)) or ())

    def _report(self, written: Iterable[tuple[EndedAttempt, Settled | None]]) -> None:
        for ended, settled in written:
            if settled is None:
                token = ended.outcome.token
                log.warning(TAKEN, token.job_id, extra=of_attempt(token))
                self.taken_over.add(token, time.monotonic())
                continue
            self._settled += 1
            report(ended, settled)
            count_settled(self.metrics, ended, settled)
            self.on_settled(settled)
            if self.config.paywall_holds and (reason := paywall(ended, settled)):
                log.warning("job type %s is paused: %s", settled.job_type, reason)
                pause = partial(self.queue.pause_queue, "type", settled.job_type, reason=reason)
                self.outage.attempt("pause", pause)
            self.dispatch.claim_now = True

    def _tokens(self) -> dict[int, Token]:
        """Every lease to renew."""
        return self.monitor.tokens() | self.outcomes.tokens()

    def _renew(self) -> None:
        if self.leases.renew_in(time.monotonic(), unreachable=self.outage.unreachable) > 0:
            return
        if not self.outage.attempt(RENEW, self._renew_all):
            return
        self.outcomes.retry_locked()
        self.enforcer.thaw()
        self.outage.attempt("uncharge", lambda: self.taken_over.uncharge(self.worker, time.monotonic()))
        self.wakeups.listen(self._notified)
        if self.leases.may_have_orphans(time.monotonic()):
            release = partial(self.dispatch.release_orphans, self.worker, self._tokens)
            self.outage.attempt("orphans", release)

    def _renew_all(self) -> bool:
        if self.outage.unreachable and self.registration.register_again():
            self.storage.forgotten()
            self.enforcer.replace()
        now, tokens = time.monotonic(), self._tokens()
        renewal = self.leases.renew(self.worker, tokens, now)
        if renewal.was_away:
            self.sweeper.spare(now + self.queue.ttl)
        if renewal.draining and not self.shutdown.requested:
            self.shutdown.request()
        for job_id in renewal.changed:
            self.monitor.send_requests(job_id)
        for job_id in renewal.lost:
            self.taken_over.add(tokens[job_id], now)
            self.enforcer.on_lease_lost(job_id)
        return True

    def _poll_requests(self) -> None:
        now = time.monotonic()
        running = self.monitor.running()
        if running and self.leases.poll_in(now) <= 0:
            for job_id in self.outage.attempt("poll", lambda: self.leases.poll(self.worker, running, now)) or ():
                self.monitor.send_requests(job_id)

    def _sweep(self) -> None:
        now = time.monotonic()
        self.sweeper.look(now)
        sweep = partial(self.outage.attempt, "sweep", lambda: self.sweeper.sweep(now, self._tokens()))
        if self.sweeper.due_in(now) <= 0 and sweep():
            self.dispatch.claim_now = True

    def _notified(self, ready: bool) -> None:  # noqa: FBT001 - a callback
        if ready:
            self.dispatch.scan(hinted=True)
        else:
            self.leases.poll_now()

    def _waiting(self) -> bool:
        """Whether jobs wait for the storage to be proven."""
        return bool(self.dispatch.ready) or not self.storage.may_claim()

    def _watch_storage(self) -> None:
        """Before a job is started the storage must be proven; while it is away, none is taken and none kept."""
        storage = self.storage
        storage.step(time.monotonic(), waiting=self._waiting(), busy=self.monitor.busy)
        if storage.away is not None and self.dispatch.ready:
            self.remover.release_ready()
        if storage.changed():
            self.outage.attempt("storage", lambda: storage.show(partial(self.queue.report_storage, self.worker)))

    # -- claiming and sending ------------------------------------------------------------------------------------

    def _slots(self) -> int:
        if self.shutdown.requested or self.outage.unreachable or self.outage.failing(SETTLE):
            return 0
        if not self.storage.may_claim():
            return 0
        return self.dispatch.slots(self.monitor.loads(), held=self.monitor.held)

    def _claim(self) -> None:
        now = time.monotonic()
        slots = self._slots()
        if slots == 0 or self.dispatch.claim_in(now) > 0 or not self.outage.allows("claim", now):
            return
        claim = partial(self.dispatch.claim_readable, self.worker, slots, now, self._tokens)
        claimed = self.outage.attempt("claim", claim)
        if claimed is None:
            self.dispatch.postpone(now)
            self.leases.claim_failed(now)
            return
        self.leases.claimed(now)
        count_claimed(self.metrics, claimed)

    # -- leaving -------------------------------------------------------------------------------------------------

    def _release(self) -> None:
        log.info("stopping: running jobs are released at their next safe point")
        self._releasing = True
        self.monitor.release()

    def _abandon(self) -> None:
        """The grace is over. What can't be written in one last try is dropped."""
        self.enforcer.abandon()
        self.outcomes.flush_at_end(self._report)

    def _leave(self, last: Iterable[Callable[[], None]]) -> None:
        """Ends the child processes first: a step that fails or takes too long does not prevent the others."""
        for step in (self.close_pool, *last, self.wakeups.close, self.queue.close, self.shutdown.restore):
            with suppress(Overdue, JobctlError, OSError):
                step()
