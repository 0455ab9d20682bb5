"""What ended and what was logged, kept until the database has it: a commit costs the same for one and for a hundred."""

from __future__ import annotations

import logging
from collections import deque
from itertools import islice

from jobctl.core.attempt import Failure, Outcome, Token
from jobctl.core.errors import ConfigError, StoreUnavailable
from jobctl.core.lifecycle import Ending
from jobctl.core.retry import storable
from jobctl.postgres.leases import Leases, Settled

log = logging.getLogger("jobctl.worker")

FLUSH_AT = 100
"""Outcomes that are settled without waiting for more."""
FLUSH_DELAY = 0.02
"""Seconds that an outcome waits for others while more jobs are about to end."""
SETTLE_MAX = 1_000
LINES_AT, LINES_DELAY = 1_000, 0.1
"""Log lines, and seconds, after which they are written: one statement a line would take 3 ms each."""
LINES_MAX = 10_000
LINES_KEPT = 20_000
"""Log lines kept while the database can't take them, the newest."""

Line = tuple[int, int, str, str | None, str]
"""A line of a job's log: job, attempt, level, stage, text."""


class OutcomeBuffer:
    """Outcomes in the order in which they came. An outcome that can't be written fails its own job and no other."""

    def __init__(self, queue: Leases) -> None:
        self._queue = queue
        self._outcomes: list[Outcome] = []
        self._locked: list[Outcome] = []
        self._lines: deque[Line] = deque(maxlen=LINES_KEPT)
        self._oldest = self._oldest_line = 0.0

    def __len__(self) -> int:
        return len(self._outcomes) + len(self._locked)

    def add(self, outcome: Outcome, now: float) -> None:
        """An attempt ended."""
        if not self._outcomes:
            self._oldest = now
        self._outcomes.append(outcome)

    def log(self, line: Line, now: float) -> None:
        """A job logged something."""
        if not self._lines:
            self._oldest_line = now
        self._lines.append(line)

    def tokens(self) -> dict[int, Token]:
        """Whose leases must live on until their outcomes are written."""
        return {outcome.token.job_id: outcome.token for outcome in (*self._outcomes, *self._locked)}

    def retry_locked(self) -> None:
        """Lets outcomes whose rows another session had locked be tried again: with each renewal, not at every turn."""
        self._outcomes += self._locked
        self._locked.clear()

    def flush_in(self, now: float, *, busy: bool) -> float:
        """Seconds until something is to be written, infinite where there is nothing."""
        due = [float("inf")]
        if self._outcomes:
            full = len(self._outcomes) >= FLUSH_AT or not busy
            due.append(0.0 if full else self._oldest + FLUSH_DELAY - now)
        if self._lines:
            due.append(0.0 if len(self._lines) >= LINES_AT else self._oldest_line + LINES_DELAY - now)
        return max(0.0, min(due))

    def flush(self) -> list[tuple[Outcome, Settled | None]]:
        """Writes the log lines, then the oldest outcomes; None: the job was another's.

        Raises ``StoreUnavailable``: everything not yet written stays here.
        """
        self._flush_lines()
        batch = self._outcomes[:SETTLE_MAX]
        if not batch:
            return []
        settled = self._settle(batch)
        del self._outcomes[: len(batch)]
        locked = {job_id for job_id, row in settled.items() if row is None}
        for outcome in batch:
            if outcome.token.job_id in locked:
                log.warning("job %d can't be settled yet: another session has its row locked", outcome.token.job_id)
                self._locked.append(outcome)
        ended = (outcome for outcome in batch if outcome.token.job_id not in locked)
        return [(outcome, settled.get(outcome.token.job_id)) for outcome in ended]

    def _settle(self, batch: list[Outcome]) -> dict[int, Settled | None]:
        try:
            return self._queue.settle(batch)
        except (StoreUnavailable, ConfigError):
            raise
        except Exception as error:
            if len(batch) > 1:
                return {i: done for outcome in batch for i, done in self._settle([outcome]).items()}
            return self._settle_failed(batch[0], error)

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
            log.exception("job %d: its outcome can't be written; its lease expires", outcome.token.job_id)
            return {}

    def _flush_lines(self) -> None:
        if not self._lines:
            return
        lines = list(islice(self._lines, LINES_MAX))
        locked: list[Line] = []
        try:
            locked = self._queue.log(lines)
        except (StoreUnavailable, ConfigError):
            raise
        except Exception:
            log.exception("%d log lines can't be stored and are dropped", len(lines))
        for _ in lines:
            self._lines.popleft()
        self._lines.extendleft(reversed(locked))
