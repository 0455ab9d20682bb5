"""Outcomes and log lines, buffered until they are written: a commit costs the same for one and for a hundred."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from jobctl.core.attempt import Claimed, Failure, Outcome, Token
from jobctl.core.errors import ConfigError, JobctlError, StoreUnavailable
from jobctl.core.lifecycle import Ending
from jobctl.core.names import plural
from jobctl.core.retry import storable
from jobctl.postgres.lease_rows import Settled
from jobctl.postgres.leases import Leases
from jobctl.worker.channel import Line
from jobctl.worker.log_fields import of_attempt
from jobctl.worker.logs import LogBuffer
from jobctl.worker.reports import EndedAttempt

log = logging.getLogger("jobctl.worker")

FLUSH_AT = 100
"""Outcomes that are settled without waiting for more."""
FLUSH_DELAY = 0.02
"""Seconds that an outcome waits for others while more jobs are about to end."""
SETTLE_MAX = 1_000
LOCKED = "job %d can't be settled yet: another session has its row locked"
UNWRITTEN = "job %d: its outcome can't be written; its lease expires"
LINES_DELAY = 0.25
"""Seconds between two statements that write log lines."""


class OutcomeBuffer:
    """Outcomes in the order in which they came. An outcome that can't be written fails its own job and no other."""

    def __init__(self, queue: Leases) -> None:
        self._queue = queue
        self._ended: list[EndedAttempt] = []
        self._locked: list[EndedAttempt] = []
        self._lines = LogBuffer()
        self._oldest = 0.0
        self._lines_at = float("-inf")

    def __len__(self) -> int:
        return len(self._ended) + len(self._locked)

    def add(self, outcome: Outcome, now: float, *, job: Claimed | None = None, seconds: float | None = None) -> None:
        """An attempt ended. ``job`` and ``seconds`` are for its line in the log: see ``EndedAttempt``."""
        if not self._ended:
            self._oldest = now
        self._ended.append(EndedAttempt(outcome, job, seconds))

    def log(self, token: Token, lines: Sequence[Line]) -> None:
        """An attempt logged something."""
        self._lines.add(token.job_id, token.lease_seq, lines)

    def tokens(self) -> dict[int, Token]:
        """The leases to renew until their outcomes are written."""
        tokens = (ended.outcome.token for ended in (*self._ended, *self._locked))
        return {token.job_id: token for token in tokens}

    def retry_locked(self) -> None:
        """Lets outcomes whose rows another session had locked be tried again: with each renewal, not at every turn."""
        self._ended += self._locked
        self._locked.clear()

    def flush_in(self, now: float, *, busy: bool) -> float:
        """Seconds until something is to be written, infinite where there is nothing."""
        due = [self._settle_in(now, busy=busy)]
        if self._lines:
            due.append(self._lines_at + LINES_DELAY - now)
        return max(0.0, min(due))

    def _settle_in(self, now: float, *, busy: bool) -> float:
        if not self._ended:
            return float("inf")
        full = len(self._ended) >= FLUSH_AT or not busy
        return 0.0 if full else self._oldest + FLUSH_DELAY - now

    def flush(self, now: float, *, busy: bool) -> list[tuple[EndedAttempt, Settled | None]]:
        """Writes the log lines and the outcomes that are due; an outcome after all lines of its attempt. None: the job
        belongs to another worker.

        Raises ``StoreUnavailable``: everything not yet written stays here.
        """
        batch = self._ended[:SETTLE_MAX] if self._settle_in(now, busy=busy) <= 0 else []
        self._flush_lines(now, everything=bool(batch))
        if not batch:
            return []
        settled = self._settle([ended.outcome for ended in batch])
        del self._ended[: len(batch)]
        locked = {job_id for job_id, row in settled.items() if row is None}
        written: list[tuple[EndedAttempt, Settled | None]] = []
        for ended in batch:
            token = ended.outcome.token
            if token.job_id in locked:
                log.warning(LOCKED, token.job_id, extra=of_attempt(token))
                self._locked.append(ended)
            else:
                written.append((ended, settled.get(token.job_id)))
        return written

    def flush_at_end(self, report: Callable[[list[tuple[EndedAttempt, Settled | None]]], None]) -> None:
        """Writes everything in one last try; what can't be written is dropped, and logged."""
        reason = "their rows are locked"
        try:
            while self.flush_in(time.monotonic(), busy=False) <= 0:
                report(self.flush(time.monotonic(), busy=False))
        except JobctlError as error:
            reason = str(error)
        if left := len(self):
            text = "%s; the outcomes of %s are dropped: their leases expire, then they run again"
            log.warning(text, reason, plural(left, "job"))

    def _settle(self, batch: list[Outcome]) -> dict[int, Settled | None]:
        try:
            return self._queue.settle(batch)
        except (StoreUnavailable, ConfigError):
            raise
        except Exception:
            log.warning("%s can't be written together; one by one", plural(len(batch), "outcome"), exc_info=True)
            return {i: done for outcome in batch for i, done in self._settle_alone(outcome).items()}

    def _settle_alone(self, outcome: Outcome) -> dict[int, Settled | None]:
        try:
            return self._queue.settle([outcome])
        except (StoreUnavailable, ConfigError):
            raise
        except Exception as error:
            return self._settle_failed(outcome, error)

    def _settle_failed(self, outcome: Outcome, error: Exception) -> dict[int, Settled | None]:
        """Fails the job whose outcome can't be written; where even that can't be, its lease runs out."""
        reason = f"{type(error).__name__}: {error}"
        message = storable(f"The outcome of the attempt can't be stored: {reason}", 512)
        failure = Failure("permanent", message, storable(reason, 8192))
        try:
            return self._queue.settle([Outcome(outcome.token, Ending.FAILED, failure=failure)])
        except (StoreUnavailable, ConfigError):
            raise
        except Exception:
            log.exception(UNWRITTEN, outcome.token.job_id, extra=of_attempt(outcome.token))
            return {}

    def _flush_lines(self, now: float, *, everything: bool) -> None:
        while self._lines and (everything or now >= self._lines_at + LINES_DELAY):
            self._lines_at = now
            rows = self._lines.take()
            try:
                locked = self._queue.log(rows)
            except (StoreUnavailable, ConfigError):
                self._lines.put_back(rows)
                raise
            except Exception:
                log.exception("%s can't be stored and will be missing", plural(len(rows), "log line"))
                continue
            if locked:
                self._lines.put_back(locked)
                return
