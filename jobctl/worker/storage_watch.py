"""Whether the storage can be used, for a supervisor: proven before a job is started, by a thread.

The thread may hang, as a folder of a server that is gone does: the loop only looks at what it has found. Times are seconds of
the caller's monotonic clock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from jobctl.core.errors import ConfigError, StorageUnavailable, StoreUnavailable, first_line
from jobctl.core.masking import mask_text

log = logging.getLogger("jobctl.worker")

GOOD_FOR = 5.0
"""Seconds after a proof in which jobs may be started."""
AGAIN_AFTER = 2.5
"""Seconds after a proof at which the next begins, where jobs wait to be started; before it ends they need not wait."""
WHILE_BUSY, WHILE_IDLE = 10.0, 60.0
"""The same while jobs run, and while nothing is there to do."""
ANSWER_WITHIN = 10.0
"""Seconds that a proof may take before the storage counts as away."""
FIRST_RETRY, LAST_RETRY = 1.0, 10.0
"""Seconds from a failure to the next proof; doubled each time."""
LOOK_EVERY = 0.02
"""Seconds between two looks at a proof that something waits for."""
REASON_CAP = 300


@dataclass(slots=True)
class _Proof:
    """One that a thread works on. ``ended``: ``error`` is its result."""

    began: float
    ended: bool = False
    error: Exception | None = None


class StorageWatch:
    """``prove`` raises ``StorageUnavailable`` where the storage can't be used; it runs in a thread."""

    def __init__(self, prove: Callable[[], None]) -> None:
        self._prove = prove
        self._proof: _Proof | None = None
        self._proven_at: float | None = None
        self._retry_at = float("-inf")
        self._delay = 0.0
        self._since = 0.0
        self._wanted_in = 0.0
        self._shown: str | None = None
        self.away: str | None = None
        """Why the storage can't be used; None: it can, as far as is known."""
        self.failures = 0
        """Proofs that have failed."""

    def may_claim(self) -> bool:
        """Whether jobs may be taken."""
        return self.away is None and self._proven_at is not None

    def may_start(self, now: float) -> bool:
        """Whether a job may be started: the storage is proven, and not long ago."""
        return self.may_claim() and now - (self._proven_at or 0.0) <= GOOD_FOR

    def changed(self) -> bool:
        """Whether the database shows people something else than ``away``."""
        return self.away != self._shown

    def show(self, report: Callable[[str | None], None]) -> None:
        """Reports ``away`` to the database."""
        report(self.away)
        self._shown = self.away

    def forgotten(self) -> None:
        """The worker is registered anew: nothing is shown of it."""
        self._shown = None

    def step(self, now: float, *, waiting: bool = False, busy: bool = False) -> None:
        """Takes what a proof has found, and begins the next when it is due. Raises ``ConfigError`` of the first proof.

        ``waiting``: jobs are claimed and not started; ``busy``: jobs run.
        """
        self._collect(now)
        self._wanted_in = AGAIN_AFTER if waiting else WHILE_BUSY if busy else WHILE_IDLE
        if self._proof is None and self._due_at() <= now:
            self._begin(now)

    def due_in(self, now: float, *, waiting: bool) -> float:
        """Seconds until ``step`` has something to do."""
        if self._proof is None:
            return max(0.0, self._due_at() - now)
        if waiting and not self.may_start(now):
            return LOOK_EVERY
        return max(LOOK_EVERY, self._proof.began + ANSWER_WITHIN - now)

    def _due_at(self) -> float:
        if self.away is not None or self._proven_at is None:
            return self._retry_at
        return self._proven_at + self._wanted_in

    def _begin(self, now: float) -> None:
        proof = self._proof = _Proof(now)

        def run() -> None:
            try:
                self._prove()
            except Exception as error:
                proof.error = error
            proof.ended = True

        threading.Thread(target=run, name="storage", daemon=True).start()

    def _collect(self, now: float) -> None:
        proof = self._proof
        if proof is None:
            return
        if not proof.ended:
            if now - proof.began > ANSWER_WITHIN:
                self._is_away(f"the storage has not answered for {ANSWER_WITHIN:g} s", now)
            return
        self._proof = None
        match proof.error:
            case None:
                self._works(proof.began, now)
            case StorageUnavailable() as error:
                self._is_away(str(error), now)
            case StoreUnavailable():  # the database is away: it says nothing about the storage
                self._retry_at = now + FIRST_RETRY
            case ConfigError() as error if self._proven_at is None:
                raise error
            case error:
                self._is_away(f"the storage can't be used: {type(error).__name__}: {first_line(error)}", now)

    def _works(self, began: float, now: float) -> None:
        if self.away is not None:
            log.warning("the storage is back after %.0f s", now - self._since)
        self.away, self._delay = None, 0.0
        self._proven_at = began

    def _is_away(self, reason: str, now: float) -> None:
        reason = mask_text(reason)[:REASON_CAP]
        if self.away is None:
            self._since = now
        if reason != self.away:
            log.warning("%s; no jobs are started, retrying", reason)
        self.away = reason
        if self._proof is None:
            self.failures += 1
            self._delay = min(max(2 * self._delay, FIRST_RETRY), LAST_RETRY)
            self._retry_at = now + self._delay
